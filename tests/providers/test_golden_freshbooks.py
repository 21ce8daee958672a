"""FreshBooks, as its documentation and its SDK describe it."""

import base64
import hashlib
import hmac
import json
import time
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

import pytest

from connectapp.errors import GrantRefusedError, MalformedAnswerError
from tests.providers.golden import (
    ACCESS,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    FORM,
    JSON,
    REDIRECT_URI,
    REFRESH,
    STATE,
    Asked,
    Wire,
    authorize,
    fields,
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

# freshbooks/freshbooks-python-sdk: freshbooks/client.py. There is no test side.
AUTHORIZE = "https://auth.freshbooks.com/oauth/authorize"
API = "https://api.freshbooks.com"
MODES = pytest.mark.parametrize("mode", ["live", "test"])
CREDENTIALS = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
# The same repository: tests/fixtures/auth_token_response.json, with the 12 hours of freshbooks.com/api/authentication
# and a present created_at, from which they count.
TOKENS = {
    "access_token": "my_access_token",
    "refresh_token": "my_refresh_token",
    "token_type": "Bearer",
    "expires_in": 43200,
    "scope": "user:profile:read user:invoices:read",
    "created_at": int(time.time()),
    "id_token": "a_id_token",
}
# tests/fixtures/auth_me_response.json, shortened
BUSINESSES: list[dict[str, Any]] = [
    {
        "id": 439000,
        "business_uuid": "0e1d1c5c-6c5e-4d6b-9a3f-1c2b3a4d5e6f",
        "name": "Commonwealth of Independent Systems",
        "account_id": "ABC123",
        "address": {"id": 76433, "street": "123 Somewhere", "city": "Toronto", "country": "Canada"},
    },
    {
        "id": 438000,
        "business_uuid": "7f6e5d4c-3b2a-4190-8877-665544332211",
        "name": "Bayern Corporation",
        "account_id": "ABC124",
        "address": {"id": 273196, "street": "123 Bright Ave.", "city": "Toronto", "country": "Canada"},
    },
]
PERSON = {"id": 12345, "identity_id": 12345, "first_name": "Simon", "last_name": "Kovalic", "email": "skovalic@cis.com"}
ME = {
    "response": {
        **PERSON,
        "business_memberships": [
            {"id": 140130, "role": "owner", "business": BUSINESSES[0]},
            {"id": 140135, "role": "business_employee", "business": BUSINESSES[1]},
        ],
    }
}


def sent_fields(asked: Asked) -> dict[str, Any]:
    """The fields of a token request: the SDK sends a form, the documentation shows JSON, and both are taken."""
    assert "authorization" not in asked.headers
    return asked.form if asked.media_type == FORM else asked.json


@MODES
def test_the_browser_is_sent_to_the_authorization_page(wire: Wire, mode: str) -> None:
    # client.py: get_auth_request_url; the documentation's address ends in a slash. Neither knows PKCE, but the server's
    # metadata does (auth.freshbooks.com/.well-known/oauth-authorization-server).
    provider = wire.make_provider("freshbooks", mode)
    sent = authorize(provider)
    query = sent.query
    assert sent.address.removesuffix("/") == AUTHORIZE
    query.pop("scope", None)
    assert query == pkce(provider) | {
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "state": STATE,
    }


def test_the_scopes_are_words_between_blanks(wire: Wire) -> None:
    # client.py; freshbooks.com/api/scopes: user:<object>:<action>. Without any, those of the application count.
    query = authorize(wire.make_provider("freshbooks")).query
    if "scope" in query:
        words = query["scope"].split(" ")
        assert "user:profile:read" in words
        assert [word for word in words if word.split(":")[0] != "user" or len(word.split(":")) != 3] == []


@MODES
def test_a_code_is_redeemed_with_the_secret_in_the_body(wire: Wire, mode: str) -> None:
    # `_authorize_call` of the client, and its tests.
    provider = wire.make_provider("freshbooks", mode)
    wire.answer(TOKENS)
    redeem(provider)
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{API}/auth/oauth/token")
    assert sent_fields(asked) == CREDENTIALS | proof(provider) | {
        "grant_type": "authorization_code",
        "redirect_uri": REDIRECT_URI,
        "code": CODE,
    }


def test_a_token_answer_names_no_account(wire: Wire) -> None:
    wire.answer(TOKENS)
    grant = redeem(wire.make_provider("freshbooks"))
    assert (grant.external_id, grant.scope) == (None, TOKENS["scope"])
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])
    assert lasts(grant) == pytest.approx(0.5, abs=0.002)


