"""The page on which a browser leaves for the provider; every place with a Connect button answers with it."""

from typing import Any
from urllib.parse import urlsplit

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.renderers import render_to_response

from connectapp.connect.attempts import place_of
from connectapp.connect.departure import Departure, Leaving
from connectapp.connect.flow import LinkFlow
from connectapp.oauth.transport import map_url
from connectapp.providers.interfaces import IPaymentProvider
from connectapp.settings import get_settings
from connectapp.vault import get_vault


def link_flow(request: Any) -> LinkFlow:
    """The way back, over this request's transactions."""
    registry = request.registry
    journal, gates = registry["connectapp.journal"], registry["connectapp.gates"]
    return LinkFlow(request.work, get_vault(registry), journal, gates, get_settings(registry))


def _departure(request: Any) -> Departure:
    registry = request.registry
    return Departure(request.work, get_vault(registry), registry["connectapp.gates"], get_settings(registry))


def begin(
    request: Any, provider: IPaymentProvider, *, target: str = "accounts", replaces_id: str | None = None
) -> Leaving:
    """Begin an attempt in the request's transaction.

    :param provider: at the organizer's tenant; where that is to be asked for, `leave` asks.
    :param target: ``accounts``, or the id of an event of the actor's organizer (which the caller has looked up).
    :raises RefusedError: see `Departure.begin`.
    """
    departure = _departure(request)
    return departure.begin(request.dbsession, request.actor, provider, target=target, replaces_id=replaces_id)


def answer(request: Any, provider: IPaymentProvider, attempt_id: str) -> Leaving:
    """Go on with an attempt that waited for the organizer's answers.

    :param provider: at the tenant that was answered. :raises RefusedError: see `Departure.answer`.
    """
    return _departure(request).answer(request.dbsession, request.actor, provider, attempt_id)


def leave(request: Any, provider: IPaymentProvider, leaving: Leaving) -> Any:
    """Make the page; 200, since the state is kept only as a hash. Everything that is to be stored is stored before.

    Where the organizer is to be asked something first, it is 303 to the page that asks.

    :raises UnavailableError, RefusedError: see `Departure.way_out`.
    """
    if leaving.unanswered:
        return HTTPSeeOther(f"/connect/{provider.name}?attempt={leaving.attempt_id}")
    way_out = _departure(request).way_out(leaving, provider)
    target_name, back = place_of(leaving.target)
    settings = get_settings(request.registry)
    url, auto = map_url(way_out, settings.hosts), not settings.leave_page_wait
    page = {
        "provider_title": provider.title,
        "organizer_name": request.actor.organizer_name,
        "target_name": target_name,
        "back": back,
        "url": url,
        "host": urlsplit(way_out).hostname,
        "auto": auto,
    }
    response = render_to_response("leave.jinja2", page, request)
    response.headers["Referrer-Policy"] = "no-referrer"
    if auto:
        response.headers["Refresh"] = f"0; url={url}"
    return response
