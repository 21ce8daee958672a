"""Users, and signing them in."""

import unicodedata
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from connectapp import audit, sessions
from connectapp.db import insert, utcnow, uuid7
from connectapp.errors import RefusedError
from connectapp.organizers.models import Membership, Organizer, User

DEMO_EMAIL = "demo@example.test"
DEMO_ORGANIZER = "Demo Festival"


def fold_email(email: str) -> str:
    """One spelling for an address: what was typed, normalized, trimmed and in lower case."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def new_user(session: Session, email: str, password_hash: str | None) -> str | None:
    """A user whose address is proven, in the caller's transaction.

    :param email: folded. :return: the id; None if there is a user of that address already.
    """
    values = {"id": uuid7(), "email": email, "password_hash": password_hash, "created_at": utcnow()}
    statement = insert(session, User).values(**values).on_conflict_do_nothing()
    user_id: str | None = session.scalar(statement.returning(User.id))
    return user_id


def new_organizer(session: Session, name: str, user_id: str) -> str:
    """An organizer that the user owns, in the caller's transaction; always another one than those of the same name."""
    organizer = Organizer(id=uuid7(), name=name)
    session.add(organizer)
    session.flush()
    session.add(Membership(user_id=user_id, organizer_id=organizer.id, role="owner"))
    return organizer.id


def add_user(session: Session, email: str, password_hash: str | None, organizer_name: str) -> str:
    """A new user who owns the organizer of that name, which is made if need be: for the admin's command line.

    :return: the user's id. :raises RefusedError: ``user_exists``.
    """
    user_id = new_user(session, fold_email(email), password_hash)
    if user_id is None:
        raise RefusedError("user_exists")
    organizer_id = session.scalars(select(Organizer.id).filter_by(name=organizer_name)).first()
    if organizer_id is None:
        organizer_id = new_organizer(session, organizer_name, user_id)
    else:
        session.add(Membership(user_id=user_id, organizer_id=organizer_id, role="owner"))
    audit.record(session, "user.added", f"user:{user_id}", organizer_id=organizer_id, user_id=user_id)
    return user_id


def set_password(session: Session, email: str, password_hash: str) -> str | None:
    """Give a user another password, and end all their sessions. In the caller's transaction.

    :param email: folded. :return: the user's id; None if there is none of that address, or they are disabled.
    """
    statement = update(User).where(User.email == email, User.disabled_at.is_(None))
    user_id: str | None = session.scalar(statement.values(password_hash=password_hash).returning(User.id))
    if user_id is not None:
        sessions.end_all(session, user_id)
        audit.record(session, "user.password_changed", f"user:{user_id}", organizer_id=None, user_id=user_id)
    return user_id


def demo_user(session: Session) -> str:
    """The demo organizer's owner, made at the first sign-in. Only ever called in development."""
    user_id = session.scalars(select(User.id).filter_by(email=DEMO_EMAIL)).first()
    return user_id or add_user(session, DEMO_EMAIL, None, DEMO_ORGANIZER)


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
