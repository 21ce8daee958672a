"""Zettle, as its documents describe it."""

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

# iZettle/api-documentation: authorization.md. There is one host, and no sandbox: one tries it with a real account.
OAUTH = "https://oauth.zettle.com"
MODES = pytest.mark.parametrize("mode", ["live", "test"])
ORGANIZATION = "d3f03ffa-4a18-4282-bbfa-efd5f642ffb7"
# The same: set-up-authorisation-code-grant.md, its sample. It names neither a type, nor scopes, nor an account.
TOKENS = {
    "access_token": "eyJraWQiOiIxNTg2OTQ4Njg5OTM1IiwidHlwIjoiSldUIiwiYWxnIjoiUlMyNTYifQ.e30.c2lnbmF0dXJl",
    "refresh_token": "IZSEC07b0edfc-f557-4e52-a995-384288e2351e",
    "expires_in": 7200,
}
KEY = "zettle-signing-key-0123456789-0123456789"


@MODES
def test_the_browser_is_sent_to_the_authorization_page(wire: Wire, mode: str) -> None:
    provider = wire.make_provider("zettle", mode)
    sent = authorize(provider)
    query = sent.query
    assert sent.address == f"{OAUTH}/authorize"
    assert query == pkce(provider) | {
        "response_type": "code",
        "scope": query["scope"],
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "state": STATE,
    }


def test_the_scopes_are_words_between_blanks(wire: Wire) -> None:
    # iZettle/api-documentation: authorization.md, OAuth scopes.
    words = set(authorize(wire.make_provider("zettle")).query["scope"].split(" "))
    assert words <= {"READ:FINANCE", "READ:PRODUCT", "READ:PURCHASE", "READ:USERINFO", "WRITE:PRODUCT"}
    assert words


def test_no_money_can_be_taken_through_it(wire: Wire) -> None:
    # The same: faq.adoc, "it's not possible to take payments through the APIs".
    assert not wire.make_provider("zettle").charges


@MODES
def test_a_code_is_redeemed_with_the_secret_in_the_form(wire: Wire, mode: str) -> None:
    provider = wire.make_provider("zettle", mode)
    wire.answer(TOKENS)
    redeem(provider)
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{OAUTH}/token")
    assert "authorization" not in asked.headers
    assert asked.form == proof(provider) | {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": REDIRECT_URI,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }


def test_a_token_answer_says_only_how_long(wire: Wire) -> None:
    wire.answer(TOKENS)
    grant = redeem(wire.make_provider("zettle"))
    assert grant.external_id is None
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])
    assert lasts(grant) == pytest.approx(2 / 24, abs=0.002)


@pytest.mark.parametrize("told", [REFRESH, "IZSEC-another"])
def test_a_refresh_token_may_be_replaced(wire: Wire, told: str) -> None:
    # iZettle/api-documentation: authorization.md: the answer has a refresh token, which may be another one.
    wire.answer({**TOKENS, "access_token": "another-access-token", "refresh_token": told})
    grant = refresh(wire.make_provider("zettle"))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{OAUTH}/token")
    assert "authorization" not in asked.headers
    assert asked.form == {
        "grant_type": "refresh_token",
        "refresh_token": REFRESH,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    assert tokens(grant) == ("another-access-token", told)


@MODES
def test_the_organization_is_the_account(wire: Wire, mode: str) -> None:
    # iZettle/api-documentation: authorization.md: `uuid` is the user's, of whom an organization may have many.
    provider = wire.make_provider("zettle", mode)
    wire.answer({**TOKENS, "access_token": ACCESS})
    grant = redeem(provider)
    wire.answer({"uuid": "de305d54-75b4-431b-adb2-eb6b9e546014", "organizationUuid": ORGANIZATION})
    identity = provider.identify(grant)
    asked = wire.asked[-1]
    assert (asked.method, asked.url) == ("GET", f"{OAUTH}/users/self")
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert (identity.external_id, identity.proof) == (ORGANIZATION, "token")


@MODES
def test_revoking_disconnects_the_application(wire: Wire, mode: str) -> None:
    # iZettle/api-documentation: authorization.md, Disconnect an app: 204, and every token of the user's is over.
    wire.answer(status=204)
    revoke(wire.make_provider("zettle", mode), ORGANIZATION)
    asked = wire.only
    assert (asked.method, asked.url) == ("DELETE", f"{OAUTH}/application-connections/self")
    assert (asked.headers["authorization"], asked.body) == (f"Bearer {ACCESS}", b"")


# The same file: "invalid refresh_token" is its sample; the others are RFC 6749's, as it says that it follows that.
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"error": "invalid_grant", "error_description": "invalid refresh_token"}, "code_refused"),
        ({"error": "invalid_request", "error_description": "Missing parameter"}, "request_refused"),
        ({"error": "invalid_client", "error_description": "Unknown client"}, "platform_refused"),
        ({"error": "unauthorized_client", "error_description": "Not allowed"}, "platform_refused"),
    ],
)
def test_errors_have_reasons(wire: Wire, error: dict[str, str], reason: str) -> None:
    for ask in (redeem, refresh):
        wire.answer(error, 400)
        with refused(reason):
            ask(wire.make_provider("zettle"))


