"""An account that does not work any more, though nobody ended it here: its people are told, and bring it back."""

import pytest

from connectapp.accounts.announcements import AccountLost
from connectapp.accounts.endings import mark_lost
from connectapp.accounts.losses import ACCESS_REFUSED, DISCONNECTED_THERE, SENTENCES
from connectapp.accounts.store import AccountStore
from connectapp.db import work_of
from tests.support.events import boxes, connected, make_event, payees
from tests.support.site import Browser, Site


def lose(site: Site, account_id: str, reason: str) -> bool:
    """What whoever finds out does."""
    work = work_of(site.registry)
    with work.writing() as session:
        store = AccountStore(session, site.registry["connectapp.vault"])
        link = store.locked(account_id, site.accounts()[0].organizer_id)
        return mark_lost(work, store, link, reason)


def test_it_is_said_what_happened_and_connecting_again_brings_it_back(site: Site, browser: Browser) -> None:
    (account,) = connected(browser, "Old Mill")
    event = make_event(browser, **boxes(account))
    browser.submit(f"{event}/publish", status=303)

    assert lose(site, account, ACCESS_REFUSED)

    page = browser.get(f"/accounts/{account}")
    assert "does not accept our access to this account any more. Connect it again" in page.text
    assert "Connect again" in browser.get("/accounts").text
    assert "Sales paused" in browser.get(event).text
    (mail,) = site.mails("olga@example.test")
    assert f"/accounts/{account}" in mail.body
    assert "Stripe does not accept our access" in mail.body

    back = site.sandbox.decide(browser.leave(replaces=account), business_name="Old Mill", account=_account_of(site))
    browser.get(back.removeprefix("https://app.test"), status=303).follow()

    assert [(one.id, one.status, one.problem) for one in site.accounts()] == [(account, "active", None)]
    assert payees(site) == [account]
    assert "Sales paused" not in browser.get(event).text
    assert site.audit()[-1] == "account.reconnected"


def _account_of(site: Site) -> str:
    (account,) = site.accounts()
    return str(account.external_id)


def test_it_is_told_once_and_only_of_what_worked(site: Site, browser: Browser) -> None:
    heard: list[AccountLost] = []
    site.registry.registerHandler(heard.append, [AccountLost])
    (account,) = connected(browser, "Old Mill")
    assert lose(site, account, ACCESS_REFUSED)
    assert not lose(site, account, DISCONNECTED_THERE)
    (one,) = heard
    assert (one.account_id, one.provider, one.mode, one.reason) == (account, "stripe", "test", ACCESS_REFUSED)
    assert site.audit().count("account.lost") == 1
    assert len(site.mails("olga@example.test")) == 1
    browser.submit(f"/accounts/{account}/disconnect", status=303)
    assert [one.status for one in site.accounts()] == ["disconnected"]
    assert site.sandbox.live_grants() == []


@pytest.mark.parametrize("reason", SENTENCES)
def test_each_reason_has_its_sentence(site: Site, browser: Browser, reason: str) -> None:
    (account,) = connected(browser, "Old Mill")
    event = make_event(browser, **boxes(account))
    lose(site, account, reason)
    for page in (f"/accounts/{account}", event):
        assert SENTENCES[reason].format(provider="Stripe") in browser.get(page).text
    kept = site.rows("SELECT access_token FROM connected_account")[0].access_token is not None
    assert kept == (reason != DISCONNECTED_THERE)
