"""The look-ups of a declared provider, whose account it is and whether it takes money, and the end of its access."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from webob import Request as WebRequest
from webob import Response

from connectapp.providers.endpoints import Identify, Readiness, Request, Revoke
from connectapp.providers.templates import fill
from connectapp.sandbox.declared_dialect import Dialect, conditioned, placed
from connectapp.sandbox.declared_places import Place
from connectapp.sandbox.declared_requests import Heard, authenticated, check_platform, hear
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.records import Account, Grant, Revocation
from connectapp.sandbox.routing import Refusal, World, json_answer


@dataclass(frozen=True)
class Caller:
    """Who sends a request, and where to. :param platform: None if only the account's token tells."""

    heard: Heard
    platform: Platform | None
    place: Place

    @property
    def token(self) -> str | None:
        """The access or refresh token that the request has anywhere."""
        return self.heard.names.get("access_token") or self.heard.names.get("refresh_token")

    @property
    def account(self) -> str | None:
        """The account that the request names."""
        return self.heard.names.get("account")


def caller(dialect: Dialect, world: World, asking: Request, request: WebRequest, place: Place) -> Caller:
    """Who sends a request to an endpoint that is about an account.

    :raises Refusal: if it is not written down as declared, or whoever sends it does not prove who that is.
    """
    refusals = []
    for way in _ways(dialect, asking):
        try:
            heard = hear(dialect, way, request, place)
            if way.auth != "account":
                return Caller(heard, authenticated(dialect, world, way, request, heard), place)
            if heard.names.get("access_token"):
                return Caller(heard, None, place)
            raise dialect.refusal("invalid_token", "there is no access token", 401)
        except Refusal as refusal:
            refusals.append(refusal)
    raise refusals[-1]


def _ways(dialect: Dialect, asking: Request) -> Iterator[Request]:
    """In the account's name: with the platform's key, or with the account's own token, which may look alike."""
    use = dialect.declaration.use
    params = {**use.params, **asking.params}
    if asking.auth != "account":
        yield asking
        return
    if use.platform is not None:
        headers = {**use.platform, **asking.headers}
        yield asking.model_copy(update={"headers": headers, "params": params, "auth": "nothing"})
    yield asking.model_copy(update={"headers": {**use.headers, **asking.headers}, "params": params})


def granted(dialect: Dialect, world: World, who: Caller) -> Grant:
    """The grant that a look-up is made with.

    :raises Refusal: 401 if the token is not good, 403 if there is no access to the account.
    """
    if who.token is not None:
        tokens = (grant for grant in dialect.grants(world, access_token=who.token) if dialect.works(world, grant))
        grant = next(tokens, None)
        platform = None if grant is None else dialect.platform(world, grant)
        if grant is None or platform is None or not _is_meant(dialect, who, grant, platform):
            raise dialect.refusal("invalid_token", "the token is unknown, expired or revoked", 401)
        check_platform(dialect, platform, who.heard)
        if who.account not in {None, grant.external_id}:
            raise dialect.refusal("forbidden", "the token is of another account", 403)
        return grant
    client_id = who.platform.client_id if who.platform else None
    owned = dialect.grants(world, external_id=who.account, client_id=client_id)
    known = [grant for grant in owned if dialect.is_at(who.place, grant)]
    if not known:
        raise dialect.refusal("forbidden", "the platform has no access to this account, or it does not exist", 403)
    return known[0]


def _is_meant(dialect: Dialect, who: Caller, grant: Grant, platform: Platform) -> bool:
    return who.platform in {None, platform} and dialect.is_at(who.place, grant)


