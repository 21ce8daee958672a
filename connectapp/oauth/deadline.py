"""Connections whose every wait ends at one moment: the total deadline of the call that uses them.

A time-out of `socket` bounds one wait, so that a server that sends a byte a second is waited for without end. Here each
socket operation gets what is left of the call's own time instead. No timer and no extra thread is needed for that. Only
name resolution cannot be interrupted: it runs on a few threads of its own, and the caller leaves at the deadline.
"""

import queue
import socket
import ssl
import threading
import time
from concurrent.futures import Future
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

Address = tuple[Any, ...]
AddressInfo = tuple[int, int, int, str, Address]


class Call:
    """One HTTP exchange, in the thread that makes it.

    :param seconds: for all of it: name resolution, connecting, TLS, sending and receiving.
    """

    def __init__(self, seconds: float, resolver: "Resolver") -> None:
        self.ends = time.monotonic() + seconds
        self.resolver = resolver
        #: Whether the first byte of the request may have left; before that, the server surely knows nothing of it.
        self.sent = False

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.ends

    def remaining(self) -> float:
        """Seconds left.

        :raises TimeoutError: if there are none.
        """
        seconds = self.ends - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("deadline exceeded")
        return seconds

    def __enter__(self) -> "Call":
        _running.call = self
        return self

    def __exit__(self, *exc_info: object) -> None:
        del _running.call


class _Running(threading.local):
    call: Call


_running = _Running()


class Resolver:
    """`socket.getaddrinfo` on at most `threads` daemon threads: a dead name server holds nobody beyond the deadline."""

    def __init__(self, threads: int = 4) -> None:
        self._limit = threads
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._questions: queue.SimpleQueue[tuple[Future[list[Any]], str, int] | None] = queue.SimpleQueue()

    def resolve(self, host: str, port: int, seconds: float) -> list[Any]:
        """The addresses of a host, as `socket.getaddrinfo` gives them.

        :raises OSError: if the name has none. :raises TimeoutError: if there is no answer in time.
        """
        try:
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:
            pass  # not an address but a name
        answer: Future[list[Any]] = Future()
        self._start_thread()
        self._questions.put((answer, host, port))
        try:
            return answer.result(seconds)
        finally:
            answer.cancel()

    def close(self) -> None:
        """End the threads, each after the question that it works on."""
        for _ in self._threads:
            self._questions.put(None)

    def _start_thread(self) -> None:
        with self._lock:
            if len(self._threads) < self._limit:
                thread = threading.Thread(target=self._work, name="oauth-resolver", daemon=True)
                thread.start()
                self._threads.append(thread)

    def _work(self) -> None:
        while (question := self._questions.get()) is not None:
            answer, host, port = question
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            except (OSError, UnicodeError) as error:
                answer.set_exception(error)


class _Socket(socket.socket):
    """A TCP socket that waits no longer than the running call may."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_running.call.remaining())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any) -> None:
        self.settimeout(_running.call.remaining())
        super().sendall(*args)


class _TlsSocket(ssl.SSLSocket):
    """The same over TLS. `recv`, `recv_into` and `sendall` of the base class go through these three."""

    def do_handshake(self, block: bool = False) -> None:
        self.settimeout(_running.call.remaining())
        super().do_handshake(block)

    def read(self, *args: Any) -> Any:
        self.settimeout(_running.call.remaining())
        return super().read(*args)

    def send(self, *args: Any) -> int:
        self.settimeout(_running.call.remaining())
        return super().send(*args)


def tls_context(ca_bundle: str) -> ssl.SSLContext:
    """A context that verifies certificate and host name against `ca_bundle` alone, with TLS 1.2 or newer.

    The ready-made contexts of `ssl` and urllib3 read ``SSL_CERT_FILE`` or ``SSLKEYLOGFILE`` from the environment.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=ca_bundle)
    context.sslsocket_class = _TlsSocket
    return context


def _connect(host: str, port: int) -> socket.socket:
    """Connect to the first address that answers; each gets its share of the time that is left."""
    call = _running.call
    addresses = call.resolver.resolve(host.strip("[]"), port, call.remaining())
    failure: OSError = OSError("the name has no address")
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        connection = _Socket(family, kind, protocol)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(call.remaining() / (len(addresses) - tried))
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


class _Watched:
    """What both kinds of connection do differently from urllib3's."""

    def _new_conn(self) -> socket.socket:
        connection: Any = self
        return _connect(connection.host, connection.port)

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        """Everything before this is checked and kept in memory; here the request begins to leave."""
        connection: Any = self
        if connection.is_closed:
            connection.connect()
        _running.call.sent = True
        super().endheaders(*args, **kwargs)  # type: ignore[misc]


class _HttpConnection(_Watched, HTTPConnection):
    pass


class _HttpsConnection(_Watched, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


#: For `urllib3.PoolManager.pool_classes_by_scheme`.
POOLS = {"http": _HttpPool, "https": _HttpsPool}
