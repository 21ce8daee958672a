"""Who acts for an organizer: members, invitations, roles. An organizer always keeps an owner.

Everything here works in the caller's writing transaction. Whoever changes members locks the organizer first, so that
two owners who remove each other at the same moment do it one after the other.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from connectapp import audit
from connectapp.db import insert, utcnow
from connectapp.errors import RefusedError
from connectapp.mail import quoted
from connectapp.organizers import letters, mailed_links
from connectapp.organizers.mailed_links import INVITE
from connectapp.organizers.models import MailedLink, Membership, Organizer, User
from connectapp.security import Actor

ROLES = ("owner", "member")
MOST_INVITATIONS = 50  # waiting at once


@dataclass(frozen=True)
class Member:
    """Somebody who acts for the organizer."""

    user_id: str
    email: str
    role: str
    since: datetime


@dataclass(frozen=True)
class Invitation:
    """Somebody who is invited and has not answered."""

    id: str
    email: str
    role: str
    until: datetime


def members(session: Session, organizer_id: str) -> list[Member]:
    """All of them, owners first."""
    query = select(User.id, User.email, Membership.role, Membership.created_at)
    query = query.join(Membership, Membership.user_id == User.id).where(Membership.organizer_id == organizer_id)
    return [Member(*row) for row in session.execute(query.order_by(Membership.role.desc(), User.email))]


def invitations(session: Session, organizer_id: str) -> list[Invitation]:
    """Those that can still be accepted."""
    query = select(MailedLink.id, MailedLink.email, MailedLink.role, MailedLink.expires_at)
    query = query.where(*_waiting(organizer_id)).order_by(MailedLink.email)
    return [Invitation(id_, email, role or "", until) for id_, email, role, until in session.execute(query)]


def _waiting(organizer_id: str) -> tuple[Any, ...]:
    link = MailedLink
    return (
        link.kind == INVITE,
        link.organizer_id == organizer_id,
        link.used_at.is_(None),
        link.expires_at > utcnow(),
    )


def invite(session: Session, registry: Any, actor: Actor, email: str, role: str) -> None:
    """Mail an invitation; an older one to the same address stops working.

    :param email: folded, an address.
    :raises RefusedError: ``already_member``, ``too_many_invitations``, or ``too_many_mails`` to this address.
    """
    organizer = _locked(session, actor)
    if email in {member.email for member in members(session, organizer.id)}:
        raise RefusedError("already_member")
    others = select(func.count()).where(*_waiting(organizer.id), MailedLink.email != email)
    if (session.scalar(others) or 0) >= MOST_INVITATIONS:
        raise RefusedError("too_many_invitations")
    if not letters.may_mail(session, email):
        raise RefusedError("too_many_mails")
    mailed_links.withdraw(session, INVITE, organizer_id=organizer.id, email=email)
    facts = {"organizer_id": organizer.id, "role": role, "made_by": actor.user_id}
    token = mailed_links.make(session, INVITE, email, **facts)
    _tell(session, registry, email, letters.INVITED, actor.email, organizer.name, role, token=token)
    _note(session, actor, "member.invited", f"organizer:{organizer.id}", role=role)


def waiting_invitation(session: Session, actor: Actor, invitation_id: str) -> Invitation:
    """One that can still be accepted.

    :raises KeyError: if the organizer has none of that id.
    """
    return {one.id: one for one in invitations(session, actor.organizer_id or "")}[invitation_id]


def withdraw(session: Session, actor: Actor, invitation_id: str) -> None:
    """Make an invitation useless.

    :raises KeyError: if the organizer has none of that id.
    """
    mailed_links.use(session, waiting_invitation(session, actor, invitation_id).id)
    _note(session, actor, "member.invitation_withdrawn", f"organizer:{actor.organizer_id}")


def invitation_of(session: Session, token: str) -> tuple[MailedLink, str, str]:
    """The invitation of a mailed link, who invites, and the organizer's name.

    :raises RefusedError: ``link_gone``, also when whoever invited is no owner any more.
    """
    link = mailed_links.find(session, INVITE, token)
    if link is None:
        raise RefusedError("link_gone")
    query = select(User.email, Organizer.name).select_from(Membership)
    query = query.join(User, User.id == Membership.user_id).join(Organizer, Organizer.id == Membership.organizer_id)
    is_owner = Membership.user_id == link.made_by, Membership.role == "owner", User.disabled_at.is_(None)
    row = session.execute(query.where(Organizer.id == link.organizer_id, *is_owner)).one_or_none()
    if row is None:
        raise RefusedError("link_gone")
    return link, row.email, row.name


def join(session: Session, registry: Any, token: str, user_id: str) -> str:
    """Accept an invitation for a user, who has its address. Who is a member already keeps their role.

    :return: the organizer's id. :raises RefusedError: ``link_gone``.
    """
    link, inviter, name = invitation_of(session, token)
    if not mailed_links.use(session, link.id):
        raise RefusedError("link_gone")
    organizer_id = link.organizer_id or ""
    row = {"user_id": user_id, "organizer_id": organizer_id, "role": link.role, "created_at": utcnow()}
    session.execute(insert(session, Membership).values(**row).on_conflict_do_nothing())
    _tell(session, registry, inviter, letters.JOINED, link.email, name, link.role or "")
    who = {"organizer_id": organizer_id, "user_id": user_id}
    audit.record(session, "member.joined", f"user:{user_id}", **who, role=link.role)
    return organizer_id


def change_role(session: Session, registry: Any, actor: Actor, user_id: str, role: str) -> None:
    """Make a member an owner, or the reverse.

    :raises KeyError: if the organizer has no such member. :raises RefusedError: ``last_owner``.
    """
    organizer, membership, email = _member(session, actor, user_id)
    if membership.role == role:
        return
    membership.role = role
    session.flush()
    _check_owner(session, organizer.id)
    _tell(session, registry, email, letters.ROLE, actor.email, organizer.name, role)
    _note(session, actor, "member.role_changed", f"user:{user_id}", role=role)


def remove(session: Session, registry: Any, actor: Actor, user_id: str) -> None:
    """End a membership, from the next request on; one's own: leave.

    :raises KeyError: if the organizer has no such member. :raises RefusedError: ``last_owner``.
    """
    organizer, membership, email = _member(session, actor, user_id)
    session.delete(membership)
    session.flush()
    _check_owner(session, organizer.id)
    if user_id == actor.user_id:
        _note(session, actor, "member.left", f"user:{user_id}")
        return
    _tell(session, registry, email, letters.REMOVED, actor.email, organizer.name)
    _note(session, actor, "member.removed", f"user:{user_id}")


def _locked(session: Session, actor: Actor) -> Organizer:
    return session.scalars(select(Organizer).filter_by(id=actor.organizer_id).with_for_update()).one()


def _member(session: Session, actor: Actor, user_id: str) -> tuple[Organizer, Membership, str]:
    organizer = _locked(session, actor)
    if user_id != actor.user_id:
        _check_still_owner(session, actor)
    membership = session.get(Membership, (user_id, organizer.id), populate_existing=True)
    if membership is None:
        raise KeyError(user_id)
    return organizer, membership, session.get_one(User, user_id).email


def _check_still_owner(session: Session, actor: Actor) -> None:
    """Another owner may have ended that while we waited for the lock."""
    mine = session.get(Membership, (actor.user_id, actor.organizer_id), populate_existing=True)
    if mine is None or mine.role != "owner":
        raise KeyError(actor.user_id)


def _check_owner(session: Session, organizer_id: str) -> None:
    """A disabled user is no owner that could do anything."""
    query = select(func.count()).select_from(Membership).join(User, User.id == Membership.user_id)
    here = Membership.organizer_id == organizer_id
    if not session.scalar(query.where(here, Membership.role == "owner", User.disabled_at.is_(None))):
        raise RefusedError("last_owner")


def _tell(
    session: Session, registry: Any, to: str, letter: Any, who: str, organizer: str, role: str = "", **values: str
) -> None:
    words = {"who": who, "organizer": quoted(organizer), "role": letters.ROLES.get(role, "")}
    letters.send(session, registry, to, letter, **words, **values)


def _note(session: Session, actor: Actor, action: str, subject: str, **details: str) -> None:
    audit.record(session, action, subject, organizer_id=actor.organizer_id, user_id=actor.user_id, **details)
