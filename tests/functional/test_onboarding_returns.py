"""Returns of providers that onboard: they have no code and no signature, and nothing that they say is believed."""

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.onboarding import BOTH, RIVERSIDE, SETTINGS, accounts_made, confirmations, connect, go
from tests.support.rows import ago, answer_page, callback, params, set_times, state, statuses
from tests.support.site import Browser, Site


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site(**SETTINGS)


@pytest.mark.row("ST-01")
def test_a_link_that_is_used_leads_to_a_page_with_the_button(site: Site, browser: Browser) -> None:
    link = browser.leave()
    site.sandbox.http.request("GET", link)
    used = site.sandbox.http.request("GET", link, redirect=False)
    assert used.headers["Location"] == "https://app.test/connect/stripe"
    before, count = state(site), len(site.sandbox.ledger()["requests"])
    page = browser.get("/connect/stripe", status=200)
    assert "Connect with Stripe" in page.text
    assert (state(site), len(site.sandbox.ledger()["requests"])) == (before, count)
    assert "Connected" in connect(browser).text
    assert accounts_made(site) == 1


@pytest.mark.row("ST-12")
def test_the_account_that_a_return_names_is_not_believed_of_stripe(site: Site, browser: Browser) -> None:
    forged = {"account": RIVERSIDE, "stripe_user_id": RIVERSIDE, "external_id": RIVERSIDE, "code": RIVERSIDE}
    page = answer_page(browser, f"{go(browser)}&{urlencode(forged)}")
    assert "Connected" in page.text
    (account,) = site.accounts()
    (attempt,) = site.attempts()
    assert account.external_id == attempt.external_id != RIVERSIDE
    assert not [one for one in site.sandbox.ledger()["requests"] if RIVERSIDE in one["path"]]


@pytest.mark.row("ST-12", "CR-06")
def test_another_merchant_in_the_return_of_paypal_is_refused(site: Site, browser: Browser) -> None:
    victim = site.signed_in("victor")
    connect(victim, "paypal", account=RIVERSIDE)
    (theirs,) = site.accounts()
    url = go(browser, "paypal")
    own = params(url)["merchantIdInPayPal"][0]
    page = answer_page(browser, url.replace(own, theirs.external_id))
    assert "could not be proven" in page.text
    assert statuses(site)[-1] == ("failed", "identity_mismatch")
    assert [one.id for one in site.accounts()] == [theirs.id]
    again = answer_page(browser, url)
    assert "could not be proven" in again.text
    assert [one.id for one in site.accounts()] == [theirs.id]


@BOTH
@pytest.mark.row("CR-06")
def test_a_return_without_having_been_there_links_nothing(site: Site, browser: Browser, name: str) -> None:
    connect(site.signed_in("victor"), name)
    (theirs,) = site.accounts()
    left = go(browser, name, "leave")  # with the state of an attempt whose organizer did nothing there
    forged = {"merchantIdInPayPal": theirs.external_id, "permissionsGranted": "true", "account": theirs.external_id}
    answer_page(browser, f"{left}&{urlencode(forged)}")
    assert statuses(site)[-1] == ("failed", "not_finished")
    assert [one.id for one in site.accounts()] == [theirs.id]


@BOTH
@pytest.mark.row("ST-04", "ST-06")
def test_a_return_in_another_session_does_nothing(site: Site, browser: Browser, name: str) -> None:
    url = go(browser, name)
    for other in (site.signed_in("mallory"), site.browser()):
        assert answer_page(other, url).status_code == 403
    assert statuses(site) == [("pending", None)]
    assert (site.accounts(), confirmations(site, name)) == ([], 0)
    assert {"attempt.foreign_session", "attempt.signed_out"} <= set(site.audit())
    assert "Connected" in answer_page(browser, url).text


@BOTH
@pytest.mark.row("ST-08", "CR-02")
def test_a_return_that_is_repeated_shows_what_came_of_it(site: Site, browser: Browser, name: str) -> None:
    url = go(browser, name)
    answer_page(browser, url)
    asked, before = confirmations(site, name), state(site)
    for _ in range(3):
        assert "Connected" in answer_page(browser, url).text
    assert (confirmations(site, name), state(site)) == (asked, before)


@BOTH
@pytest.mark.row("ST-08")
def test_what_failed_once_is_not_taken_up_again(site: Site, browser: Browser, name: str) -> None:
    url = go(browser, name, "leave")
    answer_page(browser, url)
    site.sandbox.decide(browser.leave(name))
    assert "not finished yet" in answer_page(browser, url).text
    assert site.accounts() == []


@pytest.mark.row("CR-01")
def test_returns_at_the_same_time_are_confirmed_once(site: Site, browser: Browser) -> None:
    url = go(browser)
    site.sandbox.fault(endpoint="account", hold="confirm")
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(browser.get(url, status=303))) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        site.sandbox.wait_for_hold("confirm")
        assert site.registry["connectapp.engine"].pool.checkedout() <= 3
    finally:
        site.sandbox.release("confirm")
        for thread in threads:
            thread.join()
    assert len(answers) == 4
    assert confirmations(site, "stripe") == 2  # once for what came of it, once for whose account it is
    assert [one.status for one in site.accounts()] == ["active"]


@BOTH
@pytest.mark.row("ST-10")
def test_a_return_that_is_too_late(site: Site, browser: Browser, name: str) -> None:
    url = go(browser, name)
    set_times(site, "attempt", expires_at=ago(seconds=1))
    assert "took too long" in answer_page(browser, url).text
    assert (site.accounts(), confirmations(site, name)) == ([], 0)


@pytest.mark.row("MX-01")
def test_a_return_to_the_wrong_provider(site: Site, browser: Browser) -> None:
    state_of = params(go(browser))["state"][0]
    page = answer_page(browser, callback(provider="paypal", merchantId=state_of, merchantIdInPayPal="SELLER1234567"))
    assert "wrong place" in page.text
    assert statuses(site) == [("refused", "other_provider")]
    assert (confirmations(site, "stripe"), confirmations(site, "paypal"), site.accounts()) == (0, 0, [])
