"""Coinbase App, as its OAuth2 reference and its API reference describe it."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from connectapp.errors import GrantRefusedError, MalformedAnswerError
from tests.providers.golden import (
    ACCESS,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    FORM,
    REDIRECT_URI,
    REFRESH,
    STATE,
    VERIFIER,
    Wire,
    authorize,
    grant_of,
    lasts,
    notice,
    pkce,
    redeem,
    refresh,
    refused,
    revoke,
    tokens,
)

# docs.cdp.coinbase.com/coinbase-app/oauth2-integration/reference; there is no other host for tests.
AUTHORIZE = "https://login.coinbase.com/oauth2/auth"
TOKENS_URL = "https://login.coinbase.com/oauth2/token"
REVOKE = "https://login.coinbase.com/oauth2/revoke"
USER = "https://api.coinbase.com/v2/user"
MODES = pytest.mark.parametrize("mode", ["live", "test"])
ID = "9da7a204-544e-5fd1-9a12-61176c5d4cd8"
# The reference, "Parameters to Request New Access Tokens", Response; the account is not in it.
TOKENS: dict[str, Any] = {
    "access_token": "6915ab99857fec1e6f2f6c078583756d0c09d7207750baea28dfbc3d4b0f2cb8",
    "token_type": "bearer",
    "expires_in": 3599,
    "refresh_token": "73a3431906de603504c1e8437709b6d47d07bed11981fe61b522278a81a9232b",
    "scope": "wallet:user:read wallet:accounts:read offline_access",
}


def scopes(address: Any) -> list[str]:
    """The reference separates scopes by commas, the example of the guide (.../integrations) by a blank."""
    words: list[str] = address.query["scope"].replace(",", " ").split(" ")
    return words


@MODES
def test_the_browser_is_sent_with_a_challenge(wire: Wire, mode: str) -> None:
    # The reference, "Authorize"; .../overview: PKCE is strongly recommended. Without the method, it would be plain.
    provider = wire.make_provider("coinbase", mode)
    sent = authorize(provider)
    query = sent.query
    assert provider.uses_pkce
    assert sent.address == AUTHORIZE
    assert query == pkce(provider) | {
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "state": STATE,
        "scope": query["scope"],
    }


@pytest.mark.parametrize("settings", [{}, {"scope": "read_only"}])
def test_a_refresh_token_is_asked_for(wire: Wire, settings: dict[str, str]) -> None:
    # .../access-and-refresh-tokens: only with offline_access is there one.
    assert "offline_access" in scopes(authorize(wire.make_provider("coinbase", **settings)))


def test_reading_asks_for_no_right_to_move_money(wire: Wire) -> None:
    # .../scopes: service:resource:action, and read is the action that only reads.
    rights = [word for word in scopes(authorize(wire.make_provider("coinbase", scope="read_only"))) if ":" in word]
    assert rights
    assert [word for word in rights if not word.endswith(":read")] == []


@MODES
def test_a_code_is_redeemed_with_the_secret_and_the_verifier(wire: Wire, mode: str) -> None:
    # The reference, "Parameters to Request New Access Tokens": all of these are required.
    wire.answer(TOKENS)
    redeem(wire.make_provider("coinbase", mode))
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("POST", TOKENS_URL, FORM)
    assert asked.form == {
        "grant_type": "authorization_code",
        "code": CODE,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    assert "authorization" not in asked.headers


def test_a_token_answer_names_no_account(wire: Wire) -> None:
    wire.answer(TOKENS)
    grant = redeem(wire.make_provider("coinbase"))
    assert (grant.external_id, grant.mode) == (None, "test")
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])
    assert lasts(grant) == pytest.approx(1 / 24, abs=0.002)


def test_a_refresh_brings_another_token(wire: Wire) -> None:
    # The reference, "Parameters to Refresh Access Tokens": redirect_uri is not among them.
    wire.answer(TOKENS)
    grant = refresh(wire.make_provider("coinbase"))
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("POST", TOKENS_URL, FORM)
    assert asked.form == {
        "grant_type": "refresh_token",
        "refresh_token": REFRESH,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])


def test_a_refresh_without_another_token_is_none(wire: Wire) -> None:
    # .../access-and-refresh-tokens: a refresh token can be exchanged once, for a new pair.
    wire.answer({key: value for key, value in TOKENS.items() if key != "refresh_token"})
    with pytest.raises(MalformedAnswerError):
        refresh(wire.make_provider("coinbase"))


@MODES
def test_the_token_tells_whose_it_is(wire: Wire, mode: str) -> None:
    # docs.cloud.coinbase.com, Users, "Show Current User", with wallet:user:read; everything is inside of data.
    user = {"id": ID, "name": "User One", "username": "user1", "resource": "user", "resource_path": "/v2/user"}
    details = {"native_currency": "USD", "country": {"code": "US", "name": "United States"}}
    wire.answer({"data": {**user, **details, "created_at": "2015-01-31T20:49:02Z"}})
    provider = wire.make_provider("coinbase", mode)
    identity = provider.identify(grant_of(provider, None))
    asked = wire.only
    assert (asked.method, asked.url) == ("GET", USER)
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    # The same documentation, Versioning: a date, and never today's.
    version = datetime.strptime(asked.headers["cb-version"], "%Y-%m-%d").replace(tzinfo=UTC)
    assert version < datetime.now(UTC)
    assert (identity.external_id, identity.display_name) == (ID, "User One")
    assert identity.country in {"US", None}
    assert identity.currency in {"usd", None}


def test_a_user_may_have_no_public_name(wire: Wire) -> None:
    # The same page: name is optional.
    wire.answer({"data": {"id": ID, "name": None, "resource": "user", "resource_path": "/v2/user"}})
    provider = wire.make_provider("coinbase")
    assert provider.identify(grant_of(provider, None)).external_id == ID


@MODES
def test_revoking_is_a_form_with_the_access_token(wire: Wire, mode: str) -> None:
    # The reference, "Revoke": authenticated like any API request, and with the client's id and secret; always 200.
    wire.answer({})
    revoke(wire.make_provider("coinbase", mode), ID)
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("POST", REVOKE, FORM)
    assert asked.form == {"token": ACCESS, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"


# The reference names no codes: they are OAuth's own (RFC 6749 section 5.2).
@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, "invalid_grant", "code_refused"),
        (401, "invalid_grant", "code_refused"),
        (400, "invalid_request", "request_refused"),
        (401, "invalid_client", "platform_refused"),
    ],
)
def test_errors_have_reasons(wire: Wire, status: int, code: str, reason: str) -> None:
    wire.answer({"error": code, "error_description": "in prose"}, status)
    with refused(reason):
        redeem(wire.make_provider("coinbase"))


def test_a_user_who_says_no_is_known(wire: Wire) -> None:
    assert "access_denied" in wire.make_provider("coinbase").denied


# No documented notification tells that a user took the access back.
@pytest.mark.parametrize("body", [b'{"type": "wallet:addresses:new-payment", "account": {"id": "1"}}', b""])
def test_no_message_is_believed_to_be_a_disconnection(wire: Wire, body: bytes) -> None:
    with suppress(GrantRefusedError):  # where messages are not taken at all
        found = notice(wire.make_provider("coinbase"), body, {"CB-SIGNATURE": "bm90aGluZw=="})
        assert (found.proven, found.disconnected) == (False, False)
