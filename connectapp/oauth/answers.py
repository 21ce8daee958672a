"""What a token endpoint answered, checked before anyone believes it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from . import strictjson, strictxml
from .errors import UNREADABLE, AnswerError, OAuthError, safe_code
from .transport import Response

#: Statuses that leave open what the server did, whatever the body says; so does every status from 500 on.
UNSETTLED = frozenset({408, 409, 425, 429})

_CENTURY = 100 * 366 * 24 * 3600.0
_YEAR_10000 = 253402300800.0
#: Of a media type, and what reads such a body. A charset would overrule what an XML document says (RFC 7303).
_READERS = (
    ("JSON", re.compile(r"application/(?:[!-:<-~]+\+)?json(?:\s*;.*)?", re.IGNORECASE), strictjson.loads),
    ("XML", re.compile(r'(?:application|text)/xml(?:\s*;\s*charset="?utf-8"?)?', re.IGNORECASE), strictxml.loads),
)


@dataclass(frozen=True)
class AnswerFormat:
    """Where a token answer has what, if not where RFC 6749 section 5 says.

    :param paths: our name to the path of what it means; e.g. ``{"expires_at": "access_token_expiration"}``.
    :param errors: paths of an error's code, the best first. What is at any of them makes the answer an error.
    :param milliseconds: whether ``expires_in`` counts these. :param never_expires: whether what it says does not count.
    :param lifetime: seconds that a token lives where the answer does not say.
    """

    paths: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ("error",)
    milliseconds: bool = False
    never_expires: bool = False
    lifetime: int | None = None

    def error_code(self, answer: Mapping[str, Any]) -> str | None:
        """The error that an answer is, ``unreadable_error`` if it is one without a word for it; None if it is none."""
        nothing = object()
        found = [value for path in self.errors if (value := at(answer, path, nothing)) is not nothing]
        codes = [code for code in map(safe_code, found) if code != UNREADABLE]
        return next(iter([*codes, *(UNREADABLE for _ in found)]), None)

    def named(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The answer with its values under our names too."""
        moved = {name: at(answer, path) for name, path in self.paths.items()}
        kept = {name: value for name, value in answer.items() if name not in moved}
        return kept | {name: value for name, value in moved.items() if value is not None}

    def expires_at(self, answer: Mapping[str, Any], now: float) -> int | None:
        """See `expiry`."""
        told = expiry(answer, now, self.milliseconds)
        if self.never_expires:
            return None
        return int(now + self.lifetime) if told is None and self.lifetime else told


def at(values: Any, path: str, default: Any = None) -> Any:
    """What is at a path such as ``settings.names.0``, all of it at an empty one; the default if there is nothing."""
    for name in path.split(".") if path else ():
        if isinstance(values, dict) and name in values:
            values = values[name]
        elif isinstance(values, list) and name.isdecimal() and int(name) < len(values):
            values = values[int(name)]
        else:
            return default
    return values


def value_of(response: Response) -> Any:
    """The value that an answer holds, as JSON or XML; its media type says which (see `strictjson` and `strictxml`).

    :raises AnswerError: if it says neither, or the body is no such thing.
    """
    kind = response.headers.get("Content-Type", "").strip()
    for name, pattern, loads in _READERS:
        if pattern.fullmatch(kind):
            try:
                return loads(response.content)
            except ValueError:
                raise AnswerError(response.status_code, f"not acceptable as {name}") from None
    raise AnswerError(response.status_code, "neither JSON nor XML")


def object_of(response: Response) -> dict[str, Any]:
    """The object that an answer holds. :raises AnswerError: if it holds none; see `value_of`."""
    answer = value_of(response)
    if not isinstance(answer, dict):
        raise AnswerError(response.status_code, "not an object")
    return answer


def token_answer(
    response: Response, required_fields: Iterable[str], answer_format: AnswerFormat | None = None
) -> dict[str, Any]:
    """Read the answer of a token endpoint (RFC 6749 sections 5.1 and 5.2).

    :param required_fields: those that must be there and not be empty. :param answer_format: default: the RFC's.
    :returns: the answer under the RFC's names, with ``expires_at`` in seconds since 1970 if it tells an expiry in any
        of the usual ways.
    :raises OAuthError: if the server said no, with its error code. :raises AnswerError: if it said nothing usable.
    """
    status = response.status_code
    if status >= 500 or status in UNSETTLED:
        raise AnswerError(status, "no decision")
    form = answer_format or AnswerFormat()
    answer = object_of(response)
    if (error := form.error_code(answer)) is not None:
        raise OAuthError(error, "the server refused")
    if status >= 300:
        raise AnswerError(status, "neither a token nor an error")
    answer = form.named(answer)
    missing = sorted(name for name in required_fields if answer.get(name) in (None, ""))
    if missing:
        raise AnswerError(status, f"without {', '.join(missing)}", answer)
    try:
        expires_at = form.expires_at(answer, response.received_at)
    except (TypeError, ValueError):
        raise AnswerError(status, "with an expiry that is none", answer) from None
    # Authlib would count by what is left here.
    for name in ("expires_at", "expires_in") if form.never_expires else ("expires_at",):
        answer.pop(name, None)
    return answer if expires_at is None else answer | {"expires_at": expires_at}


def expiry(answer: Mapping[str, Any], now: float, milliseconds: bool = False) -> int | None:
    """When a token ends, in seconds since 1970; None if the answer does not say.

    Servers send ``expires_in`` in seconds, as the RFC has it, some as digits in a string; or ``expires_at`` in seconds
    since 1970 or as an ISO 8601 time (Square). A time without a zone is UTC.

    :raises ValueError, TypeError: for other types, negative or absurd numbers.
    """
    if (moment := answer.get("expires_at")) is not None:
        return int(_moment(moment))
    if (seconds := answer.get("expires_in")) is not None:
        scale = 1000 if milliseconds else 1
        return int(now + _number(seconds, _CENTURY * scale) / scale)
    return None


def _moment(value: object) -> float:
    if isinstance(value, str) and not value.isdigit():
        moment = datetime.fromisoformat(value)
        value = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return _number(value, _YEAR_10000)


def _number(value: object, limit: float) -> float:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    if not 0 <= value < limit:
        raise ValueError("out of range")
    return float(value)
