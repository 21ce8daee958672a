"""Stripe Apps with OAuth, as docs.stripe.com/stripe-apps/api-authentication/oauth describes it."""

import re
from typing import Any

import pytest

from tests.providers.golden import (
    ACCESS,
    CODE,
    REDIRECT_URI,
    REFRESH,
    STATE,
    Wire,
    authorize,
    basic,
    grant_of,
    key_of,
    lasts,
    redeem,
    refresh,
    refused,
    tokens,
)

MODES = pytest.mark.parametrize("mode", ["live", "test"])
KEYS = {"live": "sk_live_golden0123456789", "test": "sk_test_golden0123456789"}
TOKEN_URL = "https://api.stripe.com/v1/oauth/token"
ACCOUNT = "acct_1032D82eZvKYlo2C"
# "Exchange the authorization code for an access token", the example response; that of a refresh is the same.
TOKENS = {
    "access_token": "sk_test_installed0123456789",
    "livemode": False,
    "refresh_token": "rt_installed0123456789",
    "scope": "stripe_apps",
    "stripe_publishable_key": "pk_test_installed0123456789",
    "stripe_user_id": ACCOUNT,
    "token_type": "bearer",
}


def apps_of(wire: Wire, mode: str = "test") -> Any:
    return wire.make_provider("stripe", mode, variant="apps", client_id="ca_GoldenApp", client_secret=KEYS[mode])


@MODES
def test_the_browser_is_sent_to_the_marketplace_without_a_scope(wire: Wire, mode: str) -> None:
    # "Customize links with URL parameters"; a link for tests may have the app's own channel in its path. Permissions
    # are in the app's manifest, and there is no PKCE.
    provider = apps_of(wire, mode)
    sent = authorize(provider)
    assert re.fullmatch(r"https://marketplace\.stripe\.com/oauth/v2/([^/]+/)?authorize", sent.address)
    assert mode == "test" or sent.address == "https://marketplace.stripe.com/oauth/v2/authorize"
    query = sent.query
    assert query.pop("response_type", "code") == "code"
    assert query == {"client_id": "ca_GoldenApp", "redirect_uri": REDIRECT_URI, "state": STATE}
    assert not provider.uses_pkce


@MODES
def test_a_code_is_redeemed_with_the_key_as_user(wire: Wire, mode: str) -> None:
    # The example: curl -u sk_live_***: with two fields.
    wire.answer({**TOKENS, "livemode": mode == "live"})
    redeem(apps_of(wire, mode))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", TOKEN_URL)
    assert asked.headers["authorization"] == basic(KEYS[mode], "")
    assert asked.form == {"code": CODE, "grant_type": "authorization_code"}


def test_a_token_answer_is_read(wire: Wire) -> None:
    wire.answer(TOKENS)
    grant = redeem(apps_of(wire))
    assert (grant.external_id, grant.mode, grant.scope) == (ACCOUNT, "test", "stripe_apps")
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])
    assert grant.publishable_key == TOKENS["stripe_publishable_key"]


def test_a_token_lasts_an_hour_though_no_answer_says_so(wire: Wire) -> None:
    # "Refresh your access token": access tokens expire in 1 hour. None would mean that it never ends.
    wire.answer(TOKENS)
    grant = redeem(apps_of(wire))
    assert grant.expires_at is not None
    assert lasts(grant) == pytest.approx(1 / 24, abs=0.002)


@MODES
def test_an_answer_of_the_other_mode_is_refused(wire: Wire, mode: str) -> None:
    wire.answer({**TOKENS, "livemode": mode != "live"})
    with refused("other_mode"):
        redeem(apps_of(wire, mode))


@MODES
def test_a_refresh_brings_another_refresh_token(wire: Wire, mode: str) -> None:
    # "Refresh your access token": the new one counts, the previous one expires.
    wire.answer({**TOKENS, "livemode": mode == "live"})
    grant = refresh(apps_of(wire, mode))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", TOKEN_URL)
    assert asked.headers["authorization"] == basic(KEYS[mode], "")
    assert asked.form == {"refresh_token": REFRESH, "grant_type": "refresh_token"}
    assert (grant.external_id, tokens(grant)[1]) == (ACCOUNT, TOKENS["refresh_token"])


def test_the_token_tells_whose_it_is(wire: Wire) -> None:
    # "You can verify the access token": it is used as a secret key. stripe/stripe-python: stripe/_account.py
    dashboard = {"dashboard": {"display_name": "Riverside"}}
    wire.answer({"id": ACCOUNT, "object": "account", "country": "GB", "default_currency": "gbp", "settings": dashboard})
    provider = apps_of(wire)
    identity = provider.identify(grant_of(provider, ACCOUNT))
    asked = wire.only
    assert (asked.method, asked.url, key_of(asked)) == ("GET", "https://api.stripe.com/v1/account", ACCESS)
    assert (identity.external_id, identity.display_name) == (ACCOUNT, "Riverside")
    assert (identity.country, identity.currency) == ("GB", "gbp")


# docs.stripe.com/connect/oauth-reference: the same errors at the token endpoint.
@pytest.mark.parametrize(
    ("code", "reason"),
    [("invalid_grant", "code_refused"), ("invalid_request", "request_refused"), ("invalid_client", "platform_refused")],
)
def test_documented_errors_have_reasons(wire: Wire, code: str, reason: str) -> None:
    wire.answer({"error": code, "error_description": "in prose"}, 400)
    with refused(reason):
        redeem(apps_of(wire))


def test_a_key_without_the_permission_is_a_refusal(wire: Wire) -> None:
    # "Common mistake": another key than the account's secret key lacks the permissions; an error of the API.
    wire.answer({"error": {"message": "in prose", "type": "invalid_request_error", "code": "secret_key_required"}}, 403)
    with refused("platform_refused", "request_refused", "provider_error"):
        refresh(apps_of(wire))
