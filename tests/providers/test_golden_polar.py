"""Polar, as its documentation and its published source describe it."""

import base64
import hashlib
import hmac
import json
from contextlib import suppress
from typing import Any

import pytest

from connectapp.errors import GrantRefusedError
from tests.providers.golden import (
    ACCESS,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    FORM,
    NOW,
    REDIRECT_URI,
    REFRESH,
    STATE,
    Asked,
    Wire,
    authorize,
    basic,
    grant_of,
    lasts,
    notice,
    pkce,
    proof,
    redeem,
    refresh,
    refused,
    revoke,
    tokens,
)

# polarsource/polar: docs/integrate/oauth2/connect.mdx, docs/integrate/sandbox.mdx; server/polar/oauth2/metadata.py has
# the authorization page at the address of the website.
LIVE = ("live", "https://polar.sh", "https://api.polar.sh")
SANDBOX = ("test", "https://sandbox.polar.sh", "https://sandbox-api.polar.sh")
PLACES = pytest.mark.parametrize(("mode", "site", "api"), [LIVE, SANDBOX])
PERSON = "1dbfc517-0bbf-4301-9ba8-555ca42b9737"
PLACE = {"country": "DE", "default_presentment_currency": "eur"}
ORGANIZATIONS = [
    {"id": "8d3f7c1e-5a0b-4b52-9c43-2f6d1e0a7b90", "name": "Chamber Choir", "slug": "chamber-choir"} | PLACE,
    {"id": "0f2b9a66-7f1d-4d3c-8c51-6f3f4a1c9e02", "name": "Open Air e.V.", "slug": "open-air"} | PLACE,
]
# docs/integrate/oauth2/connect.mdx; server/polar/oauth2/constants.py has the beginnings of tokens.
TOKENS = {
    "token_type": "Bearer",
    "access_token": "polar_at_u_XXX",
    "expires_in": 864000,
    "refresh_token": "polar_rt_u_XXX",
    "scope": "openid email organizations:read",
    "id_token": "ID_TOKEN",
}


def authenticated(asked: Asked) -> dict[str, str]:
    """The fields of a request besides the client's credentials, which may be sent in two ways.

    server/polar/oauth2/grants: TOKEN_ENDPOINT_AUTH_METHODS; authorization_server.py: RevocationEndpoint.
    """
    form = asked.form
    if "client_secret" in form:
        assert (form.pop("client_id"), form.pop("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        assert "authorization" not in asked.headers
    else:
        assert asked.headers["authorization"] == basic(CLIENT_ID, CLIENT_SECRET)
    return form


@PLACES
def test_the_browser_is_sent_to_the_authorization_page(wire: Wire, mode: str, site: str, api: str) -> None:
    # server/polar/oauth2/grants/authorization_code.py: sub_type and prompt (ValidateSubAndPrompt), and OpenID Connect's
    # nonce, which may be there.
    provider = wire.make_provider("polar", mode)
    sent = authorize(provider)
    query = sent.query
    assert sent.address == f"{site}/oauth2/authorize"
    assert query.pop("sub_type", "user") in {"user", "organization"}
    assert query.pop("prompt", "consent") == "consent"
    query.pop("nonce", None)
    assert query == pkce(provider) | {
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "state": STATE,
        "scope": query["scope"],
    }


def test_the_scopes_are_words_between_blanks(wire: Wire) -> None:
    # docs/integrate/oauth2/connect.mdx; server/polar/auth/scope.py: reserved scopes are Polar's own.
    words = authorize(wire.make_provider("polar")).query["scope"].split(" ")
    assert set(words) & {"openid", "organizations:read", "organizations:write"}
    assert [word for word in words if not (word in {"openid", "profile", "email"} or ":" in word)] == []


def test_reading_asks_for_no_right_to_write(wire: Wire) -> None:
    words = authorize(wire.make_provider("polar", scope="read_only")).query["scope"].split(" ")
    assert [word for word in words if word.endswith(":write")] == []


@PLACES
def test_a_code_is_redeemed_with_a_form(wire: Wire, mode: str, site: str, api: str) -> None:
    provider = wire.make_provider("polar", mode)
    wire.answer(TOKENS)
    redeem(provider)
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("POST", f"{api}/v1/oauth2/token", FORM)
    assert authenticated(asked) == proof(provider) | {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": REDIRECT_URI,
    }


def test_a_token_answer_names_no_account(wire: Wire) -> None:
    wire.answer(TOKENS)
    grant = redeem(wire.make_provider("polar"))
    assert (grant.external_id, grant.scope) == (None, TOKENS["scope"])
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])
    assert lasts(grant) == pytest.approx(10, abs=0.002)


@PLACES
def test_a_refresh_brings_another_pair(wire: Wire, mode: str, site: str, api: str) -> None:
    wire.answer(TOKENS)
    grant = refresh(wire.make_provider("polar", mode))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{api}/v1/oauth2/token")
    assert authenticated(asked) == {"grant_type": "refresh_token", "refresh_token": REFRESH}
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])


def test_a_refresh_token_that_was_used_is_dead(wire: Wire) -> None:
    # server/polar/oauth2/grants/refresh_token.py: revoke_old_credential; then lepture/authlib says invalid_grant.
    wire.answer({"error": "invalid_grant"}, 400)
    with refused("code_refused"):
        refresh(wire.make_provider("polar"))


