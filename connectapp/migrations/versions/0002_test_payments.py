"""Test payments

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "payment",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("organizer_id", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('pending', 'succeeded', 'failed')", name="ck_payment_status"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["connected_account.id"], name="fk_payment_account_id_connected_account"
        ),
        sa.ForeignKeyConstraint(["organizer_id"], ["organizer.id"], name="fk_payment_organizer_id_organizer"),
        sa.ForeignKeyConstraint(["made_by"], ["user.id"], name="fk_payment_made_by_user"),
        sa.PrimaryKeyConstraint("id", name="pk_payment"),
    )
    op.create_index("ix_payment_account_id", "payment", ["account_id"])


def downgrade() -> None:
    op.drop_table("payment")
