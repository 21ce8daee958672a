"""Sessions on the server, behind Pyramid's `ISession`.

The cookie holds a random word and the database its hash: signing out ends the session for every copy of the cookie, and
a cookie from yesterday brings no consumed state back. An anonymous visitor has no row. What a view keeps in
`request.session` is written in the request's own transaction, so only requests that may write can keep something.
"""

import hashlib
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pyramid.csrf import CookieCSRFStoragePolicy
from pyramid.interfaces import ISession
from sqlalchemy import JSON, ForeignKey, delete, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column
from zope.interface import implementer

from connectapp.db import SAFE_METHODS, Base, Work, id_column, utcnow, work_of
from connectapp.settings import Settings, get_settings

log = logging.getLogger(__name__)

COOKIE = "__Host-session"
CSRF_COOKIE = "__Host-csrf"
TOUCH_EVERY = timedelta(minutes=5)


class BrowserSession(Base):
    """A signed-in browser. `organizer_id` is the organizer that the user acts for in it.

    `proved_at` is when the person last gave the password.
    """

    __tablename__ = "session"

    id: Mapped[str] = id_column()
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id"), index=True)
    organizer_id: Mapped[str | None] = mapped_column(ForeignKey("organizer.id"))
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    proved_at: Mapped[datetime] = mapped_column(default=utcnow)
    seen_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)


@dataclass(frozen=True)
class StoredSession:
    """The plain values of a session's row, good beyond the transaction that read them."""

    id: str
    token_hash: str
    user_id: str
    organizer_id: str | None
    data: dict[str, Any]
    created_at: datetime
    proved_at: datetime
    seen_at: datetime


