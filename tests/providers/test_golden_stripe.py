"""Stripe Connect with OAuth, as its reference and its SDK describe it; and `test_golden_stripe_messages`."""

from typing import Any

import pytest

from connectapp.errors import MalformedAnswerError
from connectapp.providers.registry import problems
from connectapp.secret import Secret
from connectapp.settings import ProviderSettings, Settings
from tests.providers.golden import (
    ACCESS,
    CODE,
    REDIRECT_URI,
    REFRESH,
    STATE,
    Asked,
    Wire,
    authorize,
    grant_of,
    key_of,
    redeem,
    refresh,
    refused,
    revoke,
    tokens,
)

MODES = pytest.mark.parametrize("mode", ["live", "test"])
# docs.stripe.com/connect/oauth-reference: live and test differ in the client id and in the key, and not in the host.
CLIENTS = {"live": "ca_GoldenLive", "test": "ca_GoldenTest"}
KEYS = {"live": "sk_live_golden0123456789", "test": "sk_test_golden0123456789"}
ACCOUNT = "acct_1032D82eZvKYlo2C"
# docs.stripe.com/connect/oauth-standard-accounts, the example: no token is in it. And oauth-reference: the tokens and
# the publishable key are deprecated, and still there.
BARE = {"token_type": "bearer", "scope": "read_write", "livemode": False, "stripe_user_id": ACCOUNT}
FULL = {
    **BARE,
    "access_token": "sk_test_connected0123456789",
    "refresh_token": "rt_connected0123456789",
    "stripe_publishable_key": "pk_test_connected0123456789",
}


def stripe_of(wire: Wire, mode: str = "test", **settings: Any) -> Any:
    return wire.make_provider("stripe", mode, client_id=CLIENTS[mode], client_secret=KEYS[mode], **settings)


def form_of(asked: Asked) -> dict[str, str]:
    """What is sent beside the key; a client_id does no harm at the token endpoint."""
    return {name: value for name, value in asked.form.items() if name not in {"client_secret", "client_id"}}


@MODES
@pytest.mark.parametrize(("preset", "scope"), [(None, "read_write"), ("read_only", "read_only")])
def test_the_browser_is_sent_to_the_authorization_page(wire: Wire, mode: str, preset: str | None, scope: str) -> None:
    # docs.stripe.com/connect/oauth-reference, GET /authorize. There is no PKCE.
    provider = stripe_of(wire, mode, scope=preset)
    sent = authorize(provider)
    assert (sent.address, provider.uses_pkce) == ("https://connect.stripe.com/oauth/authorize", False)
    assert sent.query == {
        "response_type": "code",
        "client_id": CLIENTS[mode],
        "redirect_uri": REDIRECT_URI,
        "scope": scope,
        "state": STATE,
    }


def test_what_we_know_is_filled_in(wire: Wire) -> None:
    # The same reference, stripe_user[…].
    known = {
        "email": "a@riverside.example",
        "business_name": "Riverside",
        "url": "https://a.example/?b=c&d",
        "country": "GB",
    }
    query = authorize(stripe_of(wire), **known).query
    assert {name: query[f"stripe_user[{name}]"] for name in known} == known


@MODES
def test_a_code_is_redeemed_with_the_secret_key(wire: Wire, mode: str) -> None:
    # The same reference, POST /token: redirect_uri is no parameter of it.
    wire.answer({**FULL, "livemode": mode == "live"})
    redeem(stripe_of(wire, mode))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", "https://connect.stripe.com/oauth/token")
    assert key_of(asked) == KEYS[mode]
    assert form_of(asked) == {"grant_type": "authorization_code", "code": CODE}


def test_an_answer_with_tokens_is_read(wire: Wire) -> None:
    wire.answer(FULL)
    grant = redeem(stripe_of(wire))
    assert (grant.external_id, grant.mode, grant.scope) == (ACCOUNT, "test", "read_write")
    assert tokens(grant) == (FULL["access_token"], FULL["refresh_token"])
    assert (grant.publishable_key, grant.expires_at) == (FULL["stripe_publishable_key"], None)


def test_an_answer_without_tokens_is_as_good(wire: Wire) -> None:
    wire.answer(BARE)
    grant = redeem(stripe_of(wire))
    assert (grant.external_id, tokens(grant), grant.publishable_key) == (ACCOUNT, (None, None), None)


@MODES
def test_an_answer_of_the_other_mode_is_refused(wire: Wire, mode: str) -> None:
    wire.answer({**BARE, "livemode": mode != "live"})
    with refused("other_mode"):
        redeem(stripe_of(wire, mode))


@MODES
def test_a_key_of_the_other_mode_is_found_at_start(mode: str) -> None:
    # The same reference: a live client id needs a live key, a test one a test key.
    other = KEYS["test" if mode == "live" else "live"]
    wrong = ProviderSettings("stripe", client_id="ca_Golden", client_secret=Secret(other), mode=mode)
    assert [line for line in problems(Settings(provider={"stripe": wrong})) if "client_secret" in line]
    right = ProviderSettings("stripe", client_id="ca_Golden", client_secret=Secret(KEYS[mode]), mode=mode)
    assert list(problems(Settings(provider={"stripe": right}))) == []


@MODES
def test_a_refresh_is_with_the_secret_key_too(wire: Wire, mode: str) -> None:
    # The same reference, POST /token. The mode of the key decides that of the new token.
    wire.answer({**FULL, "livemode": mode == "live"})
    refresh(stripe_of(wire, mode))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", "https://connect.stripe.com/oauth/token")
    assert key_of(asked) == KEYS[mode]
    assert form_of(asked) == {"grant_type": "refresh_token", "refresh_token": REFRESH}


