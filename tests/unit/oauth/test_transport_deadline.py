"""One total deadline for everything that an exchange does."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from connectapp.oauth.transport import DeadlineExceeded, Transport
from tests.unit.oauth.wire import answering, http, ok, raw_server, read_request

DEADLINE = 0.5
# What a loaded machine may add.
SLACK = 5.0


@pytest.fixture
def stopped() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def dripping(stopped: threading.Event, start: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    """Answer `start` at once, then `drop` every 50 ms, for ever: no single wait is long."""

    def handle(peer: socket.socket) -> None:
        read_request(peer)
        peer.sendall(start)
        while not stopped.wait(0.05):
            peer.sendall(drop)

    return handle


def hang(peer: socket.socket) -> None:
    """Read what comes until the client goes away."""
    while peer.recv(65536):
        pass


def exceed(transport: Transport, url: str = "https://provider.test/token") -> DeadlineExceeded:
    """The error of a call that must end at its deadline."""
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded) as caught:
        transport.request("POST", url, body="code=1")
    assert time.monotonic() - began < DEADLINE + SLACK
    return caught.value


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX-", b"a"),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"a"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: 1\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=[
        *("status line", "header line", "headers", "body", "chunks", "chunk extension", "trailers", "interim answers"),
    ],
)
def test_a_drip_ends_at_the_deadline(stopped: threading.Event, start: bytes, drop: bytes) -> None:
    with raw_server(dripping(stopped, start, drop)) as host:
        transport = http(host, deadline=DEADLINE)
        error = exceed(transport)
        transport.close()
    assert error.sent


def test_no_time_at_all_sends_nothing() -> None:
    with raw_server(answering(ok())) as host:
        transport = http(host, deadline=0)
        assert not exceed(transport).sent
        transport.close()


def test_a_server_that_accepts_and_hangs() -> None:
    with raw_server(hang) as host:
        transport = http(host, deadline=DEADLINE)
        assert exceed(transport).sent
        transport.close()


def test_a_server_that_hangs_in_the_tls_handshake_was_sent_nothing() -> None:
    with raw_server(hang) as host:
        transport = Transport(deadline=DEADLINE)
        assert not exceed(transport, f"https://{host}/token").sent
        transport.close()


def test_a_server_that_never_reads_a_large_request(stopped: threading.Event) -> None:
    with raw_server(lambda peer: stopped.wait()) as host:
        transport = http(host, deadline=DEADLINE)
        with pytest.raises(DeadlineExceeded) as caught:
            transport.request("POST", "https://provider.test/", body=b"x" * 50_000_000)
        stopped.set()
        transport.close()
    assert caught.value.sent


def test_a_host_that_drops_connection_attempts_was_sent_nothing() -> None:
    """A full backlog: the kernel answers further SYNs with nothing, as a firewall does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        transport = http(f"127.0.0.1:{listener.getsockname()[1]}", deadline=DEADLINE)
        assert not exceed(transport).sent
        transport.close()
        for client in waiting:
            client.close()


def test_name_resolution_that_hangs_lets_the_caller_go(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()
    release = threading.Event()
    real = socket.getaddrinfo

    def hanging(host: str, *args: object, **options: object) -> object:
        if host == "hanging.test" and not options.get("flags"):
            asked.set()
            release.wait(30)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    transport = Transport(deadline=0.2)
    before = threading.active_count()
    for _ in range(10):  # more than the resolver has threads
        assert not exceed(transport, "https://hanging.test/").sent
    assert asked.is_set()
    assert threading.active_count() - before <= 4
    release.set()
    transport.close()


def test_the_next_address_gets_its_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first address that swallows SYNs, such as IPv6 without a route, leaves time for the second."""
    with socket.socket() as black_hole, raw_server(answering(ok())) as host:
        black_hole.bind(("127.0.0.1", 0))
        black_hole.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(black_hole.getsockname())
        tcp = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        good = ("127.0.0.1", int(host.partition(":")[2]))

        def addresses(host: str, *args: object, **options: object) -> object:
            if options.get("flags"):
                raise socket.gaierror
            return [(*tcp, black_hole.getsockname()), (*tcp, good)]

        monkeypatch.setattr(socket, "getaddrinfo", addresses)
        transport = Transport(hosts={"provider.test": "http://two.test:80"}, deadline=2.0)
        assert transport.request("GET", "https://provider.test/").content == b"fine"
        transport.close()
        for client in waiting:
            client.close()


def test_waiting_for_a_free_connection_counts_and_sends_nothing() -> None:
    arrived = threading.Event()

    def hold(peer: socket.socket) -> None:
        read_request(peer)
        arrived.set()
        peer.recv(1)

    with raw_server(hold) as host:
        transport = http(host, deadline=4 * DEADLINE, connections=1)
        holding = threading.Thread(target=lambda: exceed(transport))
        holding.start()
        assert arrived.wait(10)
        transport.deadline = 0.1
        assert not exceed(transport).sent
        holding.join()
        transport.close()


def test_a_hundred_deadlines_leave_no_thread_and_no_connection_behind() -> None:
    with raw_server(hang) as host:
        transport = http(host, deadline=0.05, connections=2)
        exceed(transport)
        before = resolvers()
        for _ in range(100):
            exceed(transport)
        after = resolvers()
        transport.close()
    assert after <= before


def resolvers() -> set[int | None]:
    """The resolver threads that run now; those of other tests' applications may be among them."""
    return {thread.ident for thread in threading.enumerate() if "resolver" in thread.name}
