"""The organizers' side: events, mail, mailed links, tries, step-up

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _mail()
    _event()
    op.create_table(
        "recent_try",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recent_try"),
    )
    op.create_index("ix_recent_try_key_at", "recent_try", ["key", "at"])
    op.create_index("ix_recent_try_at", "recent_try", ["at"])

    op.add_column("session", sa.Column("proved_at", MOMENT))
    op.execute("UPDATE session SET proved_at = created_at")
    with op.batch_alter_table("session") as batch:
        batch.alter_column("proved_at", existing_type=MOMENT, nullable=False)


def _mail() -> None:
    op.create_table(
        "outgoing_mail",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", MOMENT, nullable=True),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outgoing_mail"),
    )
    op.create_index("ix_outgoing_mail_next_try_at", "outgoing_mail", ["next_try_at"])
    op.create_table(
        "mailed_link",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("organizer_id", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("made_by", sa.String(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.CheckConstraint("kind IN ('signup', 'reset', 'invite')", name="ck_mailed_link_kind"),
        sa.ForeignKeyConstraint(["made_by"], ["user.id"], name="fk_mailed_link_made_by_user"),
        sa.ForeignKeyConstraint(["organizer_id"], ["organizer.id"], name="fk_mailed_link_organizer_id_organizer"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_mailed_link_user_id_user"),
        sa.PrimaryKeyConstraint("id", name="pk_mailed_link"),
        sa.UniqueConstraint("token_hash", name="uq_mailed_link_token_hash"),
    )
    op.create_index("ix_mailed_link_email", "mailed_link", ["email"])
    op.create_index("ix_mailed_link_organizer_id", "mailed_link", ["organizer_id"])


def _event() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organizer_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=True),
        sa.Column("ends_at", MOMENT, nullable=True),
        sa.Column("time_zone", sa.String(), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("payee_id", sa.String(), nullable=True),
        sa.Column("draft", sa.JSON(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.CheckConstraint("status IN ('draft', 'published', 'cancelled')", name="ck_event_status"),
        sa.CheckConstraint("price >= 0", name="ck_event_price"),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name="fk_event_created_by_user"),
        sa.ForeignKeyConstraint(["organizer_id"], ["organizer.id"], name="fk_event_organizer_id_organizer"),
        sa.ForeignKeyConstraint(["payee_id"], ["connected_account.id"], name="fk_event_payee_id_connected_account"),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
    )
    op.create_index("ix_event_organizer_id", "event", ["organizer_id"])
    op.create_index("ix_event_payee_id", "event", ["payee_id"])


def downgrade() -> None:
    op.drop_column("session", "proved_at")
    for table in ("recent_try", "event", "mailed_link", "outgoing_mail"):
        op.drop_table(table)