def test_a_token_that_is_over_identifies_nobody(wire: Wire) -> None:
    wire.answer(status=401)
    provider = wire.make_provider("zettle")
    with refused("identity_refused"):
        provider.identify(grant_of(provider, None))


def test_a_merchant_who_says_no_is_known(wire: Wire) -> None:
    assert "access_denied" in wire.make_provider("zettle").denied


def message(payload: str, **values: Any) -> bytes:
    """iZettle/api-documentation: pusher-api, the sample of ApplicationConnectionRemoved; the payload is a text."""
    told = {
        "organizationUuid": ORGANIZATION,
        "messageUuid": "d2f13efb-8d1b-4b2b-9b1c-1d9e9b0d2a4e",
        "eventName": "ApplicationConnectionRemoved",
        "messageId": "6f4dcdca-a112-11eb-b0cb-e3e42e57ccb6",
        "payload": json.dumps({"type": payload}, separators=(",", ":")),
        "timestamp": "2021-04-19T13:23:31.378548Z",
    }
    return json.dumps(told | values).encode()


def signed(body: bytes, key: str = KEY) -> dict[str, str]:
    """The same: verify-incoming-messages: the timestamp, a full stop and the payload, both as the message has them."""
    told = json.loads(body)
    content = f"{told['timestamp']}.{told['payload']}".encode()
    return {"X-iZettle-Signature": hmac.new(key.encode(), content, hashlib.sha256).hexdigest()}


def test_a_message_tells_that_the_merchant_left_if_any_is_taken(wire: Wire) -> None:
    provider = wire.make_provider("zettle", webhook_secrets=[KEY])
    body = message("ApplicationConnectionRemoved")
    if provider.declaration.webhook is None:
        with refused("webhook_refused"):
            notice(provider, body, signed(body))
        return
    found = notice(provider, body, signed(body))
    assert (found.disconnected, found.proven, found.external_id) == (True, True, ORGANIZATION)


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (message("PersonalAssertionDeleted"), "another-signing-key-0123456789-0123456789"),
        (message("ApplicationConnectionRemoved"), "another-signing-key-0123456789-0123456789"),
        (message("Purchase", eventName="PurchaseCreated"), KEY),
    ],
)
def test_no_other_message_is_believed_to_be_one(wire: Wire, body: bytes, key: str) -> None:
    provider = wire.make_provider("zettle", webhook_secrets=[KEY])
    if provider.declaration.webhook is None or key != KEY:
        with refused("webhook_refused"):
            notice(provider, body, signed(body, key))
    else:
        assert not notice(provider, body, signed(body, key)).disconnected


def test_a_signature_is_for_one_organization_only_if_it_signs_it(wire: Wire) -> None:
    # The organization is outside of what is signed, so that anybody who has a message of one can send it of another.
    provider = wire.make_provider("zettle", webhook_secrets=[KEY])
    genuine = message("ApplicationConnectionRemoved")
    body = message("ApplicationConnectionRemoved", organizationUuid="00000000-4a18-4282-bbfa-efd5f642ffb7")
    if provider.declaration.webhook is None:
        with refused("webhook_refused"):
            notice(provider, body, signed(genuine))
    else:
        assert not notice(provider, body, signed(genuine)).proven
