"""Is this the password of that user? Asked at sign-in, step-up and joining: in one time for all, and not too often."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from connectapp import tries
from connectapp.organizers import passwords, signin
from connectapp.organizers.models import User

log = logging.getLogger(__name__)

WITHIN = timedelta(minutes=15)
MOST_PER_ADDRESS = 10
MOST_PER_PLACE = 100


class Verdict(StrEnum):
    """What came of it."""

    RIGHT = "right"
    WRONG = "wrong"
    TOO_MANY = "too many"


WRONG = "This password is wrong."
TOO_MANY = "There were too many wrong passwords. Wait a quarter of an hour, then try again."


@dataclass(frozen=True)
class Checked:
    """`user_id` is that of the user with this password; empty unless the password is right."""

    verdict: Verdict
    user_id: str = ""

    @property
    def problem(self) -> str | None:
        """The sentence for whoever typed the password; None if it is right."""
        return {Verdict.WRONG: WRONG, Verdict.TOO_MANY: TOO_MANY}.get(self.verdict)

    def mark(self, response: Any) -> None:
        """Give the answer that shows the problem its status."""
        response.status_int = 429 if self.verdict is Verdict.TOO_MANY else 403
        if self.verdict is Verdict.TOO_MANY:
            response.retry_after = int(WITHIN.total_seconds())


def check(request: Any, email: str, password: str) -> Checked:
    """Check the password of an address, known or not. Leaves the request without a transaction.

    The try is counted before the password is looked at, so that many at once do not slip through, and taken back if the
    password was right. At most 10 wrong ones per address and 100 per place in 15 minutes.

    :param email: as typed; it is folded. :param password: as typed.
    """
    folded = signin.fold_email(email)
    by_address = tries.key("signin-email", folded)
    by_place = tries.key("signin-place", tries.place(request.remote_addr))
    with request.work.writing() as session:
        if _too_many(session, by_address, by_place):
            return Checked(Verdict.TOO_MANY)
        noted = tries.note(session, by_address, by_place)
        user = session.execute(_user(folded)).one_or_none()
    if not passwords.fits(password, user.password_hash if user else None) or user is None:
        log.warning("a password was wrong")
        return Checked(Verdict.WRONG)
    newer_hash = passwords.newer_hash(password, user.password_hash)
    with request.work.writing() as session:
        tries.take_back(session, noted)
        if newer_hash:
            session.execute(update(User).where(User.id == user.id).values(password_hash=newer_hash))
    return Checked(Verdict.RIGHT, user.id)


def _user(folded: str) -> Any:
    columns = select(User.id, User.password_hash)
    return columns.where(User.email == folded, User.disabled_at.is_(None))


def _too_many(session: Session, by_address: str, by_place: str) -> bool:
    of_address = tries.count(session, by_address, WITHIN)
    return of_address >= MOST_PER_ADDRESS or tries.count(session, by_place, WITHIN) >= MOST_PER_PLACE
