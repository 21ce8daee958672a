"""Sign-up and new passwords. Whoever asks hears the same whether an address is known or not; a mailed link does the
rest.

A user is made only by whoever reads the mail *and* chooses the password then: nobody can prepare a user, with a
password of their own, for somebody else's address.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectapp import audit
from connectapp.errors import RefusedError
from connectapp.organizers import letters, mailed_links, signin
from connectapp.organizers.mailed_links import RESET, SIGNUP
from connectapp.organizers.models import MailedLink, User


def ask_to_sign_up(session: Session, registry: Any, email: str) -> None:
    """Mail a link for a new user; or that there is one. In the caller's transaction.

    :param email: folded, an address.
    """
    if not letters.may_mail(session, email):
        return
    user = session.scalars(select(User).filter_by(email=email)).one_or_none()
    if user is None:
        mailed_links.withdraw(session, SIGNUP, email=email)
        letters.send(session, registry, email, letters.SIGNUP, token=mailed_links.make(session, SIGNUP, email))
    elif user.disabled_at is None:
        letters.send(session, registry, email, letters.KNOWN)


def sign_up(session: Session, token: str, organizer_name: str, password_hash: str) -> tuple[str, str]:
    """Make the user of a mailed link, and an organizer of their own. In the caller's transaction.

    :return: the user's id and the organizer's. :raises RefusedError: ``link_gone``.
    """
    link = _use(session, SIGNUP, token)
    user_id = signin.new_user(session, link.email, password_hash)
    if user_id is None:  # made meanwhile, by an invitation or the admin
        raise RefusedError("link_gone")
    organizer_id = signin.new_organizer(session, organizer_name, user_id)
    audit.record(session, "user.signed_up", f"user:{user_id}", organizer_id=organizer_id, user_id=user_id)
    return user_id, organizer_id


def ask_for_password(session: Session, registry: Any, email: str) -> None:
    """Mail a link for a new password, if there is such a user. In the caller's transaction.

    :param email: folded.
    """
    user = session.scalars(select(User).filter_by(email=email, disabled_at=None)).one_or_none()
    if user is None or not letters.may_mail(session, email):
        return
    mailed_links.withdraw(session, RESET, user_id=user.id)
    token = mailed_links.make(session, RESET, email, user_id=user.id)
    letters.send(session, registry, email, letters.RESET, token=token)
    audit.record(session, "user.password_asked", f"user:{user.id}", organizer_id=None, user_id=user.id)


def change_password(session: Session, registry: Any, token: str, password_hash: str) -> str:
    """Give the user of a mailed link a new password, and end all their sessions. In the caller's transaction.

    :return: the user's id. :raises RefusedError: ``link_gone``.
    """
    link = _use(session, RESET, token)
    user_id = signin.set_password(session, link.email, password_hash)
    if user_id is None:
        raise RefusedError("link_gone")
    letters.send(session, registry, link.email, letters.CHANGED)
    return user_id


def find(session: Session, kind: str, token: str) -> MailedLink:
    """The link of a token, unused.

    :raises RefusedError: ``link_gone``.
    """
    link = mailed_links.find(session, kind, token)
    if link is None:
        raise RefusedError("link_gone")
    return link


def _use(session: Session, kind: str, token: str) -> MailedLink:
    link = find(session, kind, token)
    if not mailed_links.use(session, link.id):
        raise RefusedError("link_gone")
    return link
