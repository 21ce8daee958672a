"""Several accounts per event, in the order in which buyers are offered them

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

PAYEE_KEY = "fk_event_payee_id_connected_account"
FIRST_PAYEES = (
    "SELECT event_id, account_id FROM event_payee AS one WHERE position = "
    "(SELECT MIN(position) FROM event_payee WHERE event_id = one.event_id)"
)


def upgrade() -> None:
    _set_aside("SELECT id AS event_id, payee_id AS account_id FROM event WHERE payee_id IS NOT NULL")
    with op.batch_alter_table("event") as batch:
        batch.drop_index("ix_event_payee_id")
        batch.drop_constraint(PAYEE_KEY, type_="foreignkey")
        batch.drop_column("payee_id")
    op.create_table(
        "event_payee",
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["connected_account.id"], name="fk_event_payee_account_id_connected_account"
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name="fk_event_payee_event_id_event"),
        sa.PrimaryKeyConstraint("event_id", "account_id", name="pk_event_payee"),
    )
    op.create_index("ix_event_payee_account_id", "event_payee", ["account_id"])
    op.execute("INSERT INTO event_payee (event_id, account_id, position) SELECT event_id, account_id, 0 FROM set_aside")
    op.execute("DROP TABLE set_aside")


def downgrade() -> None:
    _set_aside(FIRST_PAYEES)
    op.drop_table("event_payee")
    with op.batch_alter_table("event") as batch:
        batch.add_column(sa.Column("payee_id", sa.String(), nullable=True))
        batch.create_foreign_key(PAYEE_KEY, "connected_account", ["payee_id"], ["id"])
        batch.create_index("ix_event_payee_id", ["payee_id"])
    op.execute("UPDATE event SET payee_id = (SELECT account_id FROM set_aside WHERE event_id = event.id)")
    op.execute("DROP TABLE set_aside")


def _set_aside(payees: str) -> None:
    """Keep the payees while nothing refers to events: SQLite does not drop a table that others refer to."""
    op.execute(f"CREATE TEMPORARY TABLE set_aside AS {payees}")
