"""What a token endpoint answered, checked before anyone believes it."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from .errors import AnswerError, OAuthError, safe_code
from .transport import Response

#: Statuses that leave open what the server did, whatever the body says; so does every status from 500 on.
UNSETTLED = frozenset({408, 409, 425, 429})

_CENTURY = 100 * 366 * 24 * 3600.0
_YEAR_10000 = 253402300800.0
_JSON = re.compile(r"application/(?:[!-:<-~]+\+)?json(?:\s*;.*)?", re.IGNORECASE)


def json_object(response: Response) -> dict[str, Any]:
    """The JSON object that an answer holds.

    :raises AnswerError: if the media type is not JSON, or the body no JSON object.
    """
    if not _JSON.fullmatch(response.headers.get("Content-Type", "").strip()):
        raise AnswerError(response.status_code, "not JSON")
    try:
        answer = response.json()
    except ValueError:
        raise AnswerError(response.status_code, "not acceptable as JSON") from None
    if not isinstance(answer, dict):
        raise AnswerError(response.status_code, "not a JSON object")
    return answer


def token_answer(response: Response, required_fields: Iterable[str]) -> dict[str, Any]:
    """Read the answer of a token endpoint (RFC 6749 sections 5.1 and 5.2).

    :param required_fields: those that must be there and not be empty.
    :returns: the answer, with ``expires_at`` in seconds since 1970 if it tells an expiry in any of the usual ways.
    :raises OAuthError: if the server said no, with its error code. :raises AnswerError: if it said nothing usable.
    """
    status = response.status_code
    if status >= 500 or status in UNSETTLED:
        raise AnswerError(status, "no decision")
    answer = json_object(response)
    if "error" in answer:
        raise OAuthError(safe_code(answer["error"]), "the server refused")
    if status >= 300:
        raise AnswerError(status, "neither a token nor an error")
    missing = sorted(name for name in required_fields if answer.get(name) in (None, ""))
    if missing:
        raise AnswerError(status, f"without {', '.join(missing)}", answer)
    try:
        expires_at = expiry(answer, response.received_at)
    except (TypeError, ValueError):
        raise AnswerError(status, "with an expiry that is none", answer) from None
    return answer if expires_at is None else answer | {"expires_at": expires_at}


def expiry(answer: Mapping[str, Any], now: float) -> int | None:
    """When a token ends, in seconds since 1970; None if the answer does not say.

    Servers send ``expires_in`` in seconds, as the RFC has it, some as digits in a string; or ``expires_at`` in seconds
    since 1970 or as an ISO 8601 time (Square). A time without a zone is UTC.

    :raises ValueError, TypeError: for other types, negative or absurd numbers.
    """
    if (moment := answer.get("expires_at")) is not None:
        return int(_moment(moment))
    if (seconds := answer.get("expires_in")) is not None:
        return int(now + _number(seconds, _CENTURY))
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
