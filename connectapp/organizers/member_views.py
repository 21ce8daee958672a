"""The members of the actor's organizer: look, invite, change, remove, leave."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.view import view_config

from connectapp import forms
from connectapp.errors import RefusedError
from connectapp.mail import is_address
from connectapp.organizers import members, signin, switching
from connectapp.resources import Members
from connectapp.security import Permission
from connectapp.settings import get_settings

PROBLEMS = {
    "no_address": "This is not an e-mail address that we can write to.",
    "no_mail": "This platform sends no mail, so nobody can be invited. Ask its admin.",
    "already_member": "This person is a member already.",
    "too_many_invitations": f"There are {members.MOST_INVITATIONS} invitations without an answer. Withdraw one first.",
    "too_many_mails": "This address got many mails within an hour. Wait a while, then try again.",
}


@view_config(
    context=Members,
    name="invite",
    permission=Permission.MANAGE_MEMBERS,
    request_method="POST",
    fresh=True,
    renderer="members.jinja2",
)
def invite(context: Members, request: Any) -> Any:
    """Mail an invitation."""
    return _invite(request, forms.text(request, "email", printable=False), _role(request))


def _invite(request: Any, typed: str, role: str) -> Any:
    email = signin.fold_email(typed)
    try:
        if not get_settings(request.registry).mail_server:
            raise RefusedError("no_mail")
        if not is_address(email):
            raise RefusedError("no_address")
        members.invite(request.dbsession, request.registry, request.actor, email, role)
    except RefusedError as error:
        request.response.status = 400
        return page(request, typed, role, PROBLEMS[error.reason])
    return HTTPSeeOther("/members")


def _role(request: Any) -> str:
    role = forms.text(request, "role")
    if role not in members.ROLES:
        raise RefusedError("unknown_field")
    return role


@view_config(
    context=Members,
    name="resend",
    permission=Permission.MANAGE_MEMBERS,
    request_method="POST",
    fresh=True,
    renderer="members.jinja2",
)
def resend(context: Members, request: Any) -> Any:
    """Mail another one, which takes the place of the first."""
    found = _named(request, members.waiting_invitation)
    return _invite(request, found.email, found.role)


@view_config(
    context=Members,
    name="withdraw",
    permission=Permission.MANAGE_MEMBERS,
    request_method="POST",
    fresh=True,
)
def withdraw(context: Members, request: Any) -> Any:
    """Make an invitation useless."""
    _named(request, members.withdraw)
    return HTTPSeeOther("/members")


def _named(request: Any, function: Any) -> Any:
    """Call it with the invitation that the form names."""
    try:
        return function(request.dbsession, request.actor, forms.text(request, "invitation"))
    except KeyError:
        raise HTTPNotFound from None


@view_config(
    context=Members,
    name="change",
    permission=Permission.MANAGE_MEMBERS,
    request_method="POST",
    fresh=True,
)
def change(context: Members, request: Any) -> Any:
    """Give a member the other role."""
    user_id, role = forms.text(request, "user"), _role(request)
    try:
        members.change_role(request.dbsession, request.registry, request.actor, user_id, role)
    except KeyError:
        raise HTTPNotFound from None
    return HTTPSeeOther("/members")


@view_config(
    context=Members,
    name="remove",
    permission=Permission.MANAGE_MEMBERS,
    request_method="POST",
    fresh=True,
)
def remove(context: Members, request: Any) -> Any:
    """End a membership."""
    user_id = forms.text(request, "user")
    try:
        members.remove(request.dbsession, request.registry, request.actor, user_id)
    except KeyError:
        raise HTTPNotFound from None
    return HTTPSeeOther("/members")


@view_config(context=Members, permission=Permission.VIEW_MEMBERS, request_method="GET", renderer="members.jinja2")
def show(context: Members, request: Any) -> dict[str, Any]:
    """Everybody who acts for the organizer, and who is invited."""
    return page(request)


def page(request: Any, email: str = "", role: str = "member", problem: str | None = None) -> dict[str, Any]:
    """The variables of the template."""
    actor = request.actor
    may_manage = actor.role == "owner"
    return {
        "members": members.members(request.dbsession, actor.organizer_id),
        "invitations": members.invitations(request.dbsession, actor.organizer_id) if may_manage else [],
        "me": actor.user_id,
        "may_manage": may_manage,
        "may_invite": may_manage and get_settings(request.registry).mail_server is not None,
        "email": email,
        "role": role,
        "problem": problem,
    }


@view_config(
    context=Members,
    name="leave",
    permission=Permission.VIEW_MEMBERS,
    request_method="GET",
    renderer="members_leave.jinja2",
)
def leave_page(context: Members, request: Any) -> dict[str, Any]:
    """Says what it means, and asks."""
    return {}


@view_config(context=Members, name="leave", permission=Permission.VIEW_MEMBERS, request_method="POST")
def leave(context: Members, request: Any) -> Any:
    """End one's own membership, and act for another organizer if there is one."""
    session, actor = request.dbsession, request.actor
    try:
        members.remove(session, request.registry, actor, actor.user_id)
    except KeyError:
        raise HTTPNotFound from None  # just removed by somebody else
    following = signin.first_organizer(session, actor.user_id)
    if following is not None:
        switching.switch(session, actor, following)
    return HTTPSeeOther("/")


def includeme(config: Any) -> None:
    config.scan(__name__)
