"""Stripe's hosted onboarding, as its documents and its SDK describe it."""

from typing import Any

import pytest
import stripe

from connectapp.errors import MalformedAnswerError, OutcomeUnknownError, ProviderError
from connectapp.providers.capabilities import IOnboards, Onboarding
from connectapp.providers.interfaces import Prefill
from connectapp.providers.registry import problems
from connectapp.secret import Secret
from connectapp.settings import ProviderSettings, Settings
from tests.providers.golden import REDIRECT_URI, STATE, Asked, Wire, key_of, redeem, refresh, refused, revoke

KEY = "sk_test_golden0123456789"
MADE, EARLIER = "acct_1Nv0FGQ9RKHgCVdK", "acct_1032D82eZvKYlo2C"
AGAIN = "https://tickets.example/connect/stripe"
# docs.stripe.com/api/accounts/object, shortened.
ACCOUNT = {
    "id": MADE,
    "object": "account",
    "business_profile": {"name": "Riverside Concerts"},
    "charges_enabled": False,
    "country": "GB",
    "default_currency": "gbp",
    "details_submitted": False,
    "email": "box@riverside.example",
    "settings": {"dashboard": {"display_name": None}},
    "type": "standard",
}
# docs.stripe.com/api/account_links/create
LINK = {
    "object": "account_link",
    "created": 1680577733,
    "expires_at": 1680578033,
    "url": "https://connect.stripe.com/setup/c/acct_1Mt0CORHFI4mz9Rw/TqckGNUHg2mG",
}
# docs.stripe.com/error-codes: of an account that the key has no access to, or none any more.
GONE = {"error": {"type": "invalid_request_error", "code": "account_invalid", "message": "no access"}}


@pytest.fixture
def provider(wire: Wire) -> Any:
    return wire.make_provider("stripe", client_secret=KEY, variant="onboarding")


def onboard(provider: Any, external_id: str | None = None, **known: str) -> Onboarding:
    made: Onboarding = provider.onboard(
        redirect_uri=REDIRECT_URI, again_uri=AGAIN, state=STATE, prefill=Prefill(**known), external_id=external_id
    )
    return made


def is_about(asked: Asked, method: str, address: str) -> None:
    assert (asked.method, asked.url, key_of(asked)) == (method, address, KEY)


def test_what_it_is(provider: Any) -> None:
    assert isinstance(provider, IOnboards)
    assert (provider.callback_names.code, provider.callback_names.account) == ("", None)
    assert (provider.uses_pkce, provider.revocable, provider.scope) == (False, False, "")


def test_an_account_is_made_and_a_link_for_it(wire: Wire, provider: Any) -> None:
    wire.answer(ACCOUNT)
    wire.answer(LINK)
    made = onboard(provider, email="box@riverside.example", business_name="Riverside & Söhne", country="DE")
    assert made == Onboarding(LINK["url"], MADE)
    first, second = wire.asked
    # docs.stripe.com/connect/standard-accounts: type is all that must be there. /api/accounts/create: the rest.
    is_about(first, "POST", "https://api.stripe.com/v1/accounts")
    assert first.form == {
        "type": "standard",
        "country": "DE",
        "email": "box@riverside.example",
        "business_profile[name]": "Riverside & Söhne",
    }
    # docs.stripe.com/api/account_links/create: these four.
    is_about(second, "POST", "https://api.stripe.com/v1/account_links")
    assert second.form == {
        "account": MADE,
        "type": "account_onboarding",
        "refresh_url": AGAIN,
        "return_url": f"{REDIRECT_URI}?state={STATE}",
    }


def test_what_is_not_known_is_not_sent(wire: Wire, provider: Any) -> None:
    wire.answer(ACCOUNT)
    wire.answer(LINK)
    onboard(provider)
    assert wire.asked[0].form == {"type": "standard"}


def test_the_sdk_sends_the_same(wire: Wire, provider: Any) -> None:
    for body in (ACCOUNT, LINK, ACCOUNT, LINK):
        wire.answer(body)
    onboard(provider, email="box@riverside.example", business_name="Riverside")
    sdk = stripe.StripeClient(KEY, base_addresses={"api": f"{wire.url}/api.stripe.com"}, max_network_retries=0)
    sdk.v1.accounts.create(
        {"type": "standard", "email": "box@riverside.example", "business_profile": {"name": "Riverside"}}
    )
    sdk.v1.account_links.create(
        {
            "account": MADE,
            "type": "account_onboarding",
            "refresh_url": AGAIN,
            "return_url": f"{REDIRECT_URI}?state={STATE}",
        }
    )
    for ours, theirs in zip(wire.asked[:2], wire.asked[2:], strict=True):
        assert (ours.method, ours.url, ours.form, key_of(ours)) == (
            theirs.method,
            theirs.url,
            theirs.form,
            key_of(theirs),
        )


def test_an_account_that_is_not_finished_gets_another_link(wire: Wire, provider: Any) -> None:
    wire.answer(LINK)
    assert onboard(provider, EARLIER).external_id == EARLIER
    assert wire.only.form["account"] == EARLIER


