"""Where a declared provider listens: its addresses, in both modes and with every choice of its variables.

An address is a template. What a mode or a chosen value gives is written out; a variable that has only a pattern, and
what differs from call to call, is recognized in the request.
"""

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from connectapp.providers.declaration import OF_A_CALL, Declaration
from connectapp.providers.templates import fill, names_of
from connectapp.sandbox.platforms import Mode
from connectapp.sandbox.routing import Route

_NAME = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_MODES: tuple[Mode, ...] = ("test", "live")


@dataclass(frozen=True)
class Side:
    """What templates may name in one mode, with one choice of the variables."""

    mode: Mode
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a request arrived.

    :param sides: those that have this address. :param names: what the names in it turned out to be.
    :param query: what the address itself has as its query, as templates.
    """

    sides: tuple[Side, ...]
    names: Mapping[str, str]
    query: Mapping[str, str]


@dataclass(frozen=True)
class PlaceRoute(Route):
    """A route whose host, too, is a pattern. The handler is given a `Place`."""

    sides: tuple[Side, ...] = ()
    query: tuple[tuple[str, str], ...] = ()

    def match(self, host: str, path: str) -> tuple[Any, ...] | None:
        """A `Place`, or None where this route is not meant."""
        at_host = re.fullmatch(self.host, host, re.IGNORECASE)
        at_path = re.fullmatch(self.path, path) if at_host else None
        if at_host is None or at_path is None:
            return None
        names = at_host.groupdict() | at_path.groupdict()
        if any(names[name] != value for name, value in at_host.groupdict().items()):
            return None
        return (Place(self.sides, names, dict(self.query)),)


def sides(declaration: Declaration) -> tuple[Side, ...]:
    """All of them. A mode's values win over a variable's, as they do for who calls."""
    chosen = [
        [{name: value, **values} for value, values in variable.values.items()]
        for name, variable in declaration.variables.items()
        if variable.values
    ]
    modes = {"test": declaration.modes.test, "live": declaration.modes.live}
    return tuple(
        Side(mode, {key: value for part in parts for key, value in part.items()} | dict(modes[mode]))
        for mode in _MODES
        for parts in itertools.product(*chosen)
    )


def free_names(declaration: Declaration) -> dict[str, str]:
    """The names whose values are only seen in a request, each with the pattern that it has."""
    patterns = {
        name: variable.pattern[1:-1] for name, variable in declaration.variables.items() if variable.pattern is not None
    }
    return dict.fromkeys([*OF_A_CALL, *declaration.secrets], ".+") | patterns


def addresses(declaration: Declaration, url: str) -> dict[tuple[str, str], tuple[Side, ...]]:
    """The addresses that a template stands for: patterns of host and path, and the sides that have them."""
    host, path = _split(url)
    free = free_names(declaration)
    found: dict[tuple[str, str], list[Side]] = {}
    for side in sides(declaration):
        at_host = pattern_of(host, side.values, free)
        at_path = pattern_of(path, side.values, free | dict.fromkeys(OF_A_CALL, "[^/]+"))
        if at_host is not None and at_path is not None:
            found.setdefault((at_host, at_path), []).append(side)
    return {place: tuple(those) for place, those in found.items()}


def is_address(declaration: Declaration, url: str, told: str) -> bool:
    """Whether what is told is an address that a template stands for."""
    host, path = _split(told)
    places = addresses(declaration, url)
    return told.startswith("https://") and any(
        re.fullmatch(at_host, host) and re.fullmatch(at_path, path) for at_host, at_path in places
    )


def _split(url: str) -> tuple[str, str]:
    host, _, path = url.partition("?")[0].removeprefix("https://").partition("/")
    return host, f"/{path}"


def query_of(url: str) -> tuple[tuple[str, str], ...]:
    """What an address has as its own query."""
    return tuple(parse_qsl(url.partition("?")[2], keep_blank_values=True))


def pattern_of(template: str, values: Mapping[str, Any], free: Mapping[str, str]) -> str | None:
    """The regular expression of what a template may have become; None where a value is missing, so that it has none."""
    pieces, end, seen = [], 0, set()
    for found in _NAME.finditer(template):
        name = found[1]
        pieces.append(re.escape(template[end : found.start()]))
        end = found.end()
        if values.get(name) is not None:
            pieces.append(re.escape(plain(values[name])))
        elif name not in free:
            return None
        else:
            pieces.append(f"(?P={name})" if name in seen else f"(?P<{name}>{free[name]})")
            seen.add(name)
    return "".join([*pieces, re.escape(template[end:])])


def recognized(
    template: Any, given: Any, values: Mapping[str, Any], free: Mapping[str, str], *, typed: bool = False
) -> dict[str, str] | None:
    """What the names of a template are, seen from what was sent; None if that cannot come of it.

    :param given: None: nothing was sent. That is right where the template has no value, or names what is not always
        known.
    :param typed: whether numbers and booleans are told from texts, as in JSON.
    """
    names = names_of(template) if isinstance(template, str) else set()
    if not {name for name in names if values.get(name) is None and name in free}:
        wanted = fill(template, values)
        shown = wanted if typed or wanted is None else plain(wanted)
        return {} if type(shown) is type(given) and shown == given else None
    pattern = pattern_of(template, values, free)
    if given is None:
        return {} if pattern is None or names & {"access_token", "refresh_token", "account"} else None
    found = re.fullmatch(pattern, given, re.DOTALL) if pattern is not None and isinstance(given, str) else None
    return None if found is None else found.groupdict()


def merged(parts: Iterable[Mapping[str, str]]) -> dict[str, str] | None:
    """All names together; None if one of them is said to be two things."""
    names: dict[str, str] = {}
    for name, value in itertools.chain.from_iterable(part.items() for part in parts):
        if names.setdefault(name, value) != value:
            return None
    return names


def plain(value: object) -> str:
    """A value as forms and addresses have it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def hosts(declaration: Declaration) -> list[str]:
    """The hosts that people are sent to, with the names of what is left open."""
    host, _ = _split(declaration.authorize.url)

    def shown(side: Side) -> str:
        return _NAME.sub(lambda name: plain(side.values.get(name[1], name[0])), host)

    return list(dict.fromkeys(map(shown, sides(declaration))))
