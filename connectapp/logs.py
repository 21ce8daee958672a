"""Log lines: one line per record, with the reference id of the request that it belongs to."""

import logging
import re
import secrets
from contextvars import ContextVar

REFERENCE: ContextVar[str] = ContextVar("reference", default="-")

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_LONGEST = 8000  # characters of one message; the rest is somebody else's flood


def new_reference() -> str:
    """An id that a person can read out on the phone: eight letters and digits without look-alikes."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))


def current_reference() -> str | None:
    """The reference of the request that this thread works on; None outside of one."""
    reference = REFERENCE.get()
    return reference if is_reference(reference) else None


def is_reference(text: str) -> bool:
    """Whether a text has the form of a reference id."""
    return re.fullmatch(f"[{_ALPHABET}]{{8}}", text) is not None


class Formatter(logging.Formatter):
    """Adds ``%(reference)s`` and keeps messages from faking lines: control and direction characters are escaped."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        record.reference = REFERENCE.get()
        shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in record.message)
        record.message = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
        return super().formatMessage(record)
