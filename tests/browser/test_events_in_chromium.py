"""An event from the empty form to paused sales, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served
from tests.browser.steps import approve_new_account, fill, heading, look, press, sign_in

MILL_TWO, MILL_THREE = (re.compile(f"Stripe · Payouts go to Mill {number}, ••••") for number in ("Two", "Three"))
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabend " * 3


def connect_from_the_form(page: Page, name: str, button: str = "Connect with Stripe") -> None:
    page.get_by_role("button", name=button).click()
    page.wait_for_url("http://127.0.0.1:*/connect.stripe.com/oauth/authorize*")
    approve_new_account(page, name)


@pytest.mark.row("ST-17")
def test_an_event_from_the_first_field_to_paused_sales(page: Page, served: Served) -> None:
    sign_in(page)
    look(page, "events-empty")
    page.get_by_role("link", name="Make an event").click()
    heading(page, "New event")
    look(page, "event-form-empty")
    fill(page, Title="Harbour Jazz", Place="The Old Mill", Begins="2031-05-30T19:30", Ticket_price="twelve")
    connect_from_the_form(page, "Riverside Concerts")
    heading(page, "Connected")
    look(page, "event-connected")
    page.get_by_role("link", name="Back to your event").click()
    expect(page.get_by_label("Title")).to_have_value("Harbour Jazz")
    expect(page.get_by_label("Ticket price")).to_have_value("twelve")
    expect(page.get_by_label("Account").locator("option:checked")).to_contain_text("Riverside Concerts")
    look(page, "event-form-back")
    page.get_by_label("Title").press("Enter")  # saves, and does not leave for Stripe
    expect(page.get_by_role("alert")).to_contain_text("marked fields")
    look(page, "event-form-problems")
    fill(page, Ticket_price="12.50", Currency="GBP", Time_zone="Europe/London", Ends="2031-05-30T23:00")
    press(page, "Save")
    expect(page.get_by_text("Draft")).to_be_visible()
    look(page, "event-draft")
    press(page, "Publish")
    expect(page.get_by_text("Published")).to_be_visible()
    expect(page.get_by_text("Payouts go to Riverside Concerts, ••••")).to_be_visible()
    look(page, "event-published")

    page.get_by_role("link", name="Edit").click()
    connect_from_the_form(page, "New Mill", "Replace with another Stripe account")
    heading(page, "Replace")
    page.locator("button[value=replace]").click()
    page.get_by_role("link", name="Back to your event").click()
    page.get_by_role("link", name="Back to the event").click()
    expect(page.get_by_text("Payouts go to New Mill, ••••")).to_be_visible()

    page.goto("/accounts")
    page.locator("a[href^='/accounts/']").first.click()
    heading(page, "New Mill")
    look(page, "account-with-event")
    page.get_by_role("link", name="Disconnect").click()
    expect(page.get_by_text("Ticket sales pause")).to_be_visible()
    look(page, "disconnect-with-event")
    press(page, "Disconnect")
    expect(page.get_by_text("Disconnected").first).to_be_visible()
    page.goto("/events")
    expect(page.get_by_text("Sales paused")).to_be_visible()
    look(page, "events-paused")
    page.get_by_role("link", name="Harbour Jazz").click()
    heading(page, "Harbour Jazz")
    look(page, "event-paused")
    assert served.sandbox.live_grants() == []


def test_several_accounts_in_the_organizers_order(page: Page, served: Served) -> None:
    sign_in(page)
    page.goto("/events/new")
    fill(page, Title="Harbour Jazz", Place="The Old Mill", Begins="2031-05-30T19:30", Ends="2031-05-30T23:00")
    fill(page, Ticket_price="12.50", Currency="GBP", Time_zone="Europe/London")
    for name in ("Mill One", "Mill Two", "Mill Three"):
        connect_from_the_form(page, name)
        page.get_by_role("link", name="Back to your event").click()
    boxes = [page.get_by_label(f"Offered {place}") for place in ("first", "second", "third")]
    for box, name in zip(boxes, ("Mill One", "Mill Two", "Mill Three"), strict=True):
        expect(box.locator("option:checked")).to_contain_text(name)
    look(page, "event-form-several")
    one, two, three = (box.input_value() for box in boxes)
    choose(page, three, three, one)
    press(page, "Save")
    expect(page.get_by_role("alert")).to_contain_text("Offered second: This account is chosen above already")
    look(page, "event-form-twice")
    choose(page, three, "", two)
    press(page, "Save")
    press(page, "Publish")
    expect(page.get_by_role("listitem").filter(has_text="Payouts go to")).to_have_text([MILL_THREE, MILL_TWO])
    look(page, "event-several")

    page.goto(f"/accounts/{three}/disconnect")
    press(page, "Disconnect")
    page.goto("/events")
    page.get_by_role("link", name="Harbour Jazz").click()
    expect(page.get_by_text("Not offered to buyers at present")).to_be_visible()
    look(page, "event-one-of-several")
    page.context.clear_cookies()
    page.reload()
    expect(page.get_by_role("listitem").filter(has_text="Payouts go to")).to_have_text([MILL_TWO])
    look(page, "event-several-stranger")


def choose(page: Page, *account_ids: str) -> None:
    for place, account_id in zip(("first", "second", "third"), account_ids, strict=True):
        page.get_by_label(f"Offered {place}").select_option(account_id)


def test_long_words_and_what_strangers_see(page: Page, served: Served) -> None:
    sign_in(page)
    page.goto("/events/new")
    fill(page, Title=LONG[:200], Place=LONG[:200], Description=LONG * 5, Ticket_price="0")
    fill(page, Time_zone="UTC", Begins="2031-05-30T19:30", Ends="2031-05-31T02:00")
    press(page, "Save")
    press(page, "Publish")
    expect(page.get_by_text("Published")).to_be_visible()
    look(page, "event-long")
    address = page.url
    page.goto("/events")
    look(page, "events-long")
    page.context.clear_cookies()
    page.goto(address)
    expect(page.get_by_text("Free")).to_be_visible()
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)
    look(page, "event-stranger")


def test_at_twice_the_size_and_by_keyboard_alone(page: Page, served: Served) -> None:
    sign_in(page)
    size = page.viewport_size or {}
    # What 200 % zoom does; 320 is the narrowest that WCAG 1.4.10 asks for.
    page.set_viewport_size({"width": max(320, size["width"] // 2), "height": size["height"] // 2})
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.get_by_role("link", name="Make an event").focus()
    page.keyboard.press("Enter")
    heading(page, "New event")
    look(page, "event-form-zoomed")
    page.get_by_label("Title").focus()
    page.keyboard.type("Harbour Jazz")
    order = []
    for _ in range(40):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))
        if order[-1] == "connect":
            break
    fields = ["description", "place", "starts", "ends", "time_zone", "price", "currency", "payee", "Save", "connect"]
    assert list(dict.fromkeys(order)) == fields
    page.keyboard.press("Enter")
    page.wait_for_url("http://127.0.0.1:*/connect.stripe.com/oauth/authorize*")
