"""Servers of a few lines on real sockets, for the tests of the OAuth client."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from connectapp.oauth.transport import Transport

Handler = Callable[[socket.socket], None]


@contextmanager
def raw_server(handle: Handler, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that gives every connection to `handle` in a thread of its own; yields ``host:port``."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    threads: list[threading.Thread] = []
    peers: list[socket.socket] = []

    def serve(peer: socket.socket) -> None:
        with suppress(OSError), peer:
            if context is None:
                handle(peer)
            else:
                with context.wrap_socket(peer, server_side=True) as wrapped:
                    handle(wrapped)

    def accept() -> None:
        with suppress(OSError):
            while True:
                peer, _ = listener.accept()
                peers.append(peer)
                threads.append(threading.Thread(target=serve, args=(peer,), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join()
        for peer in peers:
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        for peer in peers:
            peer.close()


def read_request(peer: socket.socket) -> bytes:
    """One whole request, or nothing at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := peer.recv(65536)):
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += peer.recv(65536)
    return head + b"\r\n\r\n" + body


def answering(*pieces: bytes) -> Handler:
    """Answer one request with these bytes and close."""

    def handle(peer: socket.socket) -> None:
        if read_request(peer):
            peer.sendall(b"".join(pieces))

    return handle


def ok(body: bytes = b"fine", *headers: str) -> bytes:
    """A success with its length."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def http(host: str, **options: Any) -> Transport:
    """A transport whose ``https://provider.test`` is the server at `host`."""
    return Transport(hosts={"provider.test": f"http://{host}"}, **options)


@dataclass
class Seen:
    """A request as the server saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body, keep_blank_values=True)


@dataclass
class Server:
    """An authorization server that answers each path with what the test puts there."""

    url: str
    seen: list[Seen] = field(default_factory=list)
    #: path -> (status, body, content type)
    answers: dict[str, tuple[int, bytes, str]] = field(default_factory=dict)

    def answer(self, path: str, content: Any, status: int = 200, kind: str = "application/json") -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.answers[path] = (status, body, kind)

    def transport(self, **options: Any) -> Transport:
        return Transport(hosts={"*": self.url}, **options)


@contextmanager
def provider() -> Iterator[Server]:
    """A `Server`; every provider host is mapped to it, with the host as the first segment of the path."""

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            server.seen.append(Seen(self.command, self.path, self.headers, body))
            status, content, kind = server.answers.get(self.path.partition("?")[0], (404, b"", "text/plain"))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = handle_one  # noqa: N815

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Requests) as listener:
        server = Server(f"http://127.0.0.1:{listener.server_port}")
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()
