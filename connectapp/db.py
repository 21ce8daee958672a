"""The database: base class, column types, engine, and transactions one after the other.

Views are ordinary `pyramid_tm` requests. GET and HEAD read only; whoever changes something asks for a writing
transaction, which takes SQLite's write lock at its beginning: a transaction that has read and then writes would fail
at once when another one wrote in between (SQLITE_BUSY_SNAPSHOT), whatever the busy timeout.
"""

import logging
import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import zope.sqlalchemy
from sqlalchemy import DateTime, Dialect, Engine, MetaData, TypeDecorator, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from transaction import TransactionManager
from transaction.interfaces import NoTransaction

from connectapp.clock import CLOCK
from connectapp.errors import SettingsError
from connectapp.settings import get_settings

log = logging.getLogger(__name__)

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
BUSY_TIMEOUT = 5.0  # seconds
WRITES = "connectapp_writes"  # the execution option that the begin event reads
_SERVER_TIME = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"


def utcnow() -> datetime:
    """Now, by the one clock of connectapp (see `connectapp.clock`)."""
    return CLOCK.now()


def uuid7() -> str:
    """A row id that sorts by time, made anywhere (RFC 9562 section 5.7), as 36 characters.

    Twelve of its bits are a fraction of the millisecond (section 6.2, method 3), so that the audit records of one
    transaction keep their order.
    """
    milliseconds, rest = divmod(CLOCK.now_ns(), 1_000_000)
    fraction = rest * 4096 // 1_000_000
    rand = int.from_bytes(os.urandom(8)) & ((1 << 62) - 1)
    value = milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | rand
    return str(uuid.UUID(int=value))


def is_id(text: str) -> bool:
    """Whether a text has the form of a row id; anything else need not bother the database."""
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None


class UTCDateTime(TypeDecorator[datetime]):
    """Points in time with their zone, also on SQLite, which stores none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a point in time needs its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    """Every table. The convention gives constraints the same names on both databases, so that they can be migrated."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UTCDateTime}  # noqa: RUF012 - SQLAlchemy's own declaration


def id_column() -> Any:
    """A primary key made by `uuid7`."""
    return mapped_column(primary_key=True, default=uuid7)


def make_engine(url: str) -> Engine:
    """An engine whose errors and logs never show parameters.

    :param url: SQLAlchemy's, SQLite or PostgreSQL.
    :raises SettingsError: if the database's driver is not installed.
    """
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        engine = create_engine(url, hide_parameters=True, pool_pre_ping=True, pool_timeout=BUSY_TIMEOUT)
    except ModuleNotFoundError:
        hint = "connectapp.database_url is PostgreSQL's: install its driver with `pip install 'connectapp[postgresql]'`"
        raise SettingsError([hint]) from None
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def insert(session: Session, model: type[Base]) -> Any:
    """An INSERT that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``, which both databases have."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(model)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late; ours is in the begin event
    for pragma in ("journal_mode = WAL", "foreign_keys = ON", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    if not connection.get_execution_options().get(WRITES, False):
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
    if CLOCK.is_to_be_told:
        CLOCK.follow(lambda: _server_time(connection))


def _server_time(connection: Connection) -> int:
    microseconds: int = connection.exec_driver_sql(_SERVER_TIME).scalar_one()
    return microseconds * 1000


class Work:
    """Transactions, one after the other, on one session and one manager.

    What was loaded in one is not to be used in the next: copy plain values out. No database connection is held
    between them.

    :param engine: where to connect. :param manager: an explicit `transaction.TransactionManager`.
    :param notify: is given what is announced, after the commit; Pyramid's `registry.notify`.
    """

    def __init__(self, engine: Engine, manager: Any, notify: Callable[[object], object] | None = None) -> None:
        self.engine = engine
        self.manager = manager
        self.notify = notify
        self.session = Session(engine)
        self._events = zope.sqlalchemy.register(self.session, transaction_manager=manager)

    def start_writing(self) -> Session:
        """Make the transaction that was just begun a writing one; before its first statement."""
        self.session.connection(execution_options={WRITES: True})
        self._events.mark_changed(self.session)
        return self.session

    def commit(self) -> None:
        """Commit what is open before its end; no transaction follows until one is begun."""
        self.manager.commit()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction of its own: what is open is given up, the block is committed, or undone if it raises."""
        self.end()
        self.manager.begin()
        try:
            yield self.start_writing()
        except BaseException:
            self.manager.abort()
            raise
        self.manager.commit()

    @contextmanager
    def apart(self) -> Iterator[Session]:
        """`writing` in the middle of a request; leaves an empty transaction behind, also if it raises."""
        try:
            with self.writing() as session:
                yield session
        finally:
            self.resume()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Like `writing`, for a look."""
        self.end()
        self.manager.begin()
        try:
            yield self.session
        finally:
            self.manager.abort()

    def announce(self, event: object) -> None:
        """Deliver the event once the open transaction is committed; never if it is not.

        A subscriber that fails is logged and changes nothing.
        """

        def deliver(committed: bool) -> None:
            if committed and self.notify is not None:
                try:
                    self.notify(event)
                except Exception:
                    log.exception("a subscriber of %s failed", type(event).__name__)

        self.manager.get().addAfterCommitHook(deliver)

    def tell(self, event: object) -> None:
        """Deliver the event now, so that subscribers act in the open transaction; one that fails undoes all of it."""
        if self.notify is not None:
            self.notify(event)

    def end(self) -> None:
        """Give up the open transaction, if there is one, and its connection."""
        with suppress(NoTransaction):
            self.manager.abort()

    def resume(self) -> None:
        """Leave an empty transaction behind, which is what the tween of `pyramid_tm` expects to find."""
        self.end()
        self.manager.begin()


def work_of(registry: Any) -> Work:
    """Transactions for one thread that works outside of a request; `registry` is Pyramid's."""
    return Work(registry["connectapp.engine"], TransactionManager(explicit=True), registry.notify)


def _request_work(request: Any) -> Work:
    return Work(request.registry["connectapp.engine"], request.tm, request.registry.notify)


def _request_session(request: Any) -> Session:
    work: Work = request.work
    return work.session if request.method in SAFE_METHODS else work.start_writing()


def includeme(config: Any) -> None:
    engine = make_engine(get_settings(config.registry).database_url.reveal())
    config.registry["connectapp.engine"] = engine
    # Who asks is read from the database: within the views' reach, where a failure has its page, and not in the tween.
    config.add_settings({"tm.manager_hook": "pyramid_tm.explicit_manager", "tm.annotate_user": False})
    config.include("pyramid_tm")
    config.add_request_method(_request_work, "work", reify=True)
    config.add_request_method(_request_session, "dbsession", reify=True)
