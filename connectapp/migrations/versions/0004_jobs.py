"""Jobs, and what waits becomes some: mails, and accounts whose access is to be taken back

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
    )
    op.create_index("ix_job_due_at", "job", ["due_at"])
    op.execute(
        "INSERT INTO job (id, name, subject, due_at, fence, tries, created_at) "
        "SELECT id, 'mail', id, next_try_at, 0, tries, created_at "
        "FROM outgoing_mail WHERE next_try_at IS NOT NULL"
    )
    op.execute(
        "INSERT INTO job (id, name, subject, due_at, fence, tries, created_at) "
        "SELECT id, 'revoke', id, linked_at, 0, 0, linked_at "
        "FROM connected_account WHERE status = 'disconnecting'"
    )
    op.drop_index("ix_outgoing_mail_next_try_at", "outgoing_mail")
    for column in ("next_try_at", "tries"):
        op.drop_column("outgoing_mail", column)


def downgrade() -> None:
    op.add_column("outgoing_mail", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("outgoing_mail", sa.Column("next_try_at", MOMENT, nullable=True))
    op.execute("UPDATE outgoing_mail SET next_try_at = created_at WHERE content IS NOT NULL")
    op.create_index("ix_outgoing_mail_next_try_at", "outgoing_mail", ["next_try_at"])
    op.drop_table("job")
