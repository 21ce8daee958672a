"""A machine whose clock is wrong, or is set while it runs: PostgreSQL's counts. With SQLite there is only one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from transaction import TransactionManager

from connectapp.db import Work, utcnow
from connectapp.jobs import enqueue
from tests.support.processes import AppProcess, commands, write_ini
from tests.support.rows import POSTGRESQL_ONLY, ago, answer_page, missing, set_times, statuses
from tests.support.sandbox import path_and_query
from tests.support.site import Browser, Site

HOURS = 3
WRONG = [f"+{HOURS}h", f"-{HOURS}h"]


def clock(offset: str | Path) -> dict[str, str]:
    """Environment of a process with another clock. :param offset: such as ``+3h``, or a file that says so."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        missing("no libfaketime found; install faketime to test with clocks that are wrong")
    faked = {"FAKETIME": offset} if isinstance(offset, str) else {"FAKETIME_TIMESTAMP_FILE": str(offset)}
    rest = {"FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "America/St_Johns"}
    return {"LD_PRELOAD": str(library), **faked, **rest}


def is_wrong(process: AppProcess) -> bool:
    """Whether the process really has another clock: waitress dates its answers by it."""
    head = process.raw(b"GET /health HTTP/1.0\r\nHost: app.test\r\n\r\n").partition(b"\r\n\r\n")[0].decode()
    (dated,) = (line.partition(": ")[2] for line in head.split("\r\n") if line.lower().startswith("date:"))
    return abs(parsedate_to_datetime(dated) - datetime.now(UTC)) > timedelta(hours=HOURS - 1)


@contextmanager
def at(browser: Browser, process: AppProcess) -> Iterator[None]:
    """This browser's requests go to the process meanwhile."""
    before, browser.app = browser.app, process
    try:
        yield
    finally:
        browser.app = before


@pytest.fixture
def elsewhere(site: Site) -> Iterator[Callable[[str | Path], AppProcess]]:
    """Starts processes with another clock."""
    started: list[AppProcess] = []

    def start(offset: str | Path) -> AppProcess:
        started.append(AppProcess(site.settings, env=clock(offset)))
        return started[-1]

    yield start
    for process in started:
        process.stop()


def callback_url(site: Site, browser: Browser) -> str:
    return path_and_query(site.sandbox.decide(browser.leave()))


@POSTGRESQL_ONLY
@pytest.mark.row("DP-07")
@pytest.mark.parametrize("offset", WRONG)
def test_what_begins_at_one_machine_ends_at_another(
    site: Site, elsewhere: Callable[..., AppProcess], offset: str
) -> None:
    browser, process = site.signed_in(), elsewhere(offset)
    assert is_wrong(process)
    here = callback_url(site, browser)
    with at(browser, process):
        there = callback_url(site, browser)
        assert "Connected" in answer_page(browser, here).text
    assert "Connected" in answer_page(browser, there).text
    assert statuses(site) == [("linked", None), ("linked", None)]
    assert site.sandbox.redemptions() == 2
    for attempt in site.attempts():
        assert timedelta(minutes=59) < attempt.expires_at - ago(minutes=0) <= timedelta(minutes=60)


@POSTGRESQL_ONLY
@pytest.mark.row("DP-07")
@pytest.mark.parametrize("offset", WRONG)
def test_what_has_expired_has_expired_everywhere(site: Site, elsewhere: Callable[..., AppProcess], offset: str) -> None:
    browser, process = site.signed_in(), elsewhere(offset)
    url = callback_url(site, browser)
    set_times(site, "attempt", expires_at=ago(seconds=1))
    with at(browser, process):
        assert "Connected" not in answer_page(browser, url).text
        assert statuses(site) == [("refused", "expired")]
        assert browser.get("/accounts").status_int == 200
        set_times(site, "session", seen_at=ago(minutes=121))
        assert "/signin" in browser.get("/accounts", status=303).location
    assert site.sandbox.redemptions() == 0
    assert site.accounts() == []


@POSTGRESQL_ONLY
@pytest.mark.row("DP-07")
def test_a_clock_that_is_set_meanwhile_changes_nothing(
    site: Site, elsewhere: Callable[..., AppProcess], tmp_path: Path
) -> None:
    offset = tmp_path / "offset"
    offset.write_text("+0\n")
    browser, process = site.signed_in(), elsewhere(offset)
    with at(browser, process):
        assert not is_wrong(process)
        for number, jump in enumerate(WRONG, 1):
            good = callback_url(site, browser)
            offset.write_text(f"{jump}\n")
            assert is_wrong(process)
            assert "Connected" in answer_page(browser, good).text
            late = callback_url(site, browser)
            site.change("UPDATE attempt SET expires_at = :then WHERE status = 'pending'", then=ago(seconds=1))
            assert "Connected" not in answer_page(browser, late).text
            assert statuses(site)[-2:] == [("linked", None), ("refused", "expired")]
            assert site.sandbox.redemptions() == number
            offset.write_text("+0\n")


@POSTGRESQL_ONLY
@pytest.mark.row("DP-07")
@pytest.mark.parametrize("offset", WRONG)
def test_a_worker_takes_what_is_due_and_no_lease_of_another(
    site: Site, tmp_path_factory: pytest.TempPathFactory, offset: str
) -> None:
    ini = write_ini(site.settings, tmp_path_factory.mktemp("ini"))
    with Work(site.engine, TransactionManager(explicit=True)).writing() as session:
        for subject, due_at in {"leased": utcnow() + timedelta(minutes=1), "due": ago(minutes=1)}.items():
            enqueue(session, "mail", subject, due_at)
    with commands(ini, "worker", "--once", env=clock(offset)) as (process,):
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert [job.subject for job in site.jobs("mail")] == ["leased"]
