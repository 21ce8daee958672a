"""Signing up, and choosing a new password: ask for a mail, then open its link."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.view import view_config

from connectapp import forms, tries
from connectapp.errors import RefusedError
from connectapp.mail import is_address
from connectapp.organizers import signin, signup, switching
from connectapp.organizers.choosing import chosen, token_of
from connectapp.organizers.mailed_links import RESET, SIGNUP
from connectapp.resources import Root
from connectapp.security import Permission
from connectapp.settings import get_settings

NO_ADDRESS = "This is not an e-mail address that we can write to."
NO_NAME = f"Give it a name of 1 to {switching.LONGEST_NAME} characters."
MOST_ASKED = 30  # mails that one place may ask for in an hour


@view_config(context=Root, name="signup", permission=Permission.PUBLIC, request_method="GET", renderer="signup.jinja2")
def signup_page(context: Root, request: Any) -> Any:
    """The form; or how to get in where not everybody may sign up."""
    return HTTPSeeOther("/") if request.actor else _asking(request, "signup")


@view_config(context=Root, name="signup", permission=Permission.PUBLIC, request_method="POST", renderer="signup.jinja2")
def ask_to_sign_up(context: Root, request: Any) -> Any:
    """Mail the link. The answer is the same whoever is known."""
    if get_settings(request.registry).signup != "open":
        request.response.status = 403
        return _asking(request, "signup")
    return _ask(request, "signup", signup.ask_to_sign_up)


@view_config(context=Root, name="reset", permission=Permission.PUBLIC, request_method="GET", renderer="signup.jinja2")
def reset_page(context: Root, request: Any) -> Any:
    """The form that asks for a mail."""
    return _asking(request, "reset")


@view_config(context=Root, name="reset", permission=Permission.PUBLIC, request_method="POST", renderer="signup.jinja2")
def ask_for_password(context: Root, request: Any) -> Any:
    """Mail the link, if there is such a user. The answer is the same."""
    if not get_settings(request.registry).mail_server:
        request.response.status = 403
        return _asking(request, "reset")
    return _ask(request, "reset", signup.ask_for_password)


def _ask(request: Any, kind: str, ask: Any) -> Any:
    typed = forms.text(request, "email", printable=False)
    email = signin.fold_email(typed)
    if not is_address(email):
        request.response.status = 400
        return _asking(request, kind, typed, NO_ADDRESS)
    asker = tries.key("mail-place", tries.place(request.remote_addr))
    if tries.count(request.dbsession, asker, timedelta(hours=1)) >= MOST_ASKED:
        raise RefusedError("too_many_mails")
    tries.note(request.dbsession, asker)
    ask(request.dbsession, request.registry, email)
    return _asking(request, kind, email) | {"sent": True}


def _asking(request: Any, kind: str, email: str = "", problem: str | None = None) -> dict[str, Any]:
    settings = get_settings(request.registry)
    policy = settings.signup if kind == "signup" else "open" if settings.mail_server else "closed"
    return {
        "kind": kind,
        "policy": policy,
        "email": email,
        "problem": problem,
        "sent": False,
        "mails_url": mails_url(request),
    }


def mails_url(request: Any) -> str | None:
    """Where the sandbox shows the mails, in development."""
    server = get_settings(request.registry).mail_server
    parts = urlsplit(server.reveal()) if server else None
    return f"{parts.scheme}://{parts.netloc}/mail" if parts and parts.scheme == "http" else None


@view_config(
    context=Root, name="verify", permission=Permission.PUBLIC, request_method="GET", renderer="choose_password.jinja2"
)
def verify_page(context: Root, request: Any) -> Any:
    """The link of a sign-up: choose a password. Opening it changes nothing, since mail scanners do."""
    return _choosing(request, "verify", token_of(request))


@view_config(
    context=Root, name="verify", permission=Permission.PUBLIC, request_method="POST", renderer="choose_password.jinja2"
)
def verify(context: Root, request: Any) -> Any:
    """Make the user, and sign them in."""
    token, name = forms.text(request, "token"), forms.text(request, "name", printable=False).strip()
    problems = {} if switching.is_name(name) else {"name": NO_NAME}
    page, password_hash = chosen(request, _choosing(request, "verify", token, name), problems)
    if password_hash is None:
        return page
    with request.work.apart() as session:
        user_id, organizer_id = signup.sign_up(session, token, name, password_hash)
        signin.enter(request, session, user_id, organizer_id)
    return HTTPSeeOther("/")


@view_config(
    context=Root,
    name="reset",
    permission=Permission.PUBLIC,
    request_method="GET",
    request_param="token",
    renderer="choose_password.jinja2",
)
def new_password_page(context: Root, request: Any) -> Any:
    """The link of a reset."""
    return _choosing(request, "reset", token_of(request))


@view_config(
    context=Root,
    name="reset",
    permission=Permission.PUBLIC,
    request_method="POST",
    request_param="token",
    renderer="choose_password.jinja2",
)
def new_password(context: Root, request: Any) -> Any:
    """Store it, end all sessions of the user, and begin a new one."""
    token = forms.text(request, "token")
    page, password_hash = chosen(request, _choosing(request, "reset", token), {})
    if password_hash is None:
        return page
    with request.work.apart() as session:
        user_id = signup.change_password(session, request.registry, token, password_hash)
        signin.enter(request, session, user_id)
    return HTTPSeeOther("/")


def _choosing(request: Any, action: str, token: str, name: str = "") -> dict[str, Any]:
    link = signup.find(request.dbsession, SIGNUP if action == "verify" else RESET, token)
    return {"action": action, "token": token, "email": link.email, "name": name, "problems": {}}


def includeme(config: Any) -> None:
    config.scan(__name__)
