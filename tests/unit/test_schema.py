"""The tables: made, checked, taken away; the audit record is only added to."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from connectapp import audit, schema
from connectapp.db import WRITES, Base, Work, make_engine
from connectapp.errors import SchemaError
from tests.support.events import boxes, connected, make_event, payees

ORPHANED = "UPDATE event SET organizer_id = 'none'"


def test_migrations_make_what_the_models_say(site) -> None:
    with site.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/deep/new.sqlite")
    schema.upgrade(engine)
    engine.dispose()
    assert (tmp_path / "deep" / "new.sqlite").stat().st_mode & 0o777 == 0o600


def downgrade(engine: Engine, revision: str) -> None:
    schema.migrate(engine, command.downgrade, revision)


def test_all_can_be_taken_away_again(site) -> None:
    downgrade(site.engine, "base")
    with site.engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert {item[0] for item in difference} >= {"add_table"}
    schema.upgrade(site.engine)
    schema.check_revision(site.engine)


def test_what_waits_becomes_jobs_and_back(site, browser) -> None:
    site.sandbox.fault(endpoint="deauthorize", status=500)
    browser.connect()
    (account,) = site.accounts()
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    for name in ("olga", "nobody-asked"):
        browser.submit("/reset", {"email": f"{name}@example.test"}, status="*")
    (mail,) = site.rows("SELECT * FROM outgoing_mail")
    downgrade(site.engine, "0003")
    assert [row.id for row in site.rows("SELECT * FROM outgoing_mail WHERE next_try_at IS NOT NULL")] == [mail.id]

    schema.upgrade(site.engine)

    assert [(job.subject, job.tries) for job in site.jobs("mail")] == [(mail.id, 0)]
    assert [(job.subject, job.tries) for job in site.jobs("revoke")] == [(account.id, 0)]
    assert len(site.mails("olga@example.test")) == 1
    site.do_jobs("revoke")
    assert [one.status for one in site.accounts()] == ["disconnected"]


def test_one_account_of_an_event_becomes_several_and_back(site, browser) -> None:
    one, two = connected(browser, "Mill One", "Mill Two")
    make_event(browser, title="None", payee="")
    make_event(browser, title="Two", **boxes(two, one))
    make_event(browser, title="One", **boxes(one))
    shown = [browser.get(f"/events/{row.id}").text for row in site.rows("SELECT id FROM event ORDER BY id")]

    downgrade(site.engine, "0005")

    before = site.rows("SELECT title, payee_id FROM event ORDER BY id")
    assert before == [("None", None), ("Two", two), ("One", one)]
    assert_guarded(site, "UPDATE event SET payee_id = 'nobody'")
    schema.upgrade(site.engine)
    assert payees(site) == [two, one]
    assert {row.position for row in site.rows("SELECT position FROM event_payee")} == {0}
    assert_guarded(site, "UPDATE event_payee SET account_id = 'nobody'")
    assert_guarded(site, "UPDATE event_payee SET event_id = 'none'")
    again = [browser.get(f"/events/{row.id}").text for row in site.rows("SELECT id FROM event ORDER BY id")]
    assert ["Mill Two" in page for page in again] == ["Mill Two" in page for page in shown]


def assert_guarded(site, sql: str) -> None:
    """The statement is refused, and so is what the table of events refused at first: its checks and keys are there."""
    for refused in (sql, "UPDATE event SET status = 'lost'", "UPDATE event SET price = -1", ORPHANED):
        with pytest.raises(IntegrityError):
            site.change(refused)


@pytest.mark.parametrize("sql", ["UPDATE audit_record SET action = 'x'", "DELETE FROM audit_record"])
def test_audit_records_are_only_added(site, sql: str) -> None:
    site.person()
    with pytest.raises(DBAPIError, match="append-only"):
        site.change(sql)
    assert site.audit() == ["user.added"]


def test_other_tables_are_refused(tmp_path: Path) -> None:
    missing = make_engine(f"sqlite:///{tmp_path}/none.sqlite")
    with pytest.raises(SchemaError, match="no database yet"):
        schema.check_revision(missing)
    assert not (tmp_path / "none.sqlite").exists()

    (tmp_path / "empty.sqlite").touch()
    empty = make_engine(f"sqlite:///{tmp_path}/empty.sqlite")
    with pytest.raises(SchemaError, match="is empty: run `connectapp migrate`"):
        schema.check_revision(empty)
    schema.upgrade(empty)
    with empty.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = 'other'"))
    with pytest.raises(SchemaError, match="at revision other"):
        schema.check_revision(empty)
    empty.dispose()

    (tmp_path / "broken.sqlite").write_text("this is no database")
    broken = make_engine(f"sqlite:///{tmp_path}/broken.sqlite")
    with pytest.raises(SchemaError, match="cannot be opened"):
        schema.check_revision(broken)
    broken.dispose()


def test_records_leave_out_what_is_not_known(engine: Engine, work: Work) -> None:
    with work.writing() as session:
        audit.record(session, "thing.done", "thing:1", reason=None, code="x")
    with work.reading() as session:
        (record,) = session.query(audit.AuditRecord)
        assert record.details == {"code": "x"}
