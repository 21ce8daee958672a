"""Choose the organizer to act for; make a further one."""

from typing import Any

from pyramid.csrf import check_csrf_token
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther, HTTPTemporaryRedirect
from pyramid.renderers import render_to_response
from pyramid.view import exception_view_config, view_config

from connectapp import forms
from connectapp.errors import OtherOrganizerError, RefusedError
from connectapp.organizers import switching
from connectapp.resources import Organizers
from connectapp.security import Permission
from connectapp.settings import get_settings

SWITCH = "switch_organizer"
NAME_PROBLEM = f"Give it a name of 1 to {switching.LONGEST_NAME} characters."


@view_config(context=Organizers, permission=Permission.SWITCH, request_method="GET", renderer="organizers.jinja2")
def organizers(context: Organizers, request: Any) -> dict[str, Any]:
    """Those that the user may act for."""
    return _page(request)


def _page(request: Any, name: str = "", error: str | None = None) -> dict[str, Any]:
    return {
        "choices": switching.choices(request.dbsession, request.actor.user_id),
        "may_create": _may_create(request),
        "name": name,
        "error": error,
    }


def _may_create(request: Any) -> bool:
    """Whoever may sign up may also have a further organizer; elsewhere the admin makes them."""
    return get_settings(request.registry).signup == "open"


@view_config(context=Organizers, name="switch", permission=Permission.SWITCH, request_method="POST")
def switch(context: Organizers, request: Any) -> Any:
    """Act for another one from now on, in this browser."""
    try:
        switching.switch(request.dbsession, request.actor, forms.text(request, "to"))
    except KeyError:
        raise HTTPNotFound from None
    return HTTPSeeOther("/")


@view_config(
    context=Organizers,
    name="create",
    permission=Permission.SWITCH,
    request_method="POST",
    renderer="organizers.jinja2",
)
def create(context: Organizers, request: Any) -> Any:
    """Make a further organizer, and act for it."""
    if not _may_create(request):
        raise HTTPNotFound
    name = forms.text(request, "name", "", printable=False)
    try:
        organizer_id = switching.create(request.dbsession, request.actor, name)
    except RefusedError:
        request.response.status = 400
        return _page(request, name, NAME_PROBLEM)
    switching.switch(request.dbsession, request.actor, organizer_id)
    return HTTPSeeOther("/")


@exception_view_config(OtherOrganizerError)
def other_organizer(error: OtherOrganizerError, request: Any) -> Any:
    """Say which organizer is active now, keep what was typed, and offer to switch back and send it."""
    with request.work.reading() as session:
        known = {choice.id: choice.name for choice in switching.choices(session, request.actor.user_id)}
    if error.organizer_id in known and request.POST.get(SWITCH) == "yes":
        check_csrf_token(request)
        with request.work.writing() as session:
            switching.switch(session, request.actor, error.organizer_id)
        request.work.resume()
        return HTTPTemporaryRedirect(forms.own_path(request))
    request.work.resume()
    page = {
        "form_organizer": known.get(error.organizer_id),
        "path": forms.own_path(request),
        "fields": forms.carried(request, SWITCH),
        "switch_field": SWITCH,
    }
    response = render_to_response("other_organizer.jinja2", page, request)
    response.status_int = 409
    return response


def includeme(config: Any) -> None:
    config.scan(__name__)
