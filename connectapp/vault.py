"""Seals and opens secrets at rest: AES-256-GCM under a ring of keys, each ciphertext bound to its place.

A sealed value is ``version | length of key id | key id | nonce (12) | ciphertext and tag``. The associated data names
table, row, organizer, provider, mode and field, so that a value moved anywhere else does not open (OpenBao binds to the
storage path likewise). The first key of the ring seals; every key of it opens.
"""

import base64
import binascii
import itertools
import json
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from connectapp.db import Base, insert, utcnow
from connectapp.errors import KeyRingError, UnreadableError
from connectapp.secret import Secret
from connectapp.settings import Settings, get_settings

VERSION = 1
KEY_BYTES = 32
NONCE_BYTES = 12
# 32 random bytes have fewer than 16 different ones about once in 10^16 rings.
LEAST_DIFFERENT_BYTES = 16


@dataclass(frozen=True)
class Binding:
    """The one place where a sealed value opens."""

    table: str
    row: str
    organizer: str
    provider: str
    mode: str
    field: str


class KeyRing:
    """Keys by id; the first is the current one.

    :param keys: id to 32 bytes, in the order of the file.
    """

    def __init__(self, keys: dict[str, bytes]) -> None:
        self.current = next(iter(keys))
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._ciphers)

    def seal(self, secret: Secret, binding: Binding) -> bytes:
        """Encrypt; twice the same secret gives different bytes."""
        key_id = self.current.encode()
        header = bytes([VERSION, len(key_id)]) + key_id
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self.current].encrypt(nonce, secret.reveal().encode(), _associated(header, binding))
        return header + nonce + sealed

    def open(self, sealed: bytes, binding: Binding) -> Secret:
        """Decrypt.

        :raises UnreadableError: if it was altered, moved, or its key is not in the ring.
        """
        try:
            if sealed[0] != VERSION:
                raise UnreadableError("a sealed value has an unknown format")
            split = 2 + sealed[1]
            header, nonce, rest = sealed[:split], sealed[split : split + NONCE_BYTES], sealed[split + NONCE_BYTES :]
            cipher = self._ciphers[header[2:].decode()]
            return Secret(cipher.decrypt(nonce, rest, _associated(header, binding)).decode())
        except (InvalidTag, IndexError, KeyError, ValueError):
            raise UnreadableError("a sealed value does not open: altered, moved, or its key is missing") from None


def _associated(header: bytes, binding: Binding) -> bytes:
    return header + json.dumps(astuple(binding)).encode()


def new_key_line() -> str:
    """A fresh key as a line of the key file: ``id:base64``; the id is the day and four random characters."""
    return f"{utcnow():%Y%m%d}-{os.urandom(2).hex()}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def parse_ring(text: str) -> KeyRing:
    """Read a key ring: lines (or words) ``id:base64`` of 32 bytes each, the current key first, ``#`` for comments.

    :raises KeyRingError: if a key is missing, weak or malformed. The key itself is never in the text.
    """
    lines = [line.split("#")[0] for line in text.splitlines()]
    keys: dict[str, bytes] = {}
    for word in " ".join(lines).split():
        key_id, _, encoded = word.partition(":")
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", key_id) or not encoded:
            raise KeyRingError("must be lines of id:key, made by `connectapp keys new`")
        if key_id in keys:
            raise KeyRingError(f"names the key {key_id} twice")
        keys[key_id] = _key_bytes(key_id, encoded)
    if not keys:
        raise KeyRingError("holds no key; make one with `connectapp keys new`")
    if len(set(keys.values())) < len(keys):
        raise KeyRingError("has the same key under two ids")
    return KeyRing(keys)


def _key_bytes(key_id: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise KeyRingError(f"has a key {key_id} that is not base64") from None
    if len(key) != KEY_BYTES:
        raise KeyRingError(f"has a key {key_id} of {len(key)} bytes; {KEY_BYTES} are needed")
    steps = {(b - a) % 256 for a, b in itertools.pairwise(key)}
    if len(set(key)) < LEAST_DIFFERENT_BYTES or len(steps) == 1:
        raise KeyRingError(f"has a key {key_id} that is not random; make one with `connectapp keys new`")
    return key


def load_ring(settings: Settings) -> KeyRing:
    """The key ring that the settings name.

    :raises KeyRingError: if there is none, or it cannot be trusted; begins with the setting's name.
    """
    if settings.vault_keys:
        return _named("connectapp.vault.keys", settings.vault_keys.reveal())
    if not settings.vault_key_file:
        raise KeyRingError(
            "connectapp.vault.key_file is missing: make one with `connectapp keys new` and set it in the ini file"
        )
    file = Path(settings.vault_key_file)
    try:
        mode = file.stat().st_mode
        text = file.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        raise KeyRingError("connectapp.vault.key_file names a file that cannot be read") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyRingError("connectapp.vault.key_file can be read by others: chmod 600 it")
    return _named("connectapp.vault.key_file", text)


def _named(setting: str, text: str) -> KeyRing:
    try:
        return parse_ring(text)
    except KeyRingError as error:
        raise KeyRingError(f"{setting} {error}") from None


class VaultKey(Base):
    """A key that this database was written with: its id, and a value that only it opens."""

    __tablename__ = "vault_key"

    id: Mapped[str] = mapped_column(primary_key=True)
    proof: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


def _proof_binding(key_id: str) -> Binding:
    return Binding("vault_key", key_id, "", "", "", "proof")


def check_ring(ring: KeyRing, session: Session) -> None:
    """Refuse a ring that is not this database's.

    :raises KeyRingError: if a key that the database was written with is missing from the ring, or is another one.
    """
    for row in session.scalars(select(VaultKey)):
        if row.id not in ring.ids:
            raise KeyRingError(f"the key {row.id} is in use in this database and missing from the key ring")
        try:
            ring.open(row.proof, _proof_binding(row.id))
        except UnreadableError:
            raise KeyRingError(f"the key {row.id} is not the one that this database was written with") from None


def note_current_key(ring: KeyRing, session: Session) -> None:
    """Leave the current key's proof in the database, before anything is sealed with it. Safe to repeat."""
    proof = ring.seal(Secret("connectapp"), _proof_binding(ring.current))
    row = {"id": ring.current, "proof": proof, "created_at": utcnow()}
    session.execute(insert(session, VaultKey).values(**row).on_conflict_do_nothing())


def ring_problems(settings: Settings) -> Iterable[str]:
    """One line if the ring cannot be loaded."""
    try:
        load_ring(settings)
    except KeyRingError as error:
        yield str(error)


def get_vault(registry: Any) -> KeyRing:
    """The key ring of this application; `registry` is Pyramid's."""
    ring: KeyRing = registry["connectapp.vault"]
    return ring


def includeme(config: Any) -> None:
    settings = get_settings(config.registry)
    problems = list(ring_problems(settings))
    settings.problems += problems
    if not problems:
        config.registry["connectapp.vault"] = load_ring(settings)
