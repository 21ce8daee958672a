"""The start page, signing in and signing out."""

from collections.abc import Callable
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.view import view_config
from sqlalchemy.orm import Session

from connectapp import audit, forms, sessions
from connectapp.organizers import password_check, signin
from connectapp.organizers.password_check import Verdict
from connectapp.resources import Root, SignIn
from connectapp.security import Permission
from connectapp.settings import get_settings

WRONG = "The e-mail address or the password is wrong."


@view_config(context=Root, permission=Permission.PUBLIC, request_method="GET", renderer="home.jinja2")
def home(context: Root, request: Any) -> Any:
    """What this is; whoever is signed in goes to the events."""
    if request.actor is not None:
        return HTTPSeeOther("/events" if request.actor.organizer_id else "/organizers")
    titles = [provider.title for provider in context.providers.values()]
    return {"providers": titles, "may_sign_up": get_settings(request.registry).signup == "open"}


@view_config(context=SignIn, permission=Permission.PUBLIC, request_method="GET", renderer="signin.jinja2")
def signin_page(context: SignIn, request: Any) -> dict[str, Any]:
    """The form."""
    return _form(request)


@view_config(context=SignIn, permission=Permission.PUBLIC, request_method="POST", renderer="signin.jinja2")
def sign_in(context: SignIn, request: Any) -> Any:
    """Check the password outside any transaction, since that takes long on purpose; then begin a session."""
    email = forms.text(request, "email")
    checked = password_check.check(request, email, forms.text(request, "password", printable=False))
    if checked.verdict is Verdict.RIGHT:
        return _begin(request, lambda _session: checked.user_id)
    request.work.resume()
    checked.mark(request.response)
    return _form(request, WRONG if checked.verdict is Verdict.WRONG else checked.problem, email)


def _form(request: Any, error: str | None = None, email: str = "") -> dict[str, Any]:
    settings = get_settings(request.registry)
    return {
        "error": error,
        "email": email,
        "demo": settings.demo,
        "may_sign_up": settings.signup == "open",
        "may_reset": settings.mail_server is not None,
    }


@view_config(context=SignIn, name="demo", permission=Permission.PUBLIC, request_method="POST")
def sign_in_demo(context: SignIn, request: Any) -> Any:
    """One click, in development only."""
    if not get_settings(request.registry).demo:
        raise HTTPNotFound
    return _begin(request, signin.demo_user)


def _begin(request: Any, find_user_id: Callable[[Session], str]) -> Any:
    """Begin a session for the user, in a transaction of its own."""
    with request.work.apart() as session:
        signin.enter(request, session, find_user_id(session))
    return HTTPSeeOther("/")


@view_config(context=Root, name="signout", permission=Permission.PUBLIC, request_method="POST")
def sign_out(context: Root, request: Any) -> Any:
    """End the session on the server, whoever else holds its cookie."""
    if request.actor is not None:
        sessions.end(request, request.dbsession)
        audit.record(
            request.dbsession,
            "user.signed_out",
            f"user:{request.actor.user_id}",
            organizer_id=request.actor.organizer_id,
            user_id=request.actor.user_id,
        )
    response = HTTPSeeOther("/")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def includeme(config: Any) -> None:
    config.scan(__name__)
