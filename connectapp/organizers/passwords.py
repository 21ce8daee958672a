"""Passwords: which are good enough, hashed, checked, and never told from each other by time."""

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

LEAST_CHARACTERS = 12
MOST_CHARACTERS = 256
LEAST_SCORE = 3  # of zxcvbn's 0 to 4: at least 10^8 guesses
RATED_CHARACTERS = 72  # rating takes time that grows with the square of the length

_hasher = PasswordHasher()  # argon2id, RFC 9106's second recommendation


def problem(password: str, email: str = "") -> str | None:
    """What is wrong with a new password, in a sentence; None if it is good (NIST SP 800-63B section 3.1.1.2).

    :param email: whose it will be; a password made of it is easy to guess.
    """
    if len(password) < LEAST_CHARACTERS:
        return f"Use at least {LEAST_CHARACTERS} characters. A few words are easier to remember than signs."
    if len(password) > MOST_CHARACTERS:
        return f"Use at most {MOST_CHARACTERS} characters."
    known = ["connectapp", email, *email.replace("@", ".").split(".")]
    rated = zxcvbn(_shape(password)[:RATED_CHARACTERS], user_inputs=known, max_length=RATED_CHARACTERS)
    if rated["score"] < LEAST_SCORE or password.casefold().strip() == email:
        return "This password is easy to guess. Use a few words that do not belong together."
    return None


def hash_password(password: str) -> str:
    """Argon2id's own text with salt and costs. Takes long on purpose: not to be run in a transaction."""
    return _hasher.hash(_shape(password))


def fits(password: str, password_hash: str | None) -> bool:
    """Check a password; takes as long for a user without one as for a wrong one. Not to be run in a transaction."""
    try:
        _hasher.verify(password_hash or _nobodys_hash(), _shape(password[: MOST_CHARACTERS + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def newer_hash(password: str, password_hash: str) -> str | None:
    """The same password under today's costs, if it was hashed under others."""
    return hash_password(password) if _hasher.check_needs_rehash(password_hash) else None


def _shape(password: str) -> str:
    """One spelling for what keyboards write differently (NFC)."""
    return unicodedata.normalize("NFC", password)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("the password of nobody")
