"""Razorpay for technology partners, as its documentation and its SDK describe it."""

import hashlib
import hmac
import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.providers.golden import (
    ACCESS,
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
    redeem,
    refresh,
    refused,
    revoke,
    tokens,
)

MODES = pytest.mark.parametrize("mode", ["live", "test"])
# razorpay/razorpay-node: lib/resources/oAuthTokenValidator.js takes at most 14 letters and digits.
CLIENT_ID = "F4SMxH1js1nJOf"
ACCOUNT = "acc_Dhk2qDbmu6FwZH"
# razorpay/razorpay-node: documents/oAuthTokenClient.md, the sample responses.
REFRESHED = {
    "public_token": "rzp_test_oauth_9xu1rkZqoXlClS",
    "token_type": "Bearer",
    "expires_in": 7862400,
    "access_token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImp0aSI6Ijl4dTF",
    "refresh_token": "def5020096e1c470c901d34cd60fa53abdaf36620e823ffa53",
}
TOKENS = {**REFRESHED, "razorpay_account_id": ACCOUNT}


def public_token(mode: str) -> str:
    return f"rzp_{mode}_oauth_9xu1rkZqoXlClS"


@MODES
@pytest.mark.parametrize(("preset", "scope"), [(None, "read_write"), ("read_only", "read_only")])
def test_the_browser_is_sent_to_the_authorization_page(wire: Wire, mode: str, preset: str | None, scope: str) -> None:
    # razorpay/razorpay-node: documents/oAuthTokenClient.md; scopes are an array, as PHP writes it.
    sent = authorize(wire.make_provider("razorpay", mode, client_id=CLIENT_ID, scope=preset))
    assert sent.address == "https://auth.razorpay.com/authorize"
    assert sorted(parse_qsl(urlsplit(sent.url).query)) == [
        ("client_id", CLIENT_ID),
        ("redirect_uri", REDIRECT_URI),
        ("response_type", "code"),
        ("scope[]", scope),
        ("state", STATE),
    ]


@MODES
def test_a_code_is_redeemed_with_json_that_says_the_mode(wire: Wire, mode: str) -> None:
    # The same document, Get Access token: the mode is live unless said otherwise.
    wire.answer({**TOKENS, "public_token": public_token(mode)})
    redeem(wire.make_provider("razorpay", mode, client_id=CLIENT_ID))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", "https://auth.razorpay.com/token")
    sent = asked.json
    assert sent.pop("mode", "live") == mode
    assert sent == {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": REDIRECT_URI,
    }
    assert "authorization" not in asked.headers


@MODES
def test_a_token_answer_is_read(wire: Wire, mode: str) -> None:
    wire.answer({**TOKENS, "public_token": public_token(mode)})
    grant = redeem(wire.make_provider("razorpay", mode, client_id=CLIENT_ID))
    assert (grant.external_id, grant.mode, grant.publishable_key) == (ACCOUNT, mode, public_token(mode))
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])
    assert (grant.token_type, lasts(grant)) == ("bearer", pytest.approx(91, abs=0.01))


def test_a_refresh_brings_another_token_and_names_no_account(wire: Wire) -> None:
    # The same document, Get Access token using refresh token; the grant_type is razorpay-java's OAuthTokenClient.
    wire.answer(REFRESHED)
    grant = refresh(wire.make_provider("razorpay", client_id=CLIENT_ID))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", "https://auth.razorpay.com/token")
    assert asked.json == {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "grant_type": "refresh_token",
        "refresh_token": REFRESH,
    }
    assert (grant.external_id, tokens(grant)) == (None, (REFRESHED["access_token"], REFRESHED["refresh_token"]))


def test_the_account_tells_its_name(wire: Wire) -> None:
    # razorpay.com/docs/api/partners/account-onboarding/fetch-account-with-id
    wire.answer({"id": ACCOUNT, "type": "standard", "status": "created", "legal_business_name": "Acme Corp"})
    provider = wire.make_provider("razorpay", client_id=CLIENT_ID)
    identity = provider.identify(grant_of(provider, ACCOUNT))
    asked = wire.only
    assert (asked.method, asked.url) == ("GET", f"https://api.razorpay.com/v2/accounts/{ACCOUNT}")
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert (identity.external_id, identity.display_name) == (ACCOUNT, "Acme Corp")


