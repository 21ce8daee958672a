"""Mercado Pago, as its reference and its SDK describe it."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from tests.providers.golden import (
    ACCESS,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    NOW,
    REDIRECT_URI,
    REFRESH,
    STATE,
    Wire,
    authorize,
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

MODES = pytest.mark.parametrize("mode", ["live", "test"])
TOKEN_URL = "https://api.mercadopago.com/oauth/token"
# mercadopago.com developers/en/reference/oauth/_oauth_token/post: the answer; live_mode is false for a test token.
TOKENS = {
    "access_token": "APP_USR-4934588586838432-XXXXXXXX-241983636",
    "token_type": "bearer",
    "expires_in": 15552000,
    "scope": "read write offline_access",
    "user_id": 241983636,
    "refresh_token": "TG-XXXXXXXX-241983636",
    "public_key": "APP_USR-d0a26210-XXXXXXXX-479f0400869e",
    "live_mode": True,
}


def answered(mode: str) -> dict[str, Any]:
    return {**TOKENS, "live_mode": mode == "live"}


@MODES
def test_the_browser_is_sent_to_the_authorization_page(wire: Wire, mode: str) -> None:
    # mercadopago/sdk-nodejs: src/clients/oAuth/getAuthorizationURL/index.ts. There is no scope, which is the app's.
    provider = wire.make_provider("mercadopago", mode)
    sent = authorize(provider)
    assert sent.address == "https://auth.mercadopago.com/authorization"
    assert sent.query == pkce(provider) | {
        "client_id": CLIENT_ID,
        "response_type": "code",
        "platform_id": "mp",
        "redirect_uri": REDIRECT_URI,
        "state": STATE,
    }


@MODES
def test_a_code_is_redeemed_with_json_and_asks_for_a_test_token_only_in_test_mode(wire: Wire, mode: str) -> None:
    # mercadopago/sdk-nodejs: src/clients/oAuth/create/{index,types,create.spec}.ts; test_token is a boolean of the
    # reference, developers/en/reference/oauth/_oauth_token/post.
    provider = wire.make_provider("mercadopago", mode)
    wire.answer(answered(mode))
    redeem(provider)
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", TOKEN_URL)
    expected: dict[str, Any] = proof(provider) | {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": REDIRECT_URI,
    }
    assert asked.json == (expected if mode == "live" else expected | {"test_token": True})
    assert type(asked.json.get("test_token", True)) is bool
    assert "authorization" not in asked.headers


@MODES
def test_a_token_answer_is_read(wire: Wire, mode: str) -> None:
    wire.answer(answered(mode))
    grant = redeem(wire.make_provider("mercadopago", mode))
    assert (grant.external_id, grant.mode, grant.publishable_key) == ("241983636", mode, TOKENS["public_key"])
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])
    assert set(grant.scope.split(" ")) == {"read", "write", "offline_access"}
    assert lasts(grant) == pytest.approx(180, abs=0.01)


def test_a_live_token_is_not_taken_for_a_test_token(wire: Wire) -> None:
    wire.answer(answered("live"))
    with refused("other_mode"):
        redeem(wire.make_provider("mercadopago", "test"))


@MODES
def test_a_refresh_is_json_and_brings_another_refresh_token(wire: Wire, mode: str) -> None:
    # mercadopago/sdk-nodejs: src/clients/oAuth/refresh/{index,types,refresh.spec}.ts; developers/en/docs/oauth/renewal.
    wire.answer(answered(mode))
    grant = refresh(wire.make_provider("mercadopago", mode))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", TOKEN_URL)
    assert asked.json == {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "grant_type": "refresh_token",
        "refresh_token": REFRESH,
    }
    assert tokens(grant)[1] == TOKENS["refresh_token"]


def test_the_token_tells_whose_it_is(wire: Wire) -> None:
    # api.mercadopago.com/users/me, as public integrations read it. The id is a number.
    person = {"first_name": "Test", "last_name": "Test", "email": "test_user@testuser.com"}
    wire.answer({"id": 241983636, "nickname": "TETE5838590", "country_id": "AR", "site_id": "MLA", **person})
    provider = wire.make_provider("mercadopago")
    identity = provider.identify(grant_of(provider, "241983636"))
    asked = wire.only
    assert (asked.method, asked.url) == ("GET", "https://api.mercadopago.com/users/me")
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert identity.external_id == "241983636"
    assert identity.display_name in {"TETE5838590", "Test Test", "Test"}
    assert identity.country in {None, "AR"}


def test_the_access_cannot_be_taken_back_by_us(wire: Wire) -> None:
    # No such endpoint is in the reference, which has the token endpoint only.
    with refused("revocation_impossible"):
        revoke(wire.make_provider("mercadopago"), "241983636")
    assert wire.asked == []


# developers/en/reference/oauth/_oauth_token/post, the list of errors; "message" stands for error_description.
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("invalid_client", "platform_refused"),
        ("invalid_grant", "code_refused"),
        ("invalid_scope", "scope_refused"),
        ("invalid_request", "request_refused"),
        ("unsupported_grant_type", "request_refused"),
        ("unauthorized_client", "platform_refused"),
    ],
)
def test_documented_errors_have_reasons(wire: Wire, code: str, reason: str) -> None:
    wire.answer({"error": code, "message": "in prose", "status": 400, "cause": []}, 400)
    with refused(reason):
        redeem(wire.make_provider("mercadopago"))


SECRET = "mercadopago-webhook-secret-0123456789"
# The fields are those of the notification in developers/en/docs/order/online-payments/notifications; the topic and its
# actions are from public handlers.
LEFT = {
    "id": "123456",
    "live_mode": False,
    "type": "mp-connect",
    "date_created": "2026-01-15T02:02:02Z",
    "application_id": "76506430185983",
    "user_id": 241983636,
    "api_version": "v1",
    "action": "application.deauthorized",
    "data": {"id": "241983636"},
}
BODY = json.dumps(LEFT).encode()
QUERY = {"data.id": "241983636", "type": "mp-connect"}
REQUEST_ID = "2066ca19-c6f1-498a-be75-1923005edd06"


def signed(ts: int, secret: str = SECRET, id_: str = "241983636", request_id: str = REQUEST_ID) -> dict[str, str]:
    """The manifest of developers/en/docs/your-integrations/notifications/webhooks, with its last semicolon."""
    manifest = f"id:{id_};request-id:{request_id};ts:{ts};"
    made = hmac.new(secret.encode(), manifest.encode(), hashlib.sha256).hexdigest()
    return {"X-Signature": f"ts={ts},v1={made}", "X-Request-Id": REQUEST_ID}


# Both are in Mercado Pago's own examples: ts=1704908010 and ts=1742505638683, in seconds and in milliseconds.
@pytest.mark.parametrize("ts", [int(NOW), int(NOW * 1000) + 683])
def test_a_message_hints_that_the_seller_left(wire: Wire, ts: int) -> None:
    # The manifest has nothing of the body, where the action and the account are: the signature proves neither.
    provider = wire.make_provider("mercadopago", webhook_secrets=[SECRET])
    found = notice(provider, BODY, signed(ts), QUERY)
    assert (found.type, found.external_id, found.id) == ("application.deauthorized", "241983636", "123456")
    assert (found.proven, found.disconnected) == (False, False)


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        (signed(int(NOW), secret="another-webhook-secret-0123456789"), QUERY),
        (signed(int(NOW), id_="1"), QUERY),
        (signed(int(NOW), request_id="another"), QUERY),
        (signed(int(NOW)), {**QUERY, "data.id": "1"}),
        (signed(int(NOW)), {}),
        ({**signed(int(NOW)), "X-Request-Id": "another"}, QUERY),
        ({"X-Request-Id": REQUEST_ID}, QUERY),
    ],
)
def test_a_message_with_another_signature_is_refused(
    wire: Wire, headers: dict[str, str], query: dict[str, str]
) -> None:
    with refused("webhook_refused"):
        notice(wire.make_provider("mercadopago", webhook_secrets=[SECRET]), BODY, headers, query)
