"""Counts of what must not be tried too often: wrong passwords, mails to one address. Shared by all processes.

Success takes back its own try and no other: otherwise who knows one password could go on guessing another from the same
place.
"""

import hashlib
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from connectapp.db import utcnow, uuid7
from connectapp.organizers.models import RecentTry

KEPT_FOR = timedelta(hours=24)


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
    """Count once more, in the caller's transaction; what is old goes. :return: ids for `take_back`."""
    session.execute(delete(RecentTry).where(RecentTry.at < utcnow() - KEPT_FOR))
    noted = [RecentTry(id=uuid7(), key=one) for one in counted]
    session.add_all(noted)
    return [one.id for one in noted]


def take_back(session: Session, noted: list[str]) -> None:
    """Forget tries that were none, in the caller's transaction."""
    session.execute(delete(RecentTry).where(RecentTry.id.in_(noted)))