class AccountEndpoint:
    """Tells whose account it is, and whether it takes money; a provider may have one address for both."""

    def __init__(self, dialect: Dialect, asked: tuple[Identify | Readiness, ...]) -> None:
        self._dialect, self._asked = dialect, asked

    def answer(self, world: World, request: WebRequest, place: Place) -> Response:
        """The account, everything at its declared place."""
        refusals = []
        for asking in self._asked:
            try:
                grant = granted(self._dialect, world, caller(self._dialect, world, asking, request, place))
            except Refusal as refusal:
                refusals.append(refusal)
                continue
            body = self._body(world, world.ledger.accounts[grant.account], grant)
            return json_answer(self._with_tenant(body, place, grant))
        raise refusals[0]

    def _body(self, world: World, account: Account, grant: Grant) -> Any:
        body: Any = {}
        for asking in self._asked:
            if isinstance(asking, Identify):
                body = self._identity(world, asking, body, account, grant)
            else:
                for ready in asking.ready:
                    body = conditioned(body, ready, holds=account.charges_enabled, account=grant.external_id)
        return body

    def _with_tenant(self, body: Any, place: Place, grant: Grant) -> Any:
        told = self._dialect.declaration.identify.tenant
        values = {**place.sides[0].values, **grant.tenant}
        return body if told is None else placed(body, told.path, fill(told.equals, values))

    def _identity(self, world: World, asking: Identify, body: Any, account: Account, grant: Grant) -> Any:
        if asking.choices:
            for index, one in enumerate(_siblings(world, account)):
                item = f"{asking.choices.list}.{index}".removeprefix(".")
                body = placed(body, f"{item}.{asking.choices.id}", self._dialect.id_of(one, grant.tenant))
                body = placed(body, f"{item}.{asking.choices.name}", one.business_name)
        values = {
            next(iter(asking.id), None): grant.external_id,
            next(iter(asking.name), None): account.business_name,
            asking.country: account.country,
            asking.currency: account.default_currency,
        }
        for path, value in values.items():
            if path is not None:
                body = placed(body, path, value)
        if asking.mode:
            body = conditioned(body, asking.mode, holds=grant.livemode, account=grant.external_id)
        if asking.charges:
            body = conditioned(body, asking.charges, holds=account.charges_enabled, account=grant.external_id)
        return body


def _siblings(world: World, account: Account) -> list[Account]:
    """The accounts that one sign-in opens: those of the same e-mail address, the chosen one first."""
    others = [one for one in world.ledger.accounts.values() if one.email == account.email and one.id != account.id]
    return [account, *(others if account.email else [])]


class RevokeEndpoint:
    """Takes access back."""

    def __init__(self, dialect: Dialect, asking: Revoke) -> None:
        self._dialect, self._asking = dialect, asking

    def answer(self, world: World, request: WebRequest, place: Place) -> Response:
        """Ends the access to the account that is named, or else what the token belongs to."""
        who = caller(self._dialect, world, self._asking, request, place)
        if who.account is None and who.token is None:
            raise self._dialect.refusal("invalid_request", "neither an account nor a token is named")
        ended = self._meant(world, who)
        if not ended:
            return self._gone(who)
        first = ended[0]
        at, name = world.ledger.clock(), self._dialect.name
        noted = Revocation(first.account, first.client_id, "revoked", at, len(ended), name)
        world.ledger.end_grants(ended, noted)
        return self._done(first.external_id)

    def _meant(self, world: World, who: Caller) -> list[Grant]:
        """The grants that end; expired ones too."""
        fields = {} if who.account is None else {"external_id": who.account}
        known = [one for one in self._dialect.grants(world, **fields) if self._dialect.is_at(who.place, one)]
        named = [grant for grant in known if who.token in {grant.access_token, grant.refresh_token}]
        platform = who.platform
        if platform is None:
            platform = self._dialect.platform(world, named[0]) if named else None
        if platform is None or (who.token is not None and not named):
            return []
        check_platform(self._dialect, platform, who.heard)
        meant = named if who.account is None else known
        return [grant for grant in meant if grant.client_id == platform.client_id]

    def _gone(self, who: Caller) -> Response:
        """RFC 7009 section 2.2: what is unknown is gone, which is what was wanted."""
        if self._asking.gone:
            raise self._dialect.refusal(self._asking.gone[0], "there is no such access")
        if who.platform is None:
            raise self._dialect.refusal("invalid_token", "the token is unknown or revoked", 401)
        return self._done(who.account or "")

    def _done(self, external_id: str) -> Response:
        status, success = self._asking.statuses[0], self._asking.success
        if status in {204, 205}:
            return Response(status=status)
        body = conditioned({}, success, holds=True, account=external_id) if success else {}
        return json_answer(body, status)
