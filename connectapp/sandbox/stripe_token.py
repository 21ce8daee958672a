"""Stripe's token and deauthorize endpoints.

Authlib's server classes are not used: they want the client id and the redirect URI at the token endpoint and know
nothing of two modes, of a secret key as a Bearer token, or of a connection that dies when a code is used twice.
"""

from collections.abc import Mapping
from typing import Any

from webob import Request, Response

from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.records import Code, Grant
from connectapp.sandbox.routing import World, form, json_answer
from connectapp.sandbox.stripe_answers import SCOPES, oauth_error, require_platform


def token(world: World, request: Request) -> Response:
    """``POST /oauth/token``: a code or a refresh token for an access token."""
    fields = form(request)
    platform = require_platform(world, request, fields)
    grant_type = fields.get("grant_type")
    if not grant_type:
        raise oauth_error("invalid_request", "grant_type is missing")
    if grant_type not in _GRANT_TYPES:
        raise oauth_error("unsupported_grant_type", "grant_type must be authorization_code or refresh_token")
    if fields.get("response_type", "code") != "code":
        raise oauth_error("unsupported_response_type", "response_type can only be code")
    if fields.get("scope") not in {None, *SCOPES}:
        raise oauth_error("invalid_scope", "scope must be read_write or read_only")
    return json_answer(_GRANT_TYPES[grant_type](world, platform, fields))


def _redeem(world: World, platform: Platform, fields: Mapping[str, str]) -> dict[str, Any]:
    presented = fields.get("code")
    if not presented:
        raise oauth_error("invalid_request", "code is missing")
    code = world.ledger.codes.get(presented)
    if code is None or code.scope not in SCOPES:  # links of Stripe's onboarding are kept with the codes
        raise oauth_error("invalid_grant", "The authorization code does not exist")
    code.redemptions += 1
    _check_code(world, platform, code)
    grant = world.ledger.issue_grant(code.account, code.client_id, code.scope, code.livemode, code.code)
    return _answer(grant, refresh_token=grant.refresh_token)


def _check_code(world: World, platform: Platform, code: Code) -> None:
    if code.client_id != platform.client_id or code.livemode != platform.livemode:
        raise oauth_error("invalid_grant", "The authorization code is of another platform or of another mode")
    if any(grant.code == code.code for grant in world.ledger.grants):
        world.ledger.disconnect(code.account, code.client_id, "code_reused")
        raise oauth_error("invalid_grant", "The authorization code was used before; its tokens are revoked now")
    if world.ledger.clock() >= code.expires_at:
        raise oauth_error("invalid_grant", "The authorization code has expired")


def _refresh(world: World, platform: Platform, fields: Mapping[str, str]) -> dict[str, Any]:
    presented = fields.get("refresh_token")
    if not presented:
        raise oauth_error("invalid_request", "refresh_token is missing")
    grants = world.ledger.live_grants(refresh_token=presented)
    if not grants or not _may_refresh(world, platform, grants[0]):
        raise oauth_error("invalid_grant", "The refresh token is unknown, revoked, or of another platform or mode")
    first = grants[0]
    scope = fields.get("scope", first.scope)
    if SCOPES.index(scope) > SCOPES.index(first.scope):
        raise oauth_error("invalid_scope", "scope can only be the same or a lesser one")
    for grant in grants:
        if (grant.scope, grant.livemode) == (scope, platform.livemode):
            world.ledger.end_grant(grant, "refreshed")
    grant = world.ledger.issue_grant(
        first.account, first.client_id, scope, platform.livemode, first.code, first.refresh_token
    )
    return _answer(grant)  # Stripe hands the refresh token out once, with the code


def _may_refresh(world: World, platform: Platform, grant: Grant) -> bool:
    """The mode of the key decides the mode of the new token: a live connection may also give test tokens."""
    owner = world.platforms.by_client(grant.client_id)
    same = owner is not None and owner.name == platform.name
    return same and (grant.client_id == platform.client_id or not platform.livemode)


_GRANT_TYPES = {"authorization_code": _redeem, "refresh_token": _refresh}


def _answer(grant: Grant, **more: str) -> dict[str, Any]:
    mode = "live" if grant.livemode else "test"
    return {
        "token_type": "bearer",
        "scope": grant.scope,
        "livemode": grant.livemode,
        "stripe_user_id": grant.account,
        "access_token": grant.access_token,
        "stripe_publishable_key": f"pk_{mode}_{grant.account.removeprefix('acct_')}",
        **more,
    }


def deauthorize(world: World, request: Request) -> Response:
    """``POST /oauth/deauthorize``: end the connection with one account."""
    fields = form(request)
    platform = require_platform(world, request, fields)
    client_id, account = fields.get("client_id"), fields.get("stripe_user_id")
    if not client_id or not account:
        raise oauth_error("invalid_request", "client_id and stripe_user_id are needed")
    if client_id != platform.client_id:
        raise oauth_error("invalid_client", "client_id is not of the platform and mode of the key")
    if not world.ledger.live_grants(account=account, client_id=client_id):
        raise oauth_error("invalid_client", "The account is unknown or not connected to this platform")
    world.ledger.disconnect(account, client_id, "deauthorized")
    return json_answer({"stripe_user_id": account})
