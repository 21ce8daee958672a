"""Puts something else in the place of a named function: the application has no switch for tests."""

import importlib
from collections.abc import Callable
from typing import Any

Wrap = Callable[[Any], Any]


def replace_named(place: str, wrap: Wrap) -> None:
    """Replace it in this process, for good.

    :param place: ``package.module:name.name``. :param wrap: given what is there, what is to be there.
    """
    module_name, _, names = place.partition(":")
    holder: Any = importlib.import_module(module_name)
    *path, last = names.split(".")
    for name in path:
        holder = getattr(holder, name)
    setattr(holder, last, wrap(getattr(holder, last)))
