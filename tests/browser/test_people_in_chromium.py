"""The whole scene in a real browser: from a stranger to an organizer who is paid, with a member who is refused."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served
from tests.browser.steps import approve_new_account, fill, heading, look, press
from tests.support.rows import ago, eventually, set_times

PASSWORD = "seven quiet otters sing"


class Trip:
    """Counts what a person does on the way: clicks, and the pages that they stop at."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0
        self.pages: list[str] = []

    def at(self, text: str) -> None:
        heading(self.page, text)
        self.pages.append(text)

    def link(self, name: str) -> None:
        self.clicks += 1
        self.page.get_by_role("link", name=name, exact=True).click()

    def button(self, name: str) -> None:
        self.clicks += 1
        press(self.page, name)


def newest_mail(page: Page, served: Served, to: str, path: str) -> None:
    """Open the newest mail's link, as the sandbox shows it."""
    page.goto(f"{served.sandbox.url}/mail")
    expect(page.locator("body")).to_contain_text(to)
    page.locator(f"a[href*='{path}']").first.click()


def wait_for_mail(served: Served, to: str, subject: str) -> None:
    """The worker sends it, soon."""
    eventually(lambda: any((mail.to, mail.subject) == (to, subject) for mail in served.sandbox.mails()))


def sign_up(page: Page, served: Served, email: str, organizer: str) -> None:
    page.goto("/signup")
    fill(page, **{"E-mail_address": email})
    press(page, "Sign up")
    heading(page, "Look into your mail")
    wait_for_mail(served, email, "Finish signing up")
    newest_mail(page, served, email, "/verify")
    heading(page, "Finish signing up")
    fill(page, Name_of_your_organizer=organizer, Password=PASSWORD)
    press(page, "Sign up")
    heading(page, "Events")


def test_from_a_stranger_to_connected_in_so_many_clicks(page: Page, served: Served) -> None:
    trip = Trip(page)
    page.goto("/")
    trip.at("Ticket money")
    trip.link("Sign up")
    trip.at("Sign up")
    look(page, "signup")
    fill(page, **{"E-mail_address": "nora@example.test"})
    trip.button("Sign up")
    trip.at("Look into your mail")
    look(page, "signup-sent")
    wait_for_mail(served, "nora@example.test", "Finish signing up")
    trip.link("see them at the sandbox")
    trip.at("Mail")
    look(page, "sandbox-mail")
    trip.clicks += 1
    page.locator("a[href*='/verify']").first.click()
    trip.at("Finish signing up")
    look(page, "verify")
    fill(page, Name_of_your_organizer="Nora Nights", Password=PASSWORD)
    trip.button("Sign up")
    trip.at("Events")
    trip.link("Make an event")
    trip.at("New event")
    trip.button("Connect with Stripe")
    trip.at("Connect")
    trip.clicks += 1
    approve_new_account(page, "Nora Nights Ltd")
    trip.at("Connected")
    # These do not grow: what is more than this needs a reason.
    assert trip.clicks == 8
    assert len(trip.pages) == 9


@pytest.mark.row("ST-17", "AZ-05")
def test_the_whole_scene(page: Page, served: Served) -> None:
    sign_up(page, served, "nora@example.test", "Nora Nights")
    page.get_by_role("link", name="Make an event").click()
    heading(page, "New event")
    fill(page, Title="Harbour Jazz", Place="The Old Mill", Begins="2031-05-30T19:30", Ends="2031-05-30T23:00")
    fill(page, Time_zone="Europe/London", Ticket_price="12.50", Currency="GBP")
    press(page, "Connect with Stripe")
    approve_new_account(page, "Nora Nights Ltd")
    heading(page, "Connected")
    page.get_by_role("link", name="Back to your event").click()
    press(page, "Save")
    press(page, "Publish")
    expect(page.get_by_text("Payouts go to Nora Nights Ltd, ••••")).to_be_visible()
    event = page.url

    page.goto("/accounts")
    page.locator("a[href^='/accounts/']").first.click()
    press(page, "Send a test payment")
    heading(page, "The payment arrived")
    (payment,) = served.sandbox.ledger()["payments"]
    assert (payment["amount"], payment["currency"], payment["status"]) == (100, "gbp", "succeeded")

    page.get_by_role("link", name="Members").click()
    heading(page, "Members")
    look(page, "members-alone")
    fill(page, **{"E-mail_address": "mia@example.test"})
    press(page, "Send the invitation")
    expect(page.get_by_text("mia@example.test").first).to_be_visible()
    look(page, "members-invited")
    wait_for_mail(served, "mia@example.test", "You are invited")

    press(page, "Sign out")
    be_refused_as_a_member(page, served, event)

    page.goto("/signin")
    fill(page, **{"E-mail_address": "nora@example.test", "Password": PASSWORD})
    press(page, "Sign in")
    heading(page, "Events")
    page.goto("/members")
    expect(page.get_by_text("mia@example.test", exact=True)).to_be_visible()
    look(page, "members-two")
    replace_and_disconnect(page, event)
    assert served.sandbox.live_grants() == []
    wait_for_mail(served, "nora@example.test", "The account that your ticket money goes to was replaced")


