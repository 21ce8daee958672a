"""Who asks: users, organizers, and the memberships by which one acts for the other."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from connectapp.db import Base, id_column, utcnow


class User(Base):
    """A person, whose address was proven by a mailed link or is known to the admin who made the user.

    `email` is stored folded to lower case; `password_hash` is argon2id's own text.
    """

    __tablename__ = "user"

    id: Mapped[str] = id_column()
    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class Organizer(Base):
    """The tenant: owns events and connected accounts."""

    __tablename__ = "organizer"

    id: Mapped[str] = id_column()
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class Membership(Base):
    """A user acts for an organizer, as ``owner`` or ``member``."""

    __tablename__ = "membership"
    __table_args__ = (CheckConstraint("role IN ('owner', 'member')", name="role"),)

    user_id: Mapped[str] = mapped_column(ForeignKey("user.id"), primary_key=True)
    organizer_id: Mapped[str] = mapped_column(ForeignKey("organizer.id"), primary_key=True)
    role: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class MailedLink(Base):
    """A one-time link that was mailed; the database has its hash alone.

    `kind` is ``signup`` (for a new user), ``reset`` (a new password) or ``invite`` (into an organizer, as `role`).
    `made_by` is who invited.
    """

    __tablename__ = "mailed_link"
    __table_args__ = (CheckConstraint("kind IN ('signup', 'reset', 'invite')", name="kind"),)

    id: Mapped[str] = id_column()
    kind: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str] = mapped_column(index=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user.id"))
    organizer_id: Mapped[str | None] = mapped_column(ForeignKey("organizer.id"), index=True)
    role: Mapped[str | None]
    made_by: Mapped[str | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
