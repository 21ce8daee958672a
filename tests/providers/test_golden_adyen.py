"""Adyen's OAuth for partners, as its documents and public integrations describe it.

docs.adyen.com/development-resources/oauth/integration and /scopes; MarcGrol/shopbackend `services/oauth/` (the requests
and their tests); the Adyen app of a fork of Cal.com, `_adyenUrls.ts`, `callback.ts` and `utils.ts` (hosts, answers).
"""

import re

import pytest

from tests.providers.golden import (
    ACCESS,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    REDIRECT_URI,
    REFRESH,
    STATE,
    VERIFIER,
    Wire,
    authorize,
    basic,
    grant_of,
    lasts,
    pkce,
    redeem,
    refresh,
    refused,
    revoke,
    tokens,
)

MODES = pytest.mark.parametrize("mode", ["live", "test"])
MERCHANT = "YOUR_MERCHANT_ACCOUNT_1"
SCOPE = "psp.onlinepayment:write psp.accountsettings:write psp.webhook:write"
# shopbackend `oauth_client.go` and its test; callback.ts has `accounts`, whose first entry is the merchant account.
TOKENS = {
    "token_type": "bearer",
    "expires_in": 86400,
    "access_token": "abc123",
    "scope": SCOPE,
    "refresh_token": "rst456",
    "accounts": [MERCHANT],
}
# docs.adyen.com/api-explorer/Management/3/get/merchants: an entry of its example, shortened; a single one is the same.
ACCOUNT = {
    "id": MERCHANT,
    "name": "YOUR_MERCHANT_NAME_1",
    "captureDelay": "immediate",
    "defaultShopperInteraction": "Ecommerce",
    "status": "Active",
    "shopWebAddress": "YOUR_SHOP_URL_1",
    "merchantCity": "Amsterdam",
    "primarySettlementCurrency": "EUR",
    "dataCenters": [{"name": "default", "livePrefix": "YOUR_LIVE_URL_PREFIX"}],
}


@MODES
def test_the_browser_is_sent_with_a_challenge(wire: Wire, mode: str) -> None:
    # shopbackend: ComposeAuthURL. The documents say that code_challenge and its method are needed, with S256.
    provider = wire.make_provider("adyen", mode)
    sent = authorize(provider)
    query = sent.query
    assert sent.address == f"https://ca-{mode}.adyen.com/ca/ca/oauth/connect.shtml"
    assert provider.uses_pkce
    assert query.pop("scope")
    assert query == pkce(provider) | {
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "state": STATE,
    }


def test_the_scopes_are_words_between_blanks(wire: Wire) -> None:
    # /scopes: "Make online payments".
    words = authorize(wire.make_provider("adyen")).query["scope"].split(" ")
    assert "psp.onlinepayment:write" in words
    assert [word for word in words if not re.fullmatch(r"psp(\.[a-z]+)+:(read|write)", word)] == []


@MODES
def test_a_code_is_redeemed_with_http_basic_and_the_verifier(wire: Wire, mode: str) -> None:
    # shopbackend: GetAccessToken; callback.ts. An older version of the first sent the client's id in the form as well.
    wire.answer(TOKENS)
    redeem(wire.make_provider("adyen", mode))
    asked = wire.only
    form = asked.form
    assert (asked.method, asked.url) == ("POST", f"https://oauth-{mode}.adyen.com/v1/token")
    assert asked.headers["authorization"] == basic(CLIENT_ID, CLIENT_SECRET)
    assert form.pop("client_id", CLIENT_ID) == CLIENT_ID
    assert form == {
        "grant_type": "authorization_code",
        "code": CODE,
        "code_verifier": VERIFIER,
        "redirect_uri": REDIRECT_URI,
    }


def test_a_token_answer_is_read(wire: Wire) -> None:
    wire.answer(TOKENS)
    grant = redeem(wire.make_provider("adyen"))
    assert tokens(grant) == ("abc123", "rst456")
    assert (grant.scope, grant.token_type) == (SCOPE, "bearer")
    assert grant.external_id in {MERCHANT, None}
    assert lasts(grant) == pytest.approx(1, abs=0.002)


@MODES
def test_a_refresh_brings_another_pair(wire: Wire, mode: str) -> None:
    # shopbackend: RefreshAccessToken and its test; utils.ts.
    wire.answer({**TOKENS, "access_token": "anewbc123", "refresh_token": "newrst456"})
    grant = refresh(wire.make_provider("adyen", mode))
    asked = wire.only
    form = asked.form
    assert (asked.method, asked.url) == ("POST", f"https://oauth-{mode}.adyen.com/v1/token")
    assert asked.headers["authorization"] == basic(CLIENT_ID, CLIENT_SECRET)
    assert form.pop("client_id", CLIENT_ID) == CLIENT_ID
    assert form == {"grant_type": "refresh_token", "refresh_token": REFRESH}
    assert tokens(grant) == ("anewbc123", "newrst456")


@MODES
def test_the_merchant_account_tells_its_name_and_currency(wire: Wire, mode: str) -> None:
    # /scopes, "Retrieve your URL prefix"; the Management API has several versions. It has a city, and no country.
    wire.answer(ACCOUNT)
    provider = wire.make_provider("adyen", mode)
    identity = provider.identify(grant_of(provider, MERCHANT))
    asked = wire.only
    assert asked.method == "GET"
    assert re.fullmatch(rf"https://management-{mode}\.adyen\.com/v\d+/merchants/{MERCHANT}", asked.url)
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert (identity.external_id, identity.display_name) == (MERCHANT, "YOUR_MERCHANT_NAME_1")
    assert (identity.country, identity.currency, identity.proof) == (None, "eur", "token")


def test_another_account_is_not_taken_for_it(wire: Wire) -> None:
    wire.answer({**ACCOUNT, "id": "ANOTHER_MERCHANT_ACCOUNT"})
    provider = wire.make_provider("adyen")
    with refused("identity_mismatch"):
        provider.identify(grant_of(provider, MERCHANT))


def test_only_the_merchant_can_take_the_access_back(wire: Wire) -> None:
    # docs.adyen.com/development-resources/oauth/installed-oauth-apps: in the Customer Area; no request is documented.
    provider = wire.make_provider("adyen")
    with refused("revocation_impossible"):
        revoke(provider, MERCHANT)
    assert wire.asked == []


# The documents name RFC 6749, whose codes these are (section 5.2).
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("invalid_grant", "code_refused"),
        ("invalid_client", "platform_refused"),
        ("invalid_request", "request_refused"),
        ("invalid_scope", "scope_refused"),
    ],
)
def test_errors_have_reasons(wire: Wire, code: str, reason: str) -> None:
    wire.answer({"error": code, "error_description": "in prose"}, 400)
    with refused(reason):
        redeem(wire.make_provider("adyen"))


def test_a_merchant_who_says_no_is_known(wire: Wire) -> None:
    assert "access_denied" in wire.make_provider("adyen").denied
