"""Attempts: one pending authorization each, made at *authorize* and burned at *callback*.

The row is bound to browser session, user, organizer, provider, mode and configuration; the state itself is kept only as
a hash. `burn` is the one place where an attempt leaves `pending`, by compare-and-swap, so that of fifty simultaneous
callbacks one goes on.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import JSON, CursorResult, ForeignKey, Index, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from connectapp import audit
from connectapp.accounts.store import Owner
from connectapp.db import Base, id_column, utcnow, uuid7
from connectapp.providers.interfaces import IPaymentProvider
from connectapp.providers.tenants import Tenant
from connectapp.secret import Secret
from connectapp.security import Actor
from connectapp.sessions import hash_token
from connectapp.vault import Binding, KeyRing


class Status(StrEnum):
    """Where an attempt is."""

    PENDING = "pending"
    EXCHANGING = "exchanging"
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    LINKED = "linked"
    DENIED = "denied"
    REFUSED = "refused"
    FAILED = "failed"
    OUTCOME_UNKNOWN = "outcome_unknown"


class Attempt(Base):
    """One authorization that an organizer began.

    `verifier` and `grant` are sealed; both are erased when the attempt ends. `reason` is a machine word that says more
    about the status. `account_id` is the connected account that came of it; `external_id` the account that a provider
    made for the attempt before the organizer went there. `tenant` is what the organizer was asked before that.
    """

    __tablename__ = "attempt"
    __table_args__ = (Index("ix_attempt_organizer_id_status", "organizer_id", "status"),)

    id: Mapped[str] = id_column()
    state_hash: Mapped[str] = mapped_column(unique=True)
    session_hash: Mapped[str]
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id"))
    organizer_id: Mapped[str] = mapped_column(ForeignKey("organizer.id"))
    provider: Mapped[str]
    mode: Mapped[str]
    revision: Mapped[str]
    tenant: Mapped[dict[str, str]] = mapped_column(JSON, default=dict, server_default="{}")
    target: Mapped[str]
    replaces_id: Mapped[str | None] = mapped_column(ForeignKey("connected_account.id"))
    redirect_uri: Mapped[str]
    verifier: Mapped[bytes | None]
    status: Mapped[str] = mapped_column(default=Status.PENDING, index=True)
    reason: Mapped[str | None]
    code_hash: Mapped[str | None] = mapped_column(unique=True)
    account_id: Mapped[str | None] = mapped_column(ForeignKey("connected_account.id"))
    grant: Mapped[bytes | None]
    external_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    changed_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)


@dataclass(frozen=True)
class AttemptFacts:
    """What the flow needs of an attempt between two transactions: plain values, no row."""

    id: str
    user_id: str
    organizer_id: str
    provider: str
    mode: str
    tenant: Tenant
    target: str
    replaces_id: str | None
    redirect_uri: str
    status: str
    reason: str | None
    account_id: str | None
    external_id: str | None


def facts(attempt: Attempt) -> AttemptFacts:
    """Copy the plain values out of the row."""
    return AttemptFacts(**{name: getattr(attempt, name) for name in AttemptFacts.__dataclass_fields__})


@dataclass(frozen=True)
class Begun:
    """The two secrets of a new attempt that are to go to the provider."""

    attempt_id: str
    state: str
    verifier: Secret | None


def begin(
    session: Session,
    ring: KeyRing,
    actor: Actor,
    provider: IPaymentProvider,
    *,
    target: str,
    redirect_uri: str,
    minutes: int,
    replaces_id: str | None = None,
) -> tuple[Attempt, Begun]:
    """Make a pending attempt.

    :param target: where the person goes afterwards: ``accounts``; never a path.
    :param minutes: how long the callback is awaited.
    """
    attempt = Attempt(
        id=uuid7(),
        session_hash=actor.session_hash,
        user_id=actor.user_id,
        organizer_id=actor.organizer_id,
        provider=provider.name,
        mode=provider.mode,
        revision=provider.revision,
        target=target,
        replaces_id=replaces_id,
        redirect_uri=redirect_uri,
        expires_at=utcnow() + timedelta(minutes=minutes),
    )
    begun = renew(ring, attempt, provider)
    session.add(attempt)
    return attempt, begun


def renew(ring: KeyRing, attempt: Attempt, provider: IPaymentProvider) -> Begun:
    """Give a pending attempt new secrets, for the tenant that the provider is at; the ones before are good no more."""
    state = secrets.token_urlsafe(32)
    verifier = Secret(secrets.token_urlsafe(48)) if provider.uses_pkce else None
    attempt.state_hash, attempt.tenant = hash_token(state), dict(provider.tenant)
    attempt.verifier = None if verifier is None else ring.seal(verifier, binding(attempt, "verifier"))
    return Begun(attempt.id, state, verifier)


def unanswered(session: Session, actor: Actor, provider: IPaymentProvider, attempt_id: str) -> Attempt | None:
    """The pending attempt of this browser's for which the organizer is still asked something, locked."""
    own = {"user_id": actor.user_id, "organizer_id": actor.organizer_id, "session_hash": actor.session_hash}
    kind = {"provider": provider.name, "mode": provider.mode, "revision": provider.revision, "status": Status.PENDING}
    query = select(Attempt).filter_by(id=attempt_id, **own, **kind).where(Attempt.expires_at > utcnow())
    return session.scalars(query.with_for_update()).one_or_none()


