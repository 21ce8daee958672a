"""XML as data, for servers that answer in it: the same nested values that JSON would have.

An element's name is a key and its text the value; names that occur twice in an element are a list. Attributes are left
out, but for those with which Rails, and so Braintree, tells types (``type="array"``, ``nil="true"``).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from defusedxml.ElementTree import DefusedXMLParser, ParseError

DEEPEST = 50
#: Elements of a document, which cost much more than their bytes.
MOST = 10_000

Attributes = dict[str, str]


def loads(content: bytes) -> dict[str, Any]:
    """Parse an XML document; the one key is the name of its root.

    :raises ValueError: for anything but UTF-8, for a document type or entities of its own, for text beside elements,
        for a typed value of another type, and for more or deeper elements than answers have. It never holds the text.
    """
    try:
        # The parser would also know UTF-16 by itself, by a mark that is no UTF-8 or by the zeros in it.
        if "\0" in content.decode("utf-8"):
            raise ValueError("not in UTF-8")
        parser = DefusedXMLParser(target=_Values(), forbid_dtd=True)
        parser.parser.XmlDeclHandler = _check_encoding
        parser.feed(content)
        values: dict[str, Any] = parser.close()
    # LookupError: of an encoding that nobody knows.
    except (ParseError, ValueError, LookupError):
        raise ValueError("not acceptable as XML") from None
    return values


@dataclass
class _Element:
    """One that is being read."""

    attributes: Attributes
    children: list[tuple[str, Any]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def value(self) -> Any:
        """What it means."""
        text, kind = "".join(self.text), self.attributes.get("type")
        if self.children and text.strip():
            raise ValueError("text beside elements")
        if self.attributes.get("nil") == "true":
            return None
        if kind == "array":
            return [value for _, value in self.children]
        return _named(self.children) if self.children else _TYPES.get(kind, str)(text)


class _Values:
    """What the parser builds, in place of a tree: its events, and `close` for the result."""

    def __init__(self) -> None:
        self._open = [_Element({})]  # the document, and what is open in it
        self._count = 0

    def start(self, _: str, attributes: Attributes) -> None:
        self._count += 1
        if len(self._open) > DEEPEST or self._count > MOST:
            raise ValueError("too many elements")
        self._open.append(_Element(attributes))

    def data(self, text: str) -> None:
        self._open[-1].text.append(text)

    def end(self, tag: str) -> None:
        value = self._open.pop().value()
        self._open[-1].children.append((tag.rpartition("}")[2], value))  # without its namespace

    def close(self) -> Any:
        return self._open[0].value()


def _named(children: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, list[Any]] = {}
    for name, value in children:
        found.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def _integer(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,20}", text):
        raise ValueError("no integer")
    return int(text)


def _boolean(text: str) -> bool:
    try:
        return {"true": True, "1": True, "false": False, "0": False}[text]
    except KeyError:
        raise ValueError("no boolean") from None


_TYPES: dict[str | None, Callable[[str], Any]] = {"integer": _integer, "boolean": _boolean}


def _check_encoding(_: str, encoding: str | None, __: int) -> None:
    if encoding is not None and encoding.lower() != "utf-8":
        raise ValueError("not in UTF-8")
