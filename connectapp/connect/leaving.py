"""The page on which a browser leaves for the provider; every place with a Connect button answers with it."""

from typing import Any
from urllib.parse import urlsplit

from pyramid.renderers import render_to_response

from connectapp.connect.flow import Leaving, LinkFlow
from connectapp.oauth.transport import map_url
from connectapp.providers.interfaces import IPaymentProvider
from connectapp.settings import get_settings
from connectapp.vault import get_vault


def link_flow(request: Any) -> LinkFlow:
    """The flow over this request's transactions."""
    registry = request.registry
    journal, gates = registry["connectapp.journal"], registry["connectapp.gates"]
    return LinkFlow(request.work, get_vault(registry), journal, gates, get_settings(registry))


def begin(
    request: Any, provider: IPaymentProvider, *, target: str = "accounts", replaces_id: str | None = None
) -> Leaving:
    """Begin an attempt in the request's transaction.

    :param target: ``accounts``, or the id of an event of the actor's organizer (which the caller has looked up).
    :raises RefusedError: see `LinkFlow.begin`.
    """
    flow = link_flow(request)
    return flow.begin(request.dbsession, request.actor, provider, target=target, replaces_id=replaces_id)


def leave(
    request: Any,
    provider: IPaymentProvider,
    leaving: Leaving,
    *,
    target_name: str = "your accounts",
    back: str = "/accounts",
) -> Any:
    """Make the page; 200, since the state is kept only as a hash. Everything that is to be stored is stored before.

    :param target_name: where the person comes back to, in words. :param back: the path of *Cancel*.
    :raises UnavailableError, RefusedError: see `LinkFlow.way_out`.
    """
    way_out = link_flow(request).way_out(leaving, provider)
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
