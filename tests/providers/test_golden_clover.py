"""Clover with expiring tokens (v2), as its documentation describes it."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from connectapp.errors import GrantRefusedError, MalformedAnswerError, ProviderError
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
    notice,
    redeem,
    refresh,
    refused,
    revoke,
    tokens,
)

# docs.clover.com/docs/high-trust-app-auth-flow, "Sandbox and production environment URLs"
NORTH_AMERICA = ("live", {}, "https://www.clover.com", "https://api.clover.com")
EUROPE = ("live", {"region": "eu"}, "https://www.eu.clover.com", "https://api.eu.clover.com")
LATIN_AMERICA = ("live", {"region": "la"}, "https://www.la.clover.com", "https://api.la.clover.com")
SANDBOX = ("test", {}, "https://sandbox.dev.clover.com", "https://apisandbox.dev.clover.com")
PLACES = pytest.mark.parametrize(("mode", "variable", "www", "api"), [NORTH_AMERICA, EUROPE, LATIN_AMERICA, SANDBOX])
# docs.clover.com/docs/merchant-id-and-api-token-for-development: 13 letters and digits.
MERCHANT = "GK5R1Q8WMFT3A"
EXPIRES = 1893456000
# The same page: the answer has no account, no type, no scope, and moments in seconds since 1970.
TOKENS = {
    "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJhIn0.c2ln",
    "access_token_expiration": EXPIRES,
    "refresh_token": "clvroar-6e49ffe9b5122f137aa39d8f7f930558",
    "refresh_token_expiration": EXPIRES + 31_536_000,
}


@PLACES
def test_the_browser_is_sent_without_a_scope(wire: Wire, mode: str, variable: Any, www: str, api: str) -> None:
    # Step 1 of the page: client_id and redirect_uri. Permissions are set for the app in the dashboard.
    sent = authorize(wire.make_provider("clover", mode, variable=variable))
    query = sent.query
    assert sent.address == f"{www}/oauth/v2/authorize"
    assert query.pop("response_type", "code") == "code"
    assert query == {"client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI, "state": STATE}


def test_the_merchant_is_named_by_the_browser(wire: Wire) -> None:
    # The same page: ?merchant_id={mId}&employee_id={eId}&client_id={APP_ID}&code={AUTHORIZATION_CODE}
    names = wire.make_provider("clover").callback_names
    assert (names.code, names.account) == ("code", "merchant_id")


@PLACES
def test_a_code_is_redeemed_with_three_fields_of_json(wire: Wire, mode: str, variable: Any, www: str, api: str) -> None:
    # Step 2 of the page: no grant_type, no redirect_uri. High-trust apps have the secret, and no PKCE beside it.
    wire.answer(TOKENS)
    redeem(wire.make_provider("clover", mode, variable=variable), MERCHANT)
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{api}/oauth/v2/token")
    assert asked.json == {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "code": CODE}
    assert "authorization" not in asked.headers


def test_a_token_answer_is_read(wire: Wire) -> None:
    wire.answer(TOKENS)
    grant = redeem(wire.make_provider("clover"), MERCHANT)
    assert (grant.external_id, grant.token_type) == (MERCHANT, "bearer")
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])
    assert grant.expires_at == datetime.fromtimestamp(EXPIRES, UTC)


@PLACES
def test_a_refresh_has_an_address_of_its_own_and_no_secret(
    wire: Wire, mode: str, variable: Any, www: str, api: str
) -> None:
    # docs.clover.com/docs/refresh-access-tokens
    wire.answer(TOKENS)
    grant = refresh(wire.make_provider("clover", mode, variable=variable))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{api}/oauth/v2/refresh")
    assert asked.json == {"client_id": CLIENT_ID, "refresh_token": REFRESH}
    assert "authorization" not in asked.headers
    assert (grant.external_id, tokens(grant)[1]) == (None, TOKENS["refresh_token"])


@pytest.mark.parametrize("again", [{}, {"refresh_token": REFRESH}])
def test_a_refresh_token_is_good_once(wire: Wire, again: dict[str, str]) -> None:
    # docs.clover.com/docs/refresh-access-tokens: single use, invalid as soon as there is a new pair.
    wire.answer({key: value for key, value in TOKENS.items() if key != "refresh_token"} | again)
    with pytest.raises(MalformedAnswerError):
        refresh(wire.make_provider("clover"))


@PLACES
def test_the_merchant_tells_its_name(wire: Wire, mode: str, variable: Any, www: str, api: str) -> None:
    # docs.clover.com/reference/merchantgetmerchant
    wire.answer({"id": MERCHANT, "name": "Riverside Café", "href": f"{api}/v3/merchants/{MERCHANT}"})
    provider = wire.make_provider("clover", mode, variable=variable)
    identity = provider.identify(grant_of(provider, MERCHANT))
    asked = wire.only
    assert (asked.method, asked.address) == ("GET", f"{api}/v3/merchants/{MERCHANT}")
    assert set(asked.query) <= {"expand"}
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert (identity.external_id, identity.display_name) == (MERCHANT, "Riverside Café")


def test_a_merchant_that_the_token_is_not_for_is_refused(wire: Wire) -> None:
    # docs.clover.com/docs/401-unauthorized
    wire.answer({"message": "401 Unauthorized"}, 401)
    provider = wire.make_provider("clover")
    with refused("identity_refused"):
        provider.identify(grant_of(provider, MERCHANT))


def test_nobody_is_asked_for_without_a_merchant(wire: Wire) -> None:
    provider = wire.make_provider("clover")
    with pytest.raises(ProviderError):
        provider.identify(grant_of(provider, None))
    assert wire.asked == []


def test_the_access_cannot_be_taken_back_by_us(wire: Wire) -> None:
    # No such endpoint is documented: the merchant uninstalls the app.
    with refused("revocation_impossible"):
        revoke(wire.make_provider("clover"), MERCHANT)
    assert wire.asked == []


@pytest.mark.parametrize("message", ["401 Unauthorized", "Invalid refresh token"])
def test_an_error_is_a_refusal_though_it_is_prose_alone(wire: Wire, message: str) -> None:
    # docs.clover.com/docs/401-unauthorized; what public integrations saw of a refresh token that was used before.
    wire.answer({"message": message}, 401)
    with refused():
        refresh(wire.make_provider("clover"))


def test_a_message_without_the_auth_code_is_refused(wire: Wire) -> None:
    # docs.clover.com/docs/webhooks: the header X-Clover-Auth has the app's static code.
    body = f'{{"appId": "DRKVJT2ZRRRSC", "merchants": {{"{MERCHANT}": [{{"objectId": "A:1", "type": "DELETE"}}]}}}}'
    provider = wire.make_provider("clover", webhook_secrets=["clover-auth-code-0123456789"])
    for headers in ({}, {"X-Clover-Auth": "another"}):
        with refused("webhook_refused"):
            notice(provider, body.encode(), headers)
    with suppress(GrantRefusedError):  # where messages are not taken at all
        # The merchant is a key of the message, and there may be several: it cannot tell who left.
        assert not notice(provider, body.encode(), {"X-Clover-Auth": "clover-auth-code-0123456789"}).disconnected
