"""Signatures by a secret that two know, as providers write them: on messages, and on what a browser brings back."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Literal

from connectapp.secret import Secret

Encoding = Literal["hex", "base64"]
_HASHES = {"hmac-sha256": hashlib.sha256, "hmac-sha1": hashlib.sha1}


def signature(algorithm: str, encoding: Encoding, secret: Secret, content: bytes) -> str:
    """The signature of a content."""
    made = hmac.new(secret.reveal().encode(), content, _HASHES[algorithm]).digest()
    return made.hex() if encoding == "hex" else base64.b64encode(made).decode()


def any_same(wanted: Iterable[str], given: Iterable[str]) -> bool:
    """Whether one of the signatures that are wanted was given.

    Every pair is compared, so that the time taken says nothing of which one fits.
    """
    pairs = [(one.encode(), other.encode()) for one in wanted for other in given]
    return sum(hmac.compare_digest(one, other) for one, other in pairs) > 0


def is_recent(time: str | None, now: float, tolerance: int) -> bool:
    """Whether a moment, in seconds since 1970, is no further off than that, both ways."""
    if time is None or not re.fullmatch(r"[0-9]{1,15}", time):
        return False
    seconds = int(time) / (1000 if len(time) > 12 else 1)  # some count milliseconds
    return abs(now - seconds) <= tolerance
