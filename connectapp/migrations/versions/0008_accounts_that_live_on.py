"""Accounts that are refreshed, and those that must be connected again

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

STATUS = "ck_connected_account_status"
BEFORE = "status IN ('active', 'disconnecting', 'disconnected')"
NOW = "status IN ('active', 'reconnect_required', 'disconnecting', 'disconnected')"
COLUMNS = ("problem", "refreshed_at", "lease", "lease_ends_at", "unsettled")


def upgrade() -> None:
    op.add_column("connected_account", sa.Column("problem", sa.String(), nullable=True))
    op.add_column("connected_account", sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("connected_account", sa.Column("lease", sa.String(), nullable=True))
    op.add_column("connected_account", sa.Column("lease_ends_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("connected_account", sa.Column("unsettled", sa.Boolean(), nullable=False, server_default=sa.false()))
    _change_states(NOW)


def downgrade() -> None:
    op.execute("UPDATE connected_account SET status = 'active' WHERE status = 'reconnect_required'")
    _change_states(BEFORE)
    for column in COLUMNS:
        op.drop_column("connected_account", column)


def _change_states(states: str) -> None:
    """SQLite makes the table anew, without the condition that Alembic does not read."""
    with op.batch_alter_table("connected_account") as batch:
        if op.get_bind().dialect.name != "sqlite":
            batch.drop_constraint(STATUS, type_="check")
        batch.create_check_constraint(STATUS, states)
