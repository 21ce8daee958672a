"""An authorization server and a client that is registered with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pyramid.config import Configurator
from pyramid.request import Request, apply_request_extensions

from connectapp.oauth.apps import PyramidOAuth2App
from connectapp.oauth.registry import OAuth
from connectapp.oauth.transport import Transport
from tests.unit.oauth.wire import Server, provider

TOKEN_PATH = "/provider.test/token"
TOKEN = {"access_token": "at-1", "token_type": "Bearer", "refresh_token": "rt-1", "expires_in": 3600}
REGISTRATION: dict[str, Any] = {
    "client_id": "me",
    "client_secret": "client-secret",
    "authorize_url": "https://provider.test/authorize",
    "access_token_url": "https://provider.test/token",
    "client_kwargs": {"scope": "pay", "code_challenge_method": "S256"},
}

Register = Callable[..., PyramidOAuth2App]


@pytest.fixture
def server() -> Iterator[Server]:
    with provider() as running:
        running.answer(TOKEN_PATH, TOKEN)
        yield running


@pytest.fixture
def transport(server: Server) -> Iterator[Transport]:
    transport = server.transport(deadline=10)
    yield transport
    transport.close()


@pytest.fixture
def register(transport: Transport) -> Register:
    """Register a client; arguments replace those of `REGISTRATION`, None removes one."""

    def make(**changes: Any) -> PyramidOAuth2App:
        options = {name: value for name, value in (REGISTRATION | changes).items() if value is not None}
        return OAuth(transport=transport).register("example", **options)

    return make


def callback(session: dict[str, Any], query: str) -> Request:
    """The browser's return, with this session."""
    request = Request.blank(f"/callback?{query}")
    request.session = session
    return request


def leave(app: PyramidOAuth2App, session: dict[str, Any], **params: Any) -> str:
    """Send the browser away; returns the state."""
    request = Request.blank("/connect")
    request.session = session
    response = app.authorize_redirect(request, "https://app.test/callback", **params)
    state: str = Request.blank(response.location).GET["state"]
    return state


@contextmanager
def configured(transport: Transport, settings: dict[str, Any] | None = None) -> Iterator[Configurator]:
    """An application's configuration, committed at the end."""
    config = Configurator(settings=settings or {})
    config.include("connectapp.oauth")
    config.set_oauth_transport(transport)
    yield config
    config.commit()


def make_request(config: Configurator, path: str = "/", session: Any = None) -> Request:
    """A request as a view gets it."""
    request = Request.blank(path)
    request.registry = config.registry
    apply_request_extensions(request)
    if session is not None:
        request.session = session
    return request
