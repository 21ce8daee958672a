"""A pytest plug-in: change something in the client's copy of a declaration. The sandbox keeps the catalogue's."""

import json
import os
from collections.abc import Mapping
from typing import Any

from connectapp.providers.declaration import Declaration
from connectapp.providers.sources import CATALOGUE, read
from tests.support.replacing import replace_named

VARIABLE = "TESTS_MUTANT"  # {"file": "square", "changes": {"token.body": ...}}; null takes a key away


def changed(declaration: Declaration, changes: Mapping[str, Any]) -> Declaration:
    """Another declaration. :raises ValueError: if the schema refuses it."""
    values = declaration.model_dump(exclude_unset=True)
    for key, value in changes.items():
        *path, last = split(key)
        place: Any = values
        for name in path:
            place = place.setdefault(name, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return Declaration.model_validate(values)


def split(key: str) -> list[str]:
    """The names of a key; one that has dots of its own is written with ``/``."""
    return [name.replace("/", ".") for name in key.split(".")]


def pytest_configure() -> None:
    order = json.loads(os.environ[VARIABLE])
    catalogued = read(CATALOGUE / f"{order['file']}.toml")

    def wrap(original: Any) -> Any:
        def add_provider(config: Any, declaration: Declaration, *args: Any) -> None:
            # Variants have the same name.
            wanted = declaration == catalogued
            original(config, changed(declaration, order["changes"]) if wanted else declaration, *args)

        return add_provider

    replace_named("connectapp.providers.registry:add_provider", wrap)
