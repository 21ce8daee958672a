"""What the stories in the browser share: looking at a page, signing in, the way to the provider and back."""

import os
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

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
    """Be the demo organizer, at the events."""
    page.goto("/signin")
    page.get_by_role("button", name="demo").click()
    heading(page, "Events")


def at_the_provider(page: Page) -> None:
    """Press Connect, and be taken to the other site."""
    page.get_by_role("button", name="Connect with Stripe").first.click()
    page.wait_for_url("http://127.0.0.1:*/connect.stripe.com/oauth/authorize*")


def approve_new_account(page: Page, name: str) -> None:
    page.get_by_label("A new account").check()
    page.get_by_label("Business name").fill(name)
    page.locator("button[value=approve]").click()


def heading(page: Page, text: str) -> None:
    """Wait until the page with this heading stands."""
    expect(page.get_by_role("heading", level=1)).to_contain_text(text)


def fill(page: Page, **texts: str) -> None:
    """Type into fields by their labels, in which ``_`` stands for a blank."""
    for label, text in texts.items():
        field = page.get_by_label(label.replace("_", " "), exact=True)
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(text)
        else:
            field.fill(text)


def press(page: Page, name: str) -> None:
    """Press the button with exactly this name."""
    page.get_by_role("button", name=name, exact=True).click()
