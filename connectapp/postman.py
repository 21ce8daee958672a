"""Delivers the mails that `mail` wrote: the job `mail.SEND`.

At least once: a crash between handing a mail over and noting it sends it again when the lease of its job is over. Every
mail keeps its Message-ID, by which a mailbox may know the second one.
"""

import json
import logging
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import update

from connectapp.couriers import MailDelayedError, MailRefusedError, make_courier
from connectapp.db import Work, utcnow, work_of
from connectapp.errors import NotYetError, UnreadableError
from connectapp.jobs import Claim
from connectapp.mail import SEND, OutgoingMail, binding, get_mailer, is_address
from connectapp.settings import Settings, get_settings
from connectapp.vault import KeyRing, get_vault
from connectapp.worker import get_worker

log = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(days=3)


@dataclass(frozen=True)
class Waiting:
    """A mail that is to be sent."""

    id: str
    recipient: str = field(repr=False)
    content: bytes = field(repr=False)
    created_at: datetime


class Postman:
    """Sends mails.

    :param work: of this thread alone. :param ring: opens the contents.
    """

    def __init__(self, work: Work, ring: KeyRing, settings: Settings) -> None:
        self.work = work
        self.ring = ring
        self.settings = settings

    def deliver(self, mail_id: str) -> None:
        """Try once, outside of any transaction; nothing happens if it was sent or given up already.

        :raises NotYetError: if it is to be tried again.
        """
        server, mail = self.settings.mail_server, self._waiting(mail_id)
        if server is None:
            raise NotYetError("there is no mail server")
        if mail is None:
            return
        try:
            with closing(make_courier(server, self.settings)) as courier:
                courier.send(self._letter(mail))
        except (MailRefusedError, UnreadableError) as error:
            self._give_up(mail, error)
        except MailDelayedError as error:
            if utcnow() - mail.created_at <= GIVE_UP_AFTER:
                raise NotYetError(str(error)) from None
            self._give_up(mail, error)
        else:
            self._note(mail, sent_at=utcnow())

    def _waiting(self, mail_id: str) -> Waiting | None:
        with self.work.reading() as session:
            mail = session.get(OutgoingMail, mail_id)
            if mail is None or mail.content is None:
                return None
            return Waiting(mail.id, mail.recipient, mail.content, mail.created_at)

    def _letter(self, mail: Waiting) -> EmailMessage:
        """:raises UnreadableError: it does not open. :raises MailRefusedError: no mail can be made of it."""
        content = json.loads(self.ring.open(mail.content, binding(mail.id)).reveal())
        if not is_address(mail.recipient):
            raise MailRefusedError("its recipient is not one plain address")
        host = urlsplit(self.settings.url).hostname
        letter = EmailMessage(policy=SMTP)
        try:
            letter["From"] = self.settings.mail_from
            letter["To"] = mail.recipient
            letter["Subject"] = content["subject"]
            letter["Date"] = mail.created_at
            letter["Message-ID"] = f"<{mail.id}@{host}>"
            letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office notes, please
            letter.set_content(content["body"], cte="quoted-printable")
        except ValueError:
            raise MailRefusedError("its subject or body cannot be written") from None
        return letter

    def _give_up(self, mail: Waiting, error: Exception) -> None:
        log.error("mail %s is given up: %s", mail.id, error)
        self._note(mail)

    def _note(self, mail: Waiting, **values: Any) -> None:
        """There is nothing left to do. :param values: whoever has the job by now, a mail that was sent stays sent."""
        with self.work.writing() as session:
            done = update(OutgoingMail).where(OutgoingMail.id == mail.id, OutgoingMail.sent_at.is_(None))
            session.execute(done.values(content=None, **values))


def deliver(registry: Any, job: Claim) -> None:
    """The job `mail.SEND`."""
    Postman(work_of(registry), get_vault(registry), get_settings(registry)).deliver(job.subject)


def includeme(config: Any) -> None:
    if get_settings(config.registry).mail_server:  # what was written while there was one waits for the next
        config.add_job(SEND, deliver)
        get_mailer(config.registry).wake = get_worker(config.registry).wake
