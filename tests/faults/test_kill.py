"""kill -9 at every boundary of the link flow: whoever comes back is linked once, or is told to begin again."""

import signal
from pathlib import Path

import pytest

from tests.faults.invariants import check
from tests.faults.points import POINTS
from tests.support.processes import AppProcess, cookie_header
from tests.support.rows import answer_page, statuses
from tests.support.site import Browser, Site

LINKED, UNKNOWN, PENDING = ("linked", None), ("outcome_unknown", "interrupted"), ("pending", None)
# At each point of the callback: the attempt right after the kill and after recovery, and how often the code was spent.
CALLBACK = {
    "P3-received": ("pending", PENDING, 0),
    "P3-burned": ("pending", PENDING, 0),
    "P3-committed": ("exchanging", UNKNOWN, 0),
    "P4-answered": ("exchanging", UNKNOWN, 1),
    "P5-parsed": ("exchanging", UNKNOWN, 1),
    "P5-written": ("exchanging", LINKED, 1),
    "P5-identified": ("exchanging", LINKED, 1),
    "P6-linked": ("exchanging", LINKED, 1),
    "P6-committed": ("linked", LINKED, 1),
    "P7-settled": ("linked", LINKED, 1),
    "P7-answered": ("linked", LINKED, 1),
}
# The organizer presses Connect: how many attempts there are afterwards.
AUTHORIZE = {"P0-asked": 0, "P1-written": 0, "P1-committed": 1}


def test_every_boundary_is_tried() -> None:
    assert {*CALLBACK, *AUTHORIZE} == {*POINTS}


def killed_at(process: AppProcess) -> None:
    try:
        assert process.ended() == -signal.SIGKILL
    finally:
        process.stop()


@pytest.mark.row("DP-04")
@pytest.mark.parametrize("point", AUTHORIZE)
def test_killed_before_the_organizer_leaves(site: Site, browser: Browser, tmp_path: Path, point: str) -> None:
    fields = {"csrf_token": browser.token("/connect/stripe"), "target": "accounts"}
    process = AppProcess(site.settings, fault=f"{point}:kill", log=tmp_path / "process.log")
    with pytest.raises(OSError):  # noqa: PT011 - the ways of a dying connection are many
        process.post("/connect/stripe/authorize", cookie_header(browser), fields)
    killed_at(process)
    assert statuses(site) == [PENDING] * AUTHORIZE[point]
    site.recover()
    assert "Connected" in browser.connect().text
    assert statuses(site) == [PENDING] * AUTHORIZE[point] + [LINKED]
    check(site, tmp_path)


@pytest.mark.row("DP-04", "DP-03", "CR-03")
@pytest.mark.parametrize("point", CALLBACK)
def test_killed_while_the_answer_is_taken(site: Site, browser: Browser, tmp_path: Path, point: str) -> None:
    url = browser.callback_url()
    status, after, spent = CALLBACK[point]
    process = AppProcess(site.settings, fault=f"{point}:kill", log=tmp_path / "process.log")
    with pytest.raises(OSError):  # noqa: PT011 - see above
        process.get(url, cookie_header(browser))
    killed_at(process)
    assert [one for one, _ in statuses(site)] == [status]
    assert site.sandbox.redemptions() == spent
    site.recover()
    site.recover()
    assert statuses(site) == [after]
    page = answer_page(browser, url)  # the organizer reloads
    if after == UNKNOWN:
        assert "interrupted" in page.text
        granted = [grant["account"] for grant in site.sandbox.live_grants()]
        page = browser.connect(**({"account": granted[0]} if granted else {}))
    assert "Connected" in page.text
    assert [account.status for account in site.accounts()] == ["active"]
    assert "BEGIN" in (tmp_path / "process.log").read_text()
    check(site, tmp_path, url)


@pytest.mark.row("CR-04", "DP-03")
def test_an_answer_to_commit_that_is_lost(site: Site, browser: Browser, tmp_path: Path) -> None:
    url, cookie = browser.callback_url(), cookie_header(browser)
    process = AppProcess(site.settings, fault="P6-committed:lose", log=tmp_path / "process.log")
    try:
        assert process.get(url, cookie)[0] == 303
    finally:
        process.stop()
    assert statuses(site) == [LINKED]
    assert len(list((tmp_path / "journal").glob("*.entry"))) == 1  # kept, since nobody can know
    site.recover()
    assert [account.version for account in site.accounts()] == [1]
    assert "Connected" in answer_page(browser, url).text
    check(site, tmp_path, url)
