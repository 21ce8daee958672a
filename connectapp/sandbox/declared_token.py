"""The token endpoint of a declared provider, and its refresh endpoint, which is often the same."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from webob import Request as WebRequest
from webob import Response

from connectapp.providers.endpoints import Request
from connectapp.sandbox.declared_dialect import Dialect, conditioned, placed
from connectapp.sandbox.declared_places import Place
from connectapp.sandbox.declared_requests import Heard, authenticated, every_field, hear
from connectapp.sandbox.oauth2 import challenge_of
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.records import Code, Grant
from connectapp.sandbox.routing import World, json_answer

LIFETIME = 3600  # seconds that an access token works
_DAY = 86400
_REDEEM_FIELDS = ("grant_type", "code", "redirect_uri")
_REFRESH_FIELDS = ("grant_type", "refresh_token", "redirect_uri")


class TokenEndpoint:
    """Both endpoints."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._token = dialect.declaration.token
        self._refresh = dialect.declaration.refresh
        self._refreshing = refresh_request(dialect)

    def answer(self, world: World, request: WebRequest, place: Place) -> Response:
        """A code for an access token; a refresh token too, where that has no address of its own."""
        if self._refresh.url is None and _asks_to_refresh(request):
            return self.refreshed(world, request, place)
        heard = hear(self._dialect, self._token, request, place)
        platform = authenticated(self._dialect, world, self._token, request, heard)
        self._check_fields(heard, _REDEEM_FIELDS, self._token.sends, "authorization_code")
        grant = self._redeemed(world, platform, heard, place)
        return json_answer(self._body(world, grant, hands_out=self._refresh.rule != "never"))

    def refreshed(self, world: World, request: WebRequest, place: Place) -> Response:
        """A refresh token for another access token."""
        heard = hear(self._dialect, self._refreshing, request, place)
        platform = authenticated(self._dialect, world, self._refreshing, request, heard)
        if self._refresh.rule == "never":
            raise self._dialect.refusal("unsupported_grant_type", "there is nothing to refresh here")
        self._check_fields(heard, _REFRESH_FIELDS, self._refresh.sends, "refresh_token")
        if "redirect_uri" in self._refresh.sends and platform.redirect_uri(heard.text("redirect_uri")) is None:
            raise self._dialect.refusal("invalid_request", "the redirect URI is not registered")
        old = self._presented(world, platform, heard.text("refresh_token"), place)
        rotates = self._refresh.rule != "same"
        world.ledger.end_grant(old, "refreshed")
        grant = self._granted(world, old, old.code, None if rotates else old.refresh_token)
        return json_answer(self._body(world, grant, hands_out=rotates))

    def _check_fields(self, heard: Heard, standard: Iterable[str], sends: Iterable[str], grant_type: str) -> None:
        own = self._token.params if grant_type == "authorization_code" else self._refresh.params
        if "grant_type" in sends and heard.text("grant_type") not in {None, grant_type}:
            raise self._dialect.refusal("unsupported_grant_type", f"grant_type must be {grant_type} here")
        for name in standard:
            if name in sends and heard.text(name) is None:
                raise self._dialect.refusal("invalid_request", f"{name} is missing")
            if name in heard.fields and name not in sends and name not in own:
                raise self._dialect.refusal("invalid_request", f"{name} is not taken here")

    def _redeemed(self, world: World, platform: Platform, heard: Heard, place: Place) -> Grant:
        code = world.ledger.codes.get(heard.text("code") or "")
        if code is None or code.provider != self._dialect.name or not self._dialect.is_at(place, code):
            raise self._dialect.refusal("invalid_grant", "the code does not exist")
        code.redemptions += 1
        self._check_code(world, platform, code, heard)
        return self._granted(world, code, code.code)

    def _check_code(self, world: World, platform: Platform, code: Code, heard: Heard) -> None:
        verifier = heard.text("code_verifier")
        problem = None
        if (code.client_id, code.livemode) != (platform.client_id, platform.livemode):
            problem = "the code is of another platform or mode"
        elif any(grant.code == code.code for grant in world.ledger.grants):
            world.ledger.disconnect(code.account, code.client_id, "code_reused", self._dialect.name)
            problem = "the code was used before; its tokens are revoked now"
        elif world.ledger.clock() >= code.expires_at:
            problem = "the code has expired"
        elif "redirect_uri" in self._token.sends and heard.text("redirect_uri") != code.redirect_uri:
            problem = "the redirect URI is not that of the authorize request"
        # A verifier without a challenge would mean that somebody took the challenge out (RFC 9700 section 2.1.1).
        elif self._dialect.declaration.pkce != "none" and code.challenge != (verifier and challenge_of(verifier)):
            problem = "the code_verifier does not fit"
        if problem:
            raise self._dialect.refusal("invalid_grant", problem)

    def _presented(self, world: World, platform: Platform, token: str | None, place: Place) -> Grant:
        """The live grant of a refresh token; one that was used before may end everything."""
        own = (one for one in world.ledger.grants if one.refresh_token == token and one.provider == self._dialect.name)
        known = [one for one in own if self._dialect.is_at(place, one)]
        grant = next((one for one in known if one.live), None)
        owner = known[0].client_id == platform.client_id if known else False
        if grant is not None and owner:
            return grant
        if owner and self._refresh.rule == "single_use" and any(one.reason == "refreshed" for one in known):
            world.ledger.disconnect(known[0].account, known[0].client_id, "refresh_reused", self._dialect.name)
        raise self._dialect.refusal(
            "invalid_grant", "the refresh token is unknown, used, revoked, or another platform's"
        )

    def _granted(self, world: World, first: Code | Grant, code: str, refresh_token: str | None = None) -> Grant:
        expires = self._token.answer.expiry != "never" or self._token.answer.lifetime is not None
        return world.ledger.issue_grant(
            first.account,
            first.client_id,
            first.scope,
            first.livemode,
            code,
            refresh_token,
            provider=self._dialect.name,
            external_id=first.external_id,
            tenant=first.tenant,
            expires_at=world.ledger.clock() + self._lifetime if expires else None,
        )

    @property
    def _lifetime(self) -> int:
        """Seconds; long enough for whoever refreshes days ahead."""
        return self._token.answer.lifetime or max(LIFETIME, 2 * self._refresh.days_ahead * _DAY)

    def _body(self, world: World, grant: Grant, *, hands_out: bool) -> Any:
        """A token answer (RFC 6749 section 5.1) with everything at its declared place."""
        answer = self._token.answer
        scope = answer.scope_separator.join(grant.scope.split(" ")) if grant.scope else None
        mode = "live" if grant.livemode else "test"
        values: dict[str | None, Any] = {
            answer.access_token: grant.access_token,
            answer.token_type: "Bearer",
            answer.scope: scope or ("all" if "scope" in answer.required else None),
            answer.account: grant.external_id,
            answer.publishable_key: f"pk_{mode}_{self._dialect.name}",
            answer.refresh_token: grant.refresh_token if hands_out or "refresh_token" in answer.required else None,
            answer.expires: self._expiry(world, grant),
        }
        body: Any = {}
        for path, value in values.items():
            if path is not None and value is not None:
                body = placed(body, path, value)
        if answer.mode:
            body = conditioned(body, answer.mode, holds=grant.livemode, account=grant.external_id)
        return body

    def _expiry(self, world: World, grant: Grant) -> Any:
        if grant.expires_at is None or self._token.answer.lifetime is not None:
            return None
        styles: Mapping[str, Any] = {
            "seconds": self._lifetime,
            "milliseconds": self._lifetime * 1000,
            "iso": datetime.fromtimestamp(grant.expires_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "epoch": int(grant.expires_at),
        }
        return styles[self._token.answer.expiry]


def refresh_request(dialect: Dialect) -> Request:
    """How a refresh request is written down: as to the token endpoint, where nothing else is said."""
    token, refresh = dialect.declaration.token, dialect.declaration.refresh
    return Request(
        url=refresh.url or token.url,
        method=token.method if refresh.url is None else "POST",
        body=refresh.body or token.body,
        auth=refresh.auth or token.auth,
        headers=token.headers if refresh.headers is None else refresh.headers,
        params=refresh.params,
    )


def _asks_to_refresh(request: WebRequest) -> bool:
    """Which of the two a request means, however it is written; some providers take no grant_type."""
    fields = every_field(request)
    told = fields.get("grant_type")
    return told == "refresh_token" or (told is None and "refresh_token" in fields and "code" not in fields)
