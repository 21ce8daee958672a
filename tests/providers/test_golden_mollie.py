"""Mollie Connect, as its reference and its SDK describe it."""

from contextlib import suppress
from urllib.parse import parse_qsl

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

# docs.mollie.com/reference/authorize; the older www.mollie.com is what integrations from before still have.
AUTHORIZE = "https://my.mollie.com/oauth2/authorize"
# docs.mollie.com/reference/generate-tokens and /revoke-tokens
TOKENS_URL = "https://api.mollie.com/oauth2/tokens"
MODES = pytest.mark.parametrize("mode", ["live", "test"])
ORGANIZATION = "org_12345678"
# docs.mollie.com/reference/generate-tokens: no account is in the answer.
TOKENS = {
    "access_token": "access_46EUJ6x8jFJZZeAvhNH4JVey6qVpqR",
    "refresh_token": "refresh_FS4xc3Mgci2xQ5s5DzaLXh3HhaTZOP",
    "expires_in": 3600,
    "token_type": "bearer",
    "scope": "payments.read payments.write organizations.read",
}


@MODES
def test_the_browser_is_sent_to_the_authorization_page(wire: Wire, mode: str) -> None:
    # docs.mollie.com/reference/authorize: all of these are required. approval_prompt=force would revoke what the
    # merchant granted before, and auto is the default.
    provider = wire.make_provider("mollie", mode)
    sent = authorize(provider)
    query = sent.query
    assert sent.address == AUTHORIZE
    assert query.pop("approval_prompt", "auto") == "auto"
    assert query == pkce(provider) | {
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "state": STATE,
        "scope": query["scope"],
    }


def test_the_scopes_are_words_between_blanks(wire: Wire) -> None:
    # docs.mollie.com/docs/connect-permissions: organizations.read is what the organization's own name needs.
    words = set(authorize(wire.make_provider("mollie")).query["scope"].split(" "))
    assert words >= {"payments.read", "payments.write", "profiles.read", "organizations.read"}


def test_reading_asks_for_no_right_to_write(wire: Wire) -> None:
    words = authorize(wire.make_provider("mollie", scope="read_only")).query["scope"].split(" ")
    assert {"payments.read", "organizations.read"} <= set(words)
    assert [word for word in words if not word.endswith(".read")] == []


@MODES
def test_a_code_is_redeemed_with_basic_authentication(wire: Wire, mode: str) -> None:
    # docs.mollie.com/reference/generate-tokens: the credentials in the header or in the body, and not in both;
    # the SDKs that Mollie generates from its OpenAPI have them in the header. There is one host for both modes.
    provider = wire.make_provider("mollie", mode)
    wire.answer(TOKENS)
    redeem(provider)
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("POST", TOKENS_URL, FORM)
    assert asked.headers["authorization"] == basic(CLIENT_ID, CLIENT_SECRET)
    assert asked.form == proof(provider) | {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": REDIRECT_URI,
    }


def test_a_token_answer_names_no_account(wire: Wire) -> None:
    wire.answer(TOKENS)
    grant = redeem(wire.make_provider("mollie"))
    assert (grant.external_id, grant.scope) == (None, TOKENS["scope"])
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])
    assert lasts(grant) == pytest.approx(1 / 24, abs=0.002)


def test_a_refresh_sends_the_redirect_uri_again(wire: Wire) -> None:
    # docs.mollie.com/reference/generate-tokens: required if the initial request had one.
    wire.answer(TOKENS)
    grant = refresh(wire.make_provider("mollie"))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", TOKENS_URL)
    assert asked.headers["authorization"] == basic(CLIENT_ID, CLIENT_SECRET)
    assert asked.form == {"grant_type": "refresh_token", "refresh_token": REFRESH, "redirect_uri": REDIRECT_URI}
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])


def test_a_refresh_token_stays_if_no_other_comes(wire: Wire) -> None:
    wire.answer({key: value for key, value in TOKENS.items() if key != "refresh_token"})
    assert tokens(refresh(wire.make_provider("mollie")))[1] == REFRESH


@MODES
def test_the_organization_tells_whose_it_is(wire: Wire, mode: str) -> None:
    # mollie/mollie-api-python: tests/responses/organization_current.json. Live is what is asked for without testmode.
    address = {"streetAndNumber": "Keizersgracht 313", "postalCode": "1016 EE", "city": "Amsterdam", "country": "NL"}
    organization = {"resource": "organization", "id": ORGANIZATION, "name": "Mollie B.V.", "email": "info@mollie.com"}
    wire.answer({**organization, "address": address}, **{"Content-Type": "application/hal+json"})
    provider = wire.make_provider("mollie", mode)
    identity = provider.identify(grant_of(provider, None))
    asked = wire.only
    assert (asked.method, asked.address) == ("GET", "https://api.mollie.com/v2/organizations/me")
    assert asked.query in ({}, {"testmode": "true"} if mode == "test" else {})
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert (identity.external_id, identity.display_name, identity.country) == (ORGANIZATION, "Mollie B.V.", "NL")


@pytest.mark.parametrize("able", [True, False])
def test_the_onboarding_tells_whether_money_can_come(wire: Wire, able: bool) -> None:
    # mollie/mollie-api-python: tests/responses/onboarding_me.json
    status = "completed" if able else "needs-data"
    wire.answer({"resource": "onboarding", "name": "Mollie B.V.", "status": status, "canReceivePayments": able})
    ready = wire.make_provider("mollie").readiness(
        ORGANIZATION, grant_of(wire.make_provider("mollie"), None).access_token
    )
    assert (wire.only.method, wire.only.address) == ("GET", "https://api.mollie.com/v2/onboarding/me")
    assert ready.ready is able


def test_asking_for_the_onboarding_is_allowed_by_the_scope(wire: Wire) -> None:
    # docs.mollie.com/reference/get-onboarding-status: it needs onboarding.read.
    assert "onboarding.read" in wire.make_provider("mollie").scope.split(" ")


@MODES
def test_revoking_deletes_the_refresh_token(wire: Wire, mode: str) -> None:
    # docs.mollie.com/reference/revoke-tokens: that of a refresh token takes all access tokens with it, and not the
    # other way round. The answer is 204 without a body.
    wire.answer(status=204)
    revoke(wire.make_provider("mollie", mode), ORGANIZATION)
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("DELETE", TOKENS_URL, FORM)
    assert asked.headers["authorization"] == basic(CLIENT_ID, CLIENT_SECRET)
    sent = fields(parse_qsl(asked.body.decode()))
    assert sent == {"token_type_hint": "refresh_token", "token": REFRESH}


# docs.mollie.com/reference/generate-tokens and /revoke-tokens: errors are as in RFC 6749.
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
    prose = "Authorization code doesn't exist or is invalid for the client"
    wire.answer({"error": code, "error_description": prose}, status)
    with refused(reason):
        redeem(wire.make_provider("mollie"))


def test_a_merchant_who_says_no_is_known(wire: Wire) -> None:
    assert "access_denied" in wire.make_provider("mollie").denied


# docs.mollie.com/reference/webhooks: the classic message is a form with an id and without a signature, to be asked for.
@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"id=tr_d0b0E3EA3v", {"Content-Type": FORM}), (b'{"type": "profile.deleted"}', {}), (b"", {})],
)
def test_no_message_is_believed_to_be_a_disconnection(wire: Wire, body: bytes, headers: dict[str, str]) -> None:
    with suppress(GrantRefusedError):  # where messages are not taken at all
        found = notice(wire.make_provider("mollie"), body, headers)
        assert (found.proven, found.disconnected) == (False, False)
