"""The database's tables: brought up to date by `connectapp migrate`, and checked at every start."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from transaction import TransactionManager

from connectapp.db import WRITES, Work
from connectapp.errors import SchemaError
from connectapp.vault import check_ring, get_vault, note_current_key

COMMAND = "run `connectapp migrate` with this ini file"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "connectapp:migrations")
    config.set_main_option("path_separator", "os")
    return config


def head() -> str | None:
    """The revision that this code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def upgrade(engine: Engine) -> None:
    """Bring the tables to `head`, in one transaction; a new SQLite file is made, readable by its owner alone."""
    file = _sqlite_file(engine)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
    migrate(engine, command.upgrade, "head")


def migrate(engine: Engine, step: Callable[[Config, str], object], revision: str) -> None:
    """Do migrations in one transaction. :param step: Alembic's ``upgrade`` or ``downgrade``."""
    config = _config()
    with engine.connect().execution_options(**{WRITES: True}) as connection, _tables_may_be_made_anew(connection):
        config.attributes["connection"] = connection
        step(config, revision)


@contextmanager
def _tables_may_be_made_anew(connection: Connection) -> Iterator[None]:
    """A transaction in which SQLite may drop a table that others refer to, and make it anew
    (sqlite.org/lang_altertable.html, section 7); what does not refer to anything then is an error."""
    driver = connection.connection.driver_connection if connection.dialect.name == "sqlite" else None
    if driver is None:
        with connection.begin():
            yield
        return
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        with connection.begin():
            yield
            if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                raise SchemaError("the database has rows that refer to nothing: nothing was changed")
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def _sqlite_file(engine: Engine) -> Path | None:
    return Path(str(engine.url.database)) if engine.dialect.name == "sqlite" else None


def check_revision(engine: Engine) -> None:
    """Refuse tables that are not those of this code.

    :raises SchemaError: naming the command to run; also if the database cannot be reached.
    """
    file = _sqlite_file(engine)
    if file is not None and not file.exists():  # to connect would make one that others can read
        raise SchemaError(f"there is no database yet: {COMMAND}")
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except DBAPIError as error:
        raise SchemaError(
            f"the database cannot be opened ({type(error.orig).__name__}): is it there? {COMMAND}"
        ) from None
    if current is None:
        raise SchemaError(f"the database is empty: {COMMAND}")
    if current != head():
        raise SchemaError(f"the database is at revision {current} and the code needs {head()}: {COMMAND}")


def check(config: Any) -> None:
    """Included last: the tables and the key ring must be the right ones before anything is served.

    :raises SchemaError: see `check_revision`. :raises KeyRingError: if the ring is another database's.
    """
    engine = config.registry["connectapp.engine"]
    check_revision(engine)
    ring = get_vault(config.registry)
    work = Work(engine, TransactionManager(explicit=True))
    with work.writing() as session:
        note_current_key(ring, session)
        check_ring(ring, session)
    work.session.close()
