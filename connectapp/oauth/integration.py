"""Where pending authorizations and the configuration live in a Pyramid application."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from authlib.integrations.base_client import FrameworkIntegration

_MAPPINGS = ("_params", "_kwargs")


class Cache(Protocol):
    """What Authlib asks of a cache that web processes share, such as a thin wrapper of Redis."""

    def get(self, key: str) -> Any: ...

    def set(self, key: str, value: str, expires: int) -> Any: ...

    def delete(self, key: str) -> Any: ...


@dataclass(frozen=True)
class TokenUpdated:
    """An event: a token was refreshed on the way of a request, and the old one should be replaced by it.

    :param refresh_token, access_token: what identifies the old one; whichever was used.
    """

    name: str
    token: Mapping[str, Any]
    refresh_token: str | None = None
    access_token: str | None = None


class PyramidIntegration(FrameworkIntegration):
    """Keeps the data of a pending authorization in `request.session`, or in a cache with a marker in the session.

    Another place, such as a table, is a subclass with the three `*_state_data` methods; they are given the request.
    Keys hold a hash of the state, so that reading the store does not help to forge a callback.
    """

    #: Seconds that an authorization may take.
    expires_in = 3600

    def __init__(self, name: str, cache: Cache | None = None, clock: Callable[[], float] = time.time) -> None:
        super().__init__(name, cache)
        self._clock = clock

    def set_state_data(self, request: Any, state: str, data: Mapping[str, Any]) -> None:
        """Keep `data` until `clear_state_data` or the expiry."""
        session = self._session(request)
        key = self._key(state)
        entry = {"data": dict(data), "exp": self._clock() + self.expires_in}
        self._forget_expired(session)
        if self.cache is None:
            session[key] = entry
        else:
            self.cache.set(key, json.dumps(entry), self.expires_in)
            session[key] = {"exp": entry["exp"]}

    def get_state_data(self, request: Any, state: str) -> Mapping[str, Any] | None:
        """The data, or None if this browser has no such authorization pending or its time is over."""
        key = self._key(state)
        entry = self._session(request).get(key)
        if entry is not None and self.cache is not None:
            entry = self._get_cache_data(key)
        if not entry or entry["exp"] <= self._clock():
            return None
        data: Mapping[str, Any] = entry["data"]
        return data

    def clear_state_data(self, request: Any, state: str) -> None:
        """Forget one authorization, and those whose time is over."""
        session = self._session(request)
        key = self._key(state)
        if self.cache is not None and key in session:
            self.cache.delete(key)
        session.pop(key, None)
        self._forget_expired(session)

    def update_token(self, token: Any, refresh_token: str | None = None, access_token: str | None = None) -> None:
        """Nothing more: the registry's `update_token` has been called, which notifies of `TokenUpdated`."""

    @staticmethod
    def load_config(oauth: Any, name: str, params: Iterable[str]) -> dict[str, Any]:
        """Read ``oauth.<name>.<parameter>`` from the application's settings.

        :raises ValueError: if a parameter that is a mapping is no JSON object.
        """
        found = {param: oauth.settings.get(f"oauth.{name}.{param}") for param in params}
        return {
            param: _mapping(name, param, value) if param.endswith(_MAPPINGS) else value
            for param, value in found.items()
            if value is not None
        }

    def _session(self, request: Any) -> Any:
        """The session, if it can forget.

        :raises RuntimeError: if it cannot: an old cookie would bring a used state back (RFC 9700 section 4.2.4).
        """
        session = request.session
        if self.cache is None and type(session).__module__ == "pyramid.session":
            raise RuntimeError(
                "Pyramid's cookie sessions cannot forget a used OAuth state. Use a server-side session factory, or "
                "call config.set_oauth_state_store(cache=...) with a cache that all web processes share."
            )
        return session

    def _key(self, state: str) -> str:
        return f"{self._prefix}{hashlib.sha256(state.encode()).hexdigest()}"

    @property
    def _prefix(self) -> str:
        return f"_oauth:{self.name}:"

    def _forget_expired(self, session: Any) -> None:
        for key in [key for key in session.keys() if key.startswith(self._prefix)]:  # noqa: SIM118 - ISession
            if session[key]["exp"] <= self._clock():
                del session[key]


def _mapping(name: str, param: str, value: Any) -> dict[str, Any]:
    """A mapping as it is, or from the JSON text that an ini file has."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, dict):
        raise ValueError(f"oauth.{name}.{param} must be a JSON object")
    return value
