"""Connecting without OAuth: the provider gives a one-time link, and the API says what came of it."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from tests.functional.test_event_connect import way_out
from tests.functional.test_stepup import hidden
from tests.support.events import CONCERT, edit_form, fill, opened, texts_of
from tests.support.onboarding import API, BOTH, RIVERSIDE, SETTINGS, accounts_made, connect
from tests.support.rows import answer_page, statuses
from tests.support.site import Browser, Site, path_and_query


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site(**SETTINGS)


@BOTH
def test_an_organizer_is_onboarded(site: Site, browser: Browser, name: str) -> None:
    page = connect(browser, name, business_name="Riverside Concerts")
    assert "Connected" in page.text
    assert "Riverside Concerts" in page.text
    (account,) = site.accounts()
    assert (account.provider, account.status, account.mode, account.proof) == (name, "active", "test", "platform_key")
    assert (account.access_token, account.refresh_token, account.publishable_key) == (None, None, None)
    grants = {grant["external_id"] for grant in site.sandbox.live_grants() if grant["scope"] != "client_credentials"}
    assert grants == {account.external_id}
    (attempt,) = site.attempts()
    assert (attempt.status, attempt.external_id) == ("linked", account.external_id if name == "stripe" else None)


def test_stripe_is_told_what_we_know(site: Site, browser: Browser) -> None:
    browser.leave()
    (seen,) = site.sandbox.requests("/v1/accounts", API)
    known = {"type": "standard", "email": "olga@example.test", "business_profile[name]": "Olga Events"}
    assert seen["body"] == urlencode(known)


def test_paypal_says_what_was_granted(site: Site, browser: Browser) -> None:
    connect(browser, "paypal")
    (account,) = site.accounts()
    assert account.scope == "https://uri.paypal.com/services/payment https://uri.paypal.com/services/refund"
    assert account.scope in browser.get(f"/accounts/{account.id}").text


def test_what_is_not_finished_goes_on_where_it_was(site: Site, browser: Browser) -> None:
    page = connect(browser, action="leave")
    assert "not finished yet" in page.text
    assert "goes on where you stopped" in page.text
    assert "/connect/stripe" in page.text
    assert statuses(site) == [("failed", "not_finished")]
    assert site.accounts() == []

    assert "Connected" in connect(browser).text
    assert accounts_made(site) == 1
    assert len({attempt.external_id for attempt in site.attempts()}) == 1
    assert [one.external_id for one in site.accounts()] == [site.attempts()[0].external_id]

    connect(browser, business_name="Another")
    assert accounts_made(site) == 2
    assert len(site.accounts()) == 2


def test_who_is_still_being_checked_is_linked_and_takes_nothing_yet(site: Site, browser: Browser) -> None:
    connect(browser, action="pending")
    (account,) = site.accounts()
    assert account.status == "active"
    assert site.rows("SELECT charges_enabled FROM provider_account") == [(False,)]
    assert "Cannot take payments yet" in browser.get(f"/accounts/{account.id}").text


@pytest.mark.parametrize("action", ["leave", "deny"])
def test_a_seller_who_grants_nothing_is_not_linked(site: Site, browser: Browser, action: str) -> None:
    page = connect(browser, "paypal", action)
    assert "not finished yet" in page.text
    assert statuses(site) == [("failed", "not_finished")]
    assert site.accounts() == []
    assert "Connected" in connect(browser, "paypal").text


@BOTH
def test_from_the_event_form(site: Site, browser: Browser, name: str) -> None:
    leaving = fill(opened(browser), **CONCERT).submit("connect", value=name, status=200)
    result = answer_page(browser, path_and_query(site.sandbox.decide(way_out(leaving))))
    page = result.click("Back to your event")
    (account,) = site.accounts()
    assert texts_of(edit_form(page)) == CONCERT | {"payee": account.id}


@BOTH
def test_disconnected_and_connected_again(site: Site, browser: Browser, name: str) -> None:
    connect(browser, name, **({"account": RIVERSIDE} if name == "paypal" else {}))
    (account,) = site.accounts()
    assert "no way for us to give them back" in browser.get(f"/accounts/{account.id}/disconnect").text
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    assert [one.status for one in site.accounts()] == ["disconnected"]
    assert site.audit()[-1] == "account.forgotten"
    connect(browser, name, **({"account": RIVERSIDE} if name == "paypal" else {}))
    assert accounts_made(site) == (1 if name == "stripe" else 0)
    assert sorted(one.status for one in site.accounts()) == ["active", "disconnected"]
    assert len({one.external_id for one in site.accounts()}) == 1


@pytest.mark.row("ST-17")
def test_replacing_asks_first(site: Site, browser: Browser) -> None:
    connect(browser, business_name="Old Mill")
    (old,) = site.accounts()
    url = path_and_query(site.sandbox.decide(browser.leave(replaces=old.id), business_name="New Mill"))
    question = answer_page(browser, url)
    assert "Old Mill" in question.text
    assert "New Mill" in question.text
    assert [one.id for one in site.accounts()] == [old.id]
    fields = {"attempt": hidden(question)["attempt"], "decision": "replace"}
    browser.submit("/connect/stripe/confirm", fields, status=303)
    assert {one.display_name: one.status for one in site.accounts()} == {
        "Old Mill": "disconnected",
        "New Mill": "active",
    }


@pytest.mark.row("ST-18")
def test_a_seller_of_another_organizer_is_refused(site: Site, browser: Browser) -> None:
    connect(site.signed_in("victor"), "paypal", account=RIVERSIDE)
    (theirs,) = site.accounts()
    page = connect(browser, "paypal", account=RIVERSIDE)
    assert page.status_code == 409
    assert "belongs to another organizer" in page.text
    assert [one.id for one in site.accounts()] == [theirs.id]
    assert site.sandbox.ledger()["revocations"] == []


def test_of_several_accounts_the_latest_goes_on(site: Site, browser: Browser) -> None:
    connect(browser)
    (first,) = site.accounts()
    connect(browser, action="leave")
    browser.submit(f"/accounts/{first.id}/disconnect", status=303)
    connect(browser)
    assert accounts_made(site) == 2
    (active,) = [one for one in site.accounts() if one.status == "active"]
    assert active.external_id == site.attempts()[1].external_id != first.external_id


def test_an_account_of_the_other_mode_is_not_used(site: Site, browser: Browser) -> None:
    connect(browser, action="leave")
    site.change("UPDATE attempt SET mode = 'live'")
    connect(browser)
    assert accounts_made(site) == 2


def test_an_unfinished_account_of_another_organizer_is_not_used(site: Site, browser: Browser) -> None:
    connect(site.signed_in("victor"), action="leave")
    connect(browser)
    assert accounts_made(site) == 2
    theirs, ours = (attempt.external_id for attempt in site.attempts())
    assert theirs != ours
