"""The authorize page of a declared provider: checks what it is sent, lets the organizer choose, sends them back."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from webob import Request, Response

from connectapp.providers.parts import Authorize
from connectapp.providers.templates import fill
from connectapp.sandbox.declared_dialect import Dialect
from connectapp.sandbox.declared_places import Place, Side, free_names, plain, recognized
from connectapp.sandbox.declared_signing import signed
from connectapp.sandbox.pages import page
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.records import Account, Code, Pushed
from connectapp.sandbox.routing import World, form
from connectapp.sandbox.stripe_authorize import COUNTRIES, choose_account

ASKED = "asked"  # the field of the page's form that keeps the query, in which parameters may be repeated
_STANDARD = ("response_type", "client_id", "redirect_uri", "scope")
_S256 = re.compile(r"[A-Za-z0-9_-]{43}")
_FIELDS = ("account", "business_name", "email", "country")


@dataclass(frozen=True)
class Ask:
    """A checked authorize request.

    :param state: as it was sent. :param challenge: of PKCE, if it is in use. :param tenant: where it was sent.
    :param back: what every answer says besides. :param pushed: the record of it, if it was pushed.
    """

    platform: Platform
    redirect_uri: str
    scope: tuple[str, ...]
    state: str
    challenge: str | None
    tenant: Mapping[str, str] = field(default_factory=dict)
    back: Mapping[str, str] = field(default_factory=dict)
    pushed: Pushed | None = None


class AuthorizePage:
    """The endpoint."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._declared: Authorize = dialect.declaration.authorize
        self._pushes = dialect.declaration.pushed is not None

    def answer(self, world: World, request: Request, place: Place) -> Response:
        """``GET`` shows the page; ``POST`` is its own form, with the fields of Stripe's page here, and ``asked``."""
        fields = form(request) if request.method == "POST" else {}
        query = fields.get(ASKED, "") if request.method == "POST" else request.query_string
        asked = parse_qsl(query, keep_blank_values=True, errors="replace")
        pushed = self._opened(world, asked, again=request.method == "POST") if self._pushes else None
        if pushed is not None:
            asked = parse_qsl(pushed.query, keep_blank_values=True)
        ask = replace(self.check(world, asked, place), pushed=pushed)
        if request.method == "GET":
            return self._page(world, request, ask, query, self._known(dict(asked)))
        if fields.get("action") == "deny":
            error = next(iter(self._dialect.declaration.callback.denied), "access_denied")
            return self._back(world, ask, error=error, error_description="The user denied the request")
        if fields.get("action") != "approve":
            raise self._dialect.refusal("invalid_request", "action must be approve or deny")
        account, problem = choose_account(world, fields)
        if account is None:
            return self._page(world, request, ask, query, {name: fields.get(name, "") for name in _FIELDS}, problem)
        return self._approved(world, ask, account)

    def _approved(self, world: World, ask: Ask, account: Account) -> Response:
        callback = self._dialect.declaration.callback
        code = issue_code(self._dialect, world, ask, account)
        named = {callback.account: code.external_id} if callback.account else {}
        return self._back(world, ask, **{callback.code: code.code}, **named)

    def _back(self, world: World, ask: Ask, **answer: str) -> Response:
        if ask.pushed is not None:
            ask.pushed.decided = True
        told = {**answer, self._name("state"): ask.state, **ask.back}
        declared, secret = self._dialect.declaration.callback.signature, ask.platform.secret_key
        params = signed(declared, told, secret, world.ledger.clock())
        parts = urlsplit(ask.redirect_uri)
        joined = "&".join(filter(None, [parts.query, urlencode(params)]))
        response = Response(status=303)
        response.headers["Location"] = urlunsplit(parts._replace(query=joined))
        response.headers["Cache-Control"] = "no-store"
        return response

    def _known(self, asked: Mapping[str, str]) -> dict[str, str]:
        """What the platform knows of the organizer."""
        known = dict.fromkeys(_FIELDS, "")
        known |= {ours: asked.get(theirs, "") for ours, theirs in self._declared.prefill.items() if ours in known}
        fitting = [code for code in self._dialect.declaration.countries if code in COUNTRIES]
        known["country"] = known["country"] if known["country"] in COUNTRIES else next(iter(fitting), "GB")
        return known

    def _page(
        self, world: World, request: Request, ask: Ask, query: str, values: Mapping[str, str], problem: str = ""
    ) -> Response:
        accounts = list(world.ledger.accounts.values())
        chosen: Any = values["account"] or (accounts[0].id if accounts else "new")
        return page(
            "authorize.jinja2",
            status=400 if problem else 200,
            provider=self._dialect.declaration.title,
            target=request.path,
            platform=ask.platform,
            asks=f"have access ({' '.join(ask.scope)}) to the data" if ask.scope else "have access to the data",
            accounts=accounts,
            ids={account.id: self._dialect.id_of(account, ask.tenant) for account in accounts},
            chosen=chosen,
            kept={ASKED: query},
            values=values,
            countries=COUNTRIES,
            error=problem,
        )

    # What is checked. Whatever is wrong is shown to the browser, and the platform does not hear of it.

    def _opened(self, world: World, asked: list[tuple[str, str]], *, again: bool) -> Pushed:
        """What was pushed before; a browser may come with the reference once (RFC 9126 section 7.3).

        :param again: it is the page's own form that comes.
        """
        params = dict(asked)
        if params.keys() != {"client_id", "request_uri"} or len(asked) != 2:
            raise self._dialect.refusal("invalid_request", "client_id and request_uri are taken here, and nothing else")
        found = world.ledger.pushed.get(params["request_uri"])
        known = found is not None and (found.provider, found.client_id) == (self._dialect.name, params["client_id"])
        if found is None or not known or found.decided or found.opened != again:
            raise self._dialect.refusal("invalid_request_uri", "the request_uri is unknown, or was used before")
        if not again and world.ledger.clock() >= found.expires_at:
            raise self._dialect.refusal("invalid_request_uri", "the request_uri is over")
        found.opened = True
        return found

    def check(self, world: World, asked: list[tuple[str, str]], place: Place) -> Ask:
        """What an authorization request asks for.

        :raises Refusal: if it is not as it must be.
        """
        params = dict(asked)
        self._check_repeated(asked)
        self._check_names(params)
        platform = self._platform(world, params)
        side = self._fixed(asked, place, platform)
        self._check_options(params)
        state = params.get(self._name("state"), "")
        least, most = self._declared.state_length
        if not least <= len(state) <= most:
            raise self._dialect.refusal("invalid_request", f"the state must have {least} to {most} characters")
        return Ask(
            platform=platform,
            redirect_uri=self._redirect_uri(platform, params),
            scope=self._scope(asked),
            state=state,
            challenge=self._challenge(params),
            tenant=self._dialect.tenant(place),
            back=self._told({**side.values, **place.names}),
        )

    def _told(self, values: Mapping[str, Any]) -> dict[str, str]:
        callback = self._dialect.declaration.callback
        named = {name: str(fill(template, values)) for name, template in callback.tenant.items()}
        return named | ({"iss": callback.issuer} if callback.issuer else {})

    def _name(self, standard: Any) -> str:
        return self._declared.rename.get(standard, standard)

    def _check_repeated(self, asked: Iterable[tuple[str, str]]) -> None:
        """RFC 6749 section 3.1: parameters must not be included more than once."""
        lists = {name for name, value in self._declared.params.items() if isinstance(value, tuple)}
        names = [name for name, _ in asked if name not in lists and not name.endswith("[]")]
        if repeated := next((name for name in names if names.count(name) > 1), None):
            raise self._dialect.refusal("invalid_request", f"{repeated} is there twice")

    def _check_names(self, params: Mapping[str, str]) -> None:
        """Each standard parameter is sent under the name that it has here, or not at all."""
        ours = {self._name(one) for one in (*self._declared.sends, "state")} | self._declared.params.keys()
        for standard in (*_STANDARD, "state"):
            wanted = standard in self._declared.sends and standard != "scope"
            if standard in params and standard not in ours:
                raise self._dialect.refusal("invalid_request", f"{standard} is not taken here, or not by this name")
            if wanted and not params.get(self._name(standard)):
                raise self._dialect.refusal("invalid_request", f"{self._name(standard)} is missing")
        if "response_type" in self._declared.sends and params[self._name("response_type")] != "code":
            raise self._dialect.refusal("unsupported_response_type", "the response type can only be code")

    def _platform(self, world: World, params: Mapping[str, str]) -> Platform:
        if "client_id" in self._declared.sends:
            platform = world.platforms.by_client(params[self._name("client_id")], self._dialect.name)
        else:
            platform = next(iter(world.platforms.at(self._dialect.name)), None)
        if platform is None:
            raise self._dialect.refusal("invalid_client", "No platform has this client id")
        return platform

    def _redirect_uri(self, platform: Platform, params: Mapping[str, str]) -> str:
        sent = "redirect_uri" in self._declared.sends
        found = platform.redirect_uri(params[self._name("redirect_uri")] if sent else None)
        if found is None:
            raise self._dialect.refusal("invalid_request", "the redirect URI is missing, or not registered")
        return found

    def _fixed(self, asked: Iterable[tuple[str, str]], place: Place, platform: Platform) -> Side:
        """The side, one of the platform's mode, on which what is always sent is as it is here."""
        problem: str | None = f"the client is of {platform.mode} mode, the address is not"
        for side in place.sides:
            if side.mode == platform.mode and (problem := next(self._wrong(asked, place, side), None)) is None:
                return side
        raise self._dialect.refusal("invalid_request", f"{problem}")

    def _wrong(self, asked: Iterable[tuple[str, str]], place: Place, side: Side) -> Iterator[str]:
        free, values = free_names(self._dialect.declaration), {**side.values, **place.names}
        for name, template in {**place.query, **self._declared.params}.items():
            given = [value for key, value in asked if key == name]
            if isinstance(template, tuple):
                if given != [plain(fill(one, values)) for one in template]:
                    yield f"{name} is missing, or not as it must be"
            elif recognized(template, given[0] if given else None, values, free) is None:
                yield f"{name} is missing, or not as it must be"

    def _check_options(self, params: Mapping[str, str]) -> None:
        for name, allowed in self._declared.options.items():
            if name in params and params[name] not in allowed:
                raise self._dialect.refusal("invalid_request", f"{name} must be one of {', '.join(allowed)}")

    def _scope(self, asked: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        scopes = self._dialect.declaration.scopes
        name = "scope[]" if scopes.array else self._name("scope")
        given = [value for key, value in asked if key == name]
        words = given if scopes.array else [word for value in given for word in value.split(scopes.separator)]
        known = {*scopes.always}.union(*scopes.presets.values())
        wanted = bool(scopes.presets) and "scope" in self._declared.sends
        unfit = [word for word in words if word not in known]
        lacking = [word for word in scopes.always if word not in words] if wanted else []
        if unfit or lacking or (wanted and not words):
            raise self._dialect.refusal("invalid_scope", f"{name} is missing, or has something that is unknown here")
        return tuple(words)

    def _challenge(self, params: Mapping[str, str]) -> str | None:
        """RFC 7636; the method ``plain`` proves nothing, and is what is meant where none is named."""
        pkce, challenge = self._dialect.declaration.pkce, params.get("code_challenge")
        if pkce == "none" or (pkce == "optional" and challenge is None):
            return None
        if params.get("code_challenge_method") != "S256" or not _S256.fullmatch(challenge or ""):
            raise self._dialect.refusal("invalid_request", "a code_challenge with the method S256 is needed")
        return challenge


def issue_code(dialect: Dialect, world: World, ask: Ask, account: Account, ttl: float | None = None) -> Code:
    """A code for an account. :param ttl: seconds that it is good for; default: the sandbox's."""
    return world.ledger.issue_code(
        account.id,
        ask.platform.client_id,
        " ".join(ask.scope),
        ask.platform.livemode,
        world.code_ttl if ttl is None else ttl,
        redirect_uri=ask.redirect_uri,
        challenge=ask.challenge,
        provider=dialect.name,
        external_id=dialect.id_of(account, ask.tenant),
        tenant=dict(ask.tenant),
    )
