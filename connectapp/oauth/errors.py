"""What an authorization server's answers can mean, beside success.

::

    authlib.common.errors.AuthlibBaseError
    ├── OAuthError             an error of OAuth: the server said no with a code, or a callback is refused here
    │   └── MismatchingStateError …
    └── AnswerError            an answer that is neither what was asked for nor an OAuth error

Neither carries a server's prose: descriptions may repeat the code that was sent (Stripe's do).
"""

import re
from collections.abc import Mapping
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import (
    InvalidTokenError,
    MismatchingStateError,
    MissingTokenError,
    OAuthError,
    UnsupportedTokenTypeError,
)

__all__ = [
    "UNREADABLE",
    "AnswerError",
    "InvalidTokenError",
    "MismatchingStateError",
    "MissingTokenError",
    "OAuthError",
    "UnsupportedTokenTypeError",
    "safe_code",
]

UNREADABLE = "unreadable_error"
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class AnswerError(AuthlibBaseError):
    """An answer that cannot be used: an outage, a page instead of JSON, fields missing or of the wrong type.

    :param status: the HTTP status. From 500 on, and for 408, 409, 425 and 429, nobody knows what the server did.
    :param answer: what could be read of it, for example to take a grant back. It may hold secrets and is in no message.
    """

    error = "unusable_answer"

    def __init__(self, status: int, problem: str, answer: Mapping[str, Any] | None = None) -> None:
        self.status = status
        self.answer = answer
        super().__init__(description=f"HTTP {status}, {problem}")


def safe_code(value: object) -> str:
    """The error code of an answer or a callback (RFC 6749 section 5.2), ``unreadable_error`` if it is no short word.

    Servers send objects, numbers and prose there; none of these belongs in a log or on a page.
    """
    return value if isinstance(value, str) and _CODE.fullmatch(value) else UNREADABLE
