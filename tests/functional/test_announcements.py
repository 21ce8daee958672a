"""What an embedding application hears of: after the commit, once, and only if it is true."""

import re
from typing import Any

import pytest

from connectapp.accounts.announcements import AccountDisconnected, AccountLinked, AccountReplaced
from tests.functional.test_recovery import killed_at
from tests.support.site import Browser, Site


@pytest.fixture
def heard(site: Site) -> list[Any]:
    """What subscribers are told, each with the accounts that another connection sees at that moment."""
    told: list[Any] = []

    def listen(event: object) -> None:
        told.append((event, {account.id: account.status for account in site.accounts()}))

    for kind in (AccountLinked, AccountReplaced, AccountDisconnected):
        site.registry.registerHandler(listen, [kind])
    return told


def test_linking_is_heard_after_the_commit(site: Site, heard: list[Any], browser: Browser) -> None:
    browser.connect()
    (account,) = site.accounts()
    event = AccountLinked(account.id, account.organizer_id, "stripe", "test")
    assert heard == [(event, {account.id: "active"})]


def test_nothing_is_heard_of_what_was_refused(site: Site, heard: list[Any], browser: Browser) -> None:
    browser.connect("deny")
    site.sandbox.fault(endpoint="account", after=True, json_merge={"id": "acct_1Somebody"})
    browser.connect()
    assert heard == []


def test_replacing_is_heard_as_three(site: Site, heard: list[Any], browser: Browser) -> None:
    browser.connect(business_name="Old")
    (old,) = site.accounts()
    back = site.sandbox.decide(browser.leave(replaces=old.id), business_name="New")
    page = browser.get(back.removeprefix("https://app.test"), status=303).follow()
    del heard[:]
    attempt = re.search(r'name="attempt" value="([^"]+)"', page.text)[1]
    browser.submit("/connect/stripe/confirm", {"attempt": attempt, "decision": "replace"}, status=303)
    (new,) = [a for a in site.accounts() if a.id != old.id]
    place = (old.organizer_id, "stripe", "test")
    assert [event for event, _ in heard] == [
        AccountLinked(new.id, *place),
        AccountDisconnected(old.id, *place),
        AccountReplaced(old.id, new.id, *place),
    ]


def test_disconnecting_is_heard_once_and_at_once(site: Site, heard: list[Any], browser: Browser) -> None:
    browser.connect()
    (account,) = site.accounts()
    del heard[:]
    site.sandbox.fault(endpoint="deauthorize", status=500, times=1)
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    browser.submit(f"/accounts/{account.id}/revoke", status=303)
    event = AccountDisconnected(account.id, account.organizer_id, "stripe", "test")
    assert heard == [(event, {account.id: "disconnecting"})]


def test_recovery_is_heard_too(site: Site, heard: list[Any], browser: Browser, monkeypatch) -> None:
    killed_at(monkeypatch, "connectapp.connect.settlement.Settlement.settle", browser.callback_url(), browser)
    assert heard == []
    site.recover()
    assert [type(event) for event, _ in heard] == [AccountLinked]


def test_a_subscriber_that_fails_changes_nothing(site: Site, browser: Browser, caplog) -> None:
    def fail(event: object) -> None:
        raise RuntimeError("the subscriber's own trouble")

    site.registry.registerHandler(fail, [AccountLinked])
    assert "Connected" in browser.connect().text
    assert [a.status for a in site.accounts()] == ["active"]
    assert "a subscriber of AccountLinked failed" in caplog.text
