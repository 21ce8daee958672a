"""Providers that speak plain OAuth 2.0 with PKCE (RFC 6749, RFC 7636), each with one habit of its own.

``iss`` names itself in every answer (RFC 9207). ``form_post`` answers with a form that the browser posts (OAuth 2.0
Form Post Response Mode). ``evil`` sends the browser on to another provider with the state that it was given (RFC 9700
section 4.4), and takes whatever code it gets hold of for a good one.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus, urlencode

from webob import Request, Response

from connectapp.sandbox.pages import page
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.records import Code
from connectapp.sandbox.routing import Refusal, Route, World, basic, form, json_answer, query
from connectapp.sandbox.stripe_authorize import choose_account

_GET, _POST = frozenset({"GET"}), frozenset({"POST"})
_KEPT = ("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")


@dataclass(frozen=True)
class Personality:
    """One such provider. :param name: of its platforms (`Platform.provider`) and of its endpoints for faults."""

    name: str
    names_itself: bool = False
    posts: bool = False
    evil: bool = False

    @property
    def host(self) -> str:
        """Its host name, which no real provider can have (RFC 2606)."""
        return f"{self.name.replace('_', '-')}.example"

    @property
    def issuer(self) -> str:
        """Who it says that it is."""
        return f"https://{self.host}"

    def routes(self) -> Iterator[Route]:
        """Its endpoints."""
        yield Route(self.host, "/oauth/authorize", f"{self.name}.authorize", _GET | _POST, self.authorize)
        yield Route(self.host, "/oauth/token", f"{self.name}.token", _POST, self.token)
        yield Route(self.host, "/oauth/revoke", f"{self.name}.revoke", _POST, self.revoke)
        yield Route(self.host, "/account", f"{self.name}.account", _GET, self.account)

    def authorize(self, world: World, request: Request) -> Response:
        """``GET`` shows the page, ``POST`` is its form: ``action`` is ``approve``, ``deny``, or at evil ``bounce``."""
        params = form(request) if request.method == "POST" else query(request)
        platform = self._asking(world, params)
        if request.method == "GET":
            return self._page(world, platform, params)
        action = params.get("action")
        if action == "deny":
            return self._answer(params, error="access_denied", error_description="The user denied the request")
        if action == "bounce" and self.evil:
            return _bounce(world, params)
        account, error = choose_account(world, params)
        if action != "approve" or account is None:
            raise _refusal("invalid_request", error or "action must be approve or deny")
        ttl = world.code_ttl
        code = world.ledger.issue_code(
            account.id, platform.client_id, params.get("scope", ""), platform.livemode, ttl, provider=self.name
        )
        code.redirect_uri, code.challenge = params["redirect_uri"], params.get("code_challenge")
        return self._answer(params, code=code.code)

    def _asking(self, world: World, params: Mapping[str, str]) -> Platform:
        """Who sends the browser; it is shown what is wrong with the request, and the platform does not hear of it."""
        platform = world.platforms.by_client(params.get("client_id"), self.name)
        if platform is None:
            raise _refusal("invalid_client", "No platform has this client_id")
        if not params.get("redirect_uri") or platform.redirect_uri(params["redirect_uri"]) is None:
            raise _refusal("invalid_request", "redirect_uri is missing or not registered")
        if params.get("response_type") != "code":
            raise _refusal("unsupported_response_type", "response_type can only be code")
        proves = params.get("code_challenge_method") == "S256" and len(params.get("code_challenge", "")) == 43
        if not proves and not self.evil:
            raise _refusal("invalid_request", "code_challenge with the method S256 is required")
        return platform

    def _page(self, world: World, platform: Platform, params: Mapping[str, str]) -> Response:
        return page(
            "oauth2_authorize.jinja2",
            name=self.name,
            platform=platform,
            evil=self.evil,
            accounts=list(world.ledger.accounts.values()),
            kept={name: params[name] for name in _KEPT if name in params},
        )

    def _answer(self, params: Mapping[str, str], **answer: str) -> Response:
        """Back to the platform."""
        fields = {**answer, **{name: params[name] for name in ("state",) if name in params}}
        if self.names_itself:
            fields["iss"] = self.issuer
        if self.posts:
            return page("form_post.jinja2", target=params["redirect_uri"], fields=fields)
        return _to(f"{params['redirect_uri']}?{urlencode(fields)}")

    def token(self, world: World, request: Request) -> Response:
        """A code for an access token."""
        fields = form(request)
        platform = self._authenticated(world, request, fields)
        if fields.get("grant_type") != "authorization_code":
            raise _refusal("unsupported_grant_type", "grant_type must be authorization_code")
        code = world.ledger.codes.get(fields.get("code", ""))
        if code is not None:
            code.redemptions += 1
        if not self.evil:
            _check_code(world, platform, code, fields)
        account = code.account if code else next(iter(world.ledger.accounts))
        scope = code.scope if code else ""
        presented = fields.get("code", "")
        grant = world.ledger.issue_grant(
            account, platform.client_id, scope, platform.livemode, presented, provider=self.name
        )
        return json_answer({"access_token": grant.access_token, "token_type": "Bearer", "scope": scope})

    def _authenticated(self, world: World, request: Request, fields: Mapping[str, str]) -> Platform:
        """The platform that proves itself, by HTTP Basic or in the form (RFC 6749 section 2.3.1)."""
        pair = basic(request)
        sent = (fields.get("client_id"), fields.get("client_secret"))
        client_id, secret = sent if pair is None else map(unquote_plus, pair)
        platform = world.platforms.by_client(client_id, self.name)
        if platform is None or platform.secret_key != secret:
            raise _refusal("invalid_client", "The client is unknown, or its secret is wrong", 401)
        return platform

    def account(self, world: World, request: Request) -> Response:
        """Whose token it is."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        grants = world.ledger.live_grants(access_token=token)
        if not grants or world.platforms.by_client(grants[0].client_id, self.name) is None:
            raise _refusal("invalid_token", "The token is unknown or revoked", 401)
        account = world.ledger.accounts[grants[0].account]
        currency = account.default_currency
        return json_answer(
            {"id": account.id, "name": account.business_name, "country": account.country, "currency": currency}
        )

    def revoke(self, world: World, request: Request) -> Response:
        """Take a token back (RFC 7009); one that is unknown is gone."""
        fields = form(request)
        platform = self._authenticated(world, request, fields)
        for grant in world.ledger.live_grants(access_token=fields.get("token"), client_id=platform.client_id):
            world.ledger.end_grant(grant, "revoked")
        return json_answer({})


