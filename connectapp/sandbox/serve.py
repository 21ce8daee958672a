"""The sandbox's own small HTTP server, and the development server that runs it beside the application.

A WSGI server hides its sockets; the faults need them. So the sandbox is always served by `SandboxServer`.
"""

import io
import logging
import os
import signal
import socket
import socketserver
import sys
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from threading import Condition, Event, Thread
from typing import TYPE_CHECKING, Any, NoReturn
from wsgiref.simple_server import WSGIRequestHandler

import waitress
from webob import Request

from connectapp.providers.declaration import Declaration
from connectapp.sandbox.app import from_settings
from connectapp.sandbox.declared import default_platform, played
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.wire import LINE_KEY, Line

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger(__name__)
_MAX_BODY = 32 * 2**20
_PATIENCE = 10  # seconds that stop() gives the connections


class _Handler(WSGIRequestHandler):
    """Serves the requests of one connection, one after the other."""

    server: "_Server"
    protocol_version = "HTTP/1.1"
    timeout = 120
    disable_nagle_algorithm = True
    handle = BaseHTTPRequestHandler.handle  # wsgiref's own serves one request and closes

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            return
        line = Line(stopping=self.server.stopping)
        environ = self.get_environ() | {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            LINE_KEY: line,
        }
        status, headers, content = _call(self.server.app, environ)
        if not self._keeps(status, headers, content, line):
            self.close_connection = True
            headers.append(("Connection", "close"))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        head = f"HTTP/1.1 {status}\r\nDate: {self.date_time_string()}\r\n{head}\r\n"
        line.wire.send(self.connection, head.encode("latin-1", "replace"), content, self.server.stopping)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815 - http.server's names

    def _read_body(self) -> bytes | None:
        """The whole body; None where that is refused (and the refusal is sent)."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self.send_error(411)
        elif int(length) > _MAX_BODY:
            self.send_error(413)
        else:
            return self.rfile.read(int(length))
        return None

    def _keeps(self, status: str, headers: list[tuple[str, str]], content: bytes, line: Line) -> bool:
        if self.close_connection or not line.wire.keeps_connection:
            return False
        declared = [value for name, value in headers if name.lower() == "content-length"]
        bodyless = self.command == "HEAD" or status[:3] in {"204", "304"}
        return bodyless or declared == [str(len(content))]

    def log_message(self, *_: Any) -> None:
        """The ledger is the log."""


def _call(app: "WSGIApplication", environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    try:
        status, headers, chunks = Request(environ).call_application(app)
        return status, list(headers), b"".join(chunks)
    except Exception:
        log.exception("the sandbox failed")
        return "500 Internal Server Error", [("Content-Length", "0")], b""


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """One thread per connection; knows its open connections, so that it can end them."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], app: "WSGIApplication") -> None:
        self.app, self.stopping = app, Event()
        self._open: set[socket.socket] = set()
        self._changed = Condition()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)
        self.base_environ = {
            "GATEWAY_INTERFACE": "CGI/1.1",
            "SERVER_NAME": address[0],
            "SERVER_PORT": str(self.server_address[1]),
            "REMOTE_HOST": "",
            "CONTENT_LENGTH": "",
            "SCRIPT_NAME": "",
        }

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._changed:
                self._open.discard(request)
                self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if not isinstance(error, OSError):  # those only mean that the other side went away
            log.error("a connection of the sandbox failed", exc_info=error)

    def end_connections(self) -> None:
        """Cut all connections and wait for their threads."""
        self.stopping.set()
        with self._changed:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # closed by the other side already
            self._changed.wait_for(lambda: not self._open, _PATIENCE)


