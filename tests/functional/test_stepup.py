"""Step-up: what concerns money asks for the password again, and loses nothing that was typed."""

import re
from html import unescape
from typing import Any

import pytest

from tests.support.rows import ago, set_times
from tests.support.site import PASSWORD, Browser, Site


def grow_old(site: Site, minutes: int = 31) -> None:
    set_times(site, "session", proved_at=ago(minutes=minutes))


def hidden(page: Any) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text.partition("<main")[2])
    return {unescape(name): unescape(value) for name, value in found}


def answer(browser: Browser, page: Any, password: str, **kwargs: Any) -> Any:
    """Type the password into the page that asked."""
    return browser.post(page.request.path_qs, hidden(page) | {"prove_password": password}, **kwargs)


@pytest.mark.row("SE-09")
def test_connecting_asks_again_and_then_goes_on(site: Site, browser: Browser) -> None:
    grow_old(site)
    page = browser.submit("/connect/stripe/authorize", {"target": "accounts"}, status=403)
    assert "Your password, please" in page.text
    assert hidden(page)["target"] == "accounts"
    assert site.attempts() == []
    leave = answer(browser, page, PASSWORD, status=200)
    assert "Taking you to Stripe" in leave.text
    assert len(site.attempts()) == 1
    assert "user.proved" in site.audit()
    browser.leave()  # and it does not ask again


@pytest.mark.row("SE-09")
@pytest.mark.parametrize("name", ["disconnect", "revoke"])
def test_disconnecting_asks_again(site: Site, browser: Browser, name: str) -> None:
    browser.connect()
    (account,) = site.accounts()
    grow_old(site)
    path = f"/accounts/{account.id}/{name}"
    page = browser.submit(path, status=403)
    assert site.accounts() == [account]
    assert site.sandbox.requests("/oauth/deauthorize") == []
    answer(browser, page, PASSWORD, status=303)
    assert [one.status for one in site.accounts()] == ["disconnected" if name == "disconnect" else "active"]


@pytest.mark.row("SE-09")
def test_a_replacement_asks_again(site: Site, browser: Browser) -> None:
    browser.connect()
    (old,) = site.accounts()
    back = site.sandbox.decide(browser.leave(replaces=old.id))
    question = browser.get(back.removeprefix("https://app.test"), status=303).follow()
    grow_old(site)
    fields = {"attempt": hidden(question)["attempt"], "decision": "replace"}
    page = browser.submit("/connect/stripe/confirm", fields, status=403)
    assert site.accounts() == [old]
    answer(browser, page, PASSWORD, status=303)
    assert [one.status for one in site.accounts()] == ["disconnected", "active"]


@pytest.mark.row("SE-09")
def test_an_attempt_that_is_under_way_survives_the_step_up(site: Site, browser: Browser) -> None:
    first = browser.leave()
    grow_old(site)
    answer(browser, browser.submit("/connect/stripe/authorize", {"target": "accounts"}, status=403), PASSWORD)
    back = site.sandbox.decide(first)
    assert "Connected" in browser.get(back.removeprefix("https://app.test"), status=303).follow().text


@pytest.mark.row("SE-09", "AD-04")
def test_wrong_passwords_are_refused_and_counted(site: Site, browser: Browser) -> None:
    grow_old(site)
    page = browser.submit("/connect/stripe/authorize", {"target": "accounts"}, status=403)
    for _ in range(10):
        page = answer(browser, page, "not " + PASSWORD, status=403)
        assert "This password is wrong" in page.text
        assert "not " + PASSWORD not in page.text
    page = answer(browser, page, PASSWORD, status=429)
    assert "Wait a quarter of an hour" in page.text
    assert site.attempts() == []
    set_times(site, "recent_try", at=ago(minutes=16))
    answer(browser, page, PASSWORD, status=200)


@pytest.mark.parametrize("given", ["", "x" * 5000, "nul\0"])
def test_odd_passwords_change_nothing(site: Site, browser: Browser, given: str) -> None:
    grow_old(site)
    page = browser.submit("/connect/stripe/authorize", {"target": "accounts"}, status=403)
    assert answer(browser, page, given, expect_errors=True).status_int in {400, 403}
    assert site.attempts() == []


def test_the_time_is_a_setting(make_site) -> None:
    site = make_site(signin__fresh_minutes="5")
    browser = site.signed_in()
    grow_old(site, 4)
    browser.leave()
    grow_old(site, 6)
    browser.submit("/connect/stripe/authorize", {"target": "accounts"}, status=403)


def test_looking_never_asks(site: Site, browser: Browser) -> None:
    browser.connect()
    (account,) = site.accounts()
    grow_old(site)
    for path in ("/accounts", f"/accounts/{account.id}", f"/accounts/{account.id}/disconnect", "/connect/stripe"):
        browser.get(path, status=200)


def test_the_demo_has_no_password_to_ask_for(make_site) -> None:
    site = make_site(demo="true")
    browser = site.browser()
    browser.submit("/signin/demo", status=303)
    grow_old(site)
    browser.leave()


@pytest.mark.row("RD-04")
def test_the_page_sends_the_password_nowhere_else(site: Site, browser: Browser) -> None:
    grow_old(site)
    token = browser.token()
    page = browser.post("//connect/stripe/authorize", {"csrf_token": token, "target": "accounts"}, expect_errors=True)
    for action in re.findall(r'action="([^"]*)"', page.text):
        assert not action.startswith("//")