@MODES
def test_revoking_names_a_token_and_its_kind(wire: Wire, mode: str) -> None:
    # razorpay/razorpay-node: documents/oAuthTokenClient.md, Revoke a token.
    wire.answer({"message": "Token Revoked"})
    revoke(wire.make_provider("razorpay", mode, client_id=CLIENT_ID), ACCOUNT)
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", "https://auth.razorpay.com/revoke")
    sent = asked.json
    assert (sent.pop("token_type_hint"), sent.pop("token")) in {("access_token", ACCESS), ("refresh_token", REFRESH)}
    assert sent == {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


# razorpay/razorpay-node: lib/razorpay.d.ts, INormalizeError; razorpay.com/docs/errors: "error" is an object.
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (
            400,
            {"code": "BAD_REQUEST_ERROR", "description": "The code is incorrect", "reason": "input_validation_failed"},
        ),
        (401, {"code": "BAD_REQUEST_ERROR", "description": "Access denied"}),
        (400, {"description": "without a code"}),
    ],
)
def test_an_error_is_a_refusal_though_it_is_an_object(wire: Wire, status: int, error: dict[str, str]) -> None:
    wire.answer({"error": error}, status)
    with refused("request_refused", "code_refused", "provider_error"):
        redeem(wire.make_provider("razorpay", client_id=CLIENT_ID))


def test_a_merchant_who_says_no_is_known(wire: Wire) -> None:
    # razorpay.com/docs/partners/technology-partners/onboard-businesses/integrate-oauth/integration-steps
    assert "access_denied" in wire.make_provider("razorpay", client_id=CLIENT_ID).denied


# razorpay.com/docs/webhooks/partners/oauth: the sample payload's fields.
LEFT = {
    "entity": "event",
    "account_id": ACCOUNT,
    "event": "account.app.authorization_revoked",
    "contains": ["account"],
    "created_at": 1757000000,
}
BODY = json.dumps(LEFT).encode()
SECRET = "razorpay-webhook-secret-0123456789"


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """razorpay/razorpay-node: lib/utils/razorpay-utils.js, validateWebhookSignature."""
    made = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Razorpay-Signature": made, "X-Razorpay-Event-Id": "evt_1"}


def test_a_message_tells_that_the_merchant_left(wire: Wire) -> None:
    provider = wire.make_provider("razorpay", client_id=CLIENT_ID, webhook_secrets=[SECRET])
    found = notice(provider, BODY, signed(BODY))
    assert (found.disconnected, found.proven, found.external_id) == (True, True, ACCOUNT)
    assert (found.type, found.created) == ("account.app.authorization_revoked", "1757000000")


def test_an_old_secret_is_good_while_it_is_rolled(wire: Wire) -> None:
    # The same page: older messages that are sent again are signed with the old secret.
    secrets = ["the-new-webhook-secret-0123456789", SECRET]
    provider = wire.make_provider("razorpay", client_id=CLIENT_ID, webhook_secrets=secrets)
    assert notice(provider, BODY, signed(BODY)).disconnected


def test_another_message_is_no_disconnection(wire: Wire) -> None:
    body = json.dumps({**LEFT, "event": "account.activated"}).encode()
    provider = wire.make_provider("razorpay", client_id=CLIENT_ID, webhook_secrets=[SECRET])
    assert not notice(provider, body, signed(body)).disconnected


@pytest.mark.parametrize(
    ("body", "headers"),
    [(BODY + b"\n", signed(BODY)), (BODY, signed(BODY, "another-webhook-secret-0123456789")), (BODY, {})],
)
def test_a_message_with_another_signature_is_refused(wire: Wire, body: bytes, headers: dict[str, str]) -> None:
    with refused("webhook_refused"):
        notice(wire.make_provider("razorpay", client_id=CLIENT_ID, webhook_secrets=[SECRET]), body, headers)
