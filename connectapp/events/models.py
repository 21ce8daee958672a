"""Events: what organizers sell tickets for, and which accounts the money can go to."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from connectapp.db import Base, id_column, utcnow

DRAFT, PUBLISHED, CANCELLED = "draft", "published", "cancelled"


class Event(Base):
    """An event. All but the title may be missing while it is a draft.

    `price` is in minor units of `currency` (ISO 4217, in capitals: 2 digits for EUR, 0 for JPY, 3 for KWD); 0 is free
    of charge. `time_zone` is an IANA name. `payees` are the connected accounts that ticket money can go to, as buyers
    are offered them. `draft` holds the raw fields of a form that was left for a payment provider before it was saved,
    so that it comes back as it was.
    """

    __tablename__ = "event"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'published', 'cancelled')", name="status"),
        CheckConstraint("price >= 0", name="price"),
    )

    id: Mapped[str] = id_column()
    organizer_id: Mapped[str] = mapped_column(ForeignKey("organizer.id"), index=True)
    status: Mapped[str] = mapped_column(default=DRAFT)
    title: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    place: Mapped[str] = mapped_column(default="")
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    time_zone: Mapped[str | None]
    price: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None]
    draft: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    version: Mapped[int] = mapped_column(default=1)
    created_by: Mapped[str] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    changed_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)

    payees: Mapped[list["EventPayee"]] = relationship(
        order_by="EventPayee.position", cascade="all, delete-orphan", lazy="selectin"
    )

    @property
    def payee_ids(self) -> tuple[str, ...]:
        """The accounts of `payees`, in order."""
        return tuple(payee.account_id for payee in self.payees)

    @payee_ids.setter
    def payee_ids(self, account_ids: tuple[str, ...]) -> None:
        self.payees = [EventPayee(account_id=each, position=position) for position, each in enumerate(account_ids)]


class EventPayee(Base):
    """An account that ticket money of an event can go to; buyers are offered the one with the lowest position first."""

    __tablename__ = "event_payee"

    event_id: Mapped[str] = mapped_column(ForeignKey("event.id"), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("connected_account.id"), primary_key=True, index=True)
    position: Mapped[int]
