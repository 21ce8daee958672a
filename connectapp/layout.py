"""What every page shows around its own content."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyramid.csrf import get_csrf_token
from pyramid.events import BeforeRender
from pyramid.static import QueryStringConstantCacheBuster

from connectapp.providers.interfaces import IPaymentProvider
from connectapp.settings import get_settings


@dataclass(frozen=True)
class Site:
    """The frame of a page: who is signed in, the anti-forgery token for its forms, and where we are."""

    user_email: str | None
    organizer_name: str | None
    csrf_token: str
    environment: str
    badge: str | None
    reference: str
    organizer_id: str | None = None


@dataclass(frozen=True)
class ProviderLink:
    """A provider as pages show it: its name, its own page, and where its button sends the form."""

    name: str
    title: str
    mode: str
    path: str
    connect_path: str
    colour_class: str


def provider_link(provider: IPaymentProvider) -> ProviderLink:
    """See `ProviderLink`."""
    path = f"/connect/{provider.name}"
    colour = f"provider-{provider.name}"
    return ProviderLink(provider.name, provider.title, provider.mode, path, f"{path}/authorize", colour)


def _site(request: Any) -> Site:
    settings = get_settings(request.registry)
    actor = request.actor
    return Site(
        user_email=actor.email if actor else None,
        organizer_name=actor.organizer_name if actor else None,
        csrf_token=get_csrf_token(request),
        environment=settings.environment,
        badge=settings.badge,
        reference=request.reference,
        organizer_id=actor.organizer_id if actor else None,
    )


def _add_site(event: Any) -> None:
    request = event.get("request")
    if request is not None and not (event.get("renderer_name") or "").endswith("error.jinja2"):
        event["site"] = _site(request)


def _static_hash() -> str:
    """Changes with the stylesheets, so that a browser may keep them for long."""
    directory = Path(__file__).parent / "static"
    content = b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())
    return hashlib.sha256(content).hexdigest()[:12]


def includeme(config: Any) -> None:
    config.include("pyramid_jinja2")
    config.add_jinja2_search_path("connectapp:templates")
    config.add_static_view("static", "connectapp:static", cache_max_age=365 * 24 * 3600)
    config.add_cache_buster("connectapp:static/", QueryStringConstantCacheBuster(_static_hash()))
    config.add_subscriber(_add_site, BeforeRender)
