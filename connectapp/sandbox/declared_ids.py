"""Account ids as each provider writes them: always the same one for an account, and of the form that is declared."""

import hashlib
import re
import string
from collections.abc import Iterator
from functools import lru_cache
from re import _parser  # type: ignore[attr-defined]
from typing import Any

_MANY = 12  # how often something is repeated that may be repeated without end
_TRIES = 50
_PRINTABLE = [chr(code) for code in range(33, 127)]
_CLASSES = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_WORD": string.ascii_letters + string.digits,
    "CATEGORY_NOT_SPACE": string.ascii_letters + string.digits,
    "CATEGORY_NOT_DIGIT": string.ascii_letters,
}


@lru_cache(maxsize=4096)
def id_for(pattern: str, seed: str, own: str) -> str:
    """The id of an account.

    :param pattern: an anchored regular expression of literals, classes, groups and repetitions.
    :param seed: what tells this account at this provider from all others. :param own: kept if it is of the form.
    :raises ValueError: if no such id can be made.
    """
    if re.fullmatch(pattern, own):
        return own
    for turn in range(_TRIES):
        made = _Writer(f"{seed}/{turn}").write(_parser.parse(pattern))
        if re.fullmatch(pattern, made):
            return made
    raise ValueError(f"the sandbox cannot make an account id that is as in {pattern}")


class _Writer:
    """Writes a text that a parsed expression matches; which one, the seed decides."""

    def __init__(self, seed: str) -> None:
        self._numbers = _numbers(seed)

    def write(self, parsed: Any) -> str:
        """A text for this part of the expression."""
        return "".join(self._one(str(kind), value) for kind, value in parsed)

    def _one(self, kind: str, value: Any) -> str:
        if kind == "LITERAL":
            return chr(value)
        if kind in {"IN", "ANY", "NOT_LITERAL"}:
            return str(self._pick(_allowed(kind, value)))
        if kind in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            return self._repeat(*value)
        if kind in {"SUBPATTERN", "ATOMIC_GROUP"}:
            return self.write(value[-1] if kind == "SUBPATTERN" else value)
        if kind == "BRANCH":
            return self.write(self._pick(value[1]))
        return ""  # anchors and looks around; whether it fits is seen at the end

    def _repeat(self, least: int, most: int, parsed: Any) -> str:
        many = _MANY if str(parsed[0][0]) == "IN" else 1
        return "".join(self.write(parsed) for _ in range(max(least, min(most, many))))

    def _pick(self, choices: Any) -> Any:
        return choices[next(self._numbers) % len(choices)]


def _numbers(seed: str) -> Iterator[int]:
    """Numbers that look random and are always the same for a seed."""
    turn = 0
    while True:
        yield int.from_bytes(hashlib.sha256(f"{seed}#{turn}".encode()).digest()[:8], "big")
        turn += 1


def _allowed(kind: str, value: Any) -> list[str]:
    """The printable characters of a class; letters and digits alone where it has any."""
    if kind == "IN":
        negative = str(value[0][0]) == "NEGATE"
        named = {char for part in value for char in _members(str(part[0]), part[1])}
        found = [char for char in _PRINTABLE if (char in named) != negative]
    else:
        found = [char for char in _PRINTABLE if kind == "ANY" or ord(char) != value]
    plain = [char for char in found if char.isalnum()]
    return plain or found or [" "]


def _members(kind: str, value: Any) -> str:
    if kind == "LITERAL":
        return chr(value)
    if kind == "RANGE":
        first, last = value
        return "".join(map(chr, range(first, last + 1)))
    return _CLASSES.get(str(value), "") if kind == "CATEGORY" else ""
