"""Texts with ``{names}``, as declarations have them."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connectapp.secret import Secret

_NAME = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def names_of(template: str) -> set[str]:
    """The names in a template."""
    return set(_NAME.findall(template))


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """A template with its values; one that is a single name keeps its value's type.

    :return: None where a value is missing.
    """
    if not isinstance(template, str):
        return template
    if whole := _NAME.fullmatch(template):
        return _plain(values.get(whole[1]))
    if any(values.get(name) is None for name in names_of(template)):
        return None
    return _NAME.sub(lambda found: str(_plain(values[found[1]])), template)


def fill_all(templates: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Each template with its values, without those that have none."""
    filled = {name: fill(template, values) for name, template in templates.items()}
    return {name: value for name, value in filled.items() if value is not None}


def fill_url(template: str, values: Mapping[str, Any]) -> str:
    """An address; what is put into its path is quoted, so that it stays in its place.

    :raises ValueError: if a value is missing.
    """
    if missing := sorted(name for name in names_of(template) if values.get(name) is None):
        raise ValueError(f"nothing is known for {{{missing[0]}}}")
    host, slash, path = template.removeprefix("https://").partition("/")
    host = _NAME.sub(lambda found: str(values[found[1]]), host)
    path = _NAME.sub(lambda found: quote(str(_plain(values[found[1]])), safe=""), path)
    return f"https://{host}{slash}{path}"


def _plain(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value
