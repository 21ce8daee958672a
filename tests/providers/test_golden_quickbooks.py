"""QuickBooks Online, as Intuit's SDKs and documentation describe it."""

import base64
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
    FORM,
    REDIRECT_URI,
    REFRESH,
    STATE,
    Wire,
    authorize,
    basic,
    grant_of,
    lasts,
    notice,
    notices,
    pkce,
    proof,
    redeem,
    refresh,
    refused,
    revoke,
    tokens,
)

# intuit/oauth-jsclient: src/OAuthClient.js. One host for OAuth, whichever the mode; another for the companies' data.
AUTHORIZE = "https://appcenter.intuit.com/connect/oauth2"
TOKENS_URL = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"
REVOKE = "https://developer.api.intuit.com/v2/oauth2/tokens/revoke"
API = {"live": "https://quickbooks.api.intuit.com", "test": "https://sandbox-quickbooks.api.intuit.com"}
MODES = pytest.mark.parametrize("mode", API)
# intuit/oauth-pythonclient: intuitlib/enums.py; those for beta partners are left out.
ACCOUNTING, PAYMENT = "com.intuit.quickbooks.accounting", "com.intuit.quickbooks.payment"
SCOPES = {ACCOUNTING, PAYMENT, "openid", "profile", "email", "phone", "address"}
REALM = "123456789123"
# intuit/oauth-jsclient: test/mocks/tokenResponse.json. Neither an account nor a scope is in it.
TOKENS: dict[str, Any] = {
    "access_token": "sample_access_token",
    "refresh_token": "sample_refresh_token",
    "token_type": "bearer",
    "expires_in": 3600,
    "x_refresh_token_expires_in": 8726400,
    "id_token": "sample_id_token",
}


@MODES
def test_the_browser_is_sent_to_the_authorization_page(wire: Wire, mode: str) -> None:
    # intuit/oauth-pythonclient: intuitlib/client.py, get_authorization_url
    provider = wire.make_provider("quickbooks", mode)
    sent = authorize(provider)
    query = sent.query
    assert sent.address == AUTHORIZE
    assert query == pkce(provider) | {
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "state": STATE,
        "scope": query["scope"],
    }


def test_the_scopes_are_words_between_blanks(wire: Wire) -> None:
    # The same SDK: scopes_to_string. Looking a company up is a right of accounting.
    words = set(authorize(wire.make_provider("quickbooks")).query["scope"].split(" "))
    assert ACCOUNTING in words
    assert words <= SCOPES


def test_the_callback_names_the_company(wire: Wire) -> None:
    # intuit/oauth-jsclient: createToken reads realmId from there, and from nowhere else.
    assert wire.make_provider("quickbooks").callback_names.account == "realmId"


@MODES
def test_a_code_is_redeemed_with_basic_authentication(wire: Wire, mode: str) -> None:
    # intuit/oauth-pythonclient: get_bearer_token
    provider = wire.make_provider("quickbooks", mode)
    wire.answer(TOKENS)
    redeem(provider, REALM)
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("POST", TOKENS_URL, FORM)
    assert asked.headers["authorization"] == basic(CLIENT_ID, CLIENT_SECRET)
    assert asked.form == proof(provider) | {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": REDIRECT_URI,
    }


def test_a_token_answer_is_read_and_the_company_is_the_callbacks(wire: Wire) -> None:
    provider = wire.make_provider("quickbooks")
    wire.answer(TOKENS)
    grant = redeem(provider, REALM)
    assert (grant.external_id, grant.scope) == (REALM, provider.scope)
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])
    assert lasts(grant) == pytest.approx(1 / 24, abs=0.002)


def test_a_refresh_may_bring_another_refresh_token(wire: Wire) -> None:
    # intuit/oauth-pythonclient: refresh; developer.intuit.com, OAuth 2.0: always keep the latest one.
    wire.answer(TOKENS)
    grant = refresh(wire.make_provider("quickbooks"))
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("POST", TOKENS_URL, FORM)
    assert asked.headers["authorization"] == basic(CLIENT_ID, CLIENT_SECRET)
    assert asked.form == {"grant_type": "refresh_token", "refresh_token": REFRESH}
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])


def test_a_refresh_token_may_stay(wire: Wire) -> None:
    # developer.intuit.com, OAuth 2.0: its value changes at most once a day.
    wire.answer({**TOKENS, "refresh_token": REFRESH})
    assert tokens(refresh(wire.make_provider("quickbooks")))[1] == REFRESH


