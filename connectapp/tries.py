"""Counts of what must not be tried too often: wrong passwords, mails, refused callbacks. Shared by all processes.

Success takes back its own try and no other: otherwise who knows one password could go on guessing another from the same
place.
"""

import hashlib
import ipaddress
from datetime import datetime, timedelta

from sqlalchemy import Index, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from connectapp.db import Base, id_column, utcnow, uuid7

KEPT_FOR = timedelta(hours=24)  # longer than anything is counted


class RecentTry(Base):
    """Something that is counted for a while, such as a wrong password: `key` is a hash of what it is counted for."""

    __tablename__ = "recent_try"
    __table_args__ = (Index("ix_recent_try_key_at", "key", "at"),)

    id: Mapped[str] = id_column()
    key: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=utcnow, index=True)


def key(kind: str, what: str) -> str:
    """What is counted, as a hash: the field for the address also receives mistyped passwords.

    :param kind: e.g. ``signin-email``. :param what: a folded address, or an IP address.
    """
    return hashlib.sha256(f"{kind}\0{what}".encode()).hexdigest()


def count(session: Session, counted: str, within: timedelta) -> int:
    """How often it was noted in this time."""
    query = select(func.count()).where(RecentTry.key == counted, RecentTry.at > utcnow() - within)
    return session.scalar(query) or 0


def note(session: Session, *counted: str) -> list[str]:
    """Count once more, in the caller's transaction. :return: ids for `take_back`."""
    noted = [RecentTry(id=uuid7(), key=one) for one in counted]
    session.add_all(noted)
    return [one.id for one in noted]


def take_back(session: Session, noted: list[str]) -> None:
    """Forget tries that were none, in the caller's transaction."""
    session.execute(delete(RecentTry).where(RecentTry.id.in_(noted)))


def place(address: str | None) -> str:
    """Where a request comes from: an IPv4 address, or the /64 that one IPv6 customer gets.

    :param address: `remote_addr`, which the server sets; WebOb's `client_addr` believes any X-Forwarded-For.
    """
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "nowhere"
    return str(parsed if parsed.version == 4 else ipaddress.ip_network((parsed, 64), strict=False))
