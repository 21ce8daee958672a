"""Mail: written in the transaction that it belongs to, sent after the commit, tried again until it is gone."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Mapped, Session, mapped_column

from connectapp import jobs
from connectapp.db import Base, id_column, utcnow, uuid7
from connectapp.secret import Secret
from connectapp.settings import get_settings
from connectapp.vault import Binding, KeyRing, get_vault

SEND = "mail"  # the job that sends it; its subject is the mail
LONGEST_ADDRESS = 254  # RFC 5321 section 4.5.3.1.3, without the angle brackets
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# Not with =?, which begins an encoded word (RFC 2047): what it stands for would be another address.
_ADDRESS = re.compile(rf"(?!.*=\?)(?=.{{1,64}}@){_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})*")


class OutgoingMail(Base):
    """A mail. `content` is sealed, since mails carry one-time links, and erased when it was sent or given up."""

    __tablename__ = "outgoing_mail"

    id: Mapped[str] = id_column()
    recipient: Mapped[str]
    content: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    sent_at: Mapped[datetime | None]


def binding(mail_id: str) -> Binding:
    """Where the content of a mail opens, and nowhere else."""
    return Binding("outgoing_mail", mail_id, "", "", "", "content")


def is_address(text: str) -> bool:
    """Whether a text is one address that mail can go to, in ASCII and without quotes (RFC 5321 section 4.1.2).

    By our own pattern: the parser of the standard library takes ``(you)me@example.org`` for an address, of another
    person, and fails on some texts. Whoever gets a mail proves to have exactly *this* address.
    """
    return len(text) <= LONGEST_ADDRESS and _ADDRESS.fullmatch(text) is not None


def quoted(name: str | None) -> str:
    """A name that somebody chose, for the text of a mail: on one line, and told from our own words."""
    return f"\N{LEFT DOUBLE QUOTATION MARK}{' '.join((name or '').split())}\N{RIGHT DOUBLE QUOTATION MARK}"


class Mailer:
    """Writes mails into the caller's transaction.

    :param enabled: whether the platform sends mail at all; if not, nothing is written.
    :param wake: is called after the commit, so that the mail is sent at once.
    """

    def __init__(self, ring: KeyRing, *, enabled: bool, wake: Callable[[], object] | None = None) -> None:
        self.ring = ring
        self.enabled = enabled
        self.wake = wake

    def write(self, session: Session, recipient: str, subject: str, body: str) -> None:
        """Add a mail: it is sent exactly if the transaction is committed.

        :param recipient: one address. :param subject: one line. :param body: plain text.
        """
        if not self.enabled:
            return
        mail = OutgoingMail(id=uuid7(), recipient=recipient)
        content = Secret(json.dumps({"subject": subject, "body": body}))
        mail.content = self.ring.seal(content, binding(mail.id))
        session.add(mail)
        jobs.enqueue(session, SEND, mail.id)
        if self.wake is not None:
            event.listen(session, "after_commit", self._wake, once=True)

    def _wake(self, _session: object) -> None:
        if self.wake is not None:
            self.wake()


def get_mailer(registry: Any) -> Mailer:
    """The mailer of this application; `registry` is Pyramid's."""
    mailer: Mailer = registry["connectapp.mailer"]
    return mailer


def includeme(config: Any) -> None:
    enabled = get_settings(config.registry).mail_server is not None
    config.registry["connectapp.mailer"] = Mailer(get_vault(config.registry), enabled=enabled)
