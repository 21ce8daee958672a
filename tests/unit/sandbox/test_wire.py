"""Faults in the bytes on the wire, and holds: seen from a plain socket."""

import contextlib
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectapp.sandbox.app import make_app
from connectapp.sandbox.serve import SandboxServer

TOKEN = "/connect.stripe.com/oauth/token"
SEND = f"POST {TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()


def call(server: SandboxServer, method: str, path: str, order: dict[str, Any] | None = None) -> Any:
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    with contextlib.closing(connection):
        body = None if order is None else json.dumps(order)
        connection.request(method, f"/_sandbox/{path}", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        assert response.status == 200, answer
        return answer


def fault(server: SandboxServer, **order: Any) -> None:
    call(server, "POST", "faults", {"endpoint": "token"} | order)


@pytest.fixture
def line(server: SandboxServer) -> Iterator[socket.socket]:
    address = urlsplit(server.url)
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 0), timeout=30) as connection:
        yield connection


def read_all(line: socket.socket) -> bytes:
    return b"".join(iter(lambda: line.recv(65536), b""))


def test_raw_bytes_are_sent_as_they_are(server: SandboxServer, line: socket.socket) -> None:
    fault(server, raw="HTTP/1.1 200 OK\r\nX: a\nb\x00\xff\r\n\r\n")
    line.sendall(SEND)
    assert read_all(line) == b"HTTP/1.1 200 OK\r\nX: a\nb\x00\xff\r\n\r\n"


def test_the_connection_closes_after_so_many_bytes(server: SandboxServer, line: socket.socket) -> None:
    fault(server, close_after=12, status=200)
    line.sendall(SEND)
    assert read_all(line) == b"HTTP/1.1 200"


def test_the_connection_closes_after_the_headers(server: SandboxServer, line: socket.socket) -> None:
    fault(server, close_after="headers", status=200, body="never sent")
    line.sendall(SEND)
    answer = read_all(line)
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 10\r\n" in answer


def test_a_wrong_content_length_is_sent_and_the_connection_closed(server: SandboxServer, line: socket.socket) -> None:
    fault(server, status=200, body="short", headers={"Content-Length": "500"})
    line.sendall(SEND)
    answer = read_all(line)
    assert b"Content-Length: 500\r\n" in answer
    assert answer.endswith(b"\r\n\r\nshort")


def test_a_bad_chunk_can_be_sent(server: SandboxServer, line: socket.socket) -> None:
    fault(server, status=200, body="zz\r\n", headers={"Content-Length": None, "Transfer-Encoding": "chunked"})
    line.sendall(SEND)
    answer = read_all(line)
    assert b"Content-Length" not in answer
    assert answer.endswith(b"\r\n\r\nzz\r\n")


def test_a_reset_is_a_reset(server: SandboxServer, line: socket.socket) -> None:
    fault(server, reset=True, close_after=0)
    line.sendall(SEND)
    with pytest.raises(ConnectionResetError):
        read_all(line)


def test_hang_sends_nothing_and_ends_with_a_close(server: SandboxServer, line: socket.socket) -> None:
    fault(server, hang=0.3, close_after=0)
    begun = monotonic()
    line.sendall(SEND)
    assert read_all(line) == b""
    assert monotonic() - begun >= 0.3


def test_delay_comes_before_the_first_byte_and_the_work_is_done(server: SandboxServer, line: socket.socket) -> None:
    fault(server, delay=0.3)
    begun = monotonic()
    line.sendall(SEND)
    assert line.recv(8) == b"HTTP/1.1"
    assert monotonic() - begun >= 0.3
    assert b"401" in line.recv(8)  # the real answer to a request without a key


def test_the_status_line_can_drip(server: SandboxServer, line: socket.socket) -> None:
    fault(server, delay_per_byte=0.02, close_after=12, status=200)
    line.sendall(SEND)
    begun = monotonic()
    pieces = list(iter(lambda: line.recv(65536), b""))
    assert b"".join(pieces) == b"HTTP/1.1 200"
    assert len(pieces) > 1
    assert monotonic() - begun >= 0.2


