"""Sessions on the server."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pyramid.interfaces import ISession
from zope.interface.verify import verifyObject

from connectapp.db import utcnow
from connectapp.sessions import BrowserSession, DatabaseSession, cookie_token, find, hash_token
from connectapp.settings import Settings
from tests.support.site import Site

TOKEN = "a" * 43


def requesting(method: str = "POST", stored: Any = None, dbsession: Any = None) -> Any:
    registry = {"connectapp.csrf": SimpleNamespace(new_csrf_token=lambda _: "new", get_csrf_token=lambda _: "old")}
    return SimpleNamespace(
        method=method,
        stored_session=stored,
        dbsession=dbsession,
        registry=registry,
        headers={},
        cookies={},
        add_response_callback=lambda callback: None,
    )


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (f"__Host-session={TOKEN}", TOKEN),
        (f"x=1; __Host-session={TOKEN}", TOKEN),
        (f"__Host-session={TOKEN}; __Host-session={TOKEN}", None),
        ("__Host-session=short", None),
        (f"__Host-session={TOKEN}!", None),
        ("", None),
    ],
)
@pytest.mark.row("SE-10", "SE-11")
def test_one_well_formed_cookie_counts(header: str, token: str | None) -> None:
    cookies = dict(pair.split("=", 1) for pair in header.split("; ") if pair)
    assert cookie_token(SimpleNamespace(headers={"Cookie": header}, cookies=cookies)) == token


@pytest.mark.row("SE-06")
def test_idle_and_old_sessions_are_over(site: Site) -> None:
    from transaction import TransactionManager

    from connectapp.db import Work

    settings = Settings(session_idle_minutes=10, session_absolute_hours=1)
    person = site.person()
    now = utcnow()
    ages = {
        "idle just within": (now, now - timedelta(minutes=9, seconds=50), True),
        "idle beyond": (now, now - timedelta(minutes=10, seconds=1), False),
        "old just within": (now - timedelta(minutes=59, seconds=50), now, True),
        "old beyond": (now - timedelta(hours=1, seconds=1), now, False),
    }
    work = Work(site.engine, TransactionManager(explicit=True))
    with work.writing() as session:
        for name, (created, seen, _) in ages.items():
            row = {"token_hash": hash_token(name), "user_id": person.user_id, "created_at": created, "seen_at": seen}
            session.add(BrowserSession(**row))
    with work.reading() as session:
        alive = {name: find(session, name, settings) is not None for name in ages}
    assert alive == {name: expected for name, (_, _, expected) in ages.items()}


def test_an_anonymous_visitor_keeps_nothing() -> None:
    session = DatabaseSession(requesting())
    assert verifyObject(ISession, session)
    assert session.new
    assert session.peek_flash() == []
    with pytest.raises(RuntimeError, match="anonymous"):
        session["x"] = 1
    assert session.new_csrf_token() == "new"
    assert session.get_csrf_token() == "old"


def test_a_get_changes_nothing() -> None:
    stored = SimpleNamespace(id="1", data={"x": 1}, created_at=utcnow())
    session = DatabaseSession(requesting("GET", stored))
    assert session["x"] == 1
    assert not session.new
    with pytest.raises(RuntimeError, match="never writes"):
        session["x"] = 2


def test_every_change_reaches_the_row() -> None:
    row = SimpleNamespace(data={})
    stored = SimpleNamespace(id="1", data={}, created_at=utcnow())
    session = DatabaseSession(requesting(stored=stored, dbsession=SimpleNamespace(get=lambda model, key: row)))
    session["a"] = 1
    assert row.data == {"a": 1}
    session.update(b=2)
    assert session.setdefault("c", 3) == 3
    assert session.setdefault("c", 4) == 3
    assert row.data == {"a": 1, "b": 2, "c": 3}
    assert session.pop("c") == 3
    assert session.pop("c", None) is None
    assert session.popitem() == ("b", 2)
    session.flash("hello")
    session.flash("hello", allow_duplicate=False)
    assert row.data == {"a": 1, "_f_": ["hello"]}
    assert session.pop_flash() == ["hello"]
    del session["a"]
    assert row.data == {}
    session["d"] = 4
    session.clear()
    assert row.data == {}


def test_an_invalidated_session_is_deleted() -> None:
    statements: list[Any] = []
    stored = SimpleNamespace(id="1", data={"a": 1}, created_at=utcnow())
    request = requesting(stored=stored, dbsession=SimpleNamespace(execute=statements.append))
    request.headers = {"Cookie": f"__Host-session={TOKEN}"}
    request.cookies = {"__Host-session": TOKEN}
    session = DatabaseSession(request)
    session.invalidate()
    assert session == {}
    assert str(statements[0]).startswith("DELETE FROM session")
    session.invalidate()
    assert len(statements) == 1


def test_a_session_in_use_is_noted_every_five_minutes(site: Site) -> None:
    browser = site.signed_in()
    before = site.rows("SELECT seen_at FROM session")
    browser.get("/accounts")
    assert site.rows("SELECT seen_at FROM session") == before
    site.change("UPDATE session SET seen_at = :then", then=utcnow().replace(tzinfo=None) - timedelta(minutes=6))
    aged = site.rows("SELECT seen_at FROM session")
    browser.get("/accounts")
    assert site.rows("SELECT seen_at FROM session") > aged