def binding(attempt: Attempt | AttemptFacts, field: str) -> Binding:
    """Where a secret of this attempt opens, and nowhere else."""
    return Binding("attempt", attempt.id, attempt.organizer_id, attempt.provider, attempt.mode, field)


def note(
    session: Session, attempt_id: str, action: str, who: Actor | Owner | AttemptFacts | None, **details: str | None
) -> None:
    """Add an audit record about an attempt. :param who: did it, or began it; None: nobody who is signed in."""
    audit.record(
        session,
        action,
        f"attempt:{attempt_id}",
        organizer_id=who.organizer_id if who else None,
        user_id=who.user_id if who else None,
        **details,
    )


def place_of(target: str) -> tuple[str, str]:
    """Where a person comes back to: in words, and the path."""
    return ("your accounts", "/accounts") if target == "accounts" else ("your event", f"/events/{target}/edit")


def open_count(session: Session, organizer_id: str) -> int:
    """How many attempts of the organizer still wait for their callback."""
    query = select(func.count()).where(
        Attempt.organizer_id == organizer_id,
        Attempt.status == Status.PENDING,
        Attempt.expires_at > utcnow(),
    )
    return session.scalar(query) or 0


def begun_count(session: Session, organizer_id: str, within: timedelta) -> int:
    """How many attempts the organizer began in this time, whatever became of them."""
    began = Attempt.created_at > utcnow() - within
    return session.scalar(select(func.count()).where(Attempt.organizer_id == organizer_id, began)) or 0


def by_state(session: Session, state: str) -> Attempt | None:
    """The attempt that a state belongs to, in whatever status."""
    return session.scalars(select(Attempt).filter_by(state_hash=hash_token(state))).one_or_none()


def code_was_seen(session: Session, code: str) -> bool:
    """Whether any attempt ever presented this code: at Stripe a second redemption cuts the account off."""
    return session.scalar(select(Attempt.id).filter_by(code_hash=hash_token(code))) is not None


def keep_account(session: Session, attempt_id: str, external_id: str) -> None:
    """Note the account that the provider has made for the attempt."""
    session.execute(update(Attempt).where(Attempt.id == attempt_id).values(external_id=external_id))


def move(session: Session, attempt_id: str, source: tuple[Status, ...], target: Status, **values: Any) -> bool:
    """Compare-and-swap of the status.

    :param source: the statuses that it may be in. :param values: other columns to set.
    :return: whether this call moved it; False when another one was first.
    """
    ends = target not in {Status.EXCHANGING, Status.AWAITING_CONFIRMATION}
    if ends:
        values = {"verifier": None, "grant": None, **values}
    result = cast(
        "CursorResult[Any]",
        session.execute(
            update(Attempt)
            .where(Attempt.id == attempt_id, Attempt.status.in_(source))
            .values(status=target, changed_at=utcnow(), **values)
        ),
    )
    return result.rowcount == 1


def burn(session: Session, attempt_id: str, target: Status, **values: Any) -> bool:
    """Take the attempt out of `pending`, for good. See `move`."""
    return move(session, attempt_id, (Status.PENDING,), target, **values)
