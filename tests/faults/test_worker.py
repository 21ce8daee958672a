"""Workers in processes of their own: killed in the middle of a job, several at once, told to stop."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import TimeoutExpired

import pytest
from transaction import TransactionManager

from connectapp.db import Work
from connectapp.mail import get_mailer
from tests.faults.invariants import check
from tests.support.mail import SmtpServer
from tests.support.processes import AppProcess, commands, cookie_header, write_ini
from tests.support.rows import ago, eventually, set_times, statuses
from tests.support.site import Browser, Site

MakeSite = Callable[..., Site]


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not among the files that are searched for secrets: the ini has one."""
    return tmp_path_factory.mktemp("elsewhere")


def mail(site: Site, *recipients: str) -> None:
    with Work(site.engine, TransactionManager(explicit=True)).writing() as session:
        for to in recipients:
            get_mailer(site.registry).write(session, to, "Hello", "Body")


def done(ini: Path) -> str:
    """What a worker that does what is due says in the end."""
    with commands(ini, "worker", "--once") as (process,):
        said: str = process.communicate(timeout=60)[0]
        assert process.returncode == 0
    return said.strip()


@pytest.mark.row("RV-01", "DP-04")
def test_a_killed_worker_is_followed_by_the_next(site: Site, browser: Browser, tmp_path: Path, elsewhere: Path) -> None:
    browser.connect()
    (account,) = site.accounts()
    site.sandbox.fault(endpoint="deauthorize", status=500)
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    site.sandbox.fault(endpoint="deauthorize", hold="revoke")
    site.let_pass(minutes=1)
    ini = write_ini(site.settings, elsewhere, worker__seconds="1")
    with commands(ini, "worker", "--once") as (process,):
        site.sandbox.wait_for_hold("revoke")
        process.kill()
        assert process.wait(30) == -signal.SIGKILL
    site.sandbox.release("revoke")
    site.sandbox.clear_faults()
    assert [one.status for one in site.accounts()] == ["disconnecting"]
    assert site.do_jobs("revoke") == 0  # the dead one's lease is not over
    site.let_pass(minutes=1)
    assert done(ini) == "jobs done: 2"  # and the purge
    assert [one.status for one in site.accounts()] == ["disconnected"]
    assert len(site.sandbox.requests("/oauth/deauthorize")) == 3
    assert site.sandbox.live_grants() == []
    assert site.jobs("revoke") == []
    check(site, tmp_path)


def test_two_workers_send_each_mail_once(make_site: MakeSite, server: SmtpServer, tmp_path: Path) -> None:
    site = make_site(mail__server=f"smtp://{server.address}")
    expected = [f"o{number:02}@example.test" for number in range(40)]
    ini = write_ini(site.settings, tmp_path, worker__seconds="1")
    with commands(ini, "worker", count=2):
        mail(site, *expected)
        eventually(lambda: not site.jobs("mail"))
    assert sorted(server.recipients) == expected


def test_a_worker_that_is_told_to_stop_ends_what_it_has_begun(
    make_site: MakeSite, server: SmtpServer, tmp_path: Path
) -> None:
    site = make_site(mail__server=f"smtp://{server.address}")
    mail(site, "olga@example.test")
    server.gate.clear()
    with commands(write_ini(site.settings, tmp_path), "worker") as (process,):
        assert server.offered.wait(60)
        process.terminate()
        with pytest.raises(TimeoutExpired):
            process.wait(1)
        mail(site, "next@example.test")  # not before it has heard of the stop
        server.gate.set()
        assert process.wait(60) == 0
    assert server.recipients == ["olga@example.test"]
    assert [row.recipient for row in site.rows("SELECT * FROM outgoing_mail WHERE sent_at IS NULL")] == [
        "next@example.test"
    ]


@pytest.mark.row("DP-03")
def test_a_worker_elsewhere_says_that_an_outcome_is_unknown(site: Site, browser: Browser, tmp_path: Path) -> None:
    """The machine that redeemed the code is gone, and its journal with it."""
    url = browser.callback_url()
    process = AppProcess(site.settings, fault="P4-answered:kill")
    with pytest.raises(OSError):  # noqa: PT011 - the ways of a dying connection are many
        process.get(url, cookie_header(browser))
    process.stop()
    ini = write_ini(site.settings, tmp_path, journal_dir=str(tmp_path / "elsewhere"), recovery__seconds="1")
    done(ini)
    assert statuses(site) == [("exchanging", None)]  # perhaps somebody is still at it
    set_times(site, "attempt", changed_at=ago(minutes=2))
    with commands(ini, "worker"):
        eventually(lambda: statuses(site) == [("outcome_unknown", "interrupted")])
    assert site.audit()[-1] == "attempt.outcome_unknown"
    assert site.sandbox.redemptions() == 1
