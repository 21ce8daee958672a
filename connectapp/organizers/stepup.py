"""Step-up: views that are declared with ``fresh=True`` ask for the password when it was last given too long ago.

The page that asks keeps what was typed, and sends all of it again to the same address with the password; so nothing is
lost and no view knows of it. The session keeps its id, since open attempts are bound to it.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pyramid.renderers import render_to_response
from sqlalchemy import select, update

from connectapp import audit, forms
from connectapp.db import utcnow
from connectapp.organizers import signin, tries
from connectapp.organizers.models import User
from connectapp.sessions import BrowserSession
from connectapp.settings import get_settings

FIELD = "prove_password"
MOST_TRIES = 10
WITHIN = timedelta(minutes=15)
WRONG = "This password is wrong."
TOO_MANY = "There were too many wrong passwords. Wait a quarter of an hour, then try again."

View = Callable[[Any, Any], Any]


def fresh_view(view: View, info: Any) -> View:
    """Pyramid's view deriver for the option ``fresh``; runs after the permission and the anti-forgery token."""
    if not info.options.get("fresh"):
        return view

    def wrapped(context: Any, request: Any) -> Any:
        if not _is_fresh(request):
            problem = _problem(request)
            if problem is not None:
                return _ask(request, problem)
        return view(context, request)

    return wrapped


fresh_view.options = ("fresh",)  # type: ignore[attr-defined]


def _is_fresh(request: Any) -> bool:
    minutes = get_settings(request.registry).signin_fresh_minutes
    proved: bool = request.stored_session.proved_at > utcnow() - timedelta(minutes=minutes)
    return proved


def _problem(request: Any) -> str | None:
    """What keeps the request from going on, ``""`` if it is only the question; None if the right password came."""
    actor, given = request.actor, forms.text(request, FIELD, "", printable=False)
    counted = tries.key("signin-email", actor.email)
    with request.work.reading() as session:
        password_hash = session.scalar(select(User.password_hash).filter_by(id=actor.user_id))
        too_many = tries.count(session, counted, WITHIN) >= MOST_TRIES
    if password_hash is None and get_settings(request.registry).demo:
        problem = None  # the demo user has no password
    elif too_many:
        problem = TOO_MANY
    elif not given:
        problem = ""
    else:
        problem = None if signin.password_fits(given, password_hash) else WRONG
    _note(request, problem, counted)
    return problem


def _note(request: Any, problem: str | None, counted: str) -> None:
    """Keep what came of it, then leave a writing transaction to the view."""
    actor = request.actor
    with request.work.writing() as session:
        if problem is None:
            mine = BrowserSession.token_hash == actor.session_hash
            session.execute(update(BrowserSession).where(mine).values(proved_at=utcnow()))
            subject = f"user:{actor.user_id}"
            audit.record(session, "user.proved", subject, organizer_id=actor.organizer_id, user_id=actor.user_id)
        elif problem == WRONG:
            tries.note(session, counted)
    request.work.resume()
    request.work.start_writing()


def _ask(request: Any, problem: str) -> Any:
    page = {"path": forms.own_path(request), "fields": forms.carried(request), "error": problem, "field": FIELD}
    response = render_to_response("prove.jinja2", page, request)
    response.status_int = 429 if problem == TOO_MANY else 403
    return response


def includeme(config: Any) -> None:
    config.add_view_deriver(fresh_view)
