"""Accounts that a provider makes for an attempt before the organizer goes there

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("attempt", sa.Column("external_id", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("attempt", "external_id")