class SandboxServer:
    """Serves a WSGI application over HTTP/1.1 with keep-alive, in threads. Also a context manager.

    :param port: 0 takes a free one.
    :raises OSError: the address cannot be listened on.
    """

    def __init__(self, app: "WSGIApplication", host: str = "127.0.0.1", port: int = 0) -> None:
        self._server = _Server((host, port), app)
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), name="sandbox", daemon=True)

    def start(self) -> "SandboxServer":
        """Answer from now on."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Cut every connection, end every wait, close the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.end_connections()
        self._server.server_close()

    def __enter__(self) -> "SandboxServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve_with_app(app: "WSGIApplication", global_conf: dict[str, str], **settings: str) -> None:
    """The ``paste.server_runner`` ``egg:connectapp#development``: the application, and the sandbox beside it.

    The sandbox plays every provider that the application has. Says where both are once both listen. Ends cleanly on
    SIGINT and SIGTERM. What hinders the start is said in one line, and the process ends with the code 1.

    :param settings: ``sandbox.listen`` (default ``127.0.0.1:6544``); other ``sandbox.`` settings are those of
        `connectapp.sandbox.app.from_settings`; the rest is waitress's, with ``listen`` ``localhost:6543``.
    """
    ours = {name.removeprefix("sandbox."): settings.pop(name) for name in list(settings) if name.startswith("sandbox.")}
    settings.setdefault("listen", "localhost:6543")
    host, _, port = ours.pop("listen", "127.0.0.1:6544").rpartition(":")
    declarations, platforms = configured(app)
    try:
        sandbox = SandboxServer(from_settings(ours, declarations, platforms), host.strip("[]"), int(port))
    except (OSError, ValueError, OverflowError) as error:
        _give_up(f"the sandbox cannot start on {host}:{port}: {error}")
    try:
        server = waitress.create_server(app, **settings)
    except (OSError, ValueError) as error:
        _give_up(f"cannot start on {settings['listen']}: {error}")
    with sandbox:
        shown = f"{settings['listen'].split()[0].rpartition(':')[0]}:{port_of(server)}"
        titles = [one.title for one in declarations if one.kind == "onboarding" or one in played(declarations)]
        others = "".join(f", {title}" for title in titles if title != "Stripe")
        sys.stdout.write(f"connectapp  http://{shown}\nsandbox     {sandbox.url} (stands in for Stripe{others})\n")
        sys.stdout.flush()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _leave)
        server.run()


def configured(app: Any) -> tuple[list[Declaration], list[Platform]]:
    """The providers that an application has, and who it is at each of them; none, if it cannot be asked.

    :param app: the WSGI application, or what is wrapped around it as its ``app`` or ``application``.
    """
    while app is not None and not hasattr(app, "registry"):
        app = getattr(app, "app", None) or getattr(app, "application", None)
    registry = getattr(app, "registry", None) or {}
    url = str(getattr(registry.get("connectapp.settings"), "url", "")).rstrip("/")
    declarations, platforms = [], []
    for provider in (registry.get("connectapp.providers") or {}).values():
        declaration, settings = getattr(provider, "declaration", None), getattr(provider, "settings", None)
        if isinstance(declaration, Declaration) and settings is not None:
            declarations.append(declaration)
            platforms.append(_platform(declaration, settings, f"{url}/connect/{declaration.name}/callback"))
    return declarations, platforms


def _platform(declaration: Declaration, settings: Any, callback: str) -> Platform:
    secret, others = getattr(settings, "client_secret", None), getattr(settings, "secret", {})
    registered = declaration.kind == "oauth" and "redirect_uri" not in declaration.authorize.sends
    given: dict[str, Any] = {
        "client_id": getattr(settings, "client_id", None),
        "secret_key": secret.reveal() if secret else None,
        "mode": getattr(settings, "mode", None),
        # Who does not send it has registered it with the provider.
        "redirect_uris": (callback,) if registered else None,
        "secrets": {name: one.reveal() for name, one in others.items()},
    }
    return replace(default_platform(declaration), **{name: value for name, value in given.items() if value})


def port_of(server: Any) -> int:
    """The port in use; waitress has another class where the host name has several addresses."""
    several = getattr(server, "effective_listen", None)
    return int(several[0][1] if several else server.effective_port)


def _leave(*_: object) -> NoReturn:
    sys.exit(0)  # waitress ends its loop on this


def _give_up(message: str) -> NoReturn:
    """End with the code 1; pserve would make a success of SystemExit and a traceback of anything else."""
    sys.stderr.write(f"connectapp: {message}\n")
    sys.stderr.flush()
    os._exit(1)
