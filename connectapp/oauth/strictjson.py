"""JSON as RFC 8259 section 4 and RFC 7493 would have it: UTF-8, unique names, real numbers."""

import json
import math
from typing import Any


def loads(content: bytes) -> Any:
    """Parse a JSON text.

    :raises ValueError: for anything but UTF-8 without a byte order mark, for a name that occurs twice in an object, for
        NaN, infinity and numbers beyond a float, and for nesting that exhausts the parser. It never holds the text.
    """
    try:
        text = content.decode("utf-8")
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise ValueError("not acceptable as JSON") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name occurs twice")
    return values


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("a number beyond a float")
    return value
