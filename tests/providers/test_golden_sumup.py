"""SumUp, as its documents, its OpenAPI and its SDK for Go describe it."""

import base64
from contextlib import suppress
from typing import Any

import pytest

from connectapp.errors import GrantRefusedError
from tests.providers.golden import (
    ACCESS,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    JSON,
    REDIRECT_URI,
    REFRESH,
    STATE,
    Asked,
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

# sumup/sumup-openapi: openapi.yaml, securitySchemes; sumup/sumup-go: oauth2.go. There is one host: a sandbox merchant
# is an account of a user's like any other.
AUTHORIZE, TOKEN = "https://api.sumup.com/authorize", "https://api.sumup.com/token"
MODES = pytest.mark.parametrize("mode", ["live", "test"])
MERCHANT = "MK01A8C2"
# developer.sumup.com/docs/api/generate-a-token, the sample responses.
TOKENS = {
    "access_token": "565e2d19cef68203170ddadb952141326d14e03f4ccbd46daa079c26c910a864",
    "expires_in": 3600,
    "refresh_token": "d180031bfe9bac36c336e5746637810272546865e9c9586012f462a56f3fe9af",
    "scope": "payments user.app-settings transactions.history user.profile_readonly",
    "token_type": "Bearer",
}


def sent(asked: Asked) -> dict[str, Any]:
    """The fields of a token request, with the client's where they are.

    docs.sumup.com/oauth: a form or JSON, and credentials in the header or in the body.
    """
    fields = dict(asked.json if asked.media_type == JSON else asked.form)
    scheme, _, value = asked.headers.get("authorization", "").partition(" ")
    if scheme == "Basic":
        fields["client_id"], _, fields["client_secret"] = base64.b64decode(value).decode().partition(":")
    return fields


@MODES
def test_the_browser_is_sent_to_the_authorization_page(wire: Wire, mode: str) -> None:
    # developer.sumup.com/tools/authorization/oauth; sumup/sumup-go: example/oauth2/main.go adds PKCE with S256.
    provider = wire.make_provider("sumup", mode)
    asked = authorize(provider)
    query = asked.query
    assert asked.address == AUTHORIZE
    assert query == pkce(provider) | {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "scope": query["scope"],
        "state": STATE,
    }


# sumup/sumup-openapi: openapi.yaml; newer documents add readers.read and readers.write.
SCOPES = {
    "payments",
    "transactions.history",
    "user.profile_readonly",
    "user.profile",
    "user.app-settings",
    "payment_instruments",
    "user.payout-settings",
    "user.subaccounts",
    "readers.read",
    "readers.write",
}


def test_the_scopes_are_words_between_blanks(wire: Wire) -> None:
    # The same: checkouts want `payments`, and GET /v1/merchants/{code} wants one of the profile's.
    words = set(authorize(wire.make_provider("sumup")).query["scope"].split(" "))
    assert words <= SCOPES
    assert "payments" in words
    assert words & {"user.profile", "user.profile_readonly"}


def test_reading_asks_for_no_payments(wire: Wire) -> None:
    words = set(authorize(wire.make_provider("sumup", scope="read_only")).query["scope"].split(" "))
    assert words <= {"transactions.history", "user.profile_readonly", "readers.read"}
    assert "user.profile_readonly" in words


@MODES
def test_a_code_is_redeemed_with_the_secret(wire: Wire, mode: str) -> None:
    # developer.sumup.com/docs/api/generate-a-token
    provider = wire.make_provider("sumup", mode)
    wire.answer(TOKENS)
    redeem(provider)
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", TOKEN)
    assert sent(asked) == proof(provider) | {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": REDIRECT_URI,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }


def test_a_token_answer_names_no_merchant(wire: Wire) -> None:
    wire.answer(TOKENS)
    grant = redeem(wire.make_provider("sumup"))
    assert (grant.external_id, grant.scope, grant.token_type) == (None, TOKENS["scope"], "bearer")
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])
    assert lasts(grant) == pytest.approx(1 / 24, abs=0.002)


