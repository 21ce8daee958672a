"""Accounts that must be connected again

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


def upgrade() -> None:
    op.add_column("connected_account", sa.Column("problem", sa.String(), nullable=True))
    _change_states(NOW)


def downgrade() -> None:
    op.execute("UPDATE connected_account SET status = 'active' WHERE status = 'reconnect_required'")
    _change_states(BEFORE)
    op.drop_column("connected_account", "problem")


def _change_states(states: str) -> None:
    """SQLite makes the table anew, without the condition that Alembic does not read."""
    with op.batch_alter_table("connected_account") as batch:
        if op.get_bind().dialect.name != "sqlite":
            batch.drop_constraint(STATUS, type_="check")
        batch.create_check_constraint(STATUS, states)
