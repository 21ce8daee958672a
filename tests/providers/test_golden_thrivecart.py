"""ThriveCart, as its SDK, its demonstration and its reference describe it."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectapp.errors import GrantRefusedError
from tests.providers.golden import (
    ACCESS,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    FORM,
    JSON,
    REDIRECT_URI,
    STATE,
    Wire,
    authorize,
    grant_of,
    notice,
    redeem,
    refresh,
    refused,
    revoke,
)

# thrivecart/php-api: src/Oauth.php, src/Api.php. There is one host for both modes; requests to the API name the mode.
BASE = "https://thrivecart.com"
MODES = pytest.mark.parametrize("mode", ["live", "test"])
ACCOUNT = "1"
# No sample of it is published. What the league's OAuth client, on which the SDK is built, must find is access_token
# alone; the type is RFC 6749's.
TOKENS = {"access_token": "9f3b7c52a1d84e60b7c9f3d2a5e81b46", "token_type": "Bearer"}
TEN_YEARS = 315_360_000


@MODES
def test_the_browser_is_sent_without_a_scope(wire: Wire, mode: str) -> None:
    # src/Oauth.php: getDefaultScopes is empty; thephpleague/oauth2-client `AbstractProvider` adds approval_prompt=auto,
    # and without pkceMethod no PKCE.
    sent = authorize(wire.make_provider("thrivecart", mode))
    query = sent.query
    assert sent.address == f"{BASE}/authorization/new"
    assert query.pop("approval_prompt", "auto") == "auto"
    assert query.pop("scope", "") == ""
    assert query == {
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "state": STATE,
    }


@MODES
def test_a_code_is_redeemed_with_a_form_and_the_secret_in_it(wire: Wire, mode: str) -> None:
    # thephpleague/oauth2-client: AbstractProvider::getAccessToken with PostAuthOptionProvider, its default
    wire.answer(TOKENS)
    redeem(wire.make_provider("thrivecart", mode))
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("POST", f"{BASE}/authorization/token", FORM)
    assert asked.form == {
        "grant_type": "authorization_code",
        "code": CODE,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uri": REDIRECT_URI,
    }
    assert "authorization" not in asked.headers


@pytest.mark.parametrize("end", [{}, {"expires_in": TEN_YEARS}, {"expires_in": None}])
def test_a_token_is_good_for_years_and_comes_alone(wire: Wire, end: dict[str, Any]) -> None:
    # thrivecart/api-demo: oauth_request.php has it that the token does not expire; nango.dev/docs, thrivecart-oauth,
    # that it does after ten years.
    wire.answer(TOKENS | end)
    grant = redeem(wire.make_provider("thrivecart"))
    assert (grant.external_id, grant.refresh_token, grant.token_type) == (None, None, "bearer")
    assert grant.access_token is not None
    assert grant.access_token.reveal() == TOKENS["access_token"]
    assert grant.expires_at is None or grant.expires_at.year >= 2035


def test_there_is_nothing_to_refresh(wire: Wire) -> None:
    # nango.dev/docs, thrivecart-oauth: after the end the user has to grant access again.
    with refused("refresh_impossible"):
        refresh(wire.make_provider("thrivecart"))
    assert wire.asked == []


@MODES
def test_the_token_tells_whose_it_is(wire: Wire, mode: str) -> None:
    # apidocs.thrivecart.com, Ping, and its example; thrivecart/php-api: src/ResourceOwner.php reads the same names of
    # /authorization/me. Api.php sends the mode in X-TC-Mode.
    account = {"account_name": "myaccount", "account_id": ACCOUNT, "account_url": "https://myaccount.thrivecart.com/"}
    user = {"user_id": "7", "user_username": "marc@thrivecart.com", "user_name": "Marc Fowler", "role": "owner"}
    wire.answer({**account, **user, "account_version": "pro", "custom_domain_enabled": False, "custom_domain": None})
    provider = wire.make_provider("thrivecart", mode)
    identity = provider.identify(grant_of(provider, None))
    asked = wire.only
    assert asked.method == "GET"
    assert asked.url in {f"{BASE}/authorization/me", f"{BASE}/api/external/ping"}
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert asked.headers.get("x-tc-mode", mode) == mode
    # An account may have several users: money is the account's.
    assert (identity.external_id, identity.display_name, identity.proof) == (ACCOUNT, "myaccount", "token")


@pytest.mark.parametrize("code", ["invalid_token", "unauthorized", "auth.missing"])
def test_a_token_that_was_taken_back_is_refused(wire: Wire, code: str) -> None:
    # apidocs.thrivecart.com, Ping, 401; thrivecart/api-demo: oauth_request.php
    wire.answer({"error": code, "error_description": "The access token provided is invalid"}, 401)
    provider = wire.make_provider("thrivecart")
    with refused("identity_refused"):
        provider.identify(grant_of(provider, None))


@MODES
def test_revoking_is_asked_with_the_token_itself(wire: Wire, mode: str) -> None:
    # thrivecart/api-demo: oauth_revoke.php, which shows whatever JSON is answered.
    wire.answer({})
    revoke(wire.make_provider("thrivecart", mode), ACCOUNT)
    asked = wire.only
    assert (asked.method, asked.url, asked.media_type) == ("POST", f"{BASE}/authorization/revoke", JSON)
    assert json.loads(asked.body) == {"token": ACCESS}
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"


# apidocs.thrivecart.com: errors are {"error": ..., "error_description": ...}; the codes of the token endpoint are not
# published.
@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [(400, "invalid_grant", "code_refused"), (401, "invalid_client", "platform_refused")],
)
def test_errors_have_reasons(wire: Wire, status: int, code: str, reason: str) -> None:
    wire.answer({"error": code, "error_description": "prose"}, status)
    with refused(reason):
        redeem(wire.make_provider("thrivecart"))


def test_a_seller_who_says_no_is_known(wire: Wire) -> None:
    # thrivecart/api-demo: oauth_example.php
    assert "access_denied" in wire.make_provider("thrivecart").denied


# developers.thrivecart.com/documentation/event_subscription: forms with the account's secret word in them
# (thrivecart_secret), of orders, subscriptions and affiliates alone.
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"event=order.success&thrivecart_account=myaccount&thrivecart_secret=A1B2C3", {"Content-Type": FORM}),
        (json.dumps({"event": "affiliate.commission_earned"}).encode(), {"Content-Type": JSON}),
        (b"", {}),
    ],
)
def test_no_message_is_believed_to_be_a_disconnection(wire: Wire, body: bytes, headers: dict[str, str]) -> None:
    with suppress(GrantRefusedError):  # where messages are not taken at all
        found = notice(wire.make_provider("thrivecart"), body, headers)
        assert (found.proven, found.disconnected) == (False, False)


def test_no_secret_leaves_for_another_host(wire: Wire) -> None:
    # src/Api.php: baseUri
    provider = wire.make_provider("thrivecart")
    for answer in (TOKENS, {"account_id": ACCOUNT, "account_name": "myaccount"}, {}):
        wire.answer(answer)
    grant = redeem(provider)
    provider.identify(grant)
    revoke(provider, ACCOUNT)
    assert {urlsplit(asked.url).netloc for asked in wire.asked} == {"thrivecart.com"}
