"""The journal: sealed files that outlive a process, each worked on by one at a time."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectapp.accounts.grants import dump_grant, load_grant
from connectapp.connect.attempts import AttemptFacts, Status
from connectapp.connect.records import note, read, to_revoke, write
from connectapp.db import uuid7
from connectapp.errors import UnavailableError, UnreadableError
from connectapp.journal import Journal
from connectapp.providers.interfaces import Grant
from connectapp.secret import Secret
from connectapp.vault import KeyRing, new_key_line, parse_ring

GRANT = Grant(
    external_id="acct_1",
    mode="test",
    scope="read_write",
    access_token=Secret("canary-access"),
    refresh_token=Secret("canary-refresh"),
    publishable_key="pk_test_1",
    expires_at=datetime(2030, 1, 1, tzinfo=UTC),
)


def facts(attempt_id: str | None = None) -> AttemptFacts:
    return AttemptFacts(
        id=attempt_id or uuid7(),
        user_id="user",
        organizer_id="organizer",
        provider="stripe",
        mode="test",
        target="accounts",
        replaces_id=None,
        redirect_uri="https://app.test/callback",
        status="exchanging",
        reason=None,
        account_id=None,
        external_id=None,
        tenant={},
    )


@pytest.fixture
def journal(tmp_path: Path, ring: KeyRing) -> Journal:
    return Journal(tmp_path / "journal", ring)


def test_a_record_comes_back_as_it_was(journal: Journal) -> None:
    one, entry_facts = note(GRANT), facts()
    entry = journal.reserve(entry_facts.id)
    assert read(entry, entry_facts) is None
    write(entry, entry_facts, one)
    assert read(entry, entry_facts) == one
    write(entry, entry_facts, to_revoke(one, Status.REFUSED, "kept_old"))
    entry.close()

    (found,) = journal.unfinished()
    assert found.subject == entry_facts.id
    assert read(found, entry_facts) == replace(one, ending=Status.REFUSED, reason="kept_old")
    found.remove()
    found.remove()
    assert list(journal.unfinished()) == []
    assert list(journal.directory.iterdir()) == []


def test_grants_survive_json() -> None:
    bare = Grant(external_id=None, mode="live", scope="")
    for grant in (GRANT, bare, GRANT.without_tokens()):
        assert load_grant(dump_grant(grant)) == grant


@pytest.mark.row("SR-01")
def test_nothing_is_in_clear_on_the_disk(journal: Journal) -> None:
    entry_facts = facts()
    entry = journal.reserve(entry_facts.id)
    write(entry, entry_facts, note(GRANT))
    content = entry.path.read_bytes()
    for canary in (b"canary", b"acct_1", b"pk_test", b"read_write"):
        assert canary not in content
    assert entry.path.stat().st_mode & 0o777 == 0o600
    assert journal.directory.stat().st_mode & 0o777 == 0o700
    assert entry.path.stat().st_size >= 16384
    entry.remove()


@pytest.mark.row("SR-03", "SR-04")
def test_altered_or_moved_records_do_not_open(journal: Journal, ring: KeyRing) -> None:
    one, other = facts(), facts()
    entry = journal.reserve(one.id)
    write(entry, one, note(GRANT))
    with pytest.raises(UnreadableError):
        read(entry, other)
    with pytest.raises(UnreadableError):
        read(entry, replace(one, organizer_id="another"))
    content = bytearray(entry.path.read_bytes())
    content[40] ^= 1
    entry.path.write_bytes(bytes(content))
    with pytest.raises(UnreadableError):
        read(entry, one)
    entry.close()
    strangers = Journal(journal.directory, parse_ring(new_key_line()))
    (found,) = strangers.unfinished()
    with pytest.raises(UnreadableError):
        read(found, one)
    found.close()
    with pytest.raises(ValueError, match="let go"):
        read(found, one)


def test_an_entry_in_use_is_left_alone(journal: Journal) -> None:
    entry = journal.reserve(uuid7())
    assert list(journal.unfinished()) == []
    entry.close()
    (found,) = journal.unfinished()
    assert list(journal.unfinished()) == []
    found.remove()


HOLD = """
import sys
from pathlib import Path
from connectapp.journal import Journal
from connectapp.vault import new_key_line, parse_ring
entry = Journal(Path(sys.argv[1]), parse_ring(new_key_line())).reserve(sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_killed_process_lets_go(journal: Journal) -> None:
    command = [sys.executable, "-c", HOLD, str(journal.directory), uuid7()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert list(journal.unfinished()) == []
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    (found,) = journal.unfinished()
    found.remove()


def test_a_disk_that_refuses_is_said_before_anything_is_sent(journal: Journal) -> None:
    journal.directory.rmdir()
    journal.directory.write_text("a file in place of the directory")
    with pytest.raises(UnavailableError):
        journal.reserve(uuid7())


def test_a_full_disk_leaves_no_file(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(UnavailableError):
        journal.reserve(uuid7())
    assert list(journal.directory.iterdir()) == []


def test_a_removed_entry_is_not_taken(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = journal.reserve(uuid7())
    path = entry.path
    entry.close()
    real = os.open

    def open_then_lose(name, *args, **kwargs):
        descriptor = real(name, *args, **kwargs)
        if Path(name) == path:
            path.unlink(missing_ok=True)
        return descriptor

    monkeypatch.setattr(os, "open", open_then_lose)
    assert list(journal.unfinished()) == []
