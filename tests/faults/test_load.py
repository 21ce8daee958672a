"""Processes that are killed at any moment while organizers link; FAULT_SECONDS=600 goes on for ten minutes."""

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.faults.invariants import check
from tests.support.processes import AppProcess, cookie_header
from tests.support.rows import answer_page
from tests.support.site import Browser, Site

SECONDS = float(os.environ.get("FAULT_SECONDS", "8"))


class Street:
    """Where the processes come and go; there is one at a time, or none."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.settings = settings
        self.open = threading.Event()
        self.process: AppProcess | None = None
        self.over = False

    def kill_at_random(self, dice: random.Random) -> int:
        """Serve and kill until the time is over; gives the number of kills."""
        end, kills = monotonic() + SECONDS, 0
        while monotonic() < end:
            process = AppProcess(self.settings)
            try:
                assert process.port
                self.process = process
                self.open.set()
                sleep(dice.uniform(0.2, 0.8))
            finally:
                self.open.clear()
                process.kill()
            kills += 1
        self.over = True
        self.open.set()
        return kills

    def link(self, browser: Browser) -> list[str]:
        """One organizer who links account after account; gives the addresses of the callbacks."""
        urls = []
        while not self.over:
            sleep(0.1)  # so that the search for all their secrets takes seconds afterwards, not minutes
            urls.append(browser.callback_url())
            while not self.over:
                self.open.wait(60)
                try:
                    if self.process and self.process.get(urls[-1], cookie_header(browser))[0] == 303:
                        break
                except (OSError, HTTPException):
                    sleep(0.02)
        return urls


@pytest.mark.row("DP-04", "CR-01")
def test_killed_at_any_moment_under_load(make_site, tmp_path: Path) -> None:
    site: Site = make_site(attempt__max_open="1000", attempt__max_per_hour="10000")
    browsers = [site.signed_in(name) for name in ("olga", "piet", "ines")]
    street = Street(site.settings | {"connectapp.recovery.seconds": "1"})
    seed = random.randrange(10**6)
    print(f"the dice of this run: {seed}")  # pytest shows it if the test fails
    with ThreadPoolExecutor(len(browsers)) as pool:
        trips = [pool.submit(street.link, browser) for browser in browsers]
        try:
            kills = street.kill_at_random(random.Random(seed))
        finally:
            street.over = True
            street.open.set()
        urls = [trip.result(60) for trip in trips]
    for browser, own in zip(browsers, urls, strict=True):
        answer_page(browser, own[-1])  # whom the end of the test found waiting
    site.recover()
    ends = {attempt.status for attempt in site.attempts()}
    assert kills, "nothing was killed, so nothing was tried"
    assert "linked" in ends
    assert ends <= {"linked", "outcome_unknown"}
    check(site, tmp_path, *(url for own in urls for url in own))
