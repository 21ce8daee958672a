"""Events in the database. Knows no provider and no request."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectapp import audit
from connectapp.accounts.store import AccountStore, AccountView, Owner
from connectapp.db import insert, utcnow
from connectapp.errors import RefusedError
from connectapp.events.fields import Values
from connectapp.events.models import CANCELLED, DRAFT, PUBLISHED, Event, EventPayee
from connectapp.organizers.models import Organizer

UNTITLED = "Untitled event"
FRESH = {"populate_existing": True}  # what was read before the lock may be another transaction's past


@dataclass(frozen=True)
class Draft:
    """A form that was left for a provider before it was saved.

    :param attempt_id: the connection that was begun from it.
    """

    texts: dict[str, str]
    attempt_id: str | None
    at: datetime


@dataclass(frozen=True)
class EventView:
    """An event as pages show it: plain values, good beyond the transaction."""

    id: str
    organizer_id: str
    organizer_name: str
    status: str
    version: int
    values: Values
    payees: tuple[AccountView, ...]
    draft: Draft | None

    @property
    def path(self) -> str:
        return f"/events/{self.id}"


class EventStore:
    """The events, within one transaction of the caller.

    :param accounts: reads the payees in the same transaction.
    """

    def __init__(self, session: Session, accounts: AccountStore) -> None:
        self.session = session
        self.accounts = accounts

    def views(self, organizer_id: str) -> list[EventView]:
        """All of an organizer's, those to come first, then drafts without a date, then the past."""
        found = self._views(Event.organizer_id == organizer_id)
        now = utcnow()

        def order(event: EventView) -> tuple[int, float]:
            starts, ends = event.values.starts_at, event.values.ends_at or event.values.starts_at
            if starts is None or ends is None:
                return 1, 0
            return (0, starts.timestamp()) if ends > now else (2, -starts.timestamp())

        return sorted(found, key=order)

    def view(self, event_id: str, organizer_id: str | None) -> EventView:
        """One event.

        :param organizer_id: whose drafts may be seen; what is not a draft may be seen by everybody.
        :raises KeyError: if there is none that may be seen.
        """
        found = self._views(Event.id == event_id)
        if not found or (found[0].status == DRAFT and found[0].organizer_id != organizer_id):
            raise KeyError(event_id)
        return found[0]

    def paid_to(self, account_id: str, organizer_id: str) -> list[EventView]:
        """The organizer's events whose money can go to the connected account, but for the cancelled ones."""
        mine = Event.organizer_id == organizer_id
        return self._views(mine, Event.payees.any(EventPayee.account_id == account_id), Event.status != CANCELLED)

    def _views(self, *conditions: Any) -> list[EventView]:
        rows = self.session.execute(
            select(Event, Organizer.name)
            .join(Organizer, Organizer.id == Event.organizer_id)
            .where(*conditions)
            .order_by(Event.id)
        ).all()
        accounts = self.accounts.by_id({each for event, _name in rows for each in event.payee_ids})
        return [_view(event, name, tuple(accounts[each] for each in event.payee_ids)) for event, name in rows]

    def add(self, event_id: str, owner: Owner, title: str) -> None:
        """Make an empty event, unless there is one of that id: the form was sent twice.

        :raises KeyError: if the id is another organizer's.
        """
        row = {"id": event_id, "organizer_id": owner.organizer_id, "created_by": owner.user_id, "title": title}
        empty = {"status": DRAFT, "description": "", "place": "", "version": 0}
        statement = insert(self.session, Event).values(**row, **empty, created_at=utcnow(), changed_at=utcnow())
        if self.session.scalar(statement.on_conflict_do_nothing().returning(Event.id)):
            self._note(event_id, owner, "event.added")
        self.locked(event_id, owner.organizer_id)

    def locked(self, event_id: str, organizer_id: str) -> Event:
        """The organizer's event, to be changed in this transaction.

        :raises KeyError: if the organizer has none of that id.
        """
        query = select(Event).filter_by(id=event_id, organizer_id=organizer_id).with_for_update()
        found = self.session.scalars(query, execution_options=FRESH).one_or_none()
        if found is None:
            raise KeyError(event_id)
        return found

    def save(self, event_id: str, owner: Owner, values: Values, version: int) -> None:
        """Store what a form says; what it was left with is forgotten.

        :param version: that of the form.
        :raises RefusedError: ``event_changed``, if somebody else saved meanwhile; ``event_cancelled``.
        """
        event = self._changeable(event_id, owner)
        if event.version != version:
            raise RefusedError("event_changed")
        changed = [field.name for field in fields(Values) if getattr(event, field.name) != getattr(values, field.name)]
        for name in changed:
            setattr(event, name, getattr(values, name))
        event.draft = None
        event.version += 1
        payees = " ".join(values.payee_ids) if "payee_ids" in changed else None
        self._note(event_id, owner, "event.saved", changed=" ".join(changed), payees=payees)

    def keep_draft(self, event_id: str, owner: Owner, texts: dict[str, str], attempt_id: str) -> None:
        """Keep a form as it is, valid or not, while the person is at a provider."""
        event = self._changeable(event_id, owner)
        event.draft = {"texts": texts, "attempt_id": attempt_id, "at": utcnow().isoformat()}
        self._note(event_id, owner, "event.form_kept", attempt=attempt_id)

    def discard_draft(self, event_id: str, owner: Owner) -> None:
        """Forget a form that was left."""
        event = self._changeable(event_id, owner)
        if event.draft is not None:
            event.draft = None
            self._note(event_id, owner, "event.form_discarded")

    def publish(self, event_id: str, owner: Owner, version: int) -> None:
        """Let people buy tickets.

        :param version: of what was checked. :raises RefusedError: ``event_changed``, ``event_cancelled``.
        """
        event = self._changeable(event_id, owner)
        if event.version != version:
            raise RefusedError("event_changed")
        if event.status == DRAFT:
            event.status = PUBLISHED
            event.version += 1
            self._note(event_id, owner, "event.published", payees=" ".join(event.payee_ids) or None)

    def cancel(self, event_id: str, owner: Owner) -> None:
        """End an event for good. Doing it again changes nothing."""
        event = self.locked(event_id, owner.organizer_id)
        if event.status != CANCELLED:
            event.status = CANCELLED
            event.draft = None
            event.version += 1
            self._note(event_id, owner, "event.cancelled")

    def move_payee(self, old_id: str, new_id: str, owner: Owner) -> None:
        """Pay everything that can go to one account of the organizer's into another one from now on, in its place."""
        mine = Event.organizer_id == owner.organizer_id
        query = select(Event).where(mine, Event.payees.any(EventPayee.account_id == old_id)).with_for_update()
        for event in self.session.scalars(query, execution_options=FRESH).all():
            moved = (new_id if each == old_id else each for each in event.payee_ids)
            event.payee_ids = tuple(dict.fromkeys(moved))  # once, also if the new one was there already
            event.version += 1
            self._note(event.id, owner, "event.payee_moved", payees=" ".join(event.payee_ids))

    def _changeable(self, event_id: str, owner: Owner) -> Event:
        event = self.locked(event_id, owner.organizer_id)
        if event.status == CANCELLED:
            raise RefusedError("event_cancelled")
        return event

    def _note(self, event_id: str, owner: Owner, action: str, **details: str | None) -> None:
        who = {"organizer_id": owner.organizer_id, "user_id": owner.user_id}
        audit.record(self.session, action, f"event:{event_id}", **who, **details)


def _view(event: Event, organizer_name: str, payees: tuple[AccountView, ...]) -> EventView:
    draft = event.draft
    return EventView(
        id=event.id,
        organizer_id=event.organizer_id,
        organizer_name=organizer_name,
        status=event.status,
        version=event.version,
        values=Values(**{field.name: getattr(event, field.name) for field in fields(Values)}),
        payees=payees,
        draft=Draft(draft["texts"], draft["attempt_id"], datetime.fromisoformat(draft["at"])) if draft else None,
    )
