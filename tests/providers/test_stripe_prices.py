"""What Stripe takes for a ticket, and in which units it counts."""

from typing import Any

import pytest

from connectapp.providers.registry import get_providers
from tests.support.rows import SQLITE_ONLY
from tests.support.site import Site

pytestmark = SQLITE_ONLY
ACCOUNT = "acct_1SandboxRiverside1"


@pytest.fixture
def stripe(site: Site) -> Any:
    return get_providers(site.registry)["stripe"]


@pytest.mark.parametrize(
    ("amount", "currency", "problem"),
    [
        (1250, "eur", None),
        (50, "eur", None),
        (49, "eur", "too_low"),
        (29, "gbp", "too_low"),
        (17499, "huf", "too_low"),
        (1, "isk", None),
        (5120, "kwd", None),
        (5124, "kwd", "not_rounded"),
        (200, "mga", None),
        (250, "mga", "not_rounded"),
        (1250, "kpw", "currency"),
        (1250, "EUR", "currency"),
    ],
)
def test_prices(stripe: Any, amount: int, currency: str, problem: str | None) -> None:
    assert stripe.price_problem(amount, currency, "gbp") == problem


@pytest.mark.parametrize(
    ("amount", "currency", "sent"),
    [
        (100, "eur", 100),
        (150, "jpy", 150),
        (1000, "kwd", 1000),
        (150, "isk", 15000),
        (200, "ugx", 20000),
        (5000, "mga", 50),
    ],
)
def test_amounts_are_sent_in_stripes_units(site: Site, stripe: Any, amount: int, currency: str, sent: int) -> None:
    browser = site.signed_in()
    browser.connect(account=ACCOUNT)
    result = stripe.pay_test(
        external_id=ACCOUNT, access_token=None, amount=amount, currency=currency, idempotency_key="one"
    )
    assert result.succeeded
    (payment,) = site.sandbox.ledger()["payments"]
    assert (payment["amount"], payment["currency"]) == (sent, currency)
