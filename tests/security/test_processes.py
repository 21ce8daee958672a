"""Real processes: fifty callbacks at once, kill -9 in the middle, and threads that nobody holds."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.processes import AppProcess, app_processes, calling, cookie_header
from tests.support.rows import SQLITE_ONLY, answer_page, eventually, statuses
from tests.support.site import Browser, Site


@pytest.mark.row("CR-01")
def test_fifty_callbacks_at_once_redeem_once(site: Site, browser: Browser) -> None:
    url, cookie = browser.callback_url(), cookie_header(browser)
    with app_processes(site.settings, 4) as processes, ThreadPoolExecutor(50) as pool:
        start = threading.Barrier(50)

        def call(number: int) -> tuple[int, str | None, bytes]:
            start.wait(30)
            return processes[number % 4].get(url, cookie)

        answers = list(pool.map(call, range(50)))
        pages = [processes[0].get(str(answers[0][1]).removeprefix("https://app.test"), cookie)]
    assert Counter(status for status, _, _ in answers) == {303: 50}
    assert len({location for _, location, _ in answers}) == 1
    assert b"Connected" in pages[0][2]
    assert site.sandbox.redemptions() == 1
    assert len(site.sandbox.live_grants()) == 1
    assert statuses(site) == [("linked", None)]
    assert [account.version for account in site.accounts()] == [1]
    assert site.audit().count("account.linked") == 1


def interrupted(site: Site, browser: Browser, endpoint: str, **fault: object) -> str:
    """Kill a process while the provider works on its request; gives the callback's address."""
    url = browser.callback_url()
    site.sandbox.fault(endpoint=endpoint, hold="here", **fault)
    process = AppProcess(site.settings)
    with calling(process, url, cookie_header(browser)) as answers:
        try:
            site.sandbox.wait_for_hold("here")
            process.kill()
        finally:
            site.sandbox.release("here")
    assert answers == [None]
    assert statuses(site) == [("exchanging", None)]
    return url


def journal(site: Site) -> list[Path]:
    return list(site.registry["connectapp.journal"].directory.iterdir())


@pytest.mark.row("DP-04", "DP-03", "CR-01")
def test_killed_after_the_answer_it_is_linked_once(site: Site, browser: Browser) -> None:
    url = interrupted(site, browser, "account")
    assert site.accounts() == []
    assert len(journal(site)) == 1
    # Two new processes at once: one of them finishes.
    with app_processes(site.settings | {"connectapp.recovery.seconds": "3600"}, 2):
        eventually(lambda: statuses(site) == [("linked", None)])
        eventually(lambda: journal(site) == [])
    assert [(account.status, account.version) for account in site.accounts()] == [("active", 1)]
    assert site.sandbox.redemptions() == 1
    assert len(site.sandbox.live_grants()) == 1
    assert site.audit().count("account.linked") == 1
    assert "Connected" in answer_page(browser, url).text


@pytest.mark.row("DP-04", "CR-03", "CR-08")
def test_killed_during_the_redemption_the_outcome_is_unknown(site: Site, browser: Browser) -> None:
    url = interrupted(site, browser, "token", after=True)
    with app_processes(site.settings | {"connectapp.recovery.seconds": "3600"}):
        eventually(lambda: statuses(site) == [("outcome_unknown", "interrupted")])
        eventually(lambda: journal(site) == [])
    page = answer_page(browser, url)
    assert "interrupted" in page.text
    assert 'href="/connect/stripe"' in page.text
    assert site.sandbox.redemptions() == 1
    assert site.accounts() == []
    assert site.audit()[-1] == "attempt.outcome_unknown"
    # The organizer begins anew, and the account is linked after all.
    (orphan,) = site.sandbox.live_grants()
    assert "Connected" in browser.connect(account=orphan["account"]).text


@pytest.mark.row("AZ-08")
def test_organizers_do_not_mix_in_the_threads(site: Site, browser: Browser) -> None:
    piet = site.signed_in("piet")
    browser.connect(business_name="Riverside")
    piet.connect(business_name="Harbour")
    people = [(cookie_header(browser), b"Riverside", b"Harbour"), (cookie_header(piet), b"Harbour", b"Riverside")]
    with app_processes(site.settings, threads=4) as (process,), ThreadPoolExecutor(8) as pool:

        def look(number: int) -> bool:
            cookie, mine, theirs = people[number % 2]
            status, _, body = process.get("/accounts", cookie)
            return status == 200 and mine in body and theirs not in body

        assert all(pool.map(look, range(200)))
    assert len(site.accounts()) == 2


@SQLITE_ONLY
@pytest.mark.row("TE-02")
def test_a_dripping_answer_holds_no_thread(make_site) -> None:
    site = make_site(transport__deadline="1")
    browser = site.signed_in()
    urls = [browser.callback_url() for _ in range(5)]
    cookie = cookie_header(browser)
    site.sandbox.fault(endpoint="token", after=True, delay_per_byte=1, drip_from="headers", times=None)
    with app_processes(site.settings, threads=4) as (process,):
        process.get(urls[0], cookie)
        before = process.threads()
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda url: process.get(url, cookie), urls[1:]))
        assert process.threads() == before
        assert process.get("/", cookie)[0] == 303
    assert {status for status, _, _ in answers} == {303}
    assert statuses(site) == [("outcome_unknown", "no_answer")] * 5
    assert site.sandbox.redemptions() == 5
