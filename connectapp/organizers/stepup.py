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
from connectapp.organizers import password_check
from connectapp.organizers.models import User
from connectapp.organizers.password_check import Checked
from connectapp.sessions import BrowserSession
from connectapp.settings import get_settings

FIELD = "prove_password"

View = Callable[[Any, Any], Any]


def fresh_view(view: View, info: Any) -> View:
    """Pyramid's view deriver for the option ``fresh``; runs after the permission and the anti-forgery token."""
    if not info.options.get("fresh"):
        return view

    def wrapped(context: Any, request: Any) -> Any:
        question = None if _is_fresh(request) else _question(request)
        return view(context, request) if question is None else question

    return wrapped


fresh_view.options = ("fresh",)  # type: ignore[attr-defined]


def _is_fresh(request: Any) -> bool:
    minutes = get_settings(request.registry).signin_fresh_minutes
    proved: bool = request.stored_session.proved_at > utcnow() - timedelta(minutes=minutes)
    return proved


def _question(request: Any) -> Any:
    """The page that asks, if the right password did not come with the request."""
    given = forms.text(request, FIELD, "", printable=False)
    if not given and not _has_no_password(request):
        return _ask(request, None)
    checked = password_check.check(request, request.actor.email, given) if given else None
    right = checked is None or checked.problem is None
    if right:
        _note(request)
    request.work.resume()
    request.work.start_writing()
    return None if right else _ask(request, checked)


def _has_no_password(request: Any) -> bool:
    """The demo user has none."""
    if not get_settings(request.registry).demo:
        return False
    query = select(User.password_hash).filter_by(id=request.actor.user_id)
    return request.dbsession.scalar(query) is None


def _note(request: Any) -> None:
    actor = request.actor
    with request.work.writing() as session:
        mine = BrowserSession.token_hash == actor.session_hash
        session.execute(update(BrowserSession).where(mine).values(proved_at=utcnow()))
        subject = f"user:{actor.user_id}"
        audit.record(session, "user.proved", subject, organizer_id=actor.organizer_id, user_id=actor.user_id)


def _ask(request: Any, checked: Checked | None) -> Any:
    problem = checked.problem if checked else None
    page = {"path": forms.own_path(request), "fields": forms.carried(request), "error": problem, "field": FIELD}
    response = render_to_response("prove.jinja2", page, request)
    response.status_int = 403
    if checked:
        checked.mark(response)
    return response


def includeme(config: Any) -> None:
    config.add_view_deriver(fresh_view)
