"""The append-only record of who did what. Triggers refuse UPDATE and DELETE on both databases (see `migrations`)."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from connectapp.db import Base, id_column, utcnow
from connectapp.logs import current_reference


class AuditRecord(Base):
    """One thing that happened. `subject` is ``table:id``; `details` holds plain words, never a secret or a code."""

    __tablename__ = "audit_record"
    __table_args__ = (Index("ix_audit_record_subject", "subject"),)

    id: Mapped[str] = id_column()
    at: Mapped[datetime] = mapped_column(default=utcnow)
    action: Mapped[str]
    organizer_id: Mapped[str | None] = mapped_column(ForeignKey("organizer.id"))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user.id"))
    subject: Mapped[str]
    reference: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


def record(
    session: Session,
    action: str,
    subject: str,
    *,
    organizer_id: str | None = None,
    user_id: str | None = None,
    **details: str | None,
) -> None:
    """Add a record in the caller's transaction: it is kept exactly if the change is.

    :param action: ``noun.verb``, e.g. ``account.linked``.
    :param subject: ``table:id``. The reference id of the request, which the person and the log have, is noted with it.
    """
    session.add(
        AuditRecord(
            action=action,
            subject=subject,
            organizer_id=organizer_id,
            user_id=user_id,
            reference=current_reference(),
            details={key: value for key, value in details.items() if value is not None},
        )
    )


def records(session: Session, subject: str, *actions: str) -> list[AuditRecord]:
    """What was noted of the subject, the latest first. :param actions: only these."""
    query = select(AuditRecord).where(AuditRecord.subject == subject, AuditRecord.action.in_(actions))
    return list(session.scalars(query.order_by(AuditRecord.id.desc())))


def last_reference(session: Session, subject: str) -> str | None:
    """The reference id of the latest request that did something to the subject; None if none is known."""
    query = select(AuditRecord.reference).where(AuditRecord.subject == subject, AuditRecord.reference.is_not(None))
    return session.scalar(query.order_by(AuditRecord.id.desc()).limit(1))