def listed(provider: Any) -> list[dict[str, str]]:
    """The organizations that a token reaches: all, or with sub_type=organization the one that the person chose.

    server/polar/oauth2/grants/authorization_code.py: requires_single_organization.
    """
    return ORGANIZATIONS[: 1 if authorize(provider).query.get("sub_type") == "organization" else None]


@PLACES
def test_the_token_tells_whose_it_is(wire: Wire, mode: str, site: str, api: str) -> None:
    # docs/api-reference: either GET /v1/oauth2/userinfo (server/polar/oauth2/userinfo.py: a person's answer has no
    # name), or GET /v1/organizations/, a page of them (server/polar/organization/schemas.py), whose the money is.
    provider = wire.make_provider("polar", mode)
    reached = listed(provider)
    page = {"items": reached, "pagination": {"total_count": len(reached), "max_page": 1}}
    wire.answer({"sub": PERSON, "email": "jane@example.com", "email_verified": True} | page)
    identities = provider.accounts_of(grant_of(provider, None))
    found = [(identity.external_id, identity.display_name) for identity in identities]
    asked = wire.only
    assert asked.method == "GET"
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    if asked.address == f"{api}/v1/organizations/":
        assert set(asked.query) <= {"page", "limit", "sorting"}
        assert found == [(one["id"], one["name"]) for one in reached]
        assert {(one.country, one.currency) for one in identities} <= {("DE", "eur"), (None, None)}
    else:
        assert asked.url == f"{api}/v1/oauth2/userinfo"
        assert found in ([(PERSON, PERSON)], [(PERSON, "jane@example.com")])


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_was_taken_back_is_refused(wire: Wire, status: int) -> None:
    # server/polar/oauth2/exceptions.py: RFC 6750
    wire.answer({"error": "invalid_token", "error_description": "The access token is invalid"}, status)
    provider = wire.make_provider("polar")
    with refused("identity_refused"):
        provider.accounts_of(grant_of(provider, None))


@PLACES
def test_revoking_is_as_in_rfc_7009(wire: Wire, mode: str, site: str, api: str) -> None:
    # server/polar/oauth2/authorization_server.py: RevocationEndpoint. Without a hint, or with that of the refresh
    # token, both tokens of the pair are gone; with the hint access_token that one alone. The answer is 200 with {}.
    wire.answer({})
    revoke(wire.make_provider("polar", mode), ORGANIZATIONS[0]["id"])
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("POST", f"{api}/v1/oauth2/revoke", FORM)
    form = authenticated(asked)
    assert form in (
        {"token": REFRESH},
        {"token": REFRESH, "token_type_hint": "refresh_token"},
        {"token": ACCESS},
    )


# lepture/authlib, on which server/polar/oauth2 is built: authlib/oauth2/rfc6749/errors.py
@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, "invalid_grant", "code_refused"),
        (400, "invalid_request", "request_refused"),
        (401, "invalid_client", "platform_refused"),
        (400, "unauthorized_client", "platform_refused"),
        (400, "unsupported_grant_type", "request_refused"),
        (400, "invalid_scope", "scope_refused"),
    ],
)
def test_documented_errors_have_reasons(wire: Wire, status: int, code: str, reason: str) -> None:
    wire.answer({"error": code, "error_description": "prose"}, status)
    with refused(reason):
        redeem(wire.make_provider("polar"))


def test_a_person_who_says_no_is_known(wire: Wire) -> None:
    # server/polar/oauth2/grants/authorization_code.py: AccessDeniedError
    assert "access_denied" in wire.make_provider("polar").denied


# server/polar/webhook/tasks.py: Standard Webhooks, the key of which is the secret as it is shown. No event of
# docs/integrate/webhooks/events.mdx tells that access was taken back.
SECRET = "polar_whs_0123456789abcdefghij"
BODY = json.dumps({"type": "order.paid", "timestamp": "2026-09-21T14:13:20Z", "data": {"id": "o-1"}}).encode()


def signed(body: bytes, secret: str = SECRET, at: float = NOW) -> dict[str, str]:
    content = f"evt-1.{int(at)}.".encode() + body
    made = base64.b64encode(hmac.new(secret.encode(), content, hashlib.sha256).digest()).decode()
    return {"webhook-id": "evt-1", "webhook-timestamp": str(int(at)), "webhook-signature": f"v1,{made}"}


def test_a_message_is_no_disconnection(wire: Wire) -> None:
    with suppress(GrantRefusedError):  # where messages are not taken at all
        found = notice(wire.make_provider("polar", webhook_secrets=[SECRET]), BODY, signed(BODY))
        assert (found.type, found.disconnected) == ("order.paid", False)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY + b" ", signed(BODY)),
        (BODY, signed(BODY, secret="polar_whs_another9876543210")),
        (BODY, signed(BODY) | {"webhook-id": "evt-2"}),
        (BODY, signed(BODY) | {"webhook-timestamp": str(int(NOW) + 1)}),
        (BODY, {}),
    ],
)
def test_a_message_with_another_signature_is_refused(wire: Wire, body: bytes, headers: dict[str, str]) -> None:
    with refused("webhook_refused"):
        notice(wire.make_provider("polar", webhook_secrets=[SECRET]), body, headers)
