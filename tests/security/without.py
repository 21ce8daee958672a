"""A pytest plugin: take the defence out that the environment names, and run only the tests of its rows."""

import os

import pytest

from tests.security.defences import DEFENCES, VARIABLE, Defence, remove_named


def pytest_configure() -> None:
    remove_named()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    defence = DEFENCES[os.environ[VARIABLE]]
    kept = [item for item in items if _guards(item, defence) and defence.only in item.nodeid]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _guards(item: pytest.Function, defence: Defence) -> bool:
    if "postgresql" in item.nodeid and "postgresql" not in defence.only:
        return False  # one database is enough to see it
    rows = set(defence.rows)
    return item.originalname in rows or any(rows & set(mark.args) for mark in item.iter_markers("row"))
