"""The vault: what is sealed opens at its place with its key, and not otherwise."""

import base64
import hashlib
import os
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from connectapp.db import Work
from connectapp.errors import KeyRingError, UnreadableError
from connectapp.secret import Secret
from connectapp.settings import Settings
from connectapp.vault import (
    Binding,
    KeyRing,
    VaultKey,
    check_ring,
    load_ring,
    new_key_line,
    note_current_key,
    parse_ring,
)

PLACE = Binding("connected_account", "row", "organizer", "stripe", "test", "access_token")
RING = parse_ring(new_key_line())
# Fixed, since parallel test runs want the same names everywhere.
RANDOM = hashlib.sha512(b"any bytes").digest()


def line(key: bytes, key_id: str = "one") -> str:
    return f"{key_id}:{base64.b64encode(key).decode()}"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_sealed_opens(text: str) -> None:
    assert RING.open(RING.seal(Secret(text), PLACE), PLACE).reveal() == text


@pytest.mark.row("SR-02")
def test_the_same_secret_never_looks_the_same() -> None:
    sealed = {RING.seal(Secret("token"), PLACE) for _ in range(100)}
    assert len(sealed) == 100
    assert all(value.startswith(b"\x01" + bytes([len(RING.current)]) + RING.current.encode()) for value in sealed)
    assert not any(b"token" in value for value in sealed)


@pytest.mark.row("SR-03")
def test_every_changed_byte_is_noticed() -> None:
    sealed = RING.seal(Secret("token"), PLACE)
    for index in range(len(sealed)):
        for bit in (1, 128):
            changed = bytearray(sealed)
            changed[index] ^= bit
            with pytest.raises(UnreadableError):
                RING.open(bytes(changed), PLACE)
    for length in range(len(sealed)):
        with pytest.raises(UnreadableError):
            RING.open(sealed[:length], PLACE)


@pytest.mark.row("SR-04")
@pytest.mark.parametrize("name", [field.name for field in fields(Binding)])
def test_a_moved_value_does_not_open(name: str) -> None:
    sealed = RING.seal(Secret("token"), PLACE)
    with pytest.raises(UnreadableError):
        RING.open(sealed, replace(PLACE, **{name: "elsewhere"}))
    shifted = replace(PLACE, table="connected_accountrow", row="")
    with pytest.raises(UnreadableError):
        RING.open(sealed, shifted)


@pytest.mark.row("SR-05")
@pytest.mark.parametrize(
    "raw", [b"", b"sk_test_plain", b"v0:abc", b"\x00" * 64, b"\x01", b"\x01\x40", b"\x01\x03one" + b"x" * 60]
)
def test_what_was_never_sealed_does_not_open(raw: bytes) -> None:
    with pytest.raises(UnreadableError):
        RING.open(raw, PLACE)


def test_old_keys_open_and_the_first_seals() -> None:
    old = parse_ring(line(os.urandom(32), "old"))
    sealed = old.seal(Secret("token"), PLACE)
    with pytest.raises(UnreadableError):
        RING.open(sealed, PLACE)
    key = os.urandom(32)
    old_line = line(key, "old")
    both = parse_ring(f"# the ring\n{line(os.urandom(32), 'new')}  # current\n{old_line}\n")
    assert both.current == "new"
    assert both.open(parse_ring(old_line).seal(Secret("token"), PLACE), PLACE).reveal() == "token"


@pytest.mark.row("SR-09")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no key"),
        ("# nothing", "no key"),
        ("nonsense", "id:key"),
        ("one:", "id:key"),
        ("o ne:abc", "id:key"),
        ("one:not base64!", "not base64"),
        (line(bytes(32)), "not random"),
        (line(b"a" * 32), "not random"),
        (line(bytes(range(32))), "not random"),
        (line(bytes(range(0, 64, 2))), "not random"),
        (line(RANDOM[:16]), "16 bytes"),
        (line(RANDOM[:33]), "33 bytes"),
    ],
)
def test_weak_and_malformed_keys_are_refused(text: str, says: str) -> None:
    with pytest.raises(KeyRingError, match=says) as caught:
        parse_ring(text)
    secret = text.partition(":")[2]
    assert not secret or secret not in str(caught.value)


@pytest.mark.row("SR-09")
def test_a_key_is_in_the_ring_once() -> None:
    key = os.urandom(32)
    with pytest.raises(KeyRingError, match="twice"):
        parse_ring(f"{line(key)}\n{line(os.urandom(32))}")
    with pytest.raises(KeyRingError, match="two ids"):
        parse_ring(f"{line(key)}\n{line(key, 'two')}")


@pytest.mark.row("SR-17")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_file_is_nobody_elses(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "keys"
    file.write_text(new_key_line())
    file.chmod(mode)
    with pytest.raises(KeyRingError, match=r"vault\.key_file can be read by others"):
        load_ring(Settings(vault_key_file=str(file)))
    file.chmod(0o600)
    assert load_ring(Settings(vault_key_file=str(file))).ids


@pytest.mark.row("SR-06")
def test_without_a_key_there_is_no_ring(tmp_path: Path) -> None:
    with pytest.raises(KeyRingError, match=r"connectapp\.vault\.key_file is missing"):
        load_ring(Settings())
    with pytest.raises(KeyRingError, match="cannot be read"):
        load_ring(Settings(vault_key_file=str(tmp_path / "none")))
    assert load_ring(Settings(vault_keys=Secret(new_key_line()))).ids


def noted(work: Work, ring: KeyRing) -> None:
    with work.writing() as session:
        note_current_key(ring, session)
        check_ring(ring, session)


@pytest.mark.row("SR-06", "SR-08")
def test_another_databases_ring_is_refused(work: Work, engine: Engine) -> None:
    key = os.urandom(32)
    noted(work, parse_ring(line(key)))
    noted(work, parse_ring(line(key)))
    with pytest.raises(KeyRingError, match="not the one"):
        noted(work, parse_ring(line(os.urandom(32))))
    with pytest.raises(KeyRingError, match="one is in use"):
        noted(work, parse_ring(line(os.urandom(32), "two")))
    noted(work, parse_ring(f"{line(os.urandom(32), 'two')}\n{line(key)}"))
    with work.reading() as session:
        assert {row.id for row in session.query(VaultKey)} == {"one", "two"}
