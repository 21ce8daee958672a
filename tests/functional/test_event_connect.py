"""Connecting from the event form: it comes back as it was, and the account is chosen."""

import json
import re
from html import unescape
from typing import Any

import pytest

from tests.functional.test_stepup import grow_old, hidden
from tests.support.events import (
    CONCERT,
    boxes,
    chosen,
    connected,
    edit_form,
    fill,
    make_event,
    opened,
    payees,
    problems,
    texts_of,
)
from tests.support.rows import ago, set_times
from tests.support.site import PASSWORD, Browser, Site, path_and_query

UNFINISHED = CONCERT | {
    "title": "  ",
    "price": "twelve",
    "ends": "2031-05-30T18:00",
    "description": "Línea 1\n<b>2</b>",
}


def press_connect(form: Any, **kwargs: Any) -> Any:
    """Submit the form with its Connect button."""
    return form.submit("connect", value="stripe", **kwargs)


def way_out(page: Any) -> str:
    return unescape(re.search(r'href="(http[^"]+)"', page.text)[1])


def come_back(browser: Browser, page: Any, action: str = "approve", **fields: str) -> Any:
    """Through the provider, up to the result page."""
    back = browser.site.sandbox.decide(way_out(page), action, **fields)
    return browser.get(path_and_query(back), status=303).follow(expect_errors=True)


def test_an_unfinished_form_comes_back_as_it_was_with_the_account_chosen(site: Site, browser: Browser) -> None:
    leaving = press_connect(fill(opened(browser), **UNFINISHED), status=200)
    assert "Taking you to Stripe" in leaving.text
    result = come_back(browser, leaving, business_name="Old Mill")
    assert "Connected" in result.text
    page = result.click("Back to your event")
    assert "Stripe is connected, and chosen below" in page.text
    (account,) = site.accounts()
    assert texts_of(edit_form(page)) == UNFINISHED | {"payee": account.id}
    (event,) = site.rows("SELECT * FROM event")
    assert (event.title, event.price, payees(site)) == ("Untitled event", None, [])
    again = edit_form(page).submit(status=400)
    assert set(problems(again)) == {"title", "price", "ends"}
    fill(edit_form(again), title="Jazz", price="12", ends=CONCERT["ends"]).submit(status=303)
    (event,) = site.rows("SELECT * FROM event")
    assert (event.title, event.price, payees(site), event.draft) == ("Jazz", 1200, [account.id], None)


def test_a_stored_event_keeps_what_it_has_until_it_is_saved(site: Site, browser: Browser) -> None:
    path = make_event(browser)
    leaving = press_connect(fill(opened(browser, f"{path}/edit"), title="Not saved"), status=200)
    assert site.rows("SELECT title FROM event") == [("Harbour Jazz",)]
    assert "not saved yet" in browser.get(path).text
    come_back(browser, leaving)
    page = browser.get(f"{path}/edit")
    assert texts_of(edit_form(page))["title"] == "Not saved"
    edit_form(page).submit("discard", value="yes", status=303)
    assert texts_of(opened(browser, f"{path}/edit")) == CONCERT | {"payee": ""}
    assert [one.status for one in site.accounts()] == ["active"]


@pytest.mark.parametrize("action", ["deny", "approve"])
def test_without_a_connection_the_form_is_there_too(site: Site, browser: Browser, action: str) -> None:
    leaving = press_connect(fill(opened(browser), **CONCERT), status=200)
    if action == "approve":
        site.sandbox.fault(endpoint="token", status=500)
    result = come_back(browser, leaving, action)
    assert site.accounts() == []
    page = result.click("Back to your event")
    assert texts_of(edit_form(page)) == CONCERT | {"payee": ""}


def test_signed_out_at_the_provider(site: Site, browser: Browser) -> None:
    leaving = press_connect(fill(opened(browser), **CONCERT), status=200)
    site.change("DELETE FROM session")
    assert "You are signed out" in come_back(browser, leaving).text
    (event,) = site.rows("SELECT id FROM event")
    browser.sign_in("olga@example.test")
    assert texts_of(opened(browser, f"/events/{event.id}/edit")) == CONCERT | {"payee": ""}


