"""The HTTP server, and the development server as pserve runs it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from connectapp.sandbox.app import make_app
from connectapp.sandbox.serve import SandboxServer

INI = """
[app:main]
use = egg:connectapp#sandbox
[server:main]
use = egg:connectapp#development
listen = 127.0.0.1:{port}
threads = 2
sandbox.listen = {sandbox}
sandbox.state_file = %(here)s/sandbox.json
"""


def connect(server: SandboxServer) -> contextlib.closing[HTTPConnection]:
    return contextlib.closing(HTTPConnection(urlsplit(server.url).netloc, timeout=30))


def test_one_connection_serves_many_requests(server: SandboxServer) -> None:
    with connect(server) as connection:
        ports = set()
        for method in ("GET", "HEAD", "GET"):
            connection.request(method, "/")
            response = connection.getresponse()
            assert response.status == 200
            assert bool(response.read()) == (method == "GET")
            assert connection.sock is not None
            ports.add(connection.sock.getsockname())
        assert len(ports) == 1


def test_fifty_connections_are_served_at_once() -> None:
    together = Barrier(50, timeout=30)

    def app(_: Any, start_response: Any) -> Iterable[bytes]:
        together.wait()
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    def get(_: int) -> bytes:
        with connect(server) as connection:
            connection.request("GET", "/")
            return connection.getresponse().read()

    with SandboxServer(app) as server, ThreadPoolExecutor(50) as pool:
        assert list(pool.map(get, range(50))) == [b"ok"] * 50


def test_a_failing_application_answers_500(caplog: pytest.LogCaptureFixture) -> None:
    def app(_: Any, __: Any) -> Iterable[bytes]:
        raise RuntimeError("broken")

    with SandboxServer(app) as server, connect(server) as connection:
        connection.request("GET", "/")
        assert connection.getresponse().status == 500
    assert "the sandbox failed" in caplog.text


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [("Transfer-Encoding", "chunked", 411), ("Content-Length", "-1", 411), ("Content-Length", "99999999999", 413)],
)
def test_bodies_that_it_cannot_read_are_refused(server: SandboxServer, header: str, value: str, status: int) -> None:
    with connect(server) as connection:
        connection.putrequest("POST", "/connect.stripe.com/oauth/token")
        connection.putheader(header, value)
        connection.endheaders()
        assert connection.getresponse().status == status


def test_stop_cuts_idle_connections_and_closes_the_port() -> None:
    server = SandboxServer(make_app()).start()
    address = ("127.0.0.1", urlsplit(server.url).port or 0)
    with socket.create_connection(address, timeout=30) as idle:
        idle.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(65536)  # it is accepted, and idle now
        server.stop()
        assert idle.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=30)


def test_a_server_that_never_started_can_be_stopped() -> None:
    SandboxServer(lambda *_: []).stop()


@contextlib.contextmanager
def pserve(folder: Path, port: int = 0, sandbox: str = "127.0.0.1:0") -> Iterator[subprocess.Popen[str]]:
    ini = folder / "development.ini"
    ini.write_text(INI.format(port=port, sandbox=sandbox))
    command = [sys.executable, "-c", "from pyramid.scripts.pserve import main; main()", "-q", str(ini)]
    # Warnings of libraries would be on the standard error that the tests look at.
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_development_serves_both_and_leaves_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with pserve(tmp_path) as process:
        assert process.stdout is not None
        first, second = process.stdout.readline(), process.stdout.readline()
        assert first.startswith("connectapp  http://127.0.0.1:")
        assert "stands in for Stripe" in second
        for line in (first, second):
            with urlopen(line.split()[1], timeout=30) as response:
                assert response.status == 200
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in errors


@pytest.mark.parametrize("taken", ["application", "sandbox"])
def test_a_taken_port_is_said_in_one_line(tmp_path: Path, taken: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        where = {"port": port} if taken == "application" else {"sandbox": f"127.0.0.1:{port}"}
        with pserve(tmp_path, **where) as process:
            _, errors = process.communicate(timeout=30)
            assert process.returncode == 1
            assert str(port) in errors
            assert errors.count("\n") == 1


def test_a_wrong_setting_is_said_in_one_line(tmp_path: Path) -> None:
    with pserve(tmp_path, sandbox="127.0.0.1:0\nsandbox.colour = red") as process:
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 1
        assert "colour" in errors
        assert errors.count("\n") == 1