def _bounce(world: World, params: Mapping[str, str]) -> Response:
    """To Stripe's own page, as if the platform had sent the browser there; what is needed for it is public."""
    honest = next(one for one in world.platforms.all if one.provider == "stripe")
    asked = {"response_type": "code", "client_id": honest.client_id, "scope": "read_write"}
    return _to(f"/connect.stripe.com/oauth/authorize?{urlencode({**asked, 'state': params.get('state', '')})}")


def _check_code(world: World, platform: Platform, code: Code | None, fields: Mapping[str, str]) -> None:
    good = (
        code is not None
        and code.client_id == platform.client_id
        and code.redemptions == 1
        and code.redirect_uri == fields.get("redirect_uri")
        and code.challenge == challenge_of(fields.get("code_verifier", ""))
        and world.ledger.clock() < code.expires_at
    )
    if not good:
        raise _refusal("invalid_grant", "The code is unknown, used, old, or not of this request")


def challenge_of(verifier: str) -> str:
    """RFC 7636 section 4.2, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _refusal(code: str, description: str, status: int = 400) -> Refusal:
    body: dict[str, Any] = {"error": code, "error_description": description}
    return Refusal(status, body)


def _to(url: str) -> Response:
    response = Response(status=303)
    response.headers["Location"] = url
    response.headers["Cache-Control"] = "no-store"
    return response


PERSONALITIES = (
    Personality("iss", names_itself=True),
    Personality("form_post", posts=True),
    Personality("evil", evil=True),
)
ROUTES = tuple(route for personality in PERSONALITIES for route in personality.routes())
