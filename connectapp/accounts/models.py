"""What we keep: accounts at providers, and organizers' links to them."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from connectapp.db import Base, id_column, utcnow

# The states of a link. `reconnect_required` is unusable until its organizer connects it again, and keeps its place in
# events; `disconnecting` is unusable for good, and the provider has not confirmed yet.
ACTIVE, RECONNECT_REQUIRED = "active", "reconnect_required"
DISCONNECTING, DISCONNECTED = "disconnecting", "disconnected"
USED_STATES = (ACTIVE, RECONNECT_REQUIRED)
LIVE_STATES = (*USED_STATES, DISCONNECTING)


class ProviderAccount(Base):
    """An account at a provider. Its id is compared exactly, in every database."""

    __tablename__ = "provider_account"
    __table_args__ = (
        UniqueConstraint("provider", "mode", "external_id"),
        CheckConstraint("mode IN ('test', 'live')", name="mode"),
    )

    id: Mapped[str] = id_column()
    provider: Mapped[str]
    mode: Mapped[str]
    external_id: Mapped[str]
    display_name: Mapped[str]
    country: Mapped[str | None]
    currency: Mapped[str | None]
    charges_enabled: Mapped[bool | None]
    checked_at: Mapped[datetime] = mapped_column(default=utcnow)


class ConnectedAccount(Base):
    """An organizer's link to a provider account, with its sealed credentials.

    `version` is for compare-and-swap; `proof` says how we know whose account it is (see `providers.interfaces`);
    `tenant` is where the provider is asked about it; `problem` is why it must be connected again.
    """

    __tablename__ = "connected_account"
    __table_args__ = (
        Index(
            "uq_connected_account_live",
            "organizer_id",
            "provider_account_id",
            unique=True,
            sqlite_where=text("status <> 'disconnected'"),
            postgresql_where=text("status <> 'disconnected'"),
        ),
        CheckConstraint("status IN ('active', 'reconnect_required', 'disconnecting', 'disconnected')", name="status"),
    )

    id: Mapped[str] = id_column()
    organizer_id: Mapped[str] = mapped_column(ForeignKey("organizer.id"))
    provider_account_id: Mapped[str] = mapped_column(ForeignKey("provider_account.id"), index=True)
    status: Mapped[str] = mapped_column(default=ACTIVE)
    scope: Mapped[str]
    token_type: Mapped[str]
    publishable_key: Mapped[str | None]
    access_token: Mapped[bytes | None]
    refresh_token: Mapped[bytes | None]
    expires_at: Mapped[datetime | None]
    proof: Mapped[str]
    tenant: Mapped[dict[str, str]] = mapped_column(JSON, default=dict, server_default="{}")
    version: Mapped[int] = mapped_column(default=1)
    linked_by: Mapped[str] = mapped_column(ForeignKey("user.id"))
    linked_at: Mapped[datetime] = mapped_column(default=utcnow)
    disconnected_at: Mapped[datetime | None]
    problem: Mapped[str | None]

    provider_account: Mapped[ProviderAccount] = relationship(lazy="joined", innerjoin=True)
