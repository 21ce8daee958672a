"""Providers that onboard, as tests use them: what is set, and the way through their pages."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.rows import answer_page
from tests.support.site import Browser, Site, path_and_query

SETTINGS: Mapping[str, str] = {
    "providers": "stripe paypal",
    "provider__stripe__variant": "onboarding",
    "provider__paypal__client_id": "ca_paypal",
    "provider__paypal__client_secret": "sk_test_paypal_canary",
    "provider__paypal__mode": "test",
    "provider__paypal__variable__partner_id": "PARTNER123456",
}
BOTH = pytest.mark.parametrize("name", ["stripe", "paypal"])
API = "api.stripe.com"
RIVERSIDE = "acct_1SandboxRiverside1"  # one of the sandbox's own accounts
# What the API is asked when somebody comes back, by the beginning of the path.
_CONFIRMING = {"stripe": "/v1/accounts/acct_", "paypal": "/v1/customer/partners/"}


def go(browser: Browser, name: str = "stripe", action: str = "approve", **fields: Any) -> str:
    """Through the provider's pages, up to the address that it sends the browser back to."""
    return path_and_query(browser.site.sandbox.decide(browser.leave(name), action, **fields))


def connect(browser: Browser, name: str = "stripe", action: str = "approve", **fields: Any) -> Any:
    """The whole trip; gives the result page, whatever its status."""
    return answer_page(browser, go(browser, name, action, **fields))


def accounts_made(site: Site) -> int:
    """How many accounts were asked for at Stripe."""
    return len(site.sandbox.requests("/v1/accounts", API))


def confirmations(site: Site, name: str) -> int:
    """How often the API was asked what came of it."""
    seen = site.sandbox.ledger()["requests"]
    return len([one for one in seen if one["method"] == "GET" and one["path"].startswith(_CONFIRMING[name])])
