"""The HTTP surface: what is refused before any view, the headers of every answer, and the last resort.

One tween, the outermost, so that also a failure in another tween, a renderer or the session gets an answer with our
headers and a reference id.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from pyramid.httpexceptions import (
    HTTPBadRequest,
    HTTPForbidden,
    HTTPRequestEntityTooLarge,
    HTTPRequestURITooLong,
)
from pyramid.renderers import render
from pyramid.response import Response
from pyramid.tweens import INGRESS

from connectapp.db import SAFE_METHODS
from connectapp.logs import REFERENCE, new_reference
from connectapp.settings import Settings, get_settings

log = logging.getLogger(__name__)

LONGEST_QUERY = 8192  # characters
LONGEST_HEADER = 8192

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; script-src 'none'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    # With no-referrer browsers send `Origin: null` with forms; pages without forms choose it for themselves.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
HSTS = "max-age=63072000; includeSubDomains"

LAST_RESORT = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Something went wrong</title></head><body>'
    "<main><h1>Something went wrong</h1><p>It is our fault, and it is in our log. Please try again in a minute.</p>"
    "<p>Reference: {reference}</p></main></body></html>"
)


def error_response(
    request: Any, status: int, heading: str, sentence: str, *next_steps: str, typed: Sequence[tuple[str, str]] = ()
) -> Response:
    """A page that says what happened and what to do now; needs no database and no session. The log has it too.

    :param typed: names and texts of fields that would be lost otherwise.
    """
    log.info("%s %s answered %s: %s", request.method, _path(request), status, heading)
    page = {
        "status": status,
        "heading": heading,
        "sentence": sentence,
        "next_steps": list(next_steps),
        "badge": get_settings(request.registry).badge,
        "typed": typed,
        "reference": request.reference,
    }
    response = Response(render("connectapp:templates/error.jinja2", page, request), status=status)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def tween_factory(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Wrap the whole application. See the module."""
    settings = get_settings(registry)
    hosts = {urlsplit(settings.url).netloc, *settings.allowed_hosts}

    def tween(request: Any) -> Any:
        request.reference = new_reference()
        token = REFERENCE.set(request.reference)
        try:
            response = _answer(handler, request, settings, hosts)
        finally:
            REFERENCE.reset(token)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.scheme == "https":
            response.headers["Strict-Transport-Security"] = HSTS
        response.headers["X-Reference"] = request.reference
        return response

    return tween


def _answer(handler: Callable[[Any], Any], request: Any, settings: Settings, hosts: set[str]) -> Any:
    try:
        refusal = _refusal(request, settings, hosts)
        if refusal is None:
            return handler(request)
        return error_response(request, refusal.status_int, refusal.title, refusal.detail)
    except Exception:  # noqa: BLE001 - logged below, or by the view
        return _last_resort(request)


def _last_resort(request: Any) -> Any:
    """For what failed outside the views, such as a commit: the page of an exception view, or one that needs nothing."""
    try:
        return request.invoke_exception_view(reraise=True)
    except Exception:
        log.exception("the last resort")
        return Response(LAST_RESORT.format(reference=request.reference), status=500)


def _refusal(request: Any, settings: Settings, hosts: set[str]) -> Any:
    """What is wrong with the request as such, if anything is."""
    if request.host not in hosts:
        return HTTPBadRequest("This address does not belong to this site.")
    if len(request.query_string) > LONGEST_QUERY or len(_path(request)) > LONGEST_QUERY:
        return HTTPRequestURITooLong("The address is too long.")
    if any(len(value) > LONGEST_HEADER for value in request.headers.values()):
        return HTTPBadRequest("A header of the request is too long.")
    if (request.content_length or 0) > settings.http_max_body_kib * 1024:
        return HTTPRequestEntityTooLarge("More was sent than this form takes.")
    if request.method not in SAFE_METHODS and _is_foreign(request, settings):
        return HTTPForbidden("This form was sent from another site, so nothing was done.")
    return None


def _path(request: Any) -> str:
    """The path as it came, which may not be UTF-8."""
    path: str = request.environ.get("PATH_INFO", "")
    return path


def _is_foreign(request: Any, settings: Settings) -> bool:
    """Whether a browser says that another site sent this; on every scheme, beside the anti-forgery token."""
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    return (origin is not None and origin != settings.url) or site not in {"same-origin", "none"}


def includeme(config: Any) -> None:
    config.add_tween("connectapp.http.tween_factory", under=INGRESS)
