"""CR: a code is redeemed once, whatever happens around it; and nothing of it is left behind."""

import sqlite3
import threading
from pathlib import Path

import pytest

from tests.support.rows import (
    ago,
    allow_inserts,
    answer_page,
    callback,
    database_gone,
    everything,
    params,
    refuse_inserts,
    set_times,
    statuses,
)
from tests.support.site import Browser, Site


@pytest.mark.row("CR-02")
def test_reloading_is_harmless(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    addresses = {browser.get(url, status=303).headers["Location"] for _ in range(6)}
    assert len(addresses) == 1
    (account,) = site.accounts()
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    assert {browser.get(url, status=303).headers["Location"]} == addresses
    assert site.sandbox.redemptions() == 1
    assert [(one.status, one.id) for one in site.accounts()] == [("disconnected", account.id)]


@pytest.mark.row("CR-04", "DP-03")
def test_a_commit_that_fails_does_not_redeem_again(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    refuse_inserts(site, "connected_account")
    page = answer_page(browser, url)
    assert "Almost there" in page.text
    assert "Connected" not in page.text
    site.recover()
    answer_page(browser, url)
    assert statuses(site) == [("exchanging", None)]
    assert site.accounts() == []
    assert site.sandbox.redemptions() == 1

    allow_inserts(site, "connected_account")
    site.recover()
    assert statuses(site) == [("linked", None)]
    assert [account.version for account in site.accounts()] == [1]
    assert site.audit().count("account.linked") == 1
    assert site.sandbox.redemptions() == 1
    assert len(site.sandbox.live_grants()) == 1


@pytest.mark.row("CR-04", "DP-05")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_locked_sqlite_file_is_waited_for_before_the_code_is_spent(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    other = sqlite3.connect(str(site.engine.url.database), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    refused = browser.get(url, status=503)
    assert "Nothing was changed" in refused.text
    assert site.sandbox.redemptions() == 0
    other.execute("ROLLBACK")
    other.close()
    assert "Connected" in answer_page(browser, url).text
    assert site.sandbox.redemptions() == 1


@pytest.mark.inside("on SQLite, only this process can be made to lose its connections")
@pytest.mark.row("SE-12", "DP-02")
def test_without_a_database_the_code_stays_unspent(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    with database_gone(site):
        page = browser.get(url, status=503)
        assert page.headers["Retry-After"]
        assert page.headers["X-Reference"] in page.text
        browser.get("/accounts", status=503)
    assert site.sandbox.redemptions() == 0
    assert statuses(site) == [("pending", None)]
    assert "Connected" in answer_page(browser, url).text
    assert site.sandbox.redemptions() == 1


@pytest.mark.inside("on SQLite, only this process can be made to lose its connections")
@pytest.mark.row("DP-01")
def test_without_a_database_nobody_leaves(site: Site, browser: Browser) -> None:
    token = browser.token()
    with database_gone(site):
        page = browser.post("/connect/stripe/authorize", {"csrf_token": token, "target": "accounts"}, status=503)
        assert "state=" not in page.text
    assert site.attempts() == []


@pytest.mark.row("DP-01", "ER-07", "ER-09")
def test_a_commit_that_fails_lets_nobody_leave(site: Site, browser: Browser) -> None:
    refuse_inserts(site, "attempt")
    page = browser.submit("/connect/stripe/authorize", {"target": "accounts"}, expect_errors=True)
    # What a serialization failure asks for, or any other refusal.
    assert page.status_int == (503 if site.engine.dialect.name == "postgresql" else 500)
    assert page.headers["X-Reference"] in page.text
    assert 'href="/"' in page.text
    assert "state=" not in page.text
    assert "try again" not in page.text
    assert site.attempts() == []
    allow_inserts(site, "attempt")
    browser.leave()


@pytest.mark.inside("on SQLite, only this process can be made to lose its connections")
@pytest.mark.row("DP-03", "SE-12")
def test_a_database_that_goes_during_the_exchange_is_waited_for(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    site.sandbox.fault(endpoint="account", hold="account")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(browser.get(url, status=303)))
    thread.start()
    site.sandbox.wait_for_hold("account")
    with database_gone(site):
        site.sandbox.release("account")
        thread.join()
    assert len(answers) == 1
    assert statuses(site) == [("exchanging", None)]
    site.recover()
    assert statuses(site) == [("linked", None)]
    assert site.sandbox.redemptions() == 1


@pytest.mark.row("DP-06")
def test_without_room_for_the_journal_the_code_stays_unspent(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    directory: Path = site.registry["connectapp.journal"].directory
    directory.rmdir()
    directory.write_text("in the way")
    browser.get(url, status=503)
    assert statuses(site) == [("pending", None)]
    assert site.sandbox.redemptions() == 0
    directory.unlink()
    directory.mkdir(mode=0o700)
    assert "Connected" in answer_page(browser, url).text


@pytest.mark.row("CR-05")
@pytest.mark.parametrize("outcome", ["linked", "outcome_unknown"])
def test_a_code_that_was_seen_is_not_sent_again(site: Site, browser: Browser, outcome: str) -> None:
    url = browser.callback_url()
    if outcome == "outcome_unknown":
        site.sandbox.fault(endpoint="token", status=500)
    answer_page(browser, url)
    old = params(url)["code"][0]
    set_times(site, "attempt", created_at=ago(days=1), changed_at=ago(days=1))
    for who in (browser, site.signed_in("piet")):
        fresh = params(who.leave())["state"][0]
        page = answer_page(who, callback(code=old, state=fresh))
        assert "used before" in page.text
        assert statuses(site)[-1] == ("refused", "code_seen")
    assert statuses(site)[0][0] == outcome
    assert site.sandbox.redemptions() == 1


@pytest.mark.row("CR-06")
@pytest.mark.parametrize("code", ["ac_unknown", "x", "ac_1&admin=1", "-" * 1024])
def test_a_foreign_code_stores_nothing(site: Site, browser: Browser, code: str) -> None:
    fresh = params(browser.leave())["state"][0]
    page = answer_page(browser, callback(code=code, state=fresh))
    assert "did not accept the answer" in page.text
    assert statuses(site) == [("failed", "code_refused")]
    assert site.accounts() == []
    assert site.audit()[-1] == "attempt.failed"
    assert site.sandbox.redemptions() == 1


@pytest.mark.row("CR-07", "ST-14")
@pytest.mark.parametrize("ending", ["linked", "failed", "denied", "refused"])
def test_nothing_of_the_trip_is_kept(make_two, evil, ending: str) -> None:
    site = make_two()
    browser = site.signed_in()
    url = browser.leave("evil")
    back = evil.back(url, "deny" if ending == "denied" else "approve")
    (attempt,) = site.attempts()
    assert attempt.verifier
    if ending == "failed":
        site.sandbox.fault(endpoint="evil.token", after=True, status=400, body="{}")
    if ending == "refused":
        set_times(site, "attempt", expires_at=ago(seconds=1))
    answer_page(browser, back)
    assert statuses(site)[0][0] == ending
    (attempt,) = site.attempts()
    assert (attempt.verifier, attempt.grant) == (None, None)
    kept = everything(site)
    spent = params(back).get("code", []) + params(back)["state"]
    verifiers = [params("?" + request["body"])["code_verifier"][0] for request in evil.requests("/oauth/token")]
    assert len(verifiers) == (1 if ending in {"linked", "failed"} else 0)
    assert not [canary for canary in spent + verifiers if canary in kept]


@pytest.mark.row("CR-08")
def test_trying_again_is_a_new_attempt(site: Site, browser: Browser) -> None:
    first = browser.leave()
    site.sandbox.fault(endpoint="token", after=True, status=500)
    page = answer_page(browser, site.sandbox.decide(first).removeprefix("https://app.test"))
    button = page.click("Connect again")
    (form,) = [form for form in button.forms.values() if form.action == "/connect/stripe/authorize"]
    again = form.submit(status=200)
    assert "state=" in again.text
    assert params(first)["state"][0] not in again.text
    assert statuses(site) == [("outcome_unknown", "no_answer"), ("pending", None)]
    assert site.sandbox.redemptions() == 1
