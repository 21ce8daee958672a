"""Wise, for partners, as its API description and its guides describe it."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectapp.errors import GrantRefusedError
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
    redeem,
    refresh,
    refused,
    tokens,
)

# docs.wise.com/guides/product/kyc/wise-kyc/redirect-to-wise/user-onboarding for the page; the servers of the API
# description (api-evangelist/wise: openapi/_original/wise-platform-openapi.yml) for the rest.
PAGE = {"live": "https://wise.com/oauth/authorize", "test": "https://wise-sandbox.com/oauth/authorize"}
API = {"live": "https://api.wise.com", "test": "https://api.wise-sandbox.com"}
MODES = pytest.mark.parametrize("mode", API)
PROFILE = 14599371
# The description, token-response: a lifetime and a moment, both; the account is not in it.
LIFETIME = 43199
TOKENS: dict[str, Any] = {
    "access_token": "01234567-89ab-cdef-0123-456789abcdef",
    "token_type": "bearer",
    "refresh_token": "11234567-89ab-cdef-0123-456789abcdef",
    "expires_in": LIFETIME,
    "expires_at": "2020-01-02T00:33:33.148Z",
    "refresh_token_expires_in": 628639555,
    "refresh_token_expires_at": "2045-03-12T13:49:23.552Z",
    "scope": "transfers",
    "created_at": "2020-01-01T12:33:33.12345Z",
}


@MODES
def test_the_browser_is_sent_without_a_scope(wire: Wire, mode: str) -> None:
    # The guide, "List of available parameters": client_id, redirect_uri, state. There is no PKCE.
    provider = wire.make_provider("wise", mode)
    sent = authorize(provider)
    query = sent.query
    assert sent.address.rstrip("/") == PAGE[mode]
    assert query.pop("response_type", "code") == "code"
    assert query == {"client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI, "state": STATE}
    assert not provider.uses_pkce


def test_the_callback_names_the_profile(wire: Wire) -> None:
    # The guide, "List of query parameters": the profile that the user granted access to.
    assert wire.make_provider("wise").callback_names.account == "profileId"


@MODES
def test_a_code_is_redeemed_with_basic_authentication(wire: Wire, mode: str) -> None:
    # The description, /oauth/token (BasicAuth) and authorization-code-grant: all four are required.
    wire.answer(TOKENS)
    redeem(wire.make_provider("wise", mode), str(PROFILE))
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("POST", f"{API[mode]}/oauth/token", FORM)
    assert asked.headers["authorization"] == basic(CLIENT_ID, CLIENT_SECRET)
    assert asked.form == {
        "grant_type": "authorization_code",
        "client_id": CLIENT_ID,
        "code": CODE,
        "redirect_uri": REDIRECT_URI,
    }


def test_a_token_answer_is_read_and_the_profile_is_the_callbacks(wire: Wire) -> None:
    ends = (datetime.now(UTC) + timedelta(seconds=LIFETIME)).strftime("%Y-%m-%dT%H:%M:%S.148Z")
    wire.answer(TOKENS | {"expires_at": ends})
    grant = redeem(wire.make_provider("wise"), str(PROFILE))
    assert (grant.external_id, grant.scope) == (str(PROFILE), "transfers")
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])
    assert lasts(grant) == pytest.approx(0.5, abs=0.002)


@pytest.mark.parametrize("returned", [REFRESH, "another-refresh-token"])
def test_a_refresh_is_a_form_with_the_token(wire: Wire, returned: str) -> None:
    # The description, refresh-token-grant; token-response has a refresh token, which is kept (docs.wise.com, Refresh
    # tokens).
    wire.answer({**TOKENS, "refresh_token": returned})
    grant = refresh(wire.make_provider("wise"))
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("POST", f"{API['test']}/oauth/token", FORM)
    assert asked.headers["authorization"] == basic(CLIENT_ID, CLIENT_SECRET)
    form = asked.form
    assert form.pop("client_id", CLIENT_ID) == CLIENT_ID
    assert form == {"grant_type": "refresh_token", "refresh_token": REFRESH}
    assert tokens(grant) == (TOKENS["access_token"], returned)


@MODES
def test_the_profile_tells_its_name(wire: Wire, mode: str) -> None:
    # The description, profileGet, with the business profile of profileList's example. The id is a number.
    address = {"id": 36152772, "city": "Manchester", "countryIso2Code": "GB", "countryIso3Code": "gbr"}
    company = {"businessName": "Innovate Solutions Ltd", "fullName": "Innovate Solutions Ltd"}
    wire.answer({"type": "BUSINESS", "id": PROFILE, "userId": 9889627, "address": address, **company})
    provider = wire.make_provider("wise", mode)
    identity = provider.identify(grant_of(provider, str(PROFILE)))
    asked = wire.only
    assert (asked.method, asked.url) == ("GET", f"{API[mode]}/v2/profiles/{PROFILE}")
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert (identity.external_id, identity.display_name) == (str(PROFILE), "Innovate Solutions Ltd")
    assert identity.country in {"GB", None}


def test_a_person_has_a_full_name_too(wire: Wire) -> None:
    # The description, the personal profile of the same example.
    names = {"firstName": "Sarah", "lastName": "Jenkins", "preferredName": "Sal", "fullName": "Sarah Jenkins"}
    wire.answer({"type": "PERSONAL", "id": 14575282, "address": {"countryIso2Code": "GB"}, **names})
    provider = wire.make_provider("wise")
    assert provider.identify(grant_of(provider, "14575282")).display_name == "Sarah Jenkins"


def test_another_profile_than_the_callback_named_is_refused(wire: Wire) -> None:
    wire.answer({"type": "BUSINESS", "id": PROFILE + 1, "address": {"countryIso2Code": "GB"}, "fullName": "Another"})
    provider = wire.make_provider("wise")
    with refused("identity_mismatch"):
        provider.identify(grant_of(provider, str(PROFILE)))


def test_nothing_can_be_taken_back(wire: Wire) -> None:
    # The description has no request for it, nor have the guides.
    provider = wire.make_provider("wise")
    assert not provider.revocable
    with refused("revocation_impossible"):
        provider.revoke(str(PROFILE), None)
    assert wire.asked == []


# The description, the answers 400 and 401 of /oauth/token; the others are as in RFC 6749.
@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, "invalid_request", "request_refused"),
        (401, "invalid_grant", "code_refused"),
        (401, "invalid_client", "platform_refused"),
    ],
)
def test_documented_errors_have_reasons(wire: Wire, status: int, code: str, reason: str) -> None:
    wire.answer({"error": code, "error_description": "Invalid user credentials."}, status)
    with refused(reason):
        redeem(wire.make_provider("wise"), str(PROFILE))


def test_a_user_who_says_no_is_known(wire: Wire) -> None:
    # The guide, "Error handling": error and error_description in place of code.
    assert "access_denied" in wire.make_provider("wise").denied


# The description, webhook events and the header X-Signature-SHA256: RSA with Wise's public key, not with a secret.
# No event tells that access was taken back.
BODY = b"""{"data": {"resource": {"type": "profile", "id": 14599371}, "current_state": "verified"},
 "event_type": "profiles#verification-state-change", "schema_version": "2.0.0", "sent_at": "2025-01-01T12:34:56Z"}"""


@pytest.mark.parametrize("headers", [{}, {"X-Signature-SHA256": "t7FMhk3OARMgwqz0LJXO", "X-Delivery-Id": "1"}])
def test_no_message_is_believed_to_be_a_disconnection(wire: Wire, headers: dict[str, str]) -> None:
    with suppress(GrantRefusedError):  # where messages are not taken at all
        found = notice(wire.make_provider("wise", webhook_secrets=["a-secret-of-nobody-0123456789"]), BODY, headers)
        assert (found.proven, found.disconnected) == (False, False)
