"""The sealed journal: grants between the provider's answer and the database, one file per attempt.

A grant exists at the provider the moment it answers; losing it would leave an access that nobody knows of. So the
answer goes to disk, sealed and synced, before anything else. Whoever works on an attempt holds its file under `flock`:
the lock dies with its process, and the next one takes over at once. An entry that was reserved and never written says
that the code was perhaps redeemed and the answer is lost.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from connectapp.connect.attempts import AttemptFacts, Status
from connectapp.db import utcnow
from connectapp.errors import UnavailableError
from connectapp.providers.interfaces import Grant
from connectapp.secret import Secret
from connectapp.vault import Binding, KeyRing

ENTRY_BYTES = 16384  # allocated on disk before the code is redeemed, so that the answer surely fits
LENGTH_BYTES = 4
SECRETS = ("access_token", "refresh_token")


@dataclass(frozen=True)
class Record:
    """What is to be done with a grant: link it, or take it back.

    :param noted_at: when the provider answered.
    :param ending: None while it is to be linked; else the status in which the attempt ends, with its `reason`.
    """

    grant: Grant
    noted_at: datetime
    ending: Status | None = None
    reason: str | None = None


class Entry:
    """One attempt's file, held under lock until `close` or `remove`."""

    def __init__(self, path: Path, descriptor: int, ring: KeyRing) -> None:
        self.path = path
        self.attempt_id = path.stem
        self.descriptor: int | None = descriptor
        self._ring = ring

    def _held(self) -> int:
        if self.descriptor is None:
            raise ValueError("the journal entry was let go already")
        return self.descriptor

    def clear(self) -> None:
        """Take all the room that the entry will need, and say in it that there is no answer yet."""
        os.pwrite(self._held(), bytes(ENTRY_BYTES), 0)
        os.fsync(self._held())

    def write(self, facts: AttemptFacts, record: Record) -> None:
        """Seal the record to disk; it is safe when this returns.

        :raises OSError: if the disk refuses.
        """
        sealed = self._ring.seal(Secret(_dump(record)), _binding(facts))
        os.pwrite(self._held(), len(sealed).to_bytes(LENGTH_BYTES) + sealed, 0)
        os.fsync(self._held())

    def read(self, facts: AttemptFacts) -> Record | None:
        """The record; None if the answer never came.

        :raises UnreadableError: if it was altered or its key is not in the ring.
        """
        length = int.from_bytes(os.pread(self._held(), LENGTH_BYTES, 0))
        if length == 0:
            return None
        sealed = os.pread(self._held(), length, LENGTH_BYTES)
        return _load(self._ring.open(sealed, _binding(facts)).reveal())

    def remove(self) -> None:
        """The attempt is settled; the file goes, then the lock. Safe to repeat."""
        if self.descriptor is not None:
            self.path.unlink(missing_ok=True)
            self.close()

    def close(self) -> None:
        """Let go; the file, if it is still there, is recovery's from now on. Safe to repeat."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


class Journal:
    """The directory of entries, on a local disk (`flock` over a network is not to be trusted).

    :param directory: made if missing, readable by nobody else. :param ring: seals the entries.
    """

    def __init__(self, directory: Path, ring: KeyRing) -> None:
        self.directory = directory
        self._ring = ring
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def reserve(self, attempt_id: str) -> Entry:
        """Make the attempt's file with all the room that it will need, before the code is redeemed.

        :raises UnavailableError: if the disk refuses; nothing was sent to the provider then.
        """
        path = self.directory / f"{attempt_id}.entry"
        try:
            entry = self._lock(path, os.O_CREAT, fcntl.LOCK_EX)
        except OSError as error:
            raise UnavailableError("the journal cannot be written") from error
        try:
            entry.clear()
            self._sync_directory()
        except OSError as error:
            entry.remove()
            raise UnavailableError("the journal cannot be written") from error
        return entry

    def unfinished(self) -> Iterator[Entry]:
        """The entries that nobody works on; each is held until its user closes or removes it."""
        for path in sorted(self.directory.glob("*.entry")):
            entry = None
            with suppress(OSError):  # held by somebody, or gone
                entry = self._lock(path, 0, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if entry is not None:
                yield entry

    def _lock(self, path: Path, flags: int, lock: int) -> Entry:
        """Open and lock; once more if the file was removed between the two."""
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
            try:
                fcntl.flock(descriptor, lock)
                if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                    return Entry(path, descriptor, self._ring)
            except OSError:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _sync_directory(self) -> None:
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def note(grant: Grant) -> Record:
    """A record of a grant that has just come."""
    return Record(grant, utcnow())


def to_revoke(record: Record, ending: Status, reason: str) -> Record:
    """The same grant, to be taken back."""
    return replace(record, ending=ending, reason=reason)


def _binding(facts: AttemptFacts) -> Binding:
    return Binding("journal", facts.id, facts.organizer_id, facts.provider, facts.mode, "record")


def dump_grant(grant: Grant) -> dict[str, object]:
    """A grant as JSON values, secrets in clear: only ever for `KeyRing.seal`."""
    values: dict[str, object] = {
        name: value for name, value in vars(grant).items() if not isinstance(value, (Secret, datetime))
    }
    values |= {name: secret.reveal() for name in SECRETS if (secret := getattr(grant, name))}
    values["expires_at"] = grant.expires_at and grant.expires_at.isoformat()
    return values


def load_grant(values: dict[str, object]) -> Grant:
    """The reverse of `dump_grant`."""
    known = dict(values)
    for name in SECRETS:
        if known.get(name):
            known[name] = Secret(str(known[name]))
    if known["expires_at"]:
        known["expires_at"] = datetime.fromisoformat(str(known["expires_at"]))
    return Grant(**known)  # type: ignore[arg-type]


def _dump(record: Record) -> str:
    head = {"noted_at": record.noted_at.isoformat(), "ending": record.ending, "reason": record.reason}
    return json.dumps(head | {"grant": dump_grant(record.grant)})


def _load(text: str) -> Record:
    values = json.loads(text)
    ending = values["ending"] and Status(values["ending"])
    return Record(load_grant(values["grant"]), datetime.fromisoformat(values["noted_at"]), ending, values["reason"])
