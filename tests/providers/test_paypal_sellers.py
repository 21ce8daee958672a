"""PayPal's Partner Referrals, as its documents describe them: who came of a link, and what they have granted."""

from typing import Any

import pytest

from tests.providers.golden import CODE, Wire, redeem, refresh, refused, revoke
from tests.providers.paypal import BEARER, CONSENT, FOUND, PARTY, SCOPE, SELLER, SELLERS, STATUS, with_token


@pytest.fixture
def provider(wire: Wire) -> Any:
    return with_token(wire)


@pytest.mark.parametrize("status", [200, 201])  # the OpenAPI document says 201
def test_the_seller_is_who_came_of_the_tracking_id(wire: Wire, provider: Any, status: int) -> None:
    wire.answer(FOUND, status)
    wire.answer(STATUS)
    grant = redeem(provider, SELLER)
    first, second = wire.asked
    assert (first.method, first.address, first.query) == ("GET", SELLERS, {"tracking_id": CODE})
    assert (second.method, second.url) == ("GET", f"{SELLERS}/{SELLER}")
    assert {first.headers["authorization"], second.headers["authorization"]} == {BEARER}
    assert (grant.external_id, grant.mode, grant.scope, grant.access_token) == (SELLER, "test", SCOPE, None)


@pytest.mark.parametrize(
    ("found", "said", "reason"),
    [
        ((200, FOUND), "SOMEBODYELSE1", "identity_mismatch"),
        ((200, FOUND), None, "not_finished"),
        ((200, {"tracking_id": CODE}), SELLER, "not_finished"),
        ((404, {"name": "RESOURCE_NOT_FOUND"}), SELLER, "not_finished"),
        ((403, {"name": "NOT_AUTHORIZED"}), SELLER, "platform_refused"),
    ],
)
def test_what_the_browser_says_is_not_enough(
    wire: Wire, provider: Any, found: tuple[int, Any], said: str | None, reason: str
) -> None:
    status, body = found
    wire.answer(body, status)
    with refused(reason):
        redeem(provider, said)
    assert len(wire.asked) == 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"oauth_integrations": []}, "not_finished"),
        ({"oauth_integrations": None}, "not_finished"),
        ({"oauth_integrations": [CONSENT | {"status": "I"}]}, "not_finished"),
        ({"oauth_integrations": [CONSENT | {"integration_type": "FIRST_PARTY_INTEGRATED"}]}, "not_finished"),
        ({"oauth_integrations": [CONSENT | {"oauth_third_party": [PARTY | {"scopes": []}]}]}, "not_finished"),
        ({"oauth_integrations": [CONSENT | {"oauth_third_party": [PARTY | {"scopes": "x"}]}]}, "not_finished"),
        (
            {"oauth_integrations": [CONSENT | {"oauth_third_party": [PARTY | {"partner_client_id": "other"}]}]},
            "not_finished",
        ),
        ({"payments_receivable": None}, "not_finished"),
        ({"payments_receivable": "true"}, "not_finished"),
        ({"merchant_id": "SOMEBODYELSE1"}, "identity_mismatch"),
    ],
)
def test_a_seller_who_has_not_granted_it_to_us(wire: Wire, provider: Any, changed: dict[str, Any], reason: str) -> None:
    wire.answer(FOUND)
    wire.answer(STATUS | changed)
    with refused(reason):
        redeem(provider, SELLER)


@pytest.mark.parametrize("receivable", [True, False])
def test_whose_account_it_is(wire: Wire, provider: Any, receivable: bool) -> None:
    for body in (FOUND, STATUS, STATUS | {"payments_receivable": receivable}):
        wire.answer(body)
    identity = provider.identify(redeem(provider, SELLER))
    asked = wire.asked[2]
    assert (asked.method, asked.url, asked.headers["authorization"]) == ("GET", f"{SELLERS}/{SELLER}", BEARER)
    assert (identity.external_id, identity.display_name, identity.proof) == (
        SELLER,
        "Riverside Concerts",
        "platform_key",
    )
    assert (identity.country, identity.currency, identity.charges_enabled) == (None, None, receivable)


@pytest.mark.parametrize(
    ("changed", "missing"),
    [({}, ()), ({"primary_email_confirmed": False}, ("primary_email_confirmed",))],
)
def test_whether_it_takes_money_now(
    wire: Wire, provider: Any, changed: dict[str, Any], missing: tuple[str, ...]
) -> None:
    wire.answer(STATUS | changed)
    readiness = provider.readiness(SELLER, None)
    assert (readiness.ready, readiness.missing) == (not missing, missing)


def test_there_is_nothing_to_give_back_and_nothing_to_refresh(wire: Wire, provider: Any) -> None:
    with refused("revocation_impossible"):
        revoke(provider, SELLER)
    with refused("refresh_impossible"):
        refresh(provider)
    assert wire.asked == []


@pytest.mark.parametrize(
    ("amount", "currency", "problem"),
    [
        (1250, "eur", None),
        (1250, "huf", "not_rounded"),
        (1200, "huf", None),
        (150, "twd", "not_rounded"),
        (1, "jpy", None),
        (1250, "brl", "currency"),
        (1250, "isk", "currency"),
    ],
)
def test_prices(provider: Any, amount: int, currency: str, problem: str | None) -> None:
    # developer.paypal.com/docs/api/reference/currency-codes
    assert provider.price_problem(amount, currency, None) == problem