@pytest.mark.parametrize("status", [400, 403, 404])
def test_an_account_that_is_gone_is_replaced(wire: Wire, provider: Any, status: int) -> None:
    wire.answer(GONE, status)
    wire.answer(ACCOUNT)
    wire.answer(LINK)
    assert onboard(provider, EARLIER).external_id == MADE
    assert [asked.form.get("account") for asked in wire.asked] == [EARLIER, None, MADE]


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (401, {"error": {"type": "invalid_request_error"}}, ProviderError, "platform_refused"),
        (403, {"error": {"type": "invalid_request_error"}}, ProviderError, "platform_refused"),
        (400, {"error": {"code": "parameter_missing"}}, ProviderError, "request_refused"),
        (429, {"error": {"code": "rate_limit"}}, OutcomeUnknownError, "no_answer"),
        (500, None, OutcomeUnknownError, "no_answer"),
        (200, {"id": "acct_1\nX"}, MalformedAnswerError, "malformed_answer"),
        (200, {"id": "cus_1"}, MalformedAnswerError, "malformed_answer"),
        (200, [], MalformedAnswerError, "malformed_answer"),
    ],
)
def test_no_account_no_link(
    wire: Wire, provider: Any, status: int, body: Any, error: type[ProviderError], code: str
) -> None:
    wire.answer(body, status)
    with pytest.raises(error) as caught:
        onboard(provider)
    assert (caught.value.code, caught.value.external_id) == (code, None)
    assert len(wire.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, None, "no_answer"),
        (403, GONE, "platform_refused"),
        (400, {"error": {"code": "url_invalid"}}, "request_refused"),
        (200, LINK | {"url": "http://connect.stripe.com/setup/c/1"}, "malformed_answer"),
        (200, LINK | {"url": "https://connect.stripe.com@evil.example/"}, "malformed_answer"),
        (200, LINK | {"url": "https://stripe.com.evil.example/"}, "malformed_answer"),
        (200, LINK | {"url": "https://evilstripe.com/"}, "malformed_answer"),
        (200, LINK | {"url": "https://connect.stripe.com/\r\nSet-Cookie: a=b"}, "malformed_answer"),
        (200, {}, "malformed_answer"),
    ],
)
def test_an_account_without_a_link_is_named(wire: Wire, provider: Any, status: int, body: Any, code: str) -> None:
    wire.answer(ACCOUNT)
    wire.answer(body, status)
    with pytest.raises(ProviderError) as caught:
        onboard(provider)
    assert (caught.value.code, caught.value.external_id) == (code, MADE)


def test_who_has_told_all_is_known_by_the_platforms_key(wire: Wire, provider: Any) -> None:
    # docs.stripe.com/connect/hosted-onboarding: that they came back says nothing; details_submitted does.
    wire.answer(ACCOUNT | {"details_submitted": True})
    grant = redeem(provider, MADE)
    is_about(wire.only, "GET", f"https://api.stripe.com/v1/accounts/{MADE}")
    assert (grant.external_id, grant.mode, grant.access_token, grant.refresh_token) == (MADE, "test", None, None)


@pytest.mark.parametrize("submitted", [False, None, "true", 1])
def test_who_has_not_told_all_is_not_finished(wire: Wire, provider: Any, submitted: Any) -> None:
    wire.answer(ACCOUNT | {"details_submitted": submitted})
    with refused("not_finished"):
        redeem(provider, MADE)


def test_another_account_is_refused(wire: Wire, provider: Any) -> None:
    wire.answer(ACCOUNT | {"id": EARLIER, "details_submitted": True})
    with refused("identity_mismatch"):
        redeem(provider, MADE)


def test_without_an_account_nobody_is_asked(wire: Wire, provider: Any) -> None:
    with pytest.raises(MalformedAnswerError):
        redeem(provider, None)
    assert wire.asked == []


@pytest.mark.parametrize(("status", "error"), [(403, ProviderError), (500, OutcomeUnknownError)])
def test_no_answer_about_an_account(wire: Wire, provider: Any, status: int, error: type[ProviderError]) -> None:
    wire.answer(GONE, status)
    with pytest.raises(error):
        redeem(provider, MADE)


@pytest.mark.parametrize("charges", [True, False])
def test_whose_account_it_is(wire: Wire, provider: Any, charges: bool) -> None:
    wire.answer(ACCOUNT | {"details_submitted": True})
    wire.answer(ACCOUNT | {"charges_enabled": charges})
    identity = provider.identify(redeem(provider, MADE))
    is_about(wire.asked[1], "GET", f"https://api.stripe.com/v1/accounts/{MADE}")
    assert "stripe-account" not in wire.asked[1].headers  # docs.stripe.com/api/accounts/retrieve: as the platform
    assert (identity.external_id, identity.display_name, identity.proof) == (
        MADE,
        "Riverside Concerts",
        "platform_key",
    )
    assert (identity.country, identity.currency, identity.charges_enabled) == ("GB", "gbp", charges)


def test_whether_it_takes_money_now_is_asked_in_its_name(wire: Wire, provider: Any) -> None:
    # docs.stripe.com/connect/authentication: the platform's key, and Stripe-Account.
    wire.answer(ACCOUNT | {"charges_enabled": True})
    assert provider.readiness(MADE, None).ready
    is_about(wire.only, "GET", "https://api.stripe.com/v1/account")
    assert wire.only.headers["stripe-account"] == MADE


def test_there_is_nothing_to_give_back_and_nothing_to_refresh(wire: Wire, provider: Any) -> None:
    with refused("revocation_impossible"):
        revoke(provider, MADE)
    with refused("refresh_impossible"):
        refresh(provider)
    assert wire.asked == []


def test_accounts_have_no_key_of_their_own() -> None:
    told = {"client_id": "unused", "client_secret": Secret(KEY), "mode": "test", "variant": "onboarding"}
    settings = Settings(provider={"stripe": ProviderSettings("stripe", **told, pay_with="account")})
    assert [line.partition(":")[0] for line in problems(settings)] == [
        "connectapp.provider.stripe.pay_with must be platform"
    ]
