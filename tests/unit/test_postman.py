"""The postman: what is tried again and when, what is given up, and what a letter looks like."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pyramid.registry import Registry
from sqlalchemy import select, update

from connectapp.db import Work, utcnow
from connectapp.errors import NotYetError
from connectapp.jobs import Job, waiting
from connectapp.mail import SEND, Mailer, OutgoingMail, is_address
from connectapp.postman import Postman
from connectapp.secret import Secret
from connectapp.settings import Settings
from connectapp.vault import KeyRing, new_key_line, parse_ring
from connectapp.worker import Task, Worker
from tests.support.mail import SmtpServer

TOKEN = "Zy0f3PH2QpZl_bI7k0YVJrC0h8wq3c3mS1xXk0abcde"
PASSWORD = "smtp_password_canary"
TO = "olga@example.test"
LONG = ", ".join(["Zürich tonight"] * 12)


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer(login=f"connectapp:{PASSWORD}") as running:
        yield running


@pytest.fixture
def postman(work: Work, ring: KeyRing, server: SmtpServer) -> Postman:
    address = Secret(f"smtp://connectapp:{PASSWORD}@{server.address}")
    settings = Settings(url="https://app.test:8443", mail_server=address, mail_from="Tickets <no-reply@app.test>")
    return Postman(work, ring, settings)


def write(postman: Postman, to: str = TO, subject: str = "Hello", body: str = f"https://app.test/?t={TOKEN}") -> None:
    with postman.work.writing() as session:
        Mailer(postman.ring, enabled=True).write(session, to, subject, body)


def deliver(postman: Postman) -> None:
    """Send what is due, as a worker does."""
    registry = Registry()
    registry["connectapp.engine"] = postman.work.engine
    worker = Worker(registry)
    worker.tasks[SEND] = Task(lambda _, job: postman.deliver(job.subject), None)
    worker.run_due(SEND)


def rows(postman: Postman) -> list[Any]:
    """The mails, with `due_at` and `tries` of their jobs."""
    mail, job = OutgoingMail.__table__, Job.__table__
    query = select(mail, job.c.due_at, job.c.tries).join_from(mail, job, job.c.subject == mail.c.id, isouter=True)
    with postman.work.reading() as session:
        return list(session.execute(query.order_by(mail.c.id)))


def let_pass(postman: Postman, time: timedelta) -> None:
    """Make everything older by so much."""
    with postman.work.writing() as session:
        for mail in session.scalars(select(OutgoingMail)):
            mail.created_at -= time
        for job in waiting(session):
            job.due_at -= time


def is_given_up(row: Any) -> bool:
    return (row.content, row.due_at, row.sent_at) == (None, None, None)


def test_what_a_letter_looks_like(postman: Postman, server: SmtpServer) -> None:
    write(postman, subject=LONG, body="Grüße\n" + "x" * 200)
    (row,) = rows(postman)
    deliver(postman)
    (mail,) = server.mails
    assert server.recipients == [TO]
    assert mail["From"] == "Tickets <no-reply@app.test>"
    assert mail["To"] == TO
    assert mail["Subject"] == LONG
    assert mail["Date"].datetime == row.created_at.replace(microsecond=0)
    assert mail["Message-ID"] == f"<{row.id}@app.test>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines() == ["Grüße", "x" * 200]


def test_what_was_sent_is_noted_and_its_content_erased(postman: Postman, server: SmtpServer) -> None:
    write(postman)
    deliver(postman)
    (row,) = rows(postman)
    assert row.sent_at is not None
    assert (row.content, row.due_at) == (None, None)
    deliver(postman)
    assert len(server.mails) == 1


def test_they_are_sent_oldest_first(postman: Postman, server: SmtpServer) -> None:
    for number in range(5):
        write(postman, f"o{number}@example.test")
    deliver(postman)
    assert server.recipients == [f"o{number}@example.test" for number in range(5)]


def test_a_failure_is_tried_again_later_and_later(postman: Postman, server: SmtpServer) -> None:
    write(postman)
    pauses = []
    for _ in range(8):
        server.refusals["RCPT"] = ["451 later"]
        deliver(postman)
        (row,) = rows(postman)
        pauses.append(round((row.due_at - utcnow()) / timedelta(minutes=1)))
        let_pass(postman, row.due_at - utcnow())
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert [row.tries for row in rows(postman)] == [8]
    deliver(postman)
    assert server.recipients == [TO]


def test_it_is_not_tried_before_its_time(postman: Postman, server: SmtpServer) -> None:
    write(postman)
    server.refusals["RCPT"] = ["451 later"]
    deliver(postman)
    deliver(postman)
    assert [row.tries for row in rows(postman)] == [1]
    assert server.mails == []


def test_one_that_fails_does_not_harm_the_others(postman: Postman, server: SmtpServer) -> None:
    for number in range(3):
        write(postman, f"o{number}@example.test")
    server.refusals["RCPT"] = ["421 closing"]
    deliver(postman)
    assert server.recipients == ["o1@example.test", "o2@example.test"]


def test_a_refusal_for_good_is_the_end(postman: Postman, server: SmtpServer, caplog) -> None:
    write(postman)
    server.refusals["RCPT"] = [f"550 no mailbox {TO} here"]
    deliver(postman)
    (row,) = rows(postman)
    assert is_given_up(row)
    (record,) = [record for record in caplog.records if record.name == "connectapp.postman"]
    assert record.levelno == logging.ERROR
    assert row.id in record.getMessage()
    assert TO not in caplog.text


def test_after_three_days_it_is_given_up(postman: Postman, server: SmtpServer, caplog) -> None:
    write(postman)
    let_pass(postman, timedelta(days=3) - timedelta(minutes=5))
    server.refusals["RCPT"] = ["451 later", "451 later"]
    deliver(postman)
    assert not is_given_up(rows(postman)[0])
    let_pass(postman, timedelta(minutes=10))
    deliver(postman)
    assert is_given_up(rows(postman)[0])
    assert "is given up" in caplog.text


@pytest.mark.parametrize(
    ("to", "subject"),
    [
        (TO, "Hello\r\nBcc: eve@evil.test"),
        (TO, "Hello\nthere"),
        (TO, "Hello\rthere"),
        (f"{TO}\r\nBcc: eve@evil.test", "Hello"),
        (f"{TO}, eve@evil.test", "Hello"),
        (f"{TO}>\r\nRCPT TO:<eve@evil.test", "Hello"),
        ("Eve <eve@evil.test>", "Hello"),
        # The parser would read these as the address of somebody else.
        ("(olga)eve@evil.test", "Hello"),
        ("eve@evil.\u2028test", "Hello"),
        ("olga@exämple.test", "Hello"),
        ("=?utf-8?q?eve?=@evil.test", "Hello"),
        ("eve@[", "Hello"),
        ("no address", "Hello"),
        ("", "Hello"),
        (TO, "Hello\u2028there"),
    ],
)
def test_what_would_be_another_mail_is_never_sent(postman: Postman, server: SmtpServer, to: str, subject: str) -> None:
    write(postman, to, subject)
    write(postman, "next@example.test")
    deliver(postman)
    assert server.recipients == ["next@example.test"]
    assert is_given_up(rows(postman)[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("o'neil+tag=1@mail.example.co.uk", True),
        ("a@localhost", True),
        ("a@xn--mnchen-3ya.example", True),
        ("l" * 64 + "@example.test", True),
        ("l" * 65 + "@example.test", False),
        ("a@" + "d" * 63 + ".test", True),
        ("a@" + "d" * 64 + ".test", False),
        ("a@" + "d.test." * 40 + "test", False),
        ("a..b@example.test", False),
        (".a@example.test", False),
        ("a@example.test.", False),
        ("a@-example.test", False),
        ("a@example.test\n", False),
        ('"a b"@example.test', False),
        ("a@b@example.test", False),
        ("josé@example.test", False),
    ],
)
def test_what_an_address_is(text: str, expected: bool) -> None:
    assert is_address(text) == expected


def test_a_content_that_does_not_open_is_given_up(postman: Postman, server: SmtpServer, caplog) -> None:
    write(postman)
    write(postman, "eve@evil.test")
    mine, hers = rows(postman)
    with postman.work.writing() as session:  # somebody swaps what is sealed
        session.execute(update(OutgoingMail).where(OutgoingMail.id == hers.id).values(content=mine.content))
        session.execute(update(OutgoingMail).where(OutgoingMail.id == mine.id).values(content=hers.content))
    deliver(postman)
    assert [is_given_up(row) for row in rows(postman)] == [True, True]
    assert server.mails == []
    assert "does not open" in caplog.text


def test_a_lost_key_is_logged(postman: Postman, server: SmtpServer, caplog) -> None:
    write(postman)
    postman.ring = parse_ring(new_key_line())
    deliver(postman)
    assert is_given_up(rows(postman)[0])
    assert caplog.records[-1].levelno == logging.ERROR


def test_without_a_server_it_waits(postman: Postman, server: SmtpServer) -> None:
    write(postman)
    with_server = postman.settings
    postman.settings = Settings(url="https://app.test")
    with pytest.raises(NotYetError, match="there is no mail server"):
        postman.deliver(rows(postman)[0].id)
    postman.settings = with_server
    deliver(postman)
    assert server.recipients == [TO]


def test_a_slow_postman_does_not_take_back_what_the_next_one_sent(postman: Postman, server: SmtpServer) -> None:
    write(postman)
    (row,) = rows(postman)
    slow = postman._waiting(row.id)
    assert slow is not None
    deliver(postman)
    sent = rows(postman)
    postman._give_up(slow, RuntimeError("slow"))
    assert rows(postman) == sent
    assert sent[0].sent_at is not None


def test_nothing_secret_is_logged(postman: Postman, server: SmtpServer, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    for replies in (["451 later"], ["550 never"], []):
        server.refusals["RCPT"] = [f"{reply} {TO} {TOKEN}" for reply in replies]
        write(postman, subject="subject canary")
        deliver(postman)
    server.login = "another"
    write(postman, subject="subject canary")
    deliver(postman)
    assert "SMTPAuthenticationError 535" in caplog.text
    for secret in (TO, TOKEN, PASSWORD, "subject canary"):
        assert secret not in caplog.text
    write(postman)
    assert TO not in repr(postman._waiting(rows(postman)[-1].id))
