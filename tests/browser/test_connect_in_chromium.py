"""The trip in a real browser, under our own Content-Security-Policy, on two sites."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served
from tests.browser.steps import approve_new_account, at_the_provider, heading, look, sign_in


def begin(page: Page) -> None:
    """Sign in and go to the accounts."""
    sign_in(page)
    page.goto("/accounts")


@pytest.mark.row("RD-07", "SE-02", "HD-03")
def test_connect_disconnect_and_connect_again(page: Page, served: Served) -> None:
    page.goto("/")
    look(page, "home")
    begin(page)
    look(page, "accounts-empty")
    at_the_provider(page)
    look(page, "sandbox-authorize")
    approve_new_account(page, "Riverside Concerts")
    page.wait_for_url("**/connect/stripe/result?attempt=*")
    heading(page, "Connected")
    look(page, "result-linked")
    assert served.sandbox.redemptions() == 1

    page.goto("/accounts")
    expect(page.get_by_text("Riverside Concerts").first).to_be_visible()
    look(page, "accounts-one")
    page.locator("a[href^='/accounts/']").first.click()
    look(page, "account")
    page.get_by_role("link", name="Disconnect").click()
    look(page, "disconnect")
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("Disconnected").first).to_be_visible()
    look(page, "account-disconnected")
    assert served.sandbox.live_grants() == []

    page.goto("/accounts")
    at_the_provider(page)
    approve_new_account(page, "Riverside Concerts")
    heading(page, "Connected")
    assert len(served.sandbox.live_grants()) == 1


@pytest.mark.row("ER-01", "CR-02")
def test_deny_and_replay(page: Page, served: Served) -> None:
    begin(page)
    at_the_provider(page)
    callbacks: list[str] = []
    page.on("request", lambda request: callbacks.append(request.url) if "/callback?" in request.url else None)
    page.locator("button[value=deny]").click()
    heading(page, "You did not connect")
    look(page, "result-denied")
    assert served.sandbox.redemptions() == 0

    page.goto("/accounts")
    at_the_provider(page)
    approve_new_account(page, "Riverside Concerts")
    heading(page, "Connected")
    for _ in range(2):
        page.goto(callbacks[-1])
        heading(page, "Connected")
    page.go_back()
    assert served.sandbox.redemptions() == 1


@pytest.mark.row("ST-04")
def test_an_answer_in_another_browser_is_refused(page: Page, served: Served, chromium) -> None:
    begin(page)
    page.get_by_role("button", name="Connect with Stripe").first.click()
    page.wait_for_url("http://127.0.0.1:*/**")
    back = served.sandbox.decide(page.url)
    other = chromium.new_context(base_url=served.url).new_page()
    other.goto(back)
    heading(other, "You are signed out")
    look(other, "result-signed-out")
    other.context.close()
    assert served.sandbox.redemptions() == 0


def test_errors_are_pages_too(page: Page, served: Served) -> None:
    page.goto("/nothing/here")
    heading(page, "Not found")
    look(page, "error-404")
    begin(page)
    at_the_provider(page)
    served.sandbox.fault(endpoint="token", status=500)
    approve_new_account(page, "Riverside Concerts")
    heading(page, "cannot tell")
    look(page, "result-unknown")


@pytest.mark.row("ST-17")
def test_replace_an_account(page: Page, served: Served) -> None:
    begin(page)
    at_the_provider(page)
    approve_new_account(page, "Old Mill")
    page.goto("/accounts")
    page.locator("a[href^='/accounts/']").first.click()
    page.get_by_role("button", name="Replace").click()
    page.wait_for_url("http://127.0.0.1:*/**")
    approve_new_account(page, "New Mill")
    heading(page, "Replace")
    look(page, "confirm-replace")
    page.locator("button[value=replace]").click()
    heading(page, "Connected")
    assert len(served.sandbox.live_grants()) == 1


def test_send_a_test_payment(page: Page, served: Served) -> None:
    begin(page)
    at_the_provider(page)
    approve_new_account(page, "Riverside Concerts")
    page.goto("/accounts")
    page.locator("a[href^='/accounts/']").first.click()
    page.get_by_role("button", name="Send a test payment").click()
    heading(page, "The payment arrived")
    look(page, "payment")
    page.get_by_role("link", name="Back to the account").click()
    look(page, "account-with-payment")
    (payment,) = served.sandbox.ledger()["payments"]
    assert (payment["amount"], payment["currency"], payment["status"]) == (100, "gbp", "succeeded")