@pytest.mark.parametrize("told", [REFRESH, "another-refresh-token", None])
def test_a_refresh_token_stays_until_another_one_comes(wire: Wire, told: str | None) -> None:
    # The same page: "the refresh token provided in the request call".
    wire.answer({**TOKENS, "refresh_token": told} if told else {**TOKENS, "refresh_token": REFRESH})
    grant = refresh(wire.make_provider("sumup"))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", TOKEN)
    assert sent(asked) == {
        "grant_type": "refresh_token",
        "refresh_token": REFRESH,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    assert tokens(grant) == (TOKENS["access_token"], told or REFRESH)


def test_the_callback_names_the_merchant(wire: Wire) -> None:
    # sumup/sumup-go: example/oauth2/main.go: a user may have several; this one is their default.
    assert wire.make_provider("sumup").callback_names.account == "merchant_code"


@MODES
def test_the_merchant_tells_who_it_is(wire: Wire, mode: str) -> None:
    # sumup/sumup-openapi: openapi.yaml, GetMerchant and the examples of Merchant, Company and BusinessProfile.
    provider = wire.make_provider("sumup", mode)
    wire.answer({**TOKENS, "access_token": ACCESS})
    grant = redeem(provider, MERCHANT)
    wire.answer(
        {
            "merchant_code": MERCHANT,
            "organization_id": "G0UZPVAX",
            "business_type": "company",
            "company": {"name": "Gin & Doughnuts Bar GmbH", "merchant_category_code": "1532"},
            "country": "DE",
            "business_profile": {"name": "Example Coffee", "email": "contact@example.com"},
            "default_currency": "EUR",
            "default_locale": "de-DE",
            "sandbox": mode == "test",
        }
    )
    identity = provider.identify(grant)
    asked = wire.asked[-1]
    assert (asked.method, asked.url) == ("GET", f"https://api.sumup.com/v1/merchants/{MERCHANT}")
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert identity.display_name in {"Example Coffee", "Gin & Doughnuts Bar GmbH"}
    assert (identity.external_id, identity.country, identity.currency) == (MERCHANT, "DE", "eur")


def test_another_merchant_than_the_callback_named_is_refused(wire: Wire) -> None:
    provider = wire.make_provider("sumup")
    wire.answer({"merchant_code": "MH4H92C7", "country": "DE", "default_currency": "EUR", "sandbox": True})
    with refused("identity_mismatch"):
        provider.identify(grant_of(provider, MERCHANT))


def test_a_merchant_without_a_name_is_shown_by_its_code(wire: Wire) -> None:
    # The same: only merchant_code, country, default_currency and default_locale must be there.
    provider = wire.make_provider("sumup")
    wire.answer({"merchant_code": MERCHANT, "country": "GB", "default_currency": "GBP", "sandbox": True})
    assert provider.identify(grant_of(provider, MERCHANT)).display_name == MERCHANT


def test_access_can_only_be_taken_back_at_sumup(wire: Wire) -> None:
    # Neither the OpenAPI nor the documents have an address for it.
    provider = wire.make_provider("sumup")
    assert not provider.revocable
    with refused("revocation_impossible"):
        revoke(provider, MERCHANT)
    assert wire.asked == []


# developer.sumup.com/docs/api/generate-a-token: both shapes are in its samples of 400.
@pytest.mark.parametrize(
    ("status", "body", "reasons"),
    [
        (400, {"error": "invalid_grant", "error_description": "The code is expired"}, {"code_refused"}),
        (401, {"error": "invalid_client", "error_description": "Unknown client"}, {"platform_refused"}),
        (400, {"error_code": "INVALID", "message": "Validation error", "param": "code"}, set()),
        (400, {"error_code": "MISSING", "message": "Validation error: required", "param": "code"}, set()),
    ],
)
def test_an_error_is_a_refusal_in_either_shape(wire: Wire, status: int, body: Any, reasons: set[str]) -> None:
    wire.answer(body, status)
    with refused(*reasons):
        redeem(wire.make_provider("sumup"))


def test_a_problem_of_the_api_is_no_account(wire: Wire) -> None:
    # sumup/sumup-openapi: openapi.yaml, Problem (RFC 9457).
    problem = {"type": "https://developer.sumup.com/problem/unauthorized", "title": "Unauthorized", "status": 401}
    wire.answer(problem, 401, **{"Content-Type": "application/problem+json"})
    provider = wire.make_provider("sumup")
    with refused("identity_refused"):
        provider.identify(grant_of(provider, MERCHANT))


def test_a_merchant_who_says_no_is_known(wire: Wire) -> None:
    # developer.sumup.com/docs/online-payments/introduction/authorization: error=access_denied.
    assert "access_denied" in wire.make_provider("sumup").denied


@pytest.mark.parametrize("body", [b'{"event_type": "CHECKOUT_STATUS_CHANGED", "id": "88fcf8de"}', b""])
def test_no_message_is_believed_to_be_a_disconnection(wire: Wire, body: bytes) -> None:
    # openapi.yaml, return_url of a checkout: what comes is about that checkout, and is not signed.
    with suppress(GrantRefusedError):  # where messages are not taken at all
        found = notice(wire.make_provider("sumup"), body, {})
        assert (found.proven, found.disconnected) == (False, False)
