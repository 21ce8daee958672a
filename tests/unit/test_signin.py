"""Passwords and users."""

import pytest

from connectapp.db import Work
from connectapp.errors import RefusedError
from connectapp.organizers import signin
from connectapp.organizers.models import Membership, User


@pytest.mark.row("AD-02")
def test_passwords_are_argon2id_and_of_a_length() -> None:
    hashed = signin.hash_password("correct horse battery")
    assert hashed.startswith("$argon2id$")
    assert "correct" not in hashed
    assert signin.password_fits("correct horse battery", hashed)
    assert not signin.password_fits("correct horse batterY", hashed)
    for bad in ("short", "x" * 11, "x" * 257):
        with pytest.raises(RefusedError, match="weak_password"):
            signin.hash_password(bad)


@pytest.mark.row("AD-04")
def test_a_user_without_a_password_never_signs_in() -> None:
    assert not signin.password_fits("the password of nobody", None)
    assert not signin.password_fits("x", "not a hash")


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
        assert signin.demo_user(session).id == demo.id
    with work.reading() as session:
        assert len({row.organizer_id for row in session.query(Membership)}) == 2
        user = session.query(User).filter_by(email="a@example.org").one()
        assert signin.first_organizer(session, user.id) is not None
        assert signin.first_organizer(session, "nobody") is None
