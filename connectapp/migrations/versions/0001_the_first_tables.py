"""The first tables

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


SQLITE_TRIGGER = """
CREATE TRIGGER audit_record_no_{verb} BEFORE {verb} ON audit_record
BEGIN SELECT RAISE(ABORT, 'audit_record is append-only'); END
"""

POSTGRESQL_FUNCTION = """
CREATE FUNCTION audit_record_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'audit_record is append-only'; END $$
"""
POSTGRESQL_TRIGGER = """
CREATE TRIGGER audit_record_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_record
FOR EACH STATEMENT EXECUTE FUNCTION audit_record_append_only()
"""


def _append_only(dialect: str) -> list[str]:
    """Statements after which audit records can only be added."""
    if dialect == "sqlite":
        return [SQLITE_TRIGGER.format(verb=verb) for verb in ("UPDATE", "DELETE")]
    return [POSTGRESQL_FUNCTION, POSTGRESQL_TRIGGER]


def upgrade() -> None:
    op.create_table(
        "organizer",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organizer"),
    )
    op.create_table(
        "provider_account",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("charges_enabled", sa.Boolean(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name="ck_provider_account_mode"),
        sa.PrimaryKeyConstraint("id", name="pk_provider_account"),
        sa.UniqueConstraint("provider", "mode", "external_id", name="uq_provider_account_provider"),
    )
    op.create_table(
        "user",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("email", name="uq_user_email"),
    )
    op.create_table(
        "vault_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vault_key"),
    )
    op.create_table(
        "audit_record",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("organizer_id", sa.String(), nullable=True),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["organizer_id"], ["organizer.id"], name="fk_audit_record_organizer_id_organizer"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_audit_record_user_id_user"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_record"),
    )
    op.create_index("ix_audit_record_subject", "audit_record", ["subject"], unique=False)

    op.create_table(
        "connected_account",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organizer_id", sa.String(), nullable=False),
        sa.Column("provider_account_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("token_type", sa.String(), nullable=False),
        sa.Column("publishable_key", sa.String(), nullable=True),
        sa.Column("access_token", sa.LargeBinary(), nullable=True),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proof", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("linked_by", sa.String(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disconnected_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('active', 'disconnecting', 'disconnected')", name="ck_connected_account_status"),
        sa.ForeignKeyConstraint(["linked_by"], ["user.id"], name="fk_connected_account_linked_by_user"),
        sa.ForeignKeyConstraint(["organizer_id"], ["organizer.id"], name="fk_connected_account_organizer_id_organizer"),
        sa.ForeignKeyConstraint(
            ["provider_account_id"],
            ["provider_account.id"],
            name="fk_connected_account_provider_account_id_provider_account",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_connected_account"),
    )
    op.create_index(
        "ix_connected_account_provider_account_id", "connected_account", ["provider_account_id"], unique=False
    )
    op.create_index(
        "uq_connected_account_live",
        "connected_account",
        ["organizer_id", "provider_account_id"],
        unique=True,
        sqlite_where=sa.text("status <> 'disconnected'"),
        postgresql_where=sa.text("status <> 'disconnected'"),
    )

    op.create_table(
        "membership",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("organizer_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('owner', 'member')", name="ck_membership_role"),
        sa.ForeignKeyConstraint(["organizer_id"], ["organizer.id"], name="fk_membership_organizer_id_organizer"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_membership_user_id_user"),
        sa.PrimaryKeyConstraint("user_id", "organizer_id", name="pk_membership"),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("organizer_id", sa.String(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organizer_id"], ["organizer.id"], name="fk_session_organizer_id_organizer"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_session_user_id_user"),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
        sa.UniqueConstraint("token_hash", name="uq_session_token_hash"),
    )
    op.create_index("ix_session_seen_at", "session", ["seen_at"], unique=False)
    op.create_index("ix_session_user_id", "session", ["user_id"], unique=False)

    op.create_table(
        "attempt",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("state_hash", sa.String(), nullable=False),
        sa.Column("session_hash", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("organizer_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("replaces_id", sa.String(), nullable=True),
        sa.Column("redirect_uri", sa.String(), nullable=False),
        sa.Column("verifier", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("code_hash", sa.String(), nullable=True),
        sa.Column("account_id", sa.String(), nullable=True),
        sa.Column("grant", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["connected_account.id"], name="fk_attempt_account_id_connected_account"
        ),
        sa.ForeignKeyConstraint(["organizer_id"], ["organizer.id"], name="fk_attempt_organizer_id_organizer"),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["connected_account.id"], name="fk_attempt_replaces_id_connected_account"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_attempt_user_id_user"),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
        sa.UniqueConstraint("code_hash", name="uq_attempt_code_hash"),
        sa.UniqueConstraint("state_hash", name="uq_attempt_state_hash"),
    )
    op.create_index("ix_attempt_organizer_id_status", "attempt", ["organizer_id", "status"], unique=False)
    op.create_index("ix_attempt_status", "attempt", ["status"], unique=False)

    for statement in _append_only(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    for table in (
        "attempt",
        "session",
        "membership",
        "connected_account",
        "audit_record",
        "vault_key",
        "user",
        "provider_account",
        "organizer",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_record_append_only")
