"""The registry of OAuth clients, and how a Pyramid application gets it.

::

    config.include("connectapp.oauth")
    config.register_oauth_client("example", client_id=..., authorize_url=..., access_token_url=...)
    # in a view
    request.oauth.example.authorize_redirect(request.route_url("callback"))
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from authlib.integrations.base_client import BaseApp, BaseOAuth

from .apps import PyramidOAuth2App
from .integration import Cache, PyramidIntegration, TokenUpdated
from .transport import Transport

_KEY = "oauth.registry"
# What an introspection page or a log may show; all other options may hold secrets.
_SHOWN = (
    "client_id",
    "authorize_url",
    "access_token_url",
    "refresh_token_url",
    "api_base_url",
    "server_metadata_url",
    "issuer",
    "required_fields",
)


class OAuth(BaseOAuth):
    """All OAuth clients of an application. It works without Pyramid's configuration too.

    :param transport: the HTTP calls of all clients; default: a `Transport` with its own defaults.
    :param settings: where ``oauth.<name>.<parameter>`` is looked up.
    :param cache: see `Cache`. :param integration: a subclass of `PyramidIntegration`, for another state store.
    :param fetch_token, update_token: as in Authlib, called with the client's name first.
    """

    oauth2_client_cls = PyramidOAuth2App

    def __init__(
        self,
        *,
        transport: Transport | None = None,
        settings: Mapping[str, Any] | None = None,
        cache: Cache | None = None,
        integration: type[PyramidIntegration] = PyramidIntegration,
        fetch_token: Callable[..., Any] | None = None,
        update_token: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(cache, fetch_token, update_token)
        self.transport = transport
        self.settings = settings or {}
        self.framework_integration_cls = integration
        self._lock = threading.RLock()

    def register(self, name: str, overwrite: bool = False, **options: Any) -> PyramidOAuth2App:
        """Register a client and make it at once, so that a mistake shows at start.

        :param overwrite: let the settings win over `options`. :param options: see `PyramidOAuth2App`.
        :raises ValueError: for a name that is taken or cannot be an attribute, and for OAuth 1.
        :raises TypeError: for unknown options.
        """
        with self._lock:
            if name in self._registry or not name.isidentifier() or name in dir(self):
                raise ValueError(f"an OAuth client cannot be named {name!r}")
            try:
                client: PyramidOAuth2App = super().register(name, overwrite, **options)
            except Exception:
                del self._registry[name]
                raise
            return client

    def create_client(self, name: str) -> Any:
        """The client of that name, None if there is none."""
        with self._lock:
            return super().create_client(name)

    def generate_client_kwargs(self, name: str, overwrite: bool, **options: Any) -> dict[str, Any]:
        """For Authlib: what a client is made with."""
        if self.transport is None:
            self.transport = Transport()
        made = super().generate_client_kwargs(name, overwrite, **options)
        if made.pop("request_token_url", None) or made.pop("request_token_params", None):
            raise ValueError(f"OAuth client {name!r}: OAuth 1 is not supported")
        return {**made, "transport": self.transport}


class BoundOAuth:
    """`request.oauth`: the registry, whose clients know the request."""

    def __init__(self, oauth: OAuth, request: Any) -> None:
        self._oauth = oauth
        self._request = request

    def create_client(self, name: str) -> "BoundApp | None":
        """The client of that name, None if there is none."""
        app = self._oauth.create_client(name)
        return None if app is None else BoundApp(app, self._request)

    def __getattr__(self, name: str) -> "BoundApp":
        client = self.create_client(name)
        if client is None:
            raise AttributeError(f"No such client: {name}")
        return client


class BoundApp(BaseApp):
    """A client that knows the request. Its methods are those of `PyramidOAuth2App`, and Authlib's `get`, `post`, …"""

    def __init__(self, app: PyramidOAuth2App, request: Any) -> None:
        self._app = app
        self._request = request

    def request(self, method: str, url: str, token: Any = None, **options: Any) -> Any:
        """A request with `token`, or with the one that the registry's `fetch_token` finds for this request."""
        return self._app.request(method, url, token=token, request=self._request, **options)

    def authorize_redirect(self, redirect_uri: str | None = None, **params: Any) -> Any:
        """See `PyramidOAuth2App.authorize_redirect`."""
        return self._app.authorize_redirect(self._request, redirect_uri, **params)

    def authorize_access_token(self, **params: Any) -> dict[str, Any]:
        """See `PyramidOAuth2App.authorize_access_token`."""
        return self._app.authorize_access_token(self._request, **params)

    def save_authorize_data(self, **data: Any) -> None:
        """See `PyramidOAuth2App.save_authorize_data`."""
        self._app.save_authorize_data(self._request, **data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)


def get_oauth(registry: Any) -> OAuth:
    """The OAuth clients of an application; `registry` is Pyramid's."""
    oauth: OAuth = registry[_KEY]
    return oauth


def register_oauth_client(config: Any, name: str, **options: Any) -> None:
    """The directive: `OAuth.register` when the configuration is committed. Two clients of one name are a conflict."""
    introspectable = config.introspectable("oauth clients", name, name, "oauth client")
    introspectable.update({key: options[key] for key in _SHOWN if options.get(key) is not None})
    config.action(
        ("oauth client", name),
        lambda: get_oauth(config.registry).register(name, **options),
        introspectables=(introspectable,),
    )


def set_oauth_transport(config: Any, transport: Transport) -> None:
    """The directive: what all clients speak through."""

    def apply() -> None:
        get_oauth(config.registry).transport = transport

    config.action("oauth transport", apply, order=-1)


def set_oauth_state_store(
    config: Any, *, cache: Cache | None = None, integration: type[PyramidIntegration] = PyramidIntegration
) -> None:
    """The directive: where pending authorizations are kept, if not in the session alone."""

    def apply() -> None:
        oauth = get_oauth(config.registry)
        oauth.cache = cache
        oauth.framework_integration_cls = integration

    config.action("oauth state store", apply, order=-1)


def includeme(config: Any) -> None:
    """Add the directives and `request.oauth`."""
    registry = config.registry

    def notify(name: str, token: Any, refresh_token: Any = None, access_token: Any = None) -> None:
        registry.notify(TokenUpdated(name, token, refresh_token, access_token))

    registry[_KEY] = OAuth(settings=registry.settings, update_token=notify)
    config.add_directive("register_oauth_client", register_oauth_client)
    config.add_directive("set_oauth_transport", set_oauth_transport)
    config.add_directive("set_oauth_state_store", set_oauth_state_store)
    config.add_request_method(lambda request: BoundOAuth(get_oauth(request.registry), request), "oauth", reify=True)