def test_an_account_that_is_there_is_chosen_without_leaving(site: Site, browser: Browser) -> None:
    browser.connect()
    (account,) = site.accounts()
    form = opened(browser)
    assert form["payee"].value == account.id  # the only one there is
    path = make_event(browser)
    assert payees(site) == [account.id]
    assert "Replace with another Stripe account" in browser.get(f"{path}/edit").text


@pytest.mark.row("ST-17")
def test_from_an_event_that_has_an_account_a_new_one_replaces_it(site: Site, browser: Browser) -> None:
    browser.connect(business_name="Old Mill")
    (old,) = site.accounts()
    path, other = make_event(browser), make_event(browser, title="Another")
    leaving = press_connect(opened(browser, f"{path}/edit"), status=200)
    question = come_back(browser, leaving, business_name="New Mill")
    assert "Old Mill" in question.text
    assert "New Mill" in question.text
    assert payees(site) == [old.id] * 2
    assert site.mails() == []
    fields = {"attempt": hidden(question)["attempt"], "decision": "replace"}
    browser.submit("/connect/stripe/confirm", fields, status=303)
    (new,) = [one for one in site.accounts() if one.status == "active"]
    assert new.display_name == "New Mill"
    assert payees(site) == [new.id] * 2
    assert site.audit().count("event.payee_moved") == 2
    assert "New Mill" in browser.get(other).text
    assert texts_of(opened(browser, f"{path}/edit"))["payee"] == new.id


def test_the_new_account_is_chosen_in_the_place_of_the_old_one(site: Site, browser: Browser) -> None:
    one, two = connected(browser, "Mill One", "Mill Two")
    path = make_event(browser, **boxes(one, two))
    form = fill(opened(browser, f"{path}/edit"), **boxes("", one))  # not saved yet
    question = come_back(browser, press_connect(form, status=200), business_name="New Mill")
    assert "Mill One" in question.text
    browser.submit(
        "/connect/stripe/confirm", {"attempt": hidden(question)["attempt"], "decision": "replace"}, status=303
    )
    new = site.accounts()[-1].id
    assert payees(site) == [new, two]
    page = browser.get(f"{path}/edit")
    assert "Stripe is connected, and chosen below" in page.text
    assert chosen(edit_form(page)) == ["", new]
    edit_form(page).submit(status=303)
    assert payees(site) == [new]


def test_a_new_account_is_chosen_in_the_first_free_box(site: Site, browser: Browser) -> None:
    one, two, _three = connected(browser, "Mill One", "Mill Two", "Mill Three")
    result = come_back(browser, press_connect(fill(opened(browser), **CONCERT | boxes(two, "", one)), status=200))
    new = site.accounts()[-1].id
    page = result.click("Back to your event")
    assert chosen(edit_form(page)) == [two, new, one, ""]
    # Connected once more it is the same account, and stays where it is.
    site.change("UPDATE attempt SET account_id = :one WHERE account_id = :new", one=one, new=new)
    assert chosen(opened(browser, page.request.path)) == [two, "", one, ""]


def test_a_new_account_is_chosen_in_the_place_of_a_dead_one(site: Site, browser: Browser) -> None:
    (old,) = connected(browser, "Old Mill")
    path = make_event(browser, payee=old)
    browser.submit(f"{path}/publish", status=303)
    browser.submit(f"/accounts/{old}/disconnect", status=303)
    come_back(browser, press_connect(opened(browser, f"{path}/edit"), status=200), business_name="New Mill")
    form = opened(browser, f"{path}/edit")
    assert chosen(form) == [site.accounts()[-1].id, ""]
    form.submit(status=303)
    assert "Sales are paused" not in browser.get(path).text
    assert payees(site) == [site.accounts()[-1].id]


def test_an_account_for_which_there_is_no_box_is_not_said_to_be_chosen(site: Site, browser: Browser) -> None:
    five = connected(browser, *(f"Mill {number}" for number in range(5)))
    result = come_back(browser, press_connect(fill(opened(browser), **CONCERT | boxes(*five)), status=200))
    assert len(site.accounts()) == 6
    page = result.click("Back to your event")
    assert "Stripe is connected, and not chosen: all places below are taken." in page.text
    assert chosen(edit_form(page)) == five
    edit_form(page).submit(status=303)
    assert payees(site) == five


