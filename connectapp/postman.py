"""Delivers the mails that `mail` wrote: those just committed at once, the rest every so often until they are gone.

At least once: a crash between handing a mail over and noting it sends it again when its lease is over. Every mail
keeps its Message-ID, by which a mailbox may know the second one. Many processes may deliver at once: a mail belongs
to whoever moved `next_try_at` to the end of a lease, by compare-and-swap.
"""

import json
import logging
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from urllib.parse import urlsplit

from pyramid.events import ApplicationCreated
from sqlalchemy import Row, select, update
from transaction import TransactionManager

from connectapp.couriers import MailDelayedError, MailRefusedError, make_courier
from connectapp.db import Work, utcnow
from connectapp.errors import UnreadableError
from connectapp.mail import OutgoingMail, binding, get_mailer, is_address
from connectapp.settings import Settings, get_settings
from connectapp.vault import KeyRing, get_vault

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=3)
AT_ONCE = 100  # mails that are looked up in one query


@dataclass(frozen=True)
class Claim:
    """A mail that this postman has until `lease`."""

    id: str
    recipient: str = field(repr=False)
    content: bytes | None = field(repr=False)
    created_at: datetime
    tries: int
    lease: datetime


class Postman:
    """Sends what is due.

    :param work: of this thread alone. :param ring: opens the contents.
    """

    def __init__(self, work: Work, ring: KeyRing, settings: Settings) -> None:
        self.work = work
        self.ring = ring
        self.settings = settings

    def deliver_due(self) -> None:
        """One pass: every mail whose time has come is tried once. Nothing is sent inside a transaction."""
        server = self.settings.mail_server
        if server is None:
            return  # what was written while there was one waits for the next
        with closing(make_courier(server, self.settings)) as courier:
            while due := self._due():
                for mail_id, seen in due:
                    claim = self._claim(mail_id, seen)
                    if claim is not None:
                        self._deliver(claim, courier)

    def _due(self) -> Sequence[Row[str, datetime | None]]:
        query = select(OutgoingMail.id, OutgoingMail.next_try_at).where(OutgoingMail.next_try_at <= utcnow())
        with self.work.reading() as session:
            return session.execute(query.order_by(OutgoingMail.next_try_at).limit(AT_ONCE)).all()

    def _claim(self, mail_id: str, seen: datetime | None) -> Claim | None:
        """Take the mail, counting the try. :return: None if somebody else was first."""
        lease = utcnow() + LEASE
        mail = OutgoingMail
        statement = update(mail).where(mail.id == mail_id, mail.next_try_at == seen)
        statement = statement.values(next_try_at=lease, tries=mail.tries + 1)
        with self.work.writing() as session:
            returned = statement.returning(mail.recipient, mail.content, mail.created_at, mail.tries)
            row = session.execute(returned).one_or_none()
        return Claim(mail_id, *row, lease) if row else None

    def _deliver(self, claim: Claim, courier: Any) -> None:
        try:
            courier.send(self._letter(claim))
        except (MailRefusedError, UnreadableError) as error:
            self._give_up(claim, error)
        except MailDelayedError as error:
            self._put_back(claim, error)
        else:
            # Whoever has the lease by now: it is sent.
            self._note(claim, OutgoingMail.sent_at.is_(None), sent_at=utcnow(), content=None, next_try_at=None)

    def _letter(self, claim: Claim) -> EmailMessage:
        """:raises UnreadableError: it does not open. :raises MailRefusedError: no mail can be made of it."""
        content = json.loads(self.ring.open(claim.content or b"", binding(claim.id)).reveal())
        if not is_address(claim.recipient):
            raise MailRefusedError("its recipient is not one plain address")
        host = urlsplit(self.settings.url).hostname
        letter = EmailMessage(policy=SMTP)
        try:
            letter["From"] = self.settings.mail_from
            letter["To"] = claim.recipient
            letter["Subject"] = content["subject"]
            letter["Date"] = claim.created_at
            letter["Message-ID"] = f"<{claim.id}@{host}>"
            letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office notes, please
            letter.set_content(content["body"], cte="quoted-printable")
        except ValueError:
            raise MailRefusedError("its subject or body cannot be written") from None
        return letter

    def _put_back(self, claim: Claim, error: Exception) -> None:
        if utcnow() - claim.created_at > GIVE_UP_AFTER:
            self._give_up(claim, error)
            return
        pause = min(timedelta(minutes=2 ** min(claim.tries - 1, 10)), LONGEST_PAUSE)
        log.warning("mail %s was not sent (%s), it will be tried again in %s", claim.id, error, pause)
        self._note(claim, OutgoingMail.next_try_at == claim.lease, next_try_at=utcnow() + pause)

    def _give_up(self, claim: Claim, error: Exception) -> None:
        log.error("mail %s is given up after %d tries: %s", claim.id, claim.tries, error)
        self._note(claim, OutgoingMail.next_try_at == claim.lease, content=None, next_try_at=None)

    def _note(self, claim: Claim, condition: Any, **values: Any) -> None:
        with self.work.writing() as session:
            session.execute(update(OutgoingMail).where(OutgoingMail.id == claim.id, condition).values(**values))


def postman_of(registry: Any) -> Postman:
    """A postman with a database session of its own, for one thread."""
    work = Work(registry["connectapp.engine"], TransactionManager(explicit=True))
    return Postman(work, get_vault(registry), get_settings(registry))


class Rounds(threading.Thread):
    """Delivers until it is stopped: when it is woken, and every so many seconds.

    :param registry: Pyramid's.
    """

    def __init__(self, registry: Any, seconds: int) -> None:
        super().__init__(name="postman", daemon=True)
        self.registry = registry
        self.seconds = seconds
        self._bell = threading.Event()
        self._done = False

    def wake(self) -> None:
        """There is new mail."""
        self._bell.set()

    def stop(self) -> None:
        """Let what is being sent be the last; returns at once."""
        self._done = True
        self._bell.set()

    def run(self) -> None:
        postman = postman_of(self.registry)
        while not self._done:
            self._bell.clear()
            try:
                postman.deliver_due()
            except Exception:
                log.exception("mail was not delivered, it will be tried again")
            if not self._done:
                self._bell.wait(self.seconds)


def _start(event: Any) -> None:
    registry = event.app.registry
    settings = get_settings(registry)
    if settings.mail_server and settings.mail_seconds:
        rounds = registry["connectapp.postman"] = Rounds(registry, settings.mail_seconds)
        get_mailer(registry).wake = rounds.wake
        rounds.start()


def includeme(config: Any) -> None:
    config.add_subscriber(_start, ApplicationCreated)
