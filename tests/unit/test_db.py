"""Ids, points in time, and transactions one after the other."""

import threading
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from transaction import TransactionManager

from connectapp.db import Work, insert, is_id, make_engine, utcnow, uuid7
from connectapp.organizers.models import Organizer, User


def test_ids_sort_by_time() -> None:
    ids = [uuid7() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert ids == sorted(ids)
    parsed = uuid.UUID(ids[0])
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert all(is_id(value) for value in ids)
    assert not is_id(ids[0].upper())
    assert not is_id(ids[0] + "\n")


def test_points_in_time_keep_their_zone(work: Work) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=timezone(timedelta(hours=2)))
    with work.writing() as session:
        session.add(Organizer(id="a", name="a", created_at=moment))
    with work.reading() as session:
        stored = session.get_one(Organizer, "a").created_at
    assert stored == moment
    assert stored.tzinfo == UTC
    with pytest.raises(StatementError, match="needs its zone"), work.writing() as session:
        session.add(Organizer(name="b", created_at=datetime(2026, 1, 1)))  # noqa: DTZ001
    assert utcnow().tzinfo == UTC


def test_a_reading_transaction_cannot_write(site) -> None:
    work = Work(site.engine, TransactionManager(explicit=True))
    with pytest.raises(DBAPIError, match=r"readonly|read-only"), work.reading() as session:
        session.add(Organizer(name="a"))
        session.flush()
    assert site.rows("SELECT * FROM organizer") == []


def test_a_failed_block_is_undone(work: Work) -> None:
    with pytest.raises(ZeroDivisionError), work.writing() as session:
        session.add(Organizer(name="a"))
        session.flush()
        raise ZeroDivisionError
    with work.reading() as session:
        assert session.scalars(select(Organizer)).all() == []


def test_between_transactions_no_connection_is_held(work: Work, engine: Engine) -> None:
    with work.writing() as session:
        session.add(Organizer(name="a"))
    assert engine.pool.checkedout() == 0
    with work.reading() as session:
        session.scalars(select(Organizer)).all()
    assert engine.pool.checkedout() == 0
    work.resume()
    assert work.manager.get() is not None
    assert engine.pool.checkedout() == 0


def test_what_is_open_is_given_up(work: Work) -> None:
    work.manager.begin()
    work.start_writing().add(Organizer(name="lost"))
    with work.writing() as session:
        session.add(Organizer(name="kept"))
    with work.reading() as session:
        assert [row.name for row in session.scalars(select(Organizer))] == ["kept"]


def test_writers_wait_for_each_other(site) -> None:
    def add(name: str) -> None:
        work = Work(site.engine, TransactionManager(explicit=True))
        with work.writing() as session:
            session.scalars(select(Organizer)).all()
            session.add(Organizer(name=name))

    threads = [threading.Thread(target=add, args=(str(number),)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(site.rows("SELECT * FROM organizer")) == 10


@pytest.mark.row("SR-10")
def test_errors_of_the_database_show_no_values(site) -> None:
    site.person("canary")
    work = Work(site.engine, TransactionManager(explicit=True))
    with pytest.raises(IntegrityError) as caught, work.writing() as session:
        session.add(User(email="canary@example.test", password_hash="canary-hash"))
    assert "canary-hash" not in str(caught.value)
    assert "canary-hash" not in repr(caught.value)


def test_a_conflict_can_be_passed_over(work: Work) -> None:
    for _ in range(2):
        with work.writing() as session:
            row = {"id": "a", "name": "a", "created_at": utcnow()}
            session.execute(insert(session, Organizer).values(**row).on_conflict_do_nothing())
    with work.reading() as session:
        assert len(session.scalars(select(Organizer)).all()) == 1


def test_the_address_of_a_database_is_not_shown() -> None:
    engine = make_engine("postgresql+psycopg://user:canary@localhost/x")
    assert "canary" not in repr(engine)
    engine.dispose()