def test_a_refresh_sends_the_redirect_uri_again(wire: Wire) -> None:
    # `_authorize_call` of the client, and its test_get_refresh_token.
    wire.answer(TOKENS)
    grant = refresh(wire.make_provider("freshbooks"))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{API}/auth/oauth/token")
    assert sent_fields(asked) == CREDENTIALS | {
        "grant_type": "refresh_token",
        "redirect_uri": REDIRECT_URI,
        "refresh_token": REFRESH,
    }
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])


@pytest.mark.parametrize("again", [{}, {"refresh_token": REFRESH}])
def test_a_refresh_token_is_good_once(wire: Wire, again: dict[str, str]) -> None:
    # freshbooks.com/api/get-authenticated-on-the-freshbooks-api: it never expires, but is good once, and another
    # one comes. The SDK's client takes an answer without it for a failure.
    wire.answer({key: value for key, value in TOKENS.items() if key != "refresh_token"} | again)
    with pytest.raises(MalformedAnswerError):
        refresh(wire.make_provider("freshbooks"))


@MODES
def test_the_person_may_choose_among_the_businesses(wire: Wire, mode: str) -> None:
    # freshbooks/api/auth.py: me_endpoint; freshbooks.com/api/identity_model: a business has its id, an account_id, by
    # which invoices and payments go, and a business_uuid.
    provider = wire.make_provider("freshbooks", mode)
    wire.answer(ME)
    found = [
        (identity.external_id, identity.display_name) for identity in provider.accounts_of(grant_of(provider, None))
    ]
    asked = wire.only
    assert (asked.method, asked.url) == ("GET", f"{API}/auth/api/v1/users/me")
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert found in [
        [(str(business[key]), business["name"]) for business in BUSINESSES]
        for key in ("account_id", "id", "business_uuid")
    ]


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_was_taken_back_is_refused(wire: Wire, status: int) -> None:
    # tests/fixtures/auth_me_response__no_auth.json
    prose = "This action requires authentication to continue."
    wire.answer({"error": "unauthenticated", "error_description": prose}, status)
    provider = wire.make_provider("freshbooks")
    with refused("identity_refused"):
        provider.accounts_of(grant_of(provider, None))


@MODES
def test_revoking_is_json_with_the_secret_in_it(wire: Wire, mode: str) -> None:
    # freshbooks.com/api/authentication (its Postman collection), Revoke: the refresh token; the answer's content is not
    # published.
    wire.answer({})
    revoke(wire.make_provider("freshbooks", mode), "ABC123")
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("POST", f"{API}/auth/oauth/revoke", JSON)
    assert asked.json in [CREDENTIALS | {"token": token} for token in (REFRESH, ACCESS)]


# client.py: error and error_description, as in RFC 6749; the words are those of doorkeeper-gem/doorkeeper.
@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, "invalid_grant", "code_refused"),
        (400, "invalid_request", "request_refused"),
        (401, "invalid_client", "platform_refused"),
        (400, "unsupported_grant_type", "request_refused"),
    ],
)
def test_documented_errors_have_reasons(wire: Wire, status: int, code: str, reason: str) -> None:
    wire.answer({"error": code, "error_description": "The provided authorization grant is invalid."}, status)
    with refused(reason):
        redeem(wire.make_provider("freshbooks"))


def test_a_person_who_says_no_is_known(wire: Wire) -> None:
    assert "access_denied" in wire.make_provider("freshbooks").denied


# docs/source/user_guide/webhooks.md: a form, signed as JSON that is made of it, with the verifier of each registration
# as the key; none of its events tells that access was taken back.
MESSAGE = b"name=invoice.create&object_id=1234567&account_id=6BApk&business_id=6543&identity_id=1234&user_id=1"


def signed(body: bytes, verifier: str) -> dict[str, str]:
    content = json.dumps(fields(parse_qsl(body.decode()))).encode()
    made = base64.b64encode(hmac.new(verifier.encode(), content, hashlib.sha256).digest()).decode()
    return {"X-FreshBooks-Hmac-SHA256": made, "Content-Type": FORM}


@pytest.mark.parametrize("headers", [signed(MESSAGE, "verifier-0123456789"), {"Content-Type": FORM}])
def test_no_message_is_believed_to_be_a_disconnection(wire: Wire, headers: dict[str, str]) -> None:
    with suppress(GrantRefusedError):  # where messages are not taken at all
        found = notice(wire.make_provider("freshbooks", webhook_secrets=["verifier-0123456789"]), MESSAGE, headers)
        assert not found.disconnected
