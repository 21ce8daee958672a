"""TE-03, TE-19, RL: a sick provider, or somebody who tries much, takes the place of nobody else."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connectapp.connect.gates import FAILURES, PAUSE, Gate
from connectapp.errors import UnavailableError
from tests.support.events import CONCERT, fill, opened
from tests.support.processes import app_processes, cookie_header
from tests.support.rows import SQLITE_ONLY, ago, answer_page, set_times, statuses
from tests.support.site import Browser, Site


@pytest.mark.row("TE-03")
def test_slow_callbacks_leave_threads_for_everything_else(make_site) -> None:
    site = make_site(attempt__max_waiting="3")
    browser = site.signed_in()
    urls = [browser.callback_url() for _ in range(10)]
    cookie = cookie_header(browser)
    site.sandbox.fault(endpoint="token", hold="slow", after=True, times=None)
    with app_processes(site.settings, threads=4) as (process,), ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(process.get, url, cookie) for url in urls[:3]]
        site.sandbox.wait_for_hold("slow", 3)
        refused = [process.get(url, cookie) for url in urls[3:]]
        assert {status for status, _, _ in refused} == {503}
        assert all(b"Nothing was changed" in body for _, _, body in refused)
        assert process.get("/accounts", cookie)[0] == 200
        assert site.sandbox.redemptions() == 3
        assert statuses(site).count(("pending", None)) == 7
        site.sandbox.clear_faults()
        site.sandbox.release("slow")
        assert {answer.result()[0] for answer in waiting} == {303}
        assert {process.get(url, cookie)[0] for url in urls[3:]} == {303}
    assert statuses(site) == [("linked", None)] * 10
    assert site.sandbox.redemptions() == 10


@SQLITE_ONLY
@pytest.mark.row("TE-03")
def test_a_place_is_given_back_whatever_happens(make_site) -> None:
    site = make_site(attempt__max_waiting="1")
    browser = site.signed_in()
    for fault in ({"status": 500}, {"reset": True}, {"status": 400}, {"json_merge": {"stripe_user_id": None}}):
        site.sandbox.fault(endpoint="token", **fault)
        assert browser.connect().status_int != 503
    assert "Connected" in browser.connect().text


@pytest.mark.inside("it moves the clock of one process")
@pytest.mark.row("TE-19")
def test_a_provider_that_keeps_failing_is_left_alone_for_a_while(site: Site, browser: Browser) -> None:
    for _ in range(FAILURES):
        site.sandbox.fault(endpoint="token", reset=True)
        browser.connect()
    seen = len(site.attempts())
    page = browser.submit("/connect/stripe/authorize", {"target": "accounts"}, status=503)
    assert "does not answer at present" in page.text
    assert page.headers["Retry-After"] == "60"
    form = fill(opened(browser), **CONCERT).submit("connect", value="stripe", status=503)
    assert CONCERT["title"] in form.text
    assert "does not answer at present" in form.text
    assert len(site.attempts()) == seen
    assert site.rows("SELECT id FROM event") == []
    gate = site.registry["connectapp.gates"].of("stripe")
    gate._clock = lambda: time.monotonic() + PAUSE
    assert "Connected" in browser.connect().text


@SQLITE_ONLY
@pytest.mark.row("TE-19")
def test_an_answer_of_any_kind_is_a_sign_of_life(site: Site, browser: Browser) -> None:
    for number in range(FAILURES * 2):
        site.sandbox.fault(endpoint="token", **({"status": 400} if number % 2 else {"reset": True}))
        browser.connect()
    assert "Connected" in browser.connect().text


def test_a_gate_has_so_many_places() -> None:
    gate = Gate(2)
    taken: list[bool] = []

    def take() -> None:
        try:
            gate.enter()
            taken.append(True)
        except UnavailableError:
            taken.append(False)

    threads = [threading.Thread(target=take) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == 2
    gate.leave()
    gate.enter()


@pytest.mark.row("RL-01")
def test_an_organizer_begins_only_so_many_in_an_hour(make_site) -> None:
    site = make_site(attempt__max_per_hour="3")
    browser, other = site.signed_in(), site.signed_in("piet")
    for _ in range(3):
        browser.connect()
    # The count is the database's: another process has the same one.
    second = Browser(site.restarted())
    second.sign_in("olga@example.test")
    for one in (browser, second):
        page = one.submit("/connect/stripe/authorize", {"target": "accounts"}, status=429)
        assert page.headers["Retry-After"] == "60"
    second.site.close()
    assert len(site.attempts()) == 3
    other.connect()
    set_times(site, "attempt", created_at=ago(minutes=61))
    assert "Connected" in browser.connect().text


@pytest.mark.row("RL-01", "RL-02")
def test_answers_that_belong_to_nothing_are_counted_per_place(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    stranger = site.browser()

    def ask(number: int, **kwargs: Any) -> Any:
        spoofed = {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
        return stranger.get(f"/connect/stripe/callback?code=x&state={number:043}", headers=spoofed, **kwargs)

    for number in range(100):
        ask(number, status=303)
    page = ask(100, status=429)
    assert "none belonged to a connection" in page.text
    assert site.sandbox.redemptions() == 0
    browser.extra_environ["REMOTE_ADDR"] = "198.51.100.7"  # somebody else's answer arrives all the same
    assert "Connected" in answer_page(browser, url).text
    set_times(site, "recent_try", at=ago(minutes=16))
    ask(101, status=303)
