"""One-time links in mails: made, found, used up. A mail scanner that opens one changes nothing: only a POST uses it."""

import secrets
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from connectapp.db import utcnow
from connectapp.organizers.models import MailedLink
from connectapp.sessions import hash_token

SIGNUP, RESET, INVITE = "signup", "reset", "invite"
LIFE = {SIGNUP: timedelta(hours=24), RESET: timedelta(hours=1), INVITE: timedelta(days=7)}


def make(session: Session, kind: str, email: str, **facts: str | None) -> str:
    """A new link in the caller's transaction.

    :param kind: `SIGNUP`, `RESET` or `INVITE`. :param facts: `user_id`, `organizer_id`, `role`, `made_by`.
    :return: the token, 43 characters of base64url, which goes into the mail and nowhere else.
    """
    token = secrets.token_urlsafe(32)
    expires_at = utcnow() + LIFE[kind]
    session.add(MailedLink(kind=kind, token_hash=hash_token(token), email=email, expires_at=expires_at, **facts))
    return token


def find(session: Session, kind: str, token: str) -> MailedLink | None:
    """The link of a token, if it is neither used nor too old."""
    return session.scalars(
        select(MailedLink).where(
            MailedLink.kind == kind,
            MailedLink.token_hash == hash_token(token),
            MailedLink.used_at.is_(None),
            MailedLink.expires_at > utcnow(),
        )
    ).one_or_none()


def use(session: Session, link_id: str) -> bool:
    """Use the link up, by compare-and-swap. :return: False if somebody else was first."""
    statement = update(MailedLink).where(MailedLink.id == link_id, MailedLink.used_at.is_(None))
    result = cast("CursorResult[Any]", session.execute(statement.values(used_at=utcnow())))
    return result.rowcount == 1


def withdraw(session: Session, kind: str, **facts: str) -> None:
    """Make links of a kind useless that fit all the facts, e.g. the older resets of a user."""
    unused = update(MailedLink).where(MailedLink.kind == kind, MailedLink.used_at.is_(None))
    session.execute(unused.filter_by(**facts).values(used_at=utcnow()))
