"""What comes back from a provider by way of the browser."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from connectapp.errors import RefusedError

LONGEST_CODE = 1024  # characters; the documented codes of providers have fewer than 200


@dataclass(frozen=True)
class Answer:
    """What came back from the provider by way of the browser (RFC 6749 section 4.1.2, RFC 9207)."""

    state: str
    code: str | None
    error: str | None
    issuer: str | None


def parse_answer(pairs: Iterable[tuple[str, str]]) -> Answer:
    """Read the callback's parameters.

    :param pairs: names and values in the order of the query.
    :raises RefusedError: ``malformed_answer``, for parameters that are doubled (RFC 6749 section 3.1), misspelt or
        unusable; ``unknown_state``, if there is no state.
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        plain = re.sub(r"\[.*\]$", "", name.strip()).lower()
        if plain not in {"code", "state", "error", "iss"}:
            continue
        if plain != name or plain in found:
            raise RefusedError("malformed_answer")
        found[plain] = value
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}", found.get("state", "")):
        raise RefusedError("unknown_state")
    code = found.get("code") or None
    if code is not None and not re.fullmatch(rf"[!-~]{{1,{LONGEST_CODE}}}", code):
        raise RefusedError("malformed_answer")
    return Answer(found["state"], code, found.get("error"), found.get("iss"))
