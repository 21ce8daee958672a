"""Passwords and users."""

import pytest
from argon2 import PasswordHasher

from connectapp.db import Work
from connectapp.errors import RefusedError
from connectapp.organizers import passwords, signin
from connectapp.organizers.models import Membership, User


@pytest.mark.row("AD-02")
def test_passwords_are_argon2id_and_of_a_length() -> None:
    hashed = passwords.hash_password("correct horse battery")
    assert hashed.startswith("$argon2id$")
    assert "correct" not in hashed
    assert passwords.fits("correct horse battery", hashed)
    assert not passwords.fits("correct horse batterY", hashed)


@pytest.mark.row("AD-02")
@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("short", "at least 12"),
        ("kj4h5kj6hkj", "at least 12"),
        ("kj4h5kj6hkj3" * 22, "at most 256"),
        ("password1234", "easy to guess"),
        ("aaaaaaaaaaaaaaaa", "easy to guess"),
        ("qwertyuiopasdf", "easy to guess"),
        ("olga@riverside.test", "easy to guess"),
        ("OLGA@riverside.test ", "easy to guess"),
        ("riversideriverside", "easy to guess"),
        ("connectapp2026", "easy to guess"),
    ],
)
def test_passwords_that_are_easy_to_guess(bad: str, says: str) -> None:
    assert says in str(passwords.problem(bad, "olga@riverside.test"))


LONGEST = ("kj4h5kj6hkj3 lisbon orchard velvet quartz rhombus 93 umbrella tidal moss" + "x" * 256)[:256]


@pytest.mark.row("AD-02")
@pytest.mark.parametrize(
    "good", ["kj4h5kj6hkj3", "correct horse battery", "\0\0x\u20ac\U0001f600 lisbon rain", LONGEST]
)
def test_passwords_of_any_characters(good: str) -> None:
    assert passwords.problem(good, "olga@riverside.test") is None
    assert passwords.fits(good, passwords.hash_password(good))


@pytest.mark.row("AD-02")
def test_passwords_are_not_cut_short_and_have_one_spelling() -> None:
    long = "kj4h5kj6hkj3" * 6
    assert not passwords.fits(long + "b", passwords.hash_password(long + "a"))
    assert passwords.fits("Cafe\u0301 in Lisbon", passwords.hash_password("Caf\u00e9 in Lisbon"))


@pytest.mark.row("AD-02")
def test_a_hash_of_other_costs_is_replaced() -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash("correct horse battery")
    newer = passwords.newer_hash("correct horse battery", old)
    assert newer
    assert passwords.fits("correct horse battery", newer)
    assert passwords.newer_hash("correct horse battery", newer) is None


@pytest.mark.row("AD-04")
def test_a_user_without_a_password_never_signs_in() -> None:
    assert not passwords.fits("the password of nobody", None)
    assert not passwords.fits("x", "not a hash")


def test_addresses_have_one_spelling() -> None:
    assert signin.fold_email("  Olga@EXAMPLE.org ") == "olga@example.org"
    assert signin.fold_email("\uff4flga@example.org") == "olga@example.org"


def test_users_share_an_organizer_by_its_name(work: Work) -> None:
    with work.writing() as session:
        signin.add_user(session, "a@example.org", None, "Both")
        signin.add_user(session, "b@example.org", None, "Both")
        with pytest.raises(RefusedError, match="user_exists"):
            signin.add_user(session, "A@example.org", None, "Other")
        demo = signin.demo_user(session)
        assert signin.demo_user(session) == demo
    with work.reading() as session:
        assert len({row.organizer_id for row in session.query(Membership)}) == 2
        user = session.query(User).filter_by(email="a@example.org").one()
        assert signin.first_organizer(session, user.id) is not None
        assert signin.first_organizer(session, "nobody") is None
