"""Square, as its reference and its SDK describe it."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectapp.errors import MalformedAnswerError
from tests.providers.golden import (
    ACCESS,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    REDIRECT_URI,
    REFRESH,
    STATE,
    WEBHOOK_URL,
    Wire,
    authorize,
    grant_of,
    notice,
    redeem,
    refresh,
    refused,
    revoke,
    tokens,
)

# square/square-python-sdk: src/square/environment.py
HOSTS = {"live": "https://connect.squareup.com", "test": "https://connect.squareupsandbox.com"}
MODES = pytest.mark.parametrize("mode", HOSTS)
MERCHANT = "DM7VKY8Q63GNP"
# square/square-python-sdk: src/square/types/obtain_token_response.py; an example of developer.squareup.com,
# OAuth API, Obtain token. There is no expires_in, and no scope.
TOKENS = {
    "access_token": "EAAAEL3xTGdW1a2cGpSPmfwjwyF8SzXRCOHpHsKwFyFEyXgUYKiFGz3IBe0Tq1wH",
    "token_type": "bearer",
    "expires_at": "2027-11-26T21:16:52Z",
    "merchant_id": MERCHANT,
    "refresh_token": "EQAAENuhZxjVQmDxnwjEzdmbIr6d7cjyvTq7Mf3tVoRzcSvRNBMzrBJYkOqRJWDv",
    "short_lived": False,
}
# developer.squareup.com, Permissions: what taking a payment for an order needs.
TAKES_PAYMENTS = {"PAYMENTS_WRITE", "PAYMENTS_READ", "ORDERS_WRITE", "ORDERS_READ", "MERCHANT_PROFILE_READ"}
APPLICATION_FEES = {"PAYMENTS_WRITE_ADDITIONAL_RECIPIENTS"}


@MODES
def test_the_browser_is_sent_to_the_authorization_page(wire: Wire, mode: str) -> None:
    # developer.squareup.com/docs/oauth-api/create-urls-for-square-authorization
    sent = authorize(wire.make_provider("square", mode))
    query = sent.query
    assert sent.address == f"{HOSTS[mode]}/oauth2/authorize"
    assert (query["client_id"], query["state"]) == (CLIENT_ID, STATE)
    assert query.get("redirect_uri", REDIRECT_URI) == REDIRECT_URI
    assert set(query) <= {"client_id", "scope", "session", "state", "redirect_uri", "response_type"}


def test_the_seller_must_sign_in_where_real_money_moves(wire: Wire) -> None:
    # The same page: session=false in production; the parameter has no effect in the sandbox.
    assert authorize(wire.make_provider("square", "live")).query["session"] == "false"
    assert authorize(wire.make_provider("square")).query.get("session", "false") == "false"


def test_the_scopes_are_words_between_blanks(wire: Wire) -> None:
    words = set(authorize(wire.make_provider("square")).query["scope"].split(" "))
    assert words >= TAKES_PAYMENTS
    assert words <= TAKES_PAYMENTS | APPLICATION_FEES


def test_reading_asks_for_no_right_to_write(wire: Wire) -> None:
    # developer.squareup.com, OAuth API, Authorize: what is asked for if there is no scope at all.
    words = authorize(wire.make_provider("square", scope="read_only")).query["scope"].split(" ")
    assert {"MERCHANT_PROFILE_READ", "PAYMENTS_READ"} <= set(words)
    assert [word for word in words if not word.endswith("_READ")] == []


@MODES
def test_a_code_is_redeemed_with_json_and_the_secret_in_it(wire: Wire, mode: str) -> None:
    # square/square-python-sdk: src/square/o_auth/client.py, obtain_token, code flow: with the secret and no verifier;
    # redirect_uri if the authorization URL had it.
    provider = wire.make_provider("square", mode)
    wire.answer(TOKENS)
    redeem(provider)
    asked = wire.only
    expected = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "grant_type": "authorization_code",
        "code": CODE,
    }
    if "redirect_uri" in authorize(provider).query:
        expected["redirect_uri"] = REDIRECT_URI
    assert (asked.method, asked.url) == ("POST", f"{HOSTS[mode]}/oauth2/token")
    assert asked.json == expected
    assert "authorization" not in asked.headers
    # square/square-python-sdk: src/square/core/client_wrapper.py
    assert datetime.strptime(asked.headers["square-version"], "%Y-%m-%d").replace(tzinfo=UTC)


def test_a_token_answer_is_read(wire: Wire) -> None:
    provider = wire.make_provider("square")
    wire.answer(TOKENS)
    grant = redeem(provider)
    assert (grant.external_id, grant.mode, grant.scope) == (MERCHANT, "test", provider.scope)
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])
    assert grant.expires_at == datetime(2027, 11, 26, 21, 16, 52, tzinfo=UTC)


def test_a_refresh_is_json_with_the_secret_and_keeps_its_token(wire: Wire) -> None:
    # square/square-python-sdk: src/square/o_auth/client.py: the response returns the same refresh token (code flow).
    wire.answer({**TOKENS, "refresh_token": REFRESH})
    grant = refresh(wire.make_provider("square"))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{HOSTS['test']}/oauth2/token")
    assert asked.json == {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "grant_type": "refresh_token",
        "refresh_token": REFRESH,
    }
    assert tokens(grant) == (TOKENS["access_token"], REFRESH)


@MODES
def test_the_token_tells_whose_it_is(wire: Wire, mode: str) -> None:
    # square/square-python-sdk: reference.md, merchants.get with the id "me", and its example.
    merchant = {"business_name": "Apple A Day", "country": "US", "language_code": "en-US", "currency": "USD"}
    wire.answer({"merchant": {"id": MERCHANT, "status": "ACTIVE", "main_location_id": "9A65CGC72ZQG1", **merchant}})
    provider = wire.make_provider("square", mode)
    identity = provider.identify(grant_of(provider, MERCHANT))
    asked = wire.only
    assert (asked.method, asked.url) == ("GET", f"{HOSTS[mode]}/v2/merchants/me")
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert (identity.external_id, identity.display_name) == (MERCHANT, "Apple A Day")
    assert (identity.country, identity.currency, identity.proof) == ("US", "usd", "token")


@MODES
def test_revoking_has_an_authorization_scheme_of_its_own(wire: Wire, mode: str) -> None:
    # square/square-python-sdk: src/square/o_auth/client.py, revoke_token: the merchant or the token, not both.
    wire.answer({"success": True})
    revoke(wire.make_provider("square", mode), MERCHANT)
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{HOSTS[mode]}/oauth2/revoke")
    assert asked.headers["authorization"] == f"Client {CLIENT_SECRET}"
    assert asked.json in (
        {"client_id": CLIENT_ID, "merchant_id": MERCHANT},
        {"client_id": CLIENT_ID, "access_token": ACCESS},
    )


def test_revoking_without_success_is_not_done(wire: Wire) -> None:
    # square/square-python-sdk: src/square/types/revoke_token_response.py
    wire.answer({"success": False})
    with pytest.raises(MalformedAnswerError):
        revoke(wire.make_provider("square"), MERCHANT)


# developer.squareup.com/docs/build-basics/handling-errors, and its forum, "Not Authorized for OAuth in Sandbox"; what
# is wrong, the code or the secret, is in the prose only.
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"errors": [{"category": "AUTHENTICATION_ERROR", "code": "UNAUTHORIZED", "detail": "Not Authorized"}]}),
        (400, {"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "BAD_REQUEST", "detail": "Invalid"}]}),
        (401, {"message": "Not Authorized", "type": "service.not_authorized"}),
    ],
)
def test_an_error_is_a_refusal_though_it_is_not_as_the_rfc_says(wire: Wire, status: int, body: Any) -> None:
    wire.answer(body, status)
    with refused("code_refused", "platform_refused", "request_refused", "provider_error"):
        redeem(wire.make_provider("square"))


def test_a_seller_who_says_no_is_known(wire: Wire) -> None:
    # developer.squareup.com/docs/oauth-api/receive-and-manage-tokens: error=access_denied, user_denied in the prose.
    assert "access_denied" in wire.make_provider("square").denied


# developer.squareup.com/reference/square/webhooks/oauth.authorization.revoked
REVOKED = {
    "merchant_id": MERCHANT,
    "type": "oauth.authorization.revoked",
    "event_id": "a1b2c3d4-0000-4000-8000-000000000001",
    "created_at": "2026-01-15T19:25:02Z",
    "data": {
        "type": "revocation",
        "id": "rev-1",
        "object": {"revocation": {"revoked_at": "2026-01-15T19:25:01Z", "revoker_type": "MERCHANT"}},
    },
}
BODY = json.dumps(REVOKED).encode()
KEY = "square-signature-key-0123456789"


def signed(body: bytes, url: str = WEBHOOK_URL, key: str = KEY) -> dict[str, str]:
    """square/square-python-sdk: src/square/utils/webhooks_helper.py."""
    made = hmac.new(key.encode(), url.encode() + body, hashlib.sha256).digest()
    return {"X-Square-HmacSha256-Signature": base64.b64encode(made).decode()}


def test_a_message_tells_that_the_seller_left(wire: Wire) -> None:
    found = notice(wire.make_provider("square", webhook_secrets=[KEY]), BODY, signed(BODY))
    assert (found.disconnected, found.proven, found.external_id) == (True, True, MERCHANT)
    assert (found.id, found.type) == (REVOKED["event_id"], REVOKED["type"])
    assert found.created == REVOKED["created_at"]


def test_another_message_is_no_disconnection(wire: Wire) -> None:
    body = json.dumps({**REVOKED, "type": "payment.updated"}).encode()
    assert not notice(wire.make_provider("square", webhook_secrets=[KEY]), body, signed(body)).disconnected


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY + b" ", signed(BODY)),
        (BODY, signed(BODY, key="another-signature-key-0123456789")),
        (BODY, signed(BODY, url="https://other.example/webhooks/golden")),
        (BODY, {"X-Square-HmacSha256-Signature": signed(BODY)["X-Square-HmacSha256-Signature"].lower()}),
        (BODY, {}),
    ],
)
def test_a_message_with_another_signature_is_refused(wire: Wire, body: bytes, headers: dict[str, str]) -> None:
    with refused("webhook_refused"):
        notice(wire.make_provider("square", webhook_secrets=[KEY]), body, headers)
