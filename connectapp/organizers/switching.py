"""The organizer that a browser acts for: switched on purpose, and never by a form that was left open in another tab."""

from dataclasses import dataclass
from typing import Any

from pyramid.events import NewRequest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from connectapp import audit
from connectapp.db import SAFE_METHODS
from connectapp.errors import OtherOrganizerError, RefusedError
from connectapp.organizers import signin
from connectapp.organizers.models import Membership, Organizer
from connectapp.security import Actor
from connectapp.sessions import BrowserSession

LONGEST_NAME = 100  # characters


@dataclass(frozen=True)
class Choice:
    """An organizer that the user may act for."""

    id: str
    name: str
    role: str


def choices(session: Session, user_id: str) -> list[Choice]:
    """All of them, by name."""
    rows = session.execute(
        select(Organizer.id, Organizer.name, Membership.role)
        .join(Membership, Membership.organizer_id == Organizer.id)
        .where(Membership.user_id == user_id)
        .order_by(Organizer.name, Organizer.id)
    )
    return [Choice(*row) for row in rows]


def switch(session: Session, actor: Actor, organizer_id: str) -> None:
    """Act for another organizer in this browser session, in the caller's transaction.

    :raises KeyError: if the user is no member of it.
    """
    if organizer_id not in {choice.id for choice in choices(session, actor.user_id)}:
        raise KeyError(organizer_id)
    mine = BrowserSession.token_hash == actor.session_hash
    session.execute(update(BrowserSession).where(mine).values(organizer_id=organizer_id))
    subject = f"user:{actor.user_id}"
    audit.record(session, "user.switched", subject, organizer_id=organizer_id, user_id=actor.user_id)


def is_name(text: str) -> bool:
    """Whether an organizer may have this name."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable()


def create(session: Session, actor: Actor, name: str) -> str:
    """A further organizer, which the user owns, in the caller's transaction.

    :return: its id. :raises RefusedError: ``organizer_name``, if the name is empty, too long or not printable.
    """
    name = name.strip()
    if not is_name(name):
        raise RefusedError("organizer_name")
    organizer_id = signin.new_organizer(session, name, actor.user_id)
    subject = f"organizer:{organizer_id}"
    audit.record(session, "organizer.added", subject, organizer_id=organizer_id, user_id=actor.user_id)
    return organizer_id


def check_form(event: Any) -> None:
    """Refuse a form that was made for another organizer than the one that is acted for now.

    Before traversal: the form's own address may name an object that only the other organizer has.

    :raises OtherOrganizerError: see there.
    """
    request = event.request
    if request.method in SAFE_METHODS:
        return
    claimed = request.POST.getall("organizer")
    if claimed and request.actor is not None and claimed != [request.actor.organizer_id]:
        raise OtherOrganizerError(str(claimed[0]))


def includeme(config: Any) -> None:
    config.add_subscriber(check_form, NewRequest)