@MODES
def test_the_company_tells_its_name(wire: Wire, mode: str) -> None:
    # intuit/oauth-pythonclient: docs/user-guide.rst, "Sample API Call"; without Accept the answer would be XML. The
    # Id of the answer (Accounting API reference, CompanyInfo) is that of the record, and not the company's.
    address = {"Id": "1", "Line1": "2500 Garcia Ave", "City": "Mountain View", "Country": "US", "PostalCode": "94043"}
    company = {"CompanyName": "Larry's Bakery", "Country": "US", "CompanyAddr": address, "Id": "1", "SyncToken": "4"}
    wire.answer({"CompanyInfo": company, "time": "2015-07-10T09:38:58.155-07:00"})
    provider = wire.make_provider("quickbooks", mode)
    identity = provider.identify(grant_of(provider, REALM))
    asked = wire.only
    assert (asked.method, asked.address) == ("GET", f"{API[mode]}/v3/company/{REALM}/companyinfo/{REALM}")
    assert set(asked.query) <= {"minorversion"}
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert "application/json" in asked.headers["accept"]
    assert (identity.external_id, identity.display_name) == (REALM, "Larry's Bakery")
    assert identity.country in {"US", None}


def test_a_token_of_another_company_proves_nothing(wire: Wire) -> None:
    wire.answer({"Fault": {"Error": [{"Message": "message=AuthorizationFailed", "code": "3100"}]}}, 403)
    provider = wire.make_provider("quickbooks")
    with refused("identity_refused"):
        provider.identify(grant_of(provider, REALM))


@MODES
def test_revoking_is_json_with_one_of_the_tokens(wire: Wire, mode: str) -> None:
    # intuit/oauth-pythonclient: revoke. Either token ends the connection; the answer is 200 without a body.
    wire.answer()
    revoke(wire.make_provider("quickbooks", mode), REALM)
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", REVOKE)
    assert asked.headers["authorization"] == basic(CLIENT_ID, CLIENT_SECRET)
    assert asked.json in ({"token": REFRESH}, {"token": ACCESS})


# intuit/oauth-jsclient: test/mocks/errorResponse.json; the others are as in RFC 6749.
@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, "invalid_grant", "code_refused"),
        (400, "invalid_request", "request_refused"),
        (401, "invalid_client", "platform_refused"),
    ],
)
def test_documented_errors_have_reasons(wire: Wire, status: int, code: str, reason: str) -> None:
    wire.answer({"error_description": "Token invalid", "error": code}, status)
    with refused(reason):
        redeem(wire.make_provider("quickbooks"), REALM)


def test_a_user_who_says_no_is_known(wire: Wire) -> None:
    assert "access_denied" in wire.make_provider("quickbooks").denied


# developer.intuit.com, Webhooks: of 2015, and as CloudEvents, which every app had to take by July 2026. None says that
# the app was disconnected.
ENTITY = {"name": "Customer", "id": "1", "operation": "Create", "lastUpdated": "2015-10-05T14:42:19-0700"}
OF_2015 = json.dumps({"eventNotifications": [{"realmId": REALM, "dataChangeEvent": {"entities": [ENTITY]}}]}).encode()
EVENT = {
    "specversion": "1.0",
    "id": "88cd52aa-33b6-4351-9aa4-47572edbd068",
    "source": "intuit.dsnBgbseACLLRZNxo2dfc4evmEJdxde58xeeYcZliOU=",
    "type": "qbo.invoice.created.v1",
    "time": "2026-05-31T21:31:25.179Z",
    "intuitentityid": "95",
    "intuitaccountid": REALM,
    "data": {},
}
OF_2026 = json.dumps([EVENT]).encode()
SECRET = "1b9a6e7c-0d7c-4a34-9d0f-verifier-token"


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """developer.intuit.com, Managing webhooks notifications, "Validating the notification"."""
    made = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {"intuit-signature": base64.b64encode(made).decode()}


def test_a_message_is_believed_and_no_disconnection(wire: Wire) -> None:
    found = notice(wire.make_provider("quickbooks", webhook_secrets=[SECRET]), OF_2026, signed(OF_2026))
    assert (found.proven, found.disconnected) == (True, False)
    assert (found.id, found.type, found.external_id) == (EVENT["id"], EVENT["type"], REALM)


def test_a_message_may_be_of_several_companies(wire: Wire) -> None:
    # The same: one message can have events of several companies.
    other = {**EVENT, "id": "a1b2c3d4-0000-4111-8222-333344445555", "intuitaccountid": "4620816365179422850"}
    body = json.dumps([EVENT, other]).encode()
    found = notices(wire.make_provider("quickbooks", webhook_secrets=[SECRET]), body, signed(body))
    assert [(one.id, one.external_id) for one in found] == [
        (EVENT["id"], REALM),
        (other["id"], "4620816365179422850"),
    ]


def test_a_message_of_2015_is_refused_rather_than_taken_for_nothing(wire: Wire) -> None:
    with refused("webhook_refused"):
        notices(wire.make_provider("quickbooks", webhook_secrets=[SECRET]), OF_2015, signed(OF_2015))


@pytest.mark.parametrize(
    ("body", "headers"),
    [(OF_2026 + b" ", signed(OF_2026)), (OF_2026, signed(OF_2026, "another-verifier-token-0123456789")), (OF_2026, {})],
)
def test_a_message_with_another_signature_is_refused(wire: Wire, body: bytes, headers: dict[str, str]) -> None:
    with refused("webhook_refused"):
        notice(wire.make_provider("quickbooks", webhook_secrets=[SECRET]), body, headers)
