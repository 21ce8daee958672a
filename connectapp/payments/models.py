"""Payments that were made on behalf of organizers."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from connectapp.db import Base, id_column, utcnow

PENDING, SUCCEEDED, FAILED = "pending", "succeeded", "failed"


class Payment(Base):
    """A payment into a connected account. Its own id is the idempotency key at the provider.

    `amount` is in the currency's minor units. It is ``pending`` until the provider has said what became of it.
    """

    __tablename__ = "payment"
    __table_args__ = (CheckConstraint("status IN ('pending', 'succeeded', 'failed')", name="status"),)

    id: Mapped[str] = id_column()
    account_id: Mapped[str] = mapped_column(ForeignKey("connected_account.id"), index=True)
    organizer_id: Mapped[str] = mapped_column(ForeignKey("organizer.id"))
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    status: Mapped[str] = mapped_column(default=PENDING)
    reason: Mapped[str | None]
    external_id: Mapped[str | None]
    made_by: Mapped[str] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