def test_the_body_can_drip_after_headers_that_came_at_once(server: SandboxServer, line: socket.socket) -> None:
    fault(server, delay_per_byte=0.02, drip_from="headers", status=200, body="0123456789")
    line.sendall(SEND)
    received = line.recv(65536)
    assert b"\r\n\r\n" in received
    assert not received.endswith(b"0123456789")
    while not received.endswith(b"0123456789"):
        received += line.recv(65536)


def test_a_slow_answer_keeps_the_connection(server: SandboxServer) -> None:
    fault(server, delay=0.01)
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    with contextlib.closing(connection):
        ports = set()
        for _ in range(2):
            connection.request("POST", TOKEN)
            connection.getresponse().read()
            assert connection.sock is not None
            ports.add(connection.sock.getsockname()[1])
        assert len(ports) == 1


def token_status(server: SandboxServer, code: str) -> int:
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    with contextlib.closing(connection):
        headers = {"Authorization": "Bearer sk_test_sandbox", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", TOKEN, f"grant_type=authorization_code&code={code}", headers)
        response = connection.getresponse()
        response.read()
        return response.status


def test_of_many_redemptions_at_once_one_succeeds_and_the_connection_is_gone(server: SandboxServer) -> None:
    code = call(server, "POST", "codes", {"account": "acct_1SandboxRiverside1"})["code"]
    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(lambda _: token_status(server, code), range(10)))
    assert sorted(statuses) == [200] + [400] * 9
    ledger = call(server, "GET", "ledger")
    assert ledger["codes"][0]["redemptions"] == 10
    assert [grant["live"] for grant in ledger["grants"]] == [False]


@pytest.mark.parametrize("after", [False, True])
def test_a_hold_stops_before_or_after_the_work(server: SandboxServer, after: bool) -> None:
    code = call(server, "POST", "codes", {"account": "acct_1SandboxRiverside1"})["code"]
    fault(server, hold="here", after=after)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(token_status, server, code)
        assert call(server, "GET", "holds?hold=here&count=1&timeout=30") == {"holds": {"here": 1}}
        ledger = call(server, "GET", "ledger")
        assert ledger["codes"][0]["redemptions"] == int(after)
        assert ledger["requests"][0]["status"] is None
        assert call(server, "POST", "release", {"hold": "here"}) == {"released": 1}
        assert answer.result(30) == 200
    assert call(server, "GET", "holds") == {"holds": {}}
    assert call(server, "GET", "ledger")["codes"][0]["redemptions"] == 1


def test_release_is_for_those_who_wait_now_and_for_that_name(server: SandboxServer) -> None:
    assert call(server, "POST", "release", {"hold": "here"}) == {"released": 0}
    fault(server, hold="here", times=2)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(token_status, server, "x") for _ in range(2)]
        call(server, "GET", "holds?hold=here&count=2&timeout=30")
        call(server, "POST", "release", {"hold": "elsewhere"})
        assert call(server, "GET", "holds") == {"holds": {"here": 2}}
        assert call(server, "DELETE", "faults") == {}  # clearing the faults frees everybody
        assert [one.result(30) for one in answers] == [400, 400]


def test_waiting_for_a_hold_ends_with_its_timeout(server: SandboxServer) -> None:
    assert call(server, "GET", "holds?hold=here&count=1&timeout=0.1") == {"holds": {}}


@pytest.mark.parametrize("order", [{"hold": "here"}, {"hang": 600, "close_after": 0}, {"delay": 600}])
def test_stopping_the_server_frees_what_waits(order: dict[str, Any]) -> None:
    server = SandboxServer(make_app()).start()
    fault(server, **order)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(token_status, server, "x")
        while not call(server, "GET", "faults")["faults"][0]["hits"]:
            pass
        server.stop()
        with pytest.raises(OSError, match=r"closed|reset"):
            answer.result(30)
