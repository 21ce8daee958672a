"""Mails of the whole application: with its transaction or not at all, once, sealed until then, and at once."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select
from transaction import TransactionManager

from connectapp.db import Work
from connectapp.mail import OutgoingMail, get_mailer
from connectapp.worker import get_worker
from tests.support.mail import SmtpServer
from tests.support.site import Site

TO = "olga@example.test"
TOKEN = "Zy0f3PH2QpZl_bI7k0YVJrC0h8wq3c3mS1xXk0abcde"
PASSWORD = "smtp_password_canary"
MakeSite = Callable[..., Site]


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer(login=f"connectapp:{PASSWORD}") as running:
        yield running


@pytest.fixture
def smtp(make_site: MakeSite, server: SmtpServer) -> MakeSite:
    """Makes sites that mail through the server."""
    address = f"smtp://connectapp:{PASSWORD}@{server.address}"
    return lambda **settings: make_site(mail__server=address, **settings)


def write(site: Site, to: str = TO) -> None:
    """As a view does it."""
    with Work(site.registry["connectapp.engine"], TransactionManager(explicit=True)).writing() as session:
        get_mailer(site.registry).write(session, to, "Hello", f"Go to https://app.test/reset?token={TOKEN} .")


def row(site: Site) -> Any:
    query = select(OutgoingMail.__table__)
    with site.engine.connect() as connection:
        return connection.execute(query).one()


def everything(site: Site) -> str:
    """All rows of all tables."""
    return repr([site.rows(f'SELECT * FROM "{table}"') for table in inspect(site.engine).get_table_names()])


def test_a_mail_is_sealed_until_it_is_sent_and_then_erased(smtp: MakeSite, server: SmtpServer) -> None:
    site = smtp()
    write(site)
    assert TO in everything(site)
    assert TOKEN not in everything(site)
    assert "reset" not in everything(site)
    assert row(site).content is not None
    site.do_jobs("mail")
    assert TOKEN in server.mails[0].get_content()
    assert row(site).content is None
    assert row(site).sent_at is not None
    assert site.jobs("mail") == []


def test_no_file_of_the_database_has_what_a_mail_says(site: Site, tmp_path: Path) -> None:
    write(site)
    site.mails()
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes(), file


def test_what_was_rolled_back_is_not_sent(smtp: MakeSite, server: SmtpServer) -> None:
    site = smtp()
    work = Work(site.registry["connectapp.engine"], TransactionManager(explicit=True))
    with pytest.raises(ZeroDivisionError), work.writing() as session:
        get_mailer(site.registry).write(session, TO, "Hello", "Body")
        session.flush()
        raise ZeroDivisionError
    assert site.do_jobs("mail") == 0
    assert (site.rows("SELECT * FROM outgoing_mail"), site.jobs("mail"), server.mails) == ([], [], [])


def test_without_a_server_nothing_is_written(make_site: MakeSite) -> None:
    site = make_site(mail__server="", signup="closed")
    write(site)
    assert site.rows("SELECT * FROM outgoing_mail") == []


class Killed(BaseException):
    """Nobody catches this, like the end of the process."""


def die_at(monkeypatch: pytest.MonkeyPatch, name: str, site: Site) -> None:
    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as dying, pytest.raises(Killed):
        dying.setattr(name, die)
        site.do_jobs("mail")


def test_who_dies_before_sending_has_the_mail_sent_by_the_next(smtp: MakeSite, server: SmtpServer, monkeypatch) -> None:
    site = smtp()
    write(site)
    die_at(monkeypatch, "connectapp.couriers.SmtpCourier.send", site)
    site.do_jobs("mail")
    assert server.mails == []  # the dead one's lease is not over
    site.let_pass(minutes=1)
    site.do_jobs("mail")
    assert server.recipients == [TO]


def test_who_dies_after_sending_sends_the_same_mail_again(smtp: MakeSite, server: SmtpServer, monkeypatch) -> None:
    site = smtp()
    write(site)
    die_at(monkeypatch, "connectapp.postman.Postman._note", site)
    site.let_pass(minutes=1)
    site.do_jobs("mail")
    first, second = server.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert row(site).sent_at is not None


def test_many_workers_send_each_mail_once(smtp: MakeSite, server: SmtpServer) -> None:
    sites = [smtp() for _ in range(3)]
    expected = [f"o{number}@example.test" for number in range(12)]
    for to in expected:
        write(sites[0], to)
    ready = threading.Barrier(len(sites))

    def deliver(site: Site) -> None:
        ready.wait(30)
        site.do_jobs("mail")

    threads = [threading.Thread(target=deliver, args=[site]) for site in sites]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(server.recipients) == sorted(expected)
    assert sites[0].jobs("mail") == []


def test_nothing_is_sent_inside_a_transaction(smtp: MakeSite, server: SmtpServer) -> None:
    """While the server thinks, others can write: on SQLite, a transaction would lock them out."""
    site = smtp()
    write(site)
    server.gate.clear()
    sending = threading.Thread(target=site.do_jobs, args=("mail",))
    sending.start()
    assert server.offered.wait(30)
    write(site, "next@example.test")
    assert server.mails == []
    server.gate.set()
    sending.join(60)
    site.do_jobs("mail")
    assert server.recipients == [TO, "next@example.test"]


def test_new_mail_is_sent_at_once(smtp: MakeSite, server: SmtpServer) -> None:
    site = smtp(worker__embedded="true", worker__seconds="3600")
    try:
        for _ in range(2):
            write(site)
            assert server.arrived.wait(30)
            server.arrived.clear()
    finally:
        get_worker(site.registry).stop()
    assert server.recipients == [TO, TO]
    assert site.rows("SELECT * FROM outgoing_mail WHERE sent_at IS NULL") == []


def test_what_a_restart_finds_is_sent(smtp: MakeSite, server: SmtpServer) -> None:
    write(smtp())
    again = smtp(worker__embedded="true", worker__seconds="3600")
    try:
        assert server.arrived.wait(30)
    finally:
        get_worker(again.registry).stop()


def test_what_was_written_before_the_server_was_taken_away_waits(smtp: MakeSite, server: SmtpServer) -> None:
    site = smtp()
    write(site)
    without = site.restarted(mail__server="", signup="closed")
    assert without.do_jobs() == 1  # the purge, and no mail
    assert len(site.jobs("mail")) == 1
    without.close()
    site.do_jobs("mail")
    assert server.recipients == [TO]
