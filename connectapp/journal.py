"""The sealed journal: grants between the provider's answer and the database, one file each.

A grant exists at the provider the moment it answers; losing it would leave an access that nobody knows of. So the
answer goes to disk, sealed and synced, before anything else. Whoever works on a file holds it under `flock`: the lock
dies with its process, and the next one takes over at once. An entry that was reserved and never written says that the
provider was perhaps asked and the answer is lost.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from connectapp.errors import UnavailableError
from connectapp.secret import Secret
from connectapp.vault import Binding, KeyRing

ENTRY_BYTES = 16384  # allocated on disk before the provider is asked, so that the answer surely fits
LENGTH_BYTES = 4


class Entry:
    """One file, held under lock until `close` or `remove`. :ivar subject: the id of what it is about."""

    def __init__(self, path: Path, descriptor: int, ring: KeyRing) -> None:
        self.path = path
        self.subject = path.stem
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

    def write(self, binding: Binding, record: Secret) -> None:
        """Seal the record to disk; it is safe when this returns.

        :raises OSError: if the disk refuses.
        """
        sealed = self._ring.seal(record, binding)
        os.pwrite(self._held(), len(sealed).to_bytes(LENGTH_BYTES) + sealed, 0)
        os.fsync(self._held())

    def read(self, binding: Binding) -> Secret | None:
        """The record; None if the answer never came.

        :raises UnreadableError: if it was altered or its key is not in the ring.
        """
        length = int.from_bytes(os.pread(self._held(), LENGTH_BYTES, 0))
        if length == 0:
            return None
        sealed = os.pread(self._held(), length, LENGTH_BYTES)
        return self._ring.open(sealed, binding)

    def remove(self) -> None:
        """All is settled; the file goes, then the lock. Safe to repeat."""
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

    def reserve(self, subject: str) -> Entry:
        """Make a file with all the room that it will need, before the provider is asked.

        :raises UnavailableError: if the disk refuses; nothing was sent to the provider then.
        """
        path = self.directory / f"{subject}.entry"
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