def test_a_form_that_was_left_before_there_were_several_boxes(site: Site, browser: Browser) -> None:
    result = come_back(browser, press_connect(fill(opened(browser), **CONCERT), status=200))
    left = {"texts": CONCERT | {"payee": ""}, "attempt_id": site.attempts()[0].id, "at": "2031-01-01T00:00:00+00:00"}
    site.change("UPDATE event SET draft = :draft", draft=json.dumps(left))
    connected(browser, "Mill Two")
    page = result.click("Back to your event")
    assert chosen(edit_form(page)) == [site.accounts()[0].id, ""]
    edit_form(page).submit(status=303)
    assert payees(site) == [site.accounts()[0].id]


@pytest.mark.row("ST-17")
def test_all_owners_are_told_of_a_replacement(site: Site, browser: Browser) -> None:
    (olga,) = site.rows("SELECT organizer_id FROM membership")
    site.join(site.person("otto"), olga.organizer_id)
    site.join(site.person("mia"), olga.organizer_id, "member")
    browser.connect(business_name="Old\nMill")
    (old,) = site.accounts()
    back = site.sandbox.decide(browser.leave(replaces=old.id), business_name="New Mill")
    question = browser.get(path_and_query(back), status=303).follow()
    browser.submit("/connect/stripe/confirm", {"attempt": hidden(question)["attempt"], "decision": "keep"}, status=303)
    assert site.mails() == []
    back = site.sandbox.decide(browser.leave(replaces=old.id), business_name="New Mill")
    question = browser.get(path_and_query(back), status=303).follow()
    fields = {"attempt": hidden(question)["attempt"], "decision": "replace"}
    browser.submit("/connect/stripe/confirm", fields, status=303)
    mails = site.mails()
    assert sorted(mail.to for mail in mails) == ["olga@example.test", "otto@example.test"]
    for mail in mails:
        assert "New Mill" in mail.body
        assert "olga@example.test" in mail.body
        assert "https://app.test/accounts" in mail.body
        assert all(account.external_id not in mail.body for account in site.accounts())


@pytest.mark.row("SE-09")
def test_step_up_keeps_the_form(site: Site, browser: Browser) -> None:
    form = fill(opened(browser), **UNFINISHED)
    grow_old(site)
    page = press_connect(form, status=403)
    assert site.rows("SELECT id FROM event") == []
    browser.post(page.request.path_qs, hidden(page) | {"prove_password": PASSWORD}, status=200)
    (event,) = site.rows("SELECT id FROM event")
    assert texts_of(opened(browser, f"/events/{event.id}/edit")) == UNFINISHED | {"payee": ""}
    form = fill(opened(browser), **CONCERT)
    set_times(site, "session", proved_at=ago(minutes=31))
    form.submit(status=303)  # saving moves no money


def test_too_many_open_connections_lose_nothing(make_site) -> None:
    site = make_site(attempt__max_open="1")
    browser = site.signed_in()
    browser.leave()
    page = press_connect(fill(opened(browser), **UNFINISHED), status=429)
    assert texts_of(edit_form(page)) == UNFINISHED | {"payee": ""}
    assert len(site.attempts()) == 1


def test_the_form_of_another_organizer_is_kept(site: Site) -> None:
    olga, piet = site.person("olga"), site.person("piet")
    site.join(olga, piet.organizer_id)
    browser = site.browser(olga)
    form = fill(opened(browser), **UNFINISHED)
    browser.submit("/organizers/switch", {"to": piet.organizer_id}, status=303)
    page = press_connect(form, status=409)
    assert site.rows("SELECT id FROM event") == []
    assert site.attempts() == []
    kept = hidden(page)
    browser.post("/events/new", kept, status=307)
    browser.post("/events/new", kept, status=200)
    (event,) = site.rows("SELECT * FROM event")
    (attempt,) = site.attempts()
    assert (event.organizer_id, attempt.organizer_id) == (olga.organizer_id, olga.organizer_id)
    assert texts_of(opened(browser, f"/events/{event.id}/edit")) == UNFINISHED | {"payee": ""}


@pytest.mark.row("ST-12")
@pytest.mark.parametrize("target", ["event", "nonsense", "/evil", "https://evil.test"])
def test_the_plain_button_goes_back_to_the_accounts_alone(site: Site, browser: Browser, target: str) -> None:
    path = make_event(browser)
    wanted = path.removeprefix("/events/") if target == "event" else target
    browser.submit("/connect/stripe/authorize", {"target": wanted}, status=400)
    assert site.attempts() == []
