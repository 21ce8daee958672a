"""Several accounts per event: ordered by the organizer, checked each by itself, offered to buyers."""

import json
from collections.abc import Callable

from transaction import TransactionManager

from connectapp.accounts.store import AccountStore
from connectapp.db import Work
from connectapp.events.models import Event
from connectapp.events.store import EventStore
from connectapp.vault import get_vault
from tests.functional.test_stepup import hidden
from tests.support import onboarding
from tests.support.events import (
    boxes,
    charges,
    chosen,
    connected,
    disconnect,
    fill,
    in_order,
    make_event,
    opened,
    payees,
    problems,
    publish,
    published,
)
from tests.support.rows import POSTGRESQL_ONLY, SQLITE_ONLY
from tests.support.site import Browser, Site, path_and_query


def noted(site: Site) -> list[str]:
    """What the records of events say of payees."""
    rows = site.rows("SELECT details FROM audit_record WHERE action LIKE 'event.%' ORDER BY id")
    details = [json.loads(each) if isinstance(each, str) else each for (each,) in rows]  # SQLite gives text
    return [each["payees"] for each in details if "payees" in each]


def test_the_organizer_orders_them(site: Site, browser: Browser) -> None:
    one, two, three = connected(browser, "Mill One", "Mill Two", "Mill Three")
    path = published(browser, two, three, one)
    assert payees(site) == [two, three, one]
    assert in_order(browser.get(path).text, "Mill Two", "Mill Three", "Mill One")
    assert in_order(site.browser().get(path).text, "Mill Two", "Mill Three", "Mill One")
    form = opened(browser, f"{path}/edit")
    assert chosen(form) == [two, three, one]
    fill(form, **boxes(one, two, three)).submit(status=303)
    assert payees(site) == [one, two, three]
    fill(opened(browser, f"{path}/edit"), **boxes(three, "", "")).submit(status=303)
    assert payees(site) == [three]
    assert in_order(site.browser().get(path).text, "Mill Three")
    browser.submit(f"{path}/cancel", status=303)
    assert "Mill Three" in browser.get(path).text
    assert "Ways to pay" not in site.browser().get(path).text
    assert noted(site) == [f"{two} {three} {one}", f"{two} {three} {one}", f"{one} {two} {three}", three]


def test_each_wrong_account_has_its_sentence_beside_it(site: Site, browser: Browser) -> None:
    one, two, three = connected(browser, "Mill One", "Mill Two", "Mill Three")
    path = make_event(browser, **boxes(one, two, three))
    charges(site, one, enabled=False)
    disconnect(browser, three)
    page = publish(browser, path, status=400)
    assert set(problems(page)) == {"payee", "payee_3"}
    assert "Finish its set-up" in problems(page)["payee"]
    assert "not connected any more" in problems(page)["payee_3"]
    assert "not connected any more" in browser.get(path).text
    fill(opened(browser, f"{path}/edit"), **boxes("", two, "")).submit(status=303)
    publish(browser, path, status=303)
    assert payees(site) == [two]


def test_one_that_works_is_enough_to_sell(site: Site, browser: Browser) -> None:
    one, two = connected(browser, "Mill One", "Mill Two")
    path = published(browser, one, two)
    disconnect(browser, one)
    page, public = browser.get(path), site.browser().get(path)
    assert "Sales are paused" not in page.text
    assert in_order(page.text, "Mill One", "Not offered to buyers", "This account is not connected", "Mill Two")
    assert "Mill Two" in public.text
    assert "Mill One" not in public.text
    assert "not connected" not in public.text
    # The dead one prevents no change, and is still among the boxes, for others to be told.
    form = opened(browser, f"{path}/edit")
    assert chosen(form) == [one, two]
    fill(form, title="Harbour Jazz!").submit(status=303)
    assert site.rows("SELECT title, status FROM event") == [("Harbour Jazz!", "published")]
    assert payees(site) == [one, two]
    charges(site, two, enabled=False)
    page, public = browser.get(path), site.browser().get(path)
    assert "None of the accounts can take the money at present" in page.text
    assert in_order(page.text, "This account is not connected any more", "Finish its set-up at Stripe")
    assert "Sales are paused" in public.text
    assert "Ways to pay" not in public.text
    assert "Mill" not in public.text.replace("The Old Mill", "")
    fill(opened(browser, f"{path}/edit"), title="Harbour Jazz").submit(status=303)


