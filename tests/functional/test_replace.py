"""Replacing an account by another one: asked first, both shown, nothing lost."""

import re

import pytest

from tests.support.site import Browser, Site


def begin(browser: Browser, site: Site, **fields: str):
    browser.connect(business_name="Old Mill")
    (old,) = site.accounts()
    url = browser.leave(replaces=old.id)
    back = site.sandbox.decide(url, **{"business_name": "New Mill"} | fields)
    page = browser.get(back.removeprefix("https://app.test"), status=303).follow()
    return old, page


def answer(browser: Browser, page, decision: str):
    attempt = re.search(r'name="attempt" value="([^"]+)"', page.text)[1]
    return browser.submit("/connect/stripe/confirm", {"attempt": attempt, "decision": decision}, status=303).follow()


@pytest.mark.row("ST-17")
def test_nothing_changes_until_it_is_confirmed(site: Site, browser: Browser) -> None:
    _old, page = begin(browser, site)
    assert "Old Mill" in page.text
    assert "New Mill" in page.text
    (account,) = site.accounts()
    assert (account.display_name, account.status) == ("Old Mill", "active")
    assert [a.status for a in site.attempts()] == ["linked", "awaiting_confirmation"]
    assert len(site.sandbox.live_grants()) == 2


@pytest.mark.row("ST-17")
def test_a_confirmed_replacement_links_the_new_and_gives_the_old_back(site: Site, browser: Browser) -> None:
    _old, page = begin(browser, site)
    result = answer(browser, page, "replace")
    assert "Connected" in result.text
    assert {a.display_name: a.status for a in site.accounts()} == {"Old Mill": "disconnected", "New Mill": "active"}
    (grant,) = site.sandbox.live_grants()
    (new,) = [a for a in site.accounts() if a.status == "active"]
    assert grant["account"] == new.external_id
    assert site.attempts()[-1].grant is None


@pytest.mark.row("ST-17")
def test_a_declined_replacement_gives_the_new_back(site: Site, browser: Browser) -> None:
    old, page = begin(browser, site)
    result = answer(browser, page, "keep")
    assert "kept" in result.text
    (account,) = site.accounts()
    assert (account.id, account.status) == (old.id, "active")
    (grant,) = site.sandbox.live_grants()
    assert grant["account"] == old.external_id
    assert site.attempts()[-1].grant is None


def test_the_same_account_needs_no_confirmation(site: Site, browser: Browser) -> None:
    browser.connect()
    (old,) = site.accounts()
    back = site.sandbox.decide(browser.leave(replaces=old.id), account=old.external_id)
    page = browser.get(back.removeprefix("https://app.test"), status=303).follow()
    assert "Connected" in page.text
    assert [a.status for a in site.accounts()] == ["active"]


def test_a_second_answer_finds_nothing_to_confirm(site: Site, browser: Browser) -> None:
    _old, page = begin(browser, site)
    answer(browser, page, "replace")
    attempt = re.search(r'name="attempt" value="([^"]+)"', page.text)[1]
    again = browser.submit("/connect/stripe/confirm", {"attempt": attempt, "decision": "keep"}, status=400)
    assert "nothing to confirm" in again.text
    assert len(site.sandbox.live_grants()) == 1


def test_somebody_else_cannot_confirm(site: Site, browser: Browser) -> None:
    _old, page = begin(browser, site)
    attempt = re.search(r'name="attempt" value="([^"]+)"', page.text)[1]
    mallory = site.signed_in("mallory")
    fields = {"attempt": attempt, "decision": "replace"}
    mallory.submit("/connect/stripe/confirm", fields, status=400)
    mallory.get(f"/connect/stripe/result?attempt={attempt}", status=404)
    assert [a.status for a in site.attempts()] == ["linked", "awaiting_confirmation"]


def test_an_unconfirmed_replacement_runs_out_and_is_given_back(site: Site, browser: Browser) -> None:

    old, _page = begin(browser, site)
    site.change("UPDATE attempt SET expires_at = created_at WHERE status = 'awaiting_confirmation'")
    site.recover()
    assert [a.status for a in site.attempts()] == ["linked", "refused"]
    (grant,) = site.sandbox.live_grants()
    assert grant["account"] == old.external_id


@pytest.mark.parametrize("replaces", ["nonsense", "0192f0c0-0000-7000-8000-000000000000", "' OR 1=1"])
def test_what_does_not_exist_cannot_be_replaced(site: Site, browser: Browser, replaces: str) -> None:
    page = browser.submit("/connect/stripe/authorize", {"target": "accounts", "replaces": replaces}, status=400)
    assert "no such account" in page.text
    assert site.attempts() == []


def test_a_failed_replacement_can_be_tried_again(site: Site, browser: Browser) -> None:
    browser.connect(business_name="Old Mill")
    (old,) = site.accounts()
    back = site.sandbox.decide(browser.leave(replaces=old.id), "deny")
    page = browser.get(back.removeprefix("https://app.test"), status=303).follow()
    again = page.click("Connect again")
    assert f'name="replaces" value="{old.id}"' in again.text


@pytest.mark.row("SR-03")
def test_an_altered_grant_is_not_linked(site: Site, browser: Browser) -> None:
    _old, page = begin(browser, site)
    attempt = re.search(r'name="attempt" value="([^"]+)"', page.text)[1]
    site.change('UPDATE attempt SET "grant" = :blob WHERE id = :id', blob=b"\x01" + b"x" * 80, id=attempt)
    fields = {"attempt": attempt, "decision": "replace"}
    answer = browser.submit("/connect/stripe/confirm", fields, status=503)
    assert "Nothing was changed" in answer.text
    assert [a.display_name for a in site.accounts()] == ["Old Mill"]
    assert [a.status for a in site.attempts()] == ["linked", "awaiting_confirmation"]
