"""The stylesheet of the providers' colours: a class for each configured provider, as its declaration says."""

import hashlib
from typing import Any

from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from connectapp.providers.registry import get_providers

_KEY = "connectapp.colours"  # the text, and what of its address changes with it


def stylesheet(request: Any) -> Response:
    """Its address changes with it, so that a browser may keep it for long, as it does with the files of `static`."""
    text, _ = request.registry[_KEY]
    response = Response(text, content_type="text/css", charset="utf-8")
    response.headers["Cache-Control"] = "public, max-age=31536000"
    return response


def _made(registry: Any) -> tuple[str, str]:
    providers = get_providers(registry).values()
    text = "".join(f".provider-{one.name} {{ --provider: {one.colour}; }}\n" for one in providers)
    return text, hashlib.sha256(text.encode()).hexdigest()[:12]


def _path(request: Any) -> str:
    _, tag = request.registry[_KEY]
    path: str = request.route_path("colours", _query=tag)
    return path


def includeme(config: Any) -> None:
    # Of all providers, so when everything is configured.
    config.action(_KEY, lambda: config.registry.__setitem__(_KEY, _made(config.registry)), order=1)
    config.add_request_method(_path, "colours_path", property=True)
    config.add_route("colours", "/colours.css")
    config.add_view(stylesheet, route_name="colours", request_method="GET", permission=NO_PERMISSION_REQUIRED)
