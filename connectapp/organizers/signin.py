"""Passwords: made, checked, and never told from each other by time."""

import unicodedata
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from connectapp import audit, sessions
from connectapp.db import utcnow, uuid7
from connectapp.errors import RefusedError
from connectapp.organizers.models import Membership, Organizer, User

LEAST_CHARACTERS = 12
MOST_CHARACTERS = 256
DEMO_EMAIL = "demo@example.test"
DEMO_ORGANIZER = "Demo Festival"

_hasher = PasswordHasher()  # argon2id, RFC 9106's second recommendation


def fold_email(email: str) -> str:
    """One spelling for an address: what was typed, normalized, trimmed and in lower case."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def hash_password(password: str) -> str:
    """Argon2id's own text with salt and costs.

    :raises RefusedError: ``weak_password``, if it is too short or too long.
    """
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise RefusedError("weak_password")
    return _hasher.hash(_shape(password))


def _shape(password: str) -> str:
    """One spelling for what keyboards write differently (NFC)."""
    return unicodedata.normalize("NFC", password)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("the password of nobody")


def password_fits(password: str, password_hash: str | None) -> bool:
    """Check a password; takes as long for a user without one as for a wrong one. Not to be run in a transaction."""
    try:
        _hasher.verify(password_hash or _nobodys_hash(), _shape(password[: MOST_CHARACTERS + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def newer_hash(password: str, password_hash: str) -> str | None:
    """The same password under today's costs, if it was hashed under others."""
    return _hasher.hash(_shape(password)) if _hasher.check_needs_rehash(password_hash) else None


def add_user(session: Session, email: str, password_hash: str | None, organizer_name: str) -> User:
    """A new user who owns the organizer of that name, which is made if need be.

    :raises RefusedError: ``user_exists``.
    """
    folded = fold_email(email)
    if session.scalar(select(User.id).filter_by(email=folded)):
        raise RefusedError("user_exists")
    user = User(id=uuid7(), email=folded, password_hash=password_hash, verified_at=utcnow())
    organizer = session.scalars(select(Organizer).filter_by(name=organizer_name)).first()
    if organizer is None:
        organizer = Organizer(id=uuid7(), name=organizer_name)
    session.add_all([user, organizer])
    session.flush()
    session.add(Membership(user_id=user.id, organizer_id=organizer.id, role="owner"))
    audit.record(session, "user.added", f"user:{user.id}", organizer_id=organizer.id, user_id=user.id)
    return user


def demo_user(session: Session) -> User:
    """The demo organizer's owner, made at the first sign-in. Only ever called in development."""
    user = session.scalars(select(User).filter_by(email=DEMO_EMAIL)).first()
    return user or add_user(session, DEMO_EMAIL, None, DEMO_ORGANIZER)


def first_organizer(session: Session, user_id: str) -> str | None:
    """The organizer that a user acts for after signing in."""
    query = select(Membership.organizer_id).filter_by(user_id=user_id).order_by(Membership.created_at)
    return session.scalar(query.limit(1))


def enter(request: Any, session: Session, user_id: str, organizer_id: str | None = None) -> None:
    """Sign the user in, in the caller's transaction: a new browser session under a new token.

    :param organizer_id: whom to act for; without it, the organizer that the user joined first.
    """
    organizer_id = organizer_id or first_organizer(session, user_id)
    sessions.start(request, session, user_id, organizer_id)
    subject = f"user:{user_id}"
    audit.record(session, "user.signed_in", subject, organizer_id=organizer_id, user_id=user_id)
