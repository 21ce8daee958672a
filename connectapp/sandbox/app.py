"""The sandbox as a WSGI application: finds the endpoint by the provider's host, records, misbehaves as ordered."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from webob import Request, Response

from connectapp.providers.declaration import Declaration
from connectapp.sandbox import declared
from connectapp.sandbox.control import PREFIX, Control
from connectapp.sandbox.faults import Fault, FaultBook
from connectapp.sandbox.holds import Holds
from connectapp.sandbox.ledger import Ledger
from connectapp.sandbox.mailbox import mailbox
from connectapp.sandbox.oauth2 import ROUTES as OAUTH2
from connectapp.sandbox.overview import overview
from connectapp.sandbox.paypal import ROUTES as PAYPAL
from connectapp.sandbox.platforms import Mode, Platform, Platforms
from connectapp.sandbox.records import Seen
from connectapp.sandbox.routing import Refusal, Route, World, json_answer
from connectapp.sandbox.stripe import ROUTES as STRIPE
from connectapp.sandbox.wire import LINE_KEY, Line

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_OF_A_PLATFORM = frozenset({"client_id", "secret_key", "mode", "redirect_uris"})


class Sandbox:
    """The WSGI application. Safe to use from many threads.

    :param routes: the endpoints of all personalities.
    :param host: answer as this one provider host, without the host in the path.
    """

    def __init__(self, world: World, routes: Iterable[Route], host: str | None = None) -> None:
        self._world, self._host = world, host
        self._routes = tuple(routes)
        self._faults, self._holds = FaultBook(), Holds()
        endpoints = frozenset(route.endpoint for route in self._routes)
        self._control = Control(world, self._faults, self._holds, endpoints)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        return cast("Iterable[bytes]", self._answer(Request(environ))(environ, start_response))

    def _answer(self, request: Request) -> Response:
        path = request.path_info
        if path.startswith(PREFIX):
            return self._control.answer(request)
        if path == "/":
            return overview(self._world)
        if path == "/mail":
            return mailbox(self._world)
        seen = self._see(request)
        response = self._provider(request, seen)
        with self._world.ledger.lock:
            seen.status = response.status_code
        return response

    def _see(self, request: Request) -> Seen:
        host, path = self._split(request.path_info)
        return self._world.ledger.see(
            method=request.method,
            host=host,
            path=path,
            query=request.query_string,
            headers=dict(request.headers),
            body=request.body.decode(errors="backslashreplace"),
        )

    def _split(self, path: str) -> tuple[str, str]:
        if self._host is not None:
            return self._host, path
        host, _, rest = path.removeprefix("/").partition("/")
        return host, "/" + rest

    def _provider(self, request: Request, seen: Seen) -> Response:
        matches = [(route, found) for route in self._routes if (found := route.match(seen.host, seen.path)) is not None]
        for route, found in matches:
            if request.method in route.methods:
                return self._serve(request, route, found)
        message = "The sandbox has no such endpoint." if not matches else "The endpoint has no such method."
        return json_answer({"error": {"type": "invalid_request_error", "message": message}}, 405 if matches else 404)

    def _serve(self, request: Request, route: Route, found: tuple[str, ...]) -> Response:
        fault = self._faults.take(route.endpoint, request.method)
        if fault is None:
            return self._work(request, route, found)
        line: Line = request.environ.get(LINE_KEY) or Line()
        if not fault.after:
            self._hold(fault, line)
        response = fault.stand_in() if fault.instead else self._work(request, route, found)
        if fault.after:
            self._hold(fault, line)
        fault.spoil(response)
        line.wire = fault.wire
        return response

    def _hold(self, fault: Fault, line: Line) -> None:
        if fault.hold is not None:
            self._holds.wait(fault.hold, line.stopping)

    def _work(self, request: Request, route: Route, found: tuple[str, ...]) -> Response:
        """The real work: one request at a time, so that every check and its effect are one step."""
        with self._world.ledger.transaction():
            try:
                return route.handler(self._world, request, *found)
            except Refusal as refusal:
                return refusal.response()


def make_app(
    *,
    state_file: Path | str | None = None,
    platforms: Iterable[Platform] | None = None,
    code_ttl: float = 300,
    clock: Callable[[], float] = time.time,
    host: str | None = None,
    declarations: Iterable[Declaration] = (),
) -> Sandbox:
    """Make a sandbox.

    :param state_file: keeps accounts, codes and grants across restarts.
    :param platforms: who may ask for access; default: the one test platform of `Platform`'s defaults. A declared
        provider at which none is registered gets `declared.default_platform`.
    :param code_ttl: seconds that an authorization code is good for.
    :param clock: the time in epoch seconds.
    :param host: answer as this one provider host; default: the first path segment names the host.
    :param declarations: of more providers to play; those that the sandbox knows itself are left out.
    :raises ValueError: the state file cannot be understood, two platforms share a client id or key, or a declared
        provider cannot be played.
    """
    ledger = Ledger(clock, None if state_file is None else Path(state_file))
    known = {one.name: one for one in declarations}
    registered = declared.with_platforms(known.values(), [Platform()] if platforms is None else platforms)
    world = World(ledger, Platforms(registered), code_ttl, known)
    routes = [route for one in declared.played(known.values()) for route in declared.routes(one)]
    # Declared ones first: a variant of Stripe shares an address with it.
    return Sandbox(world, (*routes, *STRIPE, *OAUTH2, *PAYPAL), host)


def from_settings(
    settings: Mapping[str, Any], declarations: Iterable[Declaration] = (), platforms: Iterable[Platform] = ()
) -> Sandbox:
    """Make a sandbox with one platform at Stripe from ini settings; each is optional.

    :param settings: ``state_file``, ``host``, ``code_ttl`` (seconds), ``client_id``, ``secret_key``, ``mode``
        (``test`` or ``live``), ``redirect_uris`` (separated by white space).
    :param declarations: see `make_app`. :param platforms: more of them; one at Stripe counts where no setting says one.
    :raises ValueError: a setting is unknown or wrong.
    """
    left = {name: str(value) for name, value in settings.items()}
    state_file, host = left.pop("state_file", None), left.pop("host", None)
    code_ttl = float(left.pop("code_ttl", "300"))
    given: dict[str, Any] = {name: left.pop(name) for name in ("client_id", "secret_key") if name in left}
    mode, redirect_uris = left.pop("mode", "test"), tuple(left.pop("redirect_uris", "").split())
    if left or mode not in {"test", "live"}:
        raise ValueError(f"sandbox: unknown setting or value: {', '.join(left) or 'mode'}")
    registered = list(platforms)
    if settings.keys() & _OF_A_PLATFORM or not any(one.provider == "stripe" for one in registered):
        platform = Platform(mode=cast("Mode", mode), redirect_uris=redirect_uris, **given)
        registered = [platform, *(one for one in registered if one.provider != "stripe")]
    return make_app(
        state_file=state_file, platforms=registered, code_ttl=code_ttl, host=host, declarations=declarations
    )
