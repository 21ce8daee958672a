"""LG: the record of who did what: complete, attributed, without secrets, and not to be changed."""

import json
import re
from typing import Any

import pytest
from sqlalchemy.exc import DatabaseError

from tests.support.rows import answer_page, params
from tests.support.sandbox import SECRET_KEY
from tests.support.site import Browser, Site


def records(site: Site) -> list[Any]:
    return site.rows("SELECT * FROM audit_record ORDER BY id")


def confirm(browser: Browser, page: Any, decision: str) -> None:
    attempt = re.search(r'name="attempt" value="([^"]+)"', page.text)
    assert attempt
    browser.submit("/connect/stripe/confirm", {"attempt": attempt[1], "decision": decision}, status=303)


@pytest.mark.row("LG-01")
def test_every_change_has_its_record(site: Site, browser: Browser) -> None:
    browser.connect(business_name="Old Mill")
    (old,) = site.accounts()
    browser.connect("deny")
    failed = browser.callback_url()
    site.sandbox.fault(endpoint="token", status=500)
    answer_page(browser, failed)
    for decision in ("keep", "replace"):
        back = site.sandbox.decide(browser.leave(replaces=old.id)).removeprefix("https://app.test")
        confirm(browser, answer_page(browser, back), decision)
    new = max(site.accounts(), key=lambda account: account.id)
    site.sandbox.fault(endpoint="deauthorize", status=500)
    browser.submit(f"/accounts/{new.id}/disconnect", status=303)
    browser.submit(f"/accounts/{new.id}/revoke", status=303)
    url = browser.callback_url()
    browser.submit("/signout", status=303)
    answer_page(browser, url)

    trips = [
        "user.added user.signed_in",
        "attempt.begun account.linked",
        "attempt.begun attempt.denied",
        "attempt.begun attempt.outcome_unknown",
        "attempt.begun attempt.awaiting_confirmation attempt.refused",
        "attempt.begun attempt.awaiting_confirmation account.linked account.disconnecting account.disconnected",
        "account.disconnecting account.revoke_failed account.disconnected",
        "attempt.begun user.signed_out attempt.signed_out",
    ]
    assert site.audit() == " ".join(trips).split()


@pytest.mark.row("LG-01")
def test_a_record_names_who_and_which(site: Site, browser: Browser) -> None:
    page = browser.connect()
    (account,) = site.accounts()
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    denied = browser.get(browser.callback_url("deny"), status=303)
    mallory = site.person("mallory")
    foreign = site.browser(mallory).get(browser.callback_url(), status=303)
    (user,) = site.rows("SELECT id FROM \"user\" WHERE email = 'olga@example.test'")
    by_action: dict[str, list[Any]] = {}
    for record in records(site):
        by_action.setdefault(record.action, []).append(record)
        if record.user_id != mallory.user_id:
            assert (record.user_id, record.organizer_id) == (user[0], account.organizer_id), record.action
        table, _, row_id = record.subject.partition(":")
        assert site.rows(f'SELECT id FROM "{table}" WHERE id = :id', id=row_id), record.subject
    assert by_action["attempt.denied"][0].reference == denied.headers["X-Reference"]
    assert by_action["attempt.foreign_session"][0].reference == foreign.headers["X-Reference"]
    assert by_action["attempt.foreign_session"][0].user_id == mallory.user_id
    # The person reads the same id on the page that they land on.
    assert denied.headers["X-Reference"] in denied.follow().text
    for action in (
        "user.signed_in",
        "attempt.begun",
        "account.linked",
        "account.disconnecting",
        "account.disconnected",
    ):
        assert re.fullmatch(r"[2-9a-z]{8}", by_action[action][0].reference), action
    assert "Connected" in page.text


@pytest.mark.row("LG-01", "LG-04", "SR-01")
def test_a_record_holds_no_secret(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    answer_page(browser, url)
    (account,) = site.accounts()
    kept = str(records(site)) + json.dumps([str(record.details) for record in records(site)])
    (grant,) = site.sandbox.live_grants()
    canaries = [SECRET_KEY, grant["access_token"], grant["refresh_token"], grant["account"], account.external_id]
    canaries += [params(url)[name][0] for name in ("code", "state")]
    assert not [canary for canary in canaries if canary in kept]


@pytest.mark.row("LG-01")
@pytest.mark.parametrize("statement", ["UPDATE audit_record SET action = 'x'", "DELETE FROM audit_record"])
def test_a_record_cannot_be_changed(site: Site, browser: Browser, statement: str) -> None:
    before = records(site)
    assert before
    with pytest.raises(DatabaseError, match="append-only"):
        site.change(statement)
    assert records(site) == before