@MODES
@pytest.mark.parametrize("token", [True, False])
def test_the_account_tells_whose_it_is(wire: Wire, mode: str, token: bool) -> None:
    # stripe/stripe-python: stripe/_account.py and _account_service.py; docs.stripe.com/connect/authentication
    settings = {"dashboard": {"display_name": "Riverside", "timezone": "Etc/UTC"}}
    money = {"country": "GB", "default_currency": "gbp", "charges_enabled": True}
    wire.answer({"id": ACCOUNT, "object": "account", "settings": settings, **money})
    provider = stripe_of(wire, mode)
    identity = provider.identify(grant_of(provider, ACCOUNT, token=token))
    asked = wire.only
    assert (asked.method, key_of(asked)) == ("GET", ACCESS if token else KEYS[mode])
    named = asked.url == f"https://api.stripe.com/v1/accounts/{ACCOUNT}"
    assert named or asked.url == "https://api.stripe.com/v1/account"
    assert token or named or asked.headers["stripe-account"] == ACCOUNT
    assert (identity.external_id, identity.display_name) == (ACCOUNT, "Riverside")
    assert (identity.country, identity.currency, identity.charges_enabled) == ("GB", "gbp", True)
    assert identity.proof == ("token" if token else "platform_key")


@pytest.mark.parametrize(
    ("account", "name"),
    [
        (
            {"settings": {"dashboard": {"display_name": None}}, "business_profile": {"name": "Riverside Ltd"}},
            "Riverside Ltd",
        ),
        ({"business_profile": {"name": None}, "email": "a@riverside.example"}, "a@riverside.example"),
        ({}, ACCOUNT),
    ],
)
def test_an_account_without_a_display_name_has_another(wire: Wire, account: dict[str, Any], name: str) -> None:
    wire.answer({"id": ACCOUNT, "object": "account", **account})
    provider = stripe_of(wire)
    assert provider.identify(grant_of(provider, ACCOUNT)).display_name == name


@pytest.mark.parametrize("able", [True, False])
def test_the_account_tells_whether_it_can_be_paid(wire: Wire, able: bool) -> None:
    # stripe/stripe-python: stripe/_account.py
    wire.answer({"id": ACCOUNT, "charges_enabled": able, "payouts_enabled": True, "details_submitted": True})
    assert stripe_of(wire).readiness(ACCOUNT, Secret(ACCESS)).ready is able


@MODES
def test_revoking_names_the_account(wire: Wire, mode: str) -> None:
    # docs.stripe.com/connect/oauth-reference, POST /deauthorize; stripe/stripe-python: stripe/_oauth.py
    wire.answer({"stripe_user_id": ACCOUNT})
    revoke(stripe_of(wire, mode), ACCOUNT)
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", "https://connect.stripe.com/oauth/deauthorize")
    assert key_of(asked) == KEYS[mode]
    sent = {name: value for name, value in asked.form.items() if name != "client_secret"}
    assert sent == {"client_id": CLIENTS[mode], "stripe_user_id": ACCOUNT}


def test_revoking_another_account_is_not_done(wire: Wire) -> None:
    wire.answer({"stripe_user_id": "acct_another"})
    with pytest.raises(MalformedAnswerError):
        revoke(stripe_of(wire), ACCOUNT)


# docs.stripe.com/connect/oauth-reference, Error codes for POST /token
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("invalid_grant", "code_refused"),
        ("invalid_request", "request_refused"),
        ("unsupported_grant_type", "request_refused"),
        ("unsupported_response_type", "request_refused"),
        ("invalid_scope", "scope_refused"),
        ("invalid_client", "platform_refused"),
    ],
)
def test_documented_errors_have_reasons(wire: Wire, code: str, reason: str) -> None:
    wire.answer({"error": code, "error_description": "Authorization code does not exist: the-code"}, 400)
    with refused(reason):
        redeem(stripe_of(wire))


def test_an_error_of_the_api_is_a_refusal_though_it_is_an_object(wire: Wire) -> None:
    # stripe/stripe-python: stripe/_api_requestor.py tells an OAuth error from one of the API by its being a text.
    wire.answer({"error": {"message": "Invalid API Key provided: sk_test_***", "type": "invalid_request_error"}}, 401)
    with refused("platform_refused", "request_refused", "provider_error"):
        redeem(stripe_of(wire))


def test_a_controlled_account_stays(wire: Wire) -> None:
    # docs.stripe.com/connect/oauth-reference, Error codes for POST /deauthorize
    wire.answer({"error": "no_deauth_on_controlled_account", "error_description": "in prose"}, 400)
    with refused("account_controlled"):
        revoke(stripe_of(wire), ACCOUNT)


def test_an_account_that_is_not_connected_any_more_is_done(wire: Wire) -> None:
    # The same list, and stripe/stripe-ruby: test/stripe/api_requestor_test.rb. The same code is for a client id that is
    # not ours or of the other mode; only the prose tells them apart.
    prose = f"This application is not connected to stripe account {ACCOUNT}, or that account does not exist."
    wire.answer({"error": "invalid_client", "error_description": prose}, 401)
    wire.answer({"error": {"type": "invalid_request_error", "code": "account_invalid"}}, 403)
    revoke(stripe_of(wire), ACCOUNT)
    assert wire.asked[0].form["stripe_user_id"] == ACCOUNT


def test_an_organizer_who_says_no_is_known(wire: Wire) -> None:
    assert "access_denied" in stripe_of(wire).denied
