"""Xero, as its API descriptions, its SDK and its documentation describe it."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from connectapp.errors import MalformedAnswerError
from tests.providers.golden import (
    ACCESS,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    FORM,
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
    notices,
    pkce,
    proof,
    redeem,
    refresh,
    refused,
    revoke,
    tokens,
)

# XeroAPI/Xero-OpenAPI: xero-identity.yaml, OAuth2; XeroAPI/xero-python: xero_python/api_client/oauth2.py. There is no
# other host for tests: a demo company is one of the tenants.
AUTHORIZE = "https://login.xero.com/identity/connect/authorize"
TOKENS_URL = "https://identity.xero.com/connect/token"
REVOKE = "https://identity.xero.com/connect/revocation"
CONNECTIONS = "https://api.xero.com/connections"
MODES = pytest.mark.parametrize("mode", ["live", "test"])
# The example of xero-identity.yaml, and a second tenant of the same user.
DEMO = {
    "id": "7cb59f93-2964-421d-bb5e-a0f7a4572a44",
    "authEventId": "0a8f8d5e-3a2a-4a43-8d6c-6d9a4c8e6f01",
    "tenantId": "fe79f7dd-b6d4-4a92-ba7b-538af6289c58",
    "tenantName": "Demo Company (NZ)",
    "tenantType": "ORGANISATION",
    "createdDateUtc": "2019-12-07T18:46:19.5165400",
    "updatedDateUtc": "2019-12-07T18:46:19.5187840",
}
OTHER = {**DEMO, "id": "2f3c1c0e-9f3e-4a7e-b3a7-1f0d7c0f5b11", "tenantId": "aef86862-2015-4b6b-88bc-d89032cecc50"}
OTHER["tenantName"] = "Maple Florists Ltd"
# developer.xero.com/documentation/guides/oauth2/auth-flow: no account is in the answer.
TOKENS: dict[str, Any] = {
    "id_token": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
    "access_token": "eyJhbGciOiJSUzI1NiJ9.eyJqdGkiOiJhIn0.c2ln",
    "expires_in": 1800,
    "token_type": "Bearer",
    "refresh_token": "a-refresh-token-of-xero",
    "scope": "openid profile email accounting.transactions offline_access",
}


def without_credentials(asked: Asked) -> dict[str, str]:
    """The form of a request that proves the platform as the guide has it (Basic), or the SDK (in the form)."""
    form = asked.form
    given = {name: form.pop(name) for name in ("client_id", "client_secret") if name in form}
    if "authorization" in asked.headers:
        assert (asked.headers["authorization"], given) == (basic(CLIENT_ID, CLIENT_SECRET), {})
    else:
        assert given == {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return form


@MODES
def test_the_browser_is_sent_to_the_authorization_page(wire: Wire, mode: str) -> None:
    # The guide, "1. Send a user to authorize your app"
    provider = wire.make_provider("xero", mode)
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


@pytest.mark.parametrize("settings", [{}, {"scope": "read_only"}])
def test_a_refresh_token_is_asked_for(wire: Wire, settings: dict[str, str]) -> None:
    # The guide: scopes are words between blanks; without offline_access there is no refresh token.
    words = authorize(wire.make_provider("xero", **settings)).query["scope"].split(" ")
    assert "offline_access" in words
    assert any(word.startswith("accounting.") for word in words)


def test_reading_asks_for_no_right_to_write(wire: Wire) -> None:
    # developer.xero.com, Scopes: those of accounting that only read end in .read.
    words = authorize(wire.make_provider("xero", scope="read_only")).query["scope"].split(" ")
    rights = [word for word in words if "." in word]
    assert [word for word in rights if not word.endswith(".read")] == []


@MODES
def test_a_code_is_redeemed_with_a_form(wire: Wire, mode: str) -> None:
    # The guide, "3. Exchange the code"
    provider = wire.make_provider("xero", mode)
    wire.answer(TOKENS)
    redeem(provider)
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("POST", TOKENS_URL, FORM)
    assert without_credentials(asked) == proof(provider) | {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": REDIRECT_URI,
    }


def test_a_token_answer_names_no_tenant(wire: Wire) -> None:
    wire.answer(TOKENS)
    grant = redeem(wire.make_provider("xero"))
    assert (grant.external_id, grant.scope) == (None, TOKENS["scope"])
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])
    assert lasts(grant) == pytest.approx(1 / 48, abs=0.002)


def test_a_refresh_brings_another_refresh_token(wire: Wire) -> None:
    # xero-python: TokenApi.refresh_token, which repeats the scope (RFC 6749 section 6: it need not be there).
    wire.answer(TOKENS)
    grant = refresh(wire.make_provider("xero"))
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("POST", TOKENS_URL, FORM)
    form = without_credentials(asked)
    form.pop("scope", None)
    assert form == {"grant_type": "refresh_token", "refresh_token": REFRESH}
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])


@MODES
def test_the_connections_tell_the_only_tenant(wire: Wire, mode: str) -> None:
    # xero-identity.yaml, getConnections (the guide and the SDK write it in lower case): the answer is the list.
    wire.answer([DEMO])
    provider = wire.make_provider("xero", mode)
    (identity,) = provider.accounts_of(grant_of(provider, None))
    asked = wire.only
    assert (asked.method, asked.address) == ("GET", CONNECTIONS)
    assert set(asked.query) <= {"authEventId"}
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert (identity.external_id, identity.display_name) == (DEMO["tenantId"], DEMO["tenantName"])


def test_the_organizer_chooses_among_several_tenants(wire: Wire) -> None:
    wire.answer([DEMO, OTHER])
    provider = wire.make_provider("xero")
    offered = {(one.external_id, one.display_name) for one in provider.accounts_of(grant_of(provider, None))}
    assert offered == {(one["tenantId"], one["tenantName"]) for one in (DEMO, OTHER)}


def test_a_user_without_a_tenant_has_nothing_to_link(wire: Wire) -> None:
    # xero-identity.yaml: "with 0 to n Connection"
    wire.answer([])
    provider = wire.make_provider("xero")
    with pytest.raises(MalformedAnswerError):
        provider.accounts_of(grant_of(provider, None))


@MODES
def test_revoking_takes_the_refresh_token_back(wire: Wire, mode: str) -> None:
    # xero-python: TokenApi.revoke_token, "remove all a user's connections using refresh token"; 200 without a body.
    wire.answer()
    revoke(wire.make_provider("xero", mode), DEMO["tenantId"])
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("POST", REVOKE, FORM)
    form = without_credentials(asked)
    assert form.pop("token_type_hint", "refresh_token") == "refresh_token"  # RFC 7009 section 2.1
    assert form == {"token": REFRESH}


# The server is OpenID Connect's: errors are as in RFC 6749.
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("invalid_grant", "code_refused"),
        ("invalid_client", "platform_refused"),
        ("unauthorized_client", "platform_refused"),
        ("invalid_request", "request_refused"),
        ("invalid_scope", "scope_refused"),
    ],
)
def test_documented_errors_have_reasons(wire: Wire, code: str, reason: str) -> None:
    wire.answer({"error": code}, 400)
    with refused(reason):
        redeem(wire.make_provider("xero"))


def test_a_user_who_says_no_is_known(wire: Wire) -> None:
    assert "access_denied" in wire.make_provider("xero").denied


# XeroAPI/Xero-OpenAPI: xero-webhooks.yaml; no category tells that an organisation was disconnected.
EVENT = {
    "resourceUrl": "https://api.xero.com/api.xro/2.0/Invoices/55d84274-a3da-4829-a7c0-0cab601b95cc",
    "resourceId": "55d84274-a3da-4829-a7c0-0cab601b95cc",
    "tenantId": DEMO["tenantId"],
    "tenantType": "ORGANISATION",
    "eventCategory": "INVOICE",
    "eventType": "UPDATE",
    "eventDateUtc": "2025-12-02T00:44:09.923",
}
FRAME = {"firstEventSequence": 76, "lastEventSequence": 76, "entropy": "FXNGWLCCGVANWHKILRUB"}
BODY = json.dumps({"events": [EVENT], **FRAME}).encode()
INTENT = json.dumps({"events": [], **FRAME}).encode()  # .../webhooks/configuring-your-server, "Intent to receive"
SECRET = "xero-webhook-signing-key-0123456789"


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """developer.xero.com/documentation/webhooks/configuring-your-server: HMAC-SHA256 of the body, in base64."""
    made = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {"x-xero-signature": base64.b64encode(made).decode()}


def test_each_event_is_told_and_none_is_a_disconnection(wire: Wire) -> None:
    events = [EVENT, {**EVENT, "tenantId": OTHER["tenantId"], "eventType": "CREATE"}]
    body = json.dumps({"events": events, **FRAME}).encode()
    found = notices(wire.make_provider("xero", webhook_secrets=[SECRET]), body, signed(body))
    assert [(one.external_id, one.type) for one in found] == [
        (DEMO["tenantId"], "UPDATE"),
        (OTHER["tenantId"], "CREATE"),
    ]
    assert [(one.proven, one.disconnected, one.created) for one in found] == [(True, False, EVENT["eventDateUtc"])] * 2


def test_xero_may_ask_whether_signatures_are_checked(wire: Wire) -> None:
    provider = wire.make_provider("xero", webhook_secrets=[SECRET])
    assert notices(provider, INTENT, signed(INTENT)) == []
    with refused("webhook_refused"):
        notices(provider, INTENT, signed(INTENT, "another-signing-key-0123456789"))


@pytest.mark.parametrize(
    ("body", "headers"),
    [(BODY + b" ", signed(BODY)), (BODY, signed(BODY, "another-signing-key-0123456789")), (BODY, {})],
)
def test_a_message_with_another_signature_is_refused(wire: Wire, body: bytes, headers: dict[str, str]) -> None:
    with refused("webhook_refused"):
        notice(wire.make_provider("xero", webhook_secrets=[SECRET]), body, headers)