def be_refused_as_a_member(page: Page, served: Served, event: str) -> None:
    newest_mail(page, served, "mia@example.test", "/invite")
    heading(page, "Join")
    look(page, "invite-new")
    fill(page, Password="short")
    press(page, "Join")
    expect(page.get_by_text("at least 12 characters").first).to_be_visible()
    look(page, "invite-problem")
    fill(page, Password=PASSWORD)
    press(page, "Join")
    heading(page, "Events")
    page.goto(f"{event}/edit")
    expect(page.get_by_role("button", name="Stripe")).to_have_count(0)
    expect(page.get_by_text("An owner of the organizer chooses where the money goes.")).to_be_visible()
    look(page, "event-form-member")
    page.goto("/members")
    heading(page, "Members")
    expect(page.get_by_role("button", name="Remove")).to_have_count(0)
    look(page, "members-member")
    page.goto("/connect/stripe")
    heading(page, "Not allowed")
    look(page, "error-403")
    page.goto("/members/leave")
    heading(page, "Leave Nora Nights?")
    look(page, "members-leave")
    press(page, "Sign out")


def replace_and_disconnect(page: Page, event: str) -> None:
    page.goto("/accounts")
    page.locator("a[href^='/accounts/']").first.click()
    page.get_by_role("button", name="Replace").click()
    page.wait_for_url("http://127.0.0.1:*/**")
    approve_new_account(page, "New Mill")
    heading(page, "Replace")
    page.locator("button[value=replace]").click()
    heading(page, "Connected")
    page.goto(event)
    expect(page.get_by_text("Payouts go to New Mill, ••••")).to_be_visible()
    page.goto("/accounts")
    page.locator("a[href^='/accounts/']").first.click()
    page.get_by_role("link", name="Disconnect").click()
    expect(page.get_by_role("link", name="Harbour Jazz")).to_be_visible()
    press(page, "Disconnect")
    expect(page.get_by_text("Disconnected").first).to_be_visible()
    page.goto(event)
    expect(page.get_by_text("Sales are paused.")).to_be_visible()


def test_a_forgotten_password_and_links_that_are_gone(page: Page, served: Served) -> None:
    sign_up(page, served, "nora@example.test", "Nora Nights")
    press(page, "Sign out")
    page.goto("/signin")
    page.get_by_role("link", name="Forgot your password?").click()
    heading(page, "Forgot your password?")
    look(page, "reset")
    fill(page, **{"E-mail_address": "nora"})
    press(page, "Send me a link")
    expect(page.get_by_text("not an e-mail address")).to_be_visible()
    look(page, "reset-problem")
    fill(page, **{"E-mail_address": "nora@example.test"})
    press(page, "Send me a link")
    heading(page, "Look into your mail")
    look(page, "reset-sent")
    wait_for_mail(served, "nora@example.test", "A new password")
    newest_mail(page, served, "nora@example.test", "/reset")
    heading(page, "A new password")
    look(page, "reset-choose")
    used = urlsplit(page.url)
    fill(page, Password="eleven other otters dive")
    press(page, "Change the password")
    heading(page, "Events")
    page.goto(f"{used.path}?{used.query}")
    heading(page, "does not work any more")
    look(page, "error-410")
    page.goto("/organizers")
    heading(page, "Organizers")
    look(page, "organizers")
    fill(page, Name="Second Stage")
    press(page, "Make it")
    heading(page, "Events")
    expect(page.get_by_text("Second Stage").first).to_be_visible()


def test_pages_that_are_met_seldom(page: Page, served: Served) -> None:
    sign_up(page, served, "nora@example.test", "Nora Nights")
    page.goto("/events/new")
    fill(page, Title="Harbour Jazz", Description="Two sets, one encore")
    press(page, "Save")
    heading(page, "Harbour Jazz")
    event = page.url
    other = page.context.new_page()
    other.goto("/organizers")
    fill(other, Name="Second Stage")
    press(other, "Make it")
    heading(other, "Events")
    other.close()
    page.goto(event)
    heading(page, "Not found")
    page.goto("/organizers")
    press(page, "Switch to Nora Nights")
    page.goto(f"{event}/cancel")
    heading(page, "Cancel")
    look(page, "event-cancel")

    page.goto(f"{event}/edit")
    fill(page, Title="Harbour Jazz at night")
    set_times(served, "session", proved_at=ago(minutes=31))
    press(page, "Connect with Stripe")
    heading(page, "Your password, please")
    look(page, "prove")
    page.get_by_label("Your password").fill("not my password at all")
    press(page, "Go on")
    expect(page.get_by_text("This password is wrong.")).to_be_visible()
    look(page, "prove-wrong")
    page.get_by_label("Your password").fill(PASSWORD)
    press(page, "Go on")
    page.wait_for_url("http://127.0.0.1:*/**")
    page.goto(f"{event}/edit")
    expect(page.get_by_label("Title")).to_have_value("Harbour Jazz at night")

    fill(page, Description="Three sets")
    second = page.context.new_page()
    second.goto("/organizers")
    press(second, "Switch to Second Stage")
    second.close()
    press(page, "Save")
    heading(page, "You switched to another organizer")
    look(page, "other-organizer")
    press(page, "Switch back to Nora Nights and go on")
    heading(page, "Harbour Jazz at night")

    page.goto(f"{event}/edit")
    fill(page, Description="Four sets")
    page.context.clear_cookies()
    press(page, "Save")
    heading(page, "You are signed out")
    expect(page.get_by_text("Four sets")).to_be_visible()
    look(page, "error-typed")
