"""The trip in a real browser, under our own Content-Security-Policy, on two sites."""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served

AXE = Axe()


def look(page: Page, name: str) -> None:
    """No accessibility problem; and a picture for whoever sets SCREENSHOTS to a directory."""
    violations = AXE.run(page).response["violations"]
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in violations] == []
    wide = page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert wide, f"{name} scrolls sideways"
    directory = os.environ.get("SCREENSHOTS")
    if directory:
        size = page.viewport_size or {}
        page.screenshot(path=Path(directory) / f"{name}-{size.get('width')}.png", full_page=True)


def sign_in(page: Page) -> None:
    page.goto("/signin")
    look(page, "signin")
    page.get_by_role("button", name="demo").click()
    page.wait_for_url("**/accounts")


def at_the_provider(page: Page) -> None:
    """Press Connect, and be taken to the other site."""
    page.get_by_role("button", name="Connect with Stripe").first.click()
    page.wait_for_url("http://127.0.0.1:*/connect.stripe.com/oauth/authorize*")


def approve_new_account(page: Page, name: str) -> None:
    page.get_by_label("A new account").check()
    page.get_by_label("Business name").fill(name)
    page.locator("button[value=approve]").click()


@pytest.mark.row("RD-07", "SE-02", "HD-03")
def test_connect_disconnect_and_connect_again(page: Page, served: Served) -> None:
    page.goto("/")
    look(page, "home")
    sign_in(page)
    look(page, "accounts-empty")
    at_the_provider(page)
    look(page, "sandbox-authorize")
    approve_new_account(page, "Riverside Concerts")
    page.wait_for_url("**/connect/stripe/result?attempt=*")
    expect(page.get_by_role("heading", level=1)).to_have_text("Connected")
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
    expect(page.get_by_role("heading", level=1)).to_have_text("Connected")
    assert len(served.sandbox.live_grants()) == 1


@pytest.mark.row("ER-01", "CR-02")
def test_deny_and_replay(page: Page, served: Served) -> None:
    sign_in(page)
    at_the_provider(page)
    callbacks: list[str] = []
    page.on("request", lambda request: callbacks.append(request.url) if "/callback?" in request.url else None)
    page.locator("button[value=deny]").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You did not connect")
    look(page, "result-denied")
    assert served.sandbox.redemptions() == 0

    page.goto("/accounts")
    at_the_provider(page)
    approve_new_account(page, "Riverside Concerts")
    expect(page.get_by_role("heading", level=1)).to_have_text("Connected")
    for _ in range(2):
        page.goto(callbacks[-1])
        expect(page.get_by_role("heading", level=1)).to_have_text("Connected")
    page.go_back()
    assert served.sandbox.redemptions() == 1


@pytest.mark.row("ST-04")
def test_an_answer_in_another_browser_is_refused(page: Page, served: Served, chromium) -> None:
    sign_in(page)
    page.get_by_role("button", name="Connect with Stripe").first.click()
    page.wait_for_url("http://127.0.0.1:*/**")
    back = served.sandbox.decide(page.url)
    other = chromium.new_context(base_url=served.url).new_page()
    other.goto(back)
    expect(other.get_by_role("heading", level=1)).to_have_text("You are signed out")
    look(other, "result-signed-out")
    other.context.close()
    assert served.sandbox.redemptions() == 0


def test_errors_are_pages_too(page: Page, served: Served) -> None:
    page.goto("/nothing/here")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    look(page, "error-404")
    sign_in(page)
    at_the_provider(page)
    served.sandbox.fault(endpoint="token", status=500)
    approve_new_account(page, "Riverside Concerts")
    expect(page.get_by_role("heading", level=1)).to_contain_text("cannot tell")
    look(page, "result-unknown")


@pytest.mark.row("ST-17")
def test_replace_an_account(page: Page, served: Served) -> None:
    sign_in(page)
    at_the_provider(page)
    approve_new_account(page, "Old Mill")
    page.goto("/accounts")
    page.locator("a[href^='/accounts/']").first.click()
    page.get_by_role("button", name="Replace").click()
    page.wait_for_url("http://127.0.0.1:*/**")
    approve_new_account(page, "New Mill")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Replace")
    look(page, "confirm-replace")
    page.locator("button[value=replace]").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Connected")
    assert len(served.sandbox.live_grants()) == 1


def test_send_a_test_payment(page: Page, served: Served) -> None:
    sign_in(page)
    at_the_provider(page)
    approve_new_account(page, "Riverside Concerts")
    page.goto("/accounts")
    page.locator("a[href^='/accounts/']").first.click()
    page.get_by_role("button", name="Send a test payment").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The payment arrived")
    look(page, "payment")
    page.get_by_role("link", name="Back to the account").click()
    look(page, "account-with-payment")
    (payment,) = served.sandbox.ledger()["payments"]
    assert (payment["amount"], payment["currency"], payment["status"]) == (100, "gbp", "succeeded")
