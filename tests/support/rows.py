"""What the tests of the security rows share: looking at everything, asking in odd ways, outages, other providers."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import create_engine, text, update
from webob import Request
from webtest import TestResponse

import connectapp.providers
from connectapp.db import Base, utcnow
from connectapp.logs import Formatter
from tests.support.blackbox import PLUGINS, Processes
from tests.support.site import Browser, Site

# For what has nothing to do with the database.
SQLITE_ONLY = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# For what says the same on both: PostgreSQL is asked only where `--both-databases` is said, as `make security` does.
EITHER_DATABASE = pytest.mark.either_database
POSTGRESQL_ONLY = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def state(site: Site) -> Any:
    """Everything that a request could have changed, the audit record apart."""
    tables = sorted(Base.metadata.tables.keys() - {"audit_record"})
    return {table: site.rows(f'SELECT * FROM "{table}" ORDER BY 1') for table in tables}


def everything(site: Site) -> str:
    """Every value of every table as text, bytes in hex and as latin-1."""
    values = [value for table in Base.metadata.tables for row in site.rows(f'SELECT * FROM "{table}"') for value in row]
    raw = [bytes(value) for value in values if isinstance(value, (bytes, memoryview))]
    return "\n".join([*map(repr, values), *(one.hex() for one in raw), *(one.decode("latin-1") for one in raw)])


def statuses(site: Site) -> list[tuple[str, str | None]]:
    """Status and reason of every attempt, the oldest first."""
    return [(attempt.status, attempt.reason) for attempt in site.attempts()]


def set_times(site: Any, table: str, **moments: datetime) -> None:
    """Travel in time: set these columns of every row of a table. :param site: whatever has an `engine`."""
    with site.engine.connect().execution_options(connectapp_writes=True) as connection, connection.begin():
        connection.execute(update(Base.metadata.tables[table]).values(**moments))


def ago(**delta: float) -> datetime:
    """A moment in the past, e.g. ``ago(minutes=5)``; with a negative number in the future."""
    return utcnow() - timedelta(**delta)


def params(url: str) -> dict[str, list[str]]:
    """The parameters of an address, every value of each."""
    return parse_qs(urlsplit(url).query, keep_blank_values=True)


def callback(*pairs: tuple[str, str], provider: str = "stripe", **named: str) -> str:
    """The address of a callback with these parameters."""
    return f"/connect/{provider}/callback?{urlencode([*pairs, *named.items()])}"


def answer_page(browser: Browser, url: str) -> TestResponse:
    """Go to a callback and on to its result page, whatever that says."""
    return browser.get(url, status=303).follow(expect_errors=True)


def raw_request(browser: Browser, path: str, method: str = "GET", **headers: str) -> Any:
    """A request with a path that WebTest would mend, with this browser's cookies."""
    request = Request.blank("/", base_url="https://app.test", method=method)
    request.environ["PATH_INFO"] = path
    request.host = "app.test"  # without the port that WebOb puts there
    request.headers["Cookie"] = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookiejar)
    for name, value in headers.items():
        request.headers[name.replace("_", "-")] = value
    return request.get_response(browser.site.app)


@contextmanager
def logged(site: Site) -> Iterator[list[str]]:
    """What every logger of the application says, as our formatter writes it; one text per record, with its traceback.

    To be read after the block.
    """
    theirs = site.app.logged() if isinstance(site.app, Processes) else nullcontext([])
    with logged_here() as lines:
        with theirs as records:
            yield lines
        lines += records


@contextmanager
def logged_here() -> Iterator[list[str]]:
    """As `logged`, of this process alone."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler, root = Keep(logging.DEBUG), logging.getLogger()
    handler.setFormatter(Formatter("%(levelname)s [%(reference)s] %(name)s: %(message)s"))
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.setLevel(before)
        root.removeHandler(handler)


@contextmanager
def database_gone(site: Site) -> Iterator[None]:
    """Nobody gets a connection to the database meanwhile, and those that were open are cut."""
    application = site.registry["connectapp.engine"]
    site.engine.dispose()
    application.dispose()
    if application.dialect.name == "sqlite":
        file = Path(application.url.database)
        away = file.rename(file.with_suffix(".away"))
        file.mkdir()
        yield
        file.rmdir()
        away.rename(file)
    else:
        admin = create_engine(application.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        name = application.url.database
        with admin.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false"))
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), {"name": name}
            )
            yield
            connection.execute(text(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true"))
        admin.dispose()


def refuse_inserts(site: Site, table: str) -> None:
    """From now on the database refuses new rows in the table, with the error that asks for another try."""
    if site.engine.dialect.name == "sqlite":
        site.change(f"CREATE TRIGGER refuse BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'try again'); END")
        return
    site.change(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'try again' USING ERRCODE = '40001'; END $$"
    )
    # Deferred: it is the commit that fails, as with a real serialization failure.
    site.change(
        f"CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION refuse()"
    )


def allow_inserts(site: Site, table: str) -> None:
    """The database is well again."""
    where = "" if site.engine.dialect.name == "sqlite" else f" ON {table}"
    site.change(f"DROP TRIGGER refuse{where}")


def eventually(true: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for another process; fails after so many seconds."""
    deadline = monotonic() + seconds
    while not true():
        assert monotonic() < deadline, "it never became true"
        sleep(0.05)


@contextmanager
def plugins() -> Iterator[None]:
    """The modules of `tests/security/plugins` are providers meanwhile."""
    connectapp.providers.__path__.append(str(PLUGINS))
    try:
        yield
    finally:
        connectapp.providers.__path__.remove(str(PLUGINS))
        for module in PLUGINS.glob("*.py"):
            sys.modules.pop(f"connectapp.providers.{module.stem}", None)
            with suppress(AttributeError):
                delattr(connectapp.providers, module.stem)


def missing(reason: str) -> NoReturn:
    """Something that a test needs is not on this machine: it is skipped, and fails in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
