"""The page of an invitation: for whoever has the invited address, signed in, signed out, or not known yet."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.view import view_config
from sqlalchemy import select

from connectapp import forms
from connectapp.errors import RefusedError
from connectapp.organizers import members, password_check, signin, switching
from connectapp.organizers.choosing import chosen, token_of
from connectapp.organizers.models import User
from connectapp.resources import Root
from connectapp.security import Permission
from connectapp.settings import get_settings


@view_config(context=Root, name="invite", permission=Permission.PUBLIC, request_method="GET", renderer="invite.jinja2")
def invitation(context: Root, request: Any) -> Any:
    """Says who invites to what. Opening it changes nothing, since mail scanners do."""
    return _page(request, token_of(request))


@view_config(context=Root, name="invite", permission=Permission.PUBLIC, request_method="POST", renderer="invite.jinja2")
def accept(context: Root, request: Any) -> Any:
    """Join; who is signed out proves to be the person first, or becomes a user."""
    token = forms.text(request, "token")
    page = _page(request, token)
    answers = {"join": _join, "sign_in": _sign_in, "sign_up": _sign_up}
    answer = answers.get(page["step"])
    if answer is None:
        request.response.status = 403
        return page
    return answer(request, token, page)


def _page(request: Any, token: str) -> dict[str, Any]:
    link, inviter, organizer = members.invitation_of(request.dbsession, token)
    return {
        "token": token,
        "email": link.email,
        "role": link.role,
        "inviter": inviter,
        "organizer": organizer,
        "step": _step(request, link.email),
        "problems": {},
    }


def _step(request: Any, email: str) -> str:
    """What this visitor has to do."""
    if request.actor is not None:
        return "join" if request.actor.email == email else "other_address"
    if request.dbsession.scalar(select(User.id).filter_by(email=email)):
        return "sign_in"
    return "ask_admin" if get_settings(request.registry).signup == "closed" else "sign_up"


def _join(request: Any, token: str, page: dict[str, Any]) -> Any:
    session, actor = request.dbsession, request.actor
    organizer_id = members.join(session, request.registry, token, actor.user_id)
    switching.switch(session, actor, organizer_id)
    return HTTPSeeOther("/")


def _sign_in(request: Any, token: str, page: dict[str, Any]) -> Any:
    checked = password_check.check(request, page["email"], forms.text(request, "password", printable=False))
    if checked.problem is not None:
        request.work.resume()
        checked.mark(request.response)
        return page | {"problems": {"password": checked.problem}}
    with request.work.apart() as session:
        organizer_id = members.join(session, request.registry, token, checked.user_id)
        signin.enter(request, session, checked.user_id, organizer_id)
    return HTTPSeeOther("/")


def _sign_up(request: Any, token: str, page: dict[str, Any]) -> Any:
    page, password_hash = chosen(request, page, {})
    if password_hash is None:
        return page
    with request.work.apart() as session:
        user_id = signin.new_user(session, page["email"], password_hash)
        if user_id is None:  # made meanwhile: they have a password
            raise RefusedError("link_gone")
        organizer_id = members.join(session, request.registry, token, user_id)
        signin.enter(request, session, user_id, organizer_id)
    return HTTPSeeOther("/")


def includeme(config: Any) -> None:
    config.scan(__name__)