def test_a_published_event_keeps_one_that_works(site: Site, browser: Browser) -> None:
    one, two, three = connected(browser, "Mill One", "Mill Two", "Mill Three")
    path = published(browser, one, two)
    disconnect(browser, one)
    page = fill(opened(browser, f"{path}/edit"), **boxes(one, "")).submit(status=400)
    assert set(problems(page)) == {"payee"}
    assert "not connected any more" in problems(page)["payee"]
    page = fill(opened(browser, f"{path}/edit"), **boxes("", "")).submit(status=400)
    assert problems(page) == {"payee": "Choose the account that the ticket money goes to."}
    charges(site, three, enabled=False)
    page = fill(opened(browser, f"{path}/edit"), **boxes("", two, three)).submit(status=400)
    assert set(problems(page)) == {"payee_3"}  # one that is new must work
    assert payees(site) == [one, two]
    charges(site, three, enabled=True)
    fill(opened(browser, f"{path}/edit"), **boxes(one, three, "")).submit(status=303)
    assert payees(site) == [one, three]
    charges(site, three, enabled=False)  # nothing works any more: there is nothing to keep
    fill(opened(browser, f"{path}/edit"), **boxes(three, one)).submit(status=303)
    assert payees(site) == [three, one]


@SQLITE_ONLY
def test_every_account_must_take_the_currency(site: Site, browser: Browser) -> None:
    path = published(browser, *connected(browser, "Mill One", "Mill Two"))
    page = fill(opened(browser, f"{path}/edit"), currency="KPW").submit(status=400)
    assert problems(page) == dict.fromkeys(
        ("payee", "payee_2"), "This account cannot take KPW. Choose another account, or another currency."
    )


def test_sales_stop_only_with_the_last_one(site: Site, browser: Browser) -> None:
    one, two = connected(browser, "Mill One", "Mill Two")
    path = published(browser, one, two)
    for account_id in (one, two):
        assert "Harbour Jazz" in browser.get(f"/accounts/{account_id}").text
        assert "Ticket sales pause" not in browser.get(f"/accounts/{account_id}/disconnect").text
    disconnect(browser, one)
    page = browser.get(f"/accounts/{two}/disconnect")
    assert "Ticket sales pause" in page.text
    assert f'href="{path}"' in page.text
    # What is free of charge needs nobody who is paid.
    fill(opened(browser, f"{path}/edit"), price="0", **boxes(two, "")).submit(status=303)
    assert "Ticket sales pause" not in browser.get(f"/accounts/{two}/disconnect").text
    assert "Where the money goes" not in browser.get(path).text


def replace(browser: Browser, old: str, **fields: str) -> None:
    """Replace an account by another one, and confirm it."""
    back = browser.site.sandbox.decide(browser.leave(replaces=old), **fields)
    question = browser.get(path_and_query(back), status=303).follow()
    answer = {"attempt": hidden(question)["attempt"], "decision": "replace"}
    browser.submit("/connect/stripe/confirm", answer, status=303)


def test_what_replaces_an_account_takes_its_place(site: Site, browser: Browser) -> None:
    one, two, three = connected(browser, "Mill One", "Mill Two", "Mill Three")
    make_event(browser, **boxes(one, two, three))
    replace(browser, two, business_name="New Mill")
    new = site.accounts()[-1].id
    assert payees(site) == [one, new, three]
    known = next(account.external_id for account in site.accounts() if account.id == one)
    replace(browser, three, account=known)  # by one that is there already
    assert payees(site) == [one, new]
    replace(browser, one, account=next(one.external_id for one in site.accounts() if one.id == new))
    assert payees(site) == [new]
    assert site.audit().count("event.payee_moved") == 3
    assert noted(site)[1:] == [f"{one} {new} {three}", f"{one} {new}", new]


@SQLITE_ONLY
def test_each_provider_of_the_event_is_replaced_and_others_are_added(make_site: Callable[..., Site]) -> None:
    site = make_site(**onboarding.SETTINGS)
    browser = site.signed_in()
    onboarding.connect(browser, "paypal")
    onboarding.connect(browser, "stripe")
    paypal, stripe = (account.id for account in site.accounts())
    path = make_event(browser, **boxes(paypal, stripe))
    page = browser.get(f"{path}/edit")
    assert "Replace with another PayPal account" in page.text
    assert "Replace with another Stripe account" in page.text
    publish(browser, path, status=303)
    assert in_order(site.browser().get(path).text, "PayPal <span", "Stripe <span")
    disconnect(browser, paypal)
    page = browser.get(f"{path}/edit")
    assert "Connect with PayPal" in page.text  # there is nothing to replace any more
    assert "Replace with another Stripe account" in page.text


@POSTGRESQL_ONLY  # SQLite lets nobody write meanwhile
def test_what_is_changed_is_what_is_there_by_then(site: Site, browser: Browser) -> None:
    one, two = connected(browser, "Mill One", "Mill Two")
    make_event(browser, payee=one)
    (event,) = site.rows("SELECT * FROM event")
    work = Work(site.engine, TransactionManager(explicit=True))
    with work.writing() as session:
        held = session.get_one(Event, event.id)
        assert held.payee_ids == (one,)
        site.change("UPDATE event_payee SET account_id = :two", two=two)
        site.change("UPDATE event SET version = 7")
        found = EventStore(session, AccountStore(session, get_vault(site.registry))).locked(
            event.id, event.organizer_id
        )
        assert (found.version, found.payee_ids) == (7, (two,))