def hash_token(token: str) -> str:
    """SHA-256 in hex. The token has 256 random bits, so that a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def cookie_token(request: Any) -> str | None:
    """The session cookie, if there is exactly one and it has our form; anything else is an anonymous visitor."""
    if request.headers.get("Cookie", "").count(f"{COOKIE}=") != 1:
        return None
    token: str = request.cookies.get(COOKIE, "")
    return token if re.fullmatch(r"[A-Za-z0-9_-]{43}", token) else None


def find(session: Session, token: str, settings: Settings) -> StoredSession | None:
    """The living session of a cookie: neither idle nor old beyond the limits of the settings."""
    now = utcnow()
    row = session.scalar(
        select(BrowserSession).where(
            BrowserSession.token_hash == hash_token(token),
            BrowserSession.seen_at > now - timedelta(minutes=settings.session_idle_minutes),
            BrowserSession.created_at > now - timedelta(hours=settings.session_absolute_hours),
        )
    )
    if row is None:
        return None
    names = StoredSession.__dataclass_fields__
    return StoredSession(**{name: getattr(row, name) for name in names})


def start(request: Any, session: Session, user_id: str, organizer_id: str | None) -> None:
    """Sign the browser in with a new session; the one it had ends, and so does its anti-forgery token."""
    end(request, session)
    token = secrets.token_urlsafe(32)
    session.add(BrowserSession(token_hash=hash_token(token), user_id=user_id, organizer_id=organizer_id))
    request.add_response_callback(_sets_cookie(token))
    request.registry["connectapp.csrf"].new_csrf_token(request)


def end(request: Any, session: Session) -> None:
    """Sign the browser out: the row is deleted, whoever else holds the cookie."""
    token = cookie_token(request)
    if token is not None:
        session.execute(delete(BrowserSession).where(BrowserSession.token_hash == hash_token(token)))
    request.add_response_callback(_sets_cookie(None))


def end_all(session: Session, user_id: str) -> None:
    """Sign a user out everywhere."""
    session.execute(delete(BrowserSession).where(BrowserSession.user_id == user_id))


def _sets_cookie(token: str | None) -> Callable[[Any, Any], None]:
    def set_cookie(_request: object, response: Any) -> None:
        max_age = 0 if token is None else None
        response.set_cookie(COOKIE, token or "", max_age=max_age, path="/", secure=True, httponly=True, samesite="Lax")

    return set_cookie


@implementer(ISession)
class DatabaseSession(dict[str, Any]):
    """`request.session`: a JSON dictionary in the session's row."""

    def __init__(self, request: Any) -> None:
        stored: StoredSession | None = request.stored_session
        super().__init__(stored.data if stored else {})
        self.created = int(stored.created_at.timestamp()) if stored else 0
        self.new = stored is None
        self._stored = stored
        self._request = request

    def changed(self) -> None:
        """Write to the row in this request's transaction.

        :raises RuntimeError: for an anonymous visitor, who has no row, and in a request that only reads.
        """
        if self._stored is None:
            raise RuntimeError("an anonymous visitor has no session to keep something in; sign in first")
        if self._request.method in SAFE_METHODS:
            raise RuntimeError("a GET request never writes, so it cannot change the session")
        row = self._request.dbsession.get(BrowserSession, self._stored.id)
        if row is not None:
            row.data = dict(self)

    def invalidate(self) -> None:
        """Forget everything, and sign the browser out."""
        if self._stored is not None:
            end(self._request, self._request.dbsession)
        super().clear()
        self._stored = None

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self.changed()

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self.changed()

    def update(self, *args: Any, **kwargs: Any) -> None:
        super().update(*args, **kwargs)
        self.changed()

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str, *default: Any) -> Any:
        present = key in self
        value = super().pop(key, *default)
        if present:
            self.changed()
        return value

    def popitem(self) -> tuple[str, Any]:
        item = super().popitem()
        self.changed()
        return item

    def clear(self) -> None:
        super().clear()
        self.changed()

    def flash(self, msg: Any, queue: str = "", allow_duplicate: bool = True) -> None:
        messages = self.peek_flash(queue)
        if allow_duplicate or msg not in messages:
            self[f"_f_{queue}"] = [*messages, msg]

    def pop_flash(self, queue: str = "") -> list[Any]:
        messages: list[Any] = self.pop(f"_f_{queue}", [])
        return messages

    def peek_flash(self, queue: str = "") -> list[Any]:
        messages: list[Any] = self.get(f"_f_{queue}", [])
        return messages

    def new_csrf_token(self) -> str:
        token: str = self._request.registry["connectapp.csrf"].new_csrf_token(self._request)
        return token

    def get_csrf_token(self) -> str:
        token: str = self._request.registry["connectapp.csrf"].get_csrf_token(self._request)
        return token


def _stored_session(request: Any) -> StoredSession | None:
    token = cookie_token(request)
    if token is None:
        return None
    settings = get_settings(request.registry)
    stored = find(request.dbsession, token, settings)
    if stored is not None and utcnow() - stored.seen_at > TOUCH_EVERY:
        request.add_finished_callback(_touch)
    return stored


def _touch(request: Any) -> None:
    """Note that the session is in use, in a transaction of its own, after the answer has been made."""
    try:
        _note_use(work_of(request.registry), request.stored_session.id)
    except SQLAlchemyError:
        log.exception("the use of a session is not noted")  # the answer is made; the next request tries again


def _note_use(work: Work, session_id: str) -> None:
    with work.writing() as session:
        session.execute(update(BrowserSession).where(BrowserSession.id == session_id).values(seen_at=utcnow()))


def includeme(config: Any) -> None:
    csrf = CookieCSRFStoragePolicy(cookie_name=CSRF_COOKIE, secure=True, httponly=True, path="/", samesite="Lax")
    config.registry["connectapp.csrf"] = csrf
    config.set_csrf_storage_policy(csrf)
    # http.py checks Origin and Sec-Fetch-Site on every scheme; Pyramid's own check stops at https.
    config.set_default_csrf_options(require_csrf=True, check_origin=False)
    config.set_session_factory(DatabaseSession)
    config.add_request_method(_stored_session, "stored_session", reify=True)
