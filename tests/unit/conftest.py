"""What the unit tests of the core share: a key ring, and a migrated SQLite database with transactions on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from transaction import TransactionManager

from connectapp import schema
from connectapp.db import Work, make_engine
from connectapp.vault import KeyRing, new_key_line, parse_ring


@pytest.fixture
def ring() -> KeyRing:
    return parse_ring(new_key_line())


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{tmp_path}/unit.sqlite")
    schema.upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def work(engine: Engine) -> Iterator[Work]:
    work = Work(engine, TransactionManager(explicit=True))
    yield work
    work.end()
