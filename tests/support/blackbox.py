"""The application as two processes that are asked in turn: nothing that a test sees comes from its own memory.

The processes are forked from a server that has imported everything already, so that each test can have its own.
"""

import contextlib
import functools
import http.client
import itertools
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from multiprocessing import forkserver
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import connectapp
import connectapp.providers
from connectapp.logs import Formatter

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# Seconds. Where a defence was taken out, hanging is one way to notice.
PATIENCE = 10 if "TESTS_WITHOUT" in os.environ else 60
# Of one connection only (RFC 9110 section 7.6.1), and what a server adds to the application's answer.
NOT_PASSED_ON = {"connection", "keep-alive", "transfer-encoding", "upgrade", "date"}
LISTENING, QUIET, END = "listening", "quiet", "\x1e"
PLUGINS = Path(__file__).parents[1] / "security/plugins"

_forks = multiprocessing.get_context("forkserver")


@functools.cache
def _start_server() -> None:
    """The server that processes are forked from. It does not get our `sys.path` before Python 3.13, so by its name."""
    _forks.set_forkserver_preload(["tests.support.warm", "tests.support.blackbox"])
    root = str(Path(__file__).parents[2])
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = root if before is None else f"{root}{os.pathsep}{before}"
    try:
        forkserver.ensure_running()
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before


class Processes:
    """So many processes of one application, as one WSGI application in front of them: a proxy that trusts nobody.

    :param settings: the ini section, as `make_settings` gives it.
    """

    def __init__(self, settings: Mapping[str, str], count: int = 2) -> None:
        _start_server()
        self.settings = dict(settings)
        self._started = []
        self._announced = []
        self._directory = TemporaryDirectory()
        self._logs = [Path(self._directory.name) / f"{number}.log" for number in range(count)]
        for log in self._logs:
            ours, theirs = _forks.Pipe()
            process = _forks.Process(target=_serve, args=(self.settings, theirs, log), daemon=True)
            process.start()
            theirs.close()
            self._started.append(process)
            self._announced.append(ours)

    @cached_property
    def _turns(self) -> Any:
        """The ports, over and over; waits until all serve."""
        ports = []
        for connection in self._announced:
            with connection:
                assert connection.poll(PATIENCE), "a process does not start"
                ports.append(connection.recv())
        return itertools.cycle(ports)

    @cached_property
    def registry(self) -> Any:
        """Of the same application in this process, for what no browser can do: a worker, recovery."""
        return connectapp.main({}, **self.settings).registry

    @contextlib.contextmanager
    def logged(self) -> Iterator[list[str]]:
        """What the processes log meanwhile, from DEBUG on: one text per record, filled when the block is left."""
        records: list[str] = []
        assert self._turns
        for process, log in zip(self._started, self._logs, strict=True):
            assert process.pid
            os.kill(process.pid, signal.SIGUSR1)
            while LISTENING not in log.read_text():
                time.sleep(0.01)
        yield records
        for process, log in zip(self._started, self._logs, strict=True):
            os.kill(process.pid or 0, signal.SIGUSR2)
            while QUIET not in (text := log.read_text()):
                time.sleep(0.01)
            records += text.split(END)[1:-2]  # between the two marks
            log.write_text("")

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Pass one request on."""
        return pass_on(next(self._turns), environ, start_response)

    def close(self) -> None:
        """End the processes."""
        for process in self._started:
            process.kill()
        for process in self._started:
            process.join(PATIENCE)
            process.close()
        self._directory.cleanup()
        if "registry" in self.__dict__:
            self.registry["connectapp.engine"].dispose()
            self.registry["oauth.registry"].transport.close()


def pass_on(port: int, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Ask the server at this port of our machine, and answer with its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.putrequest(environ["REQUEST_METHOD"], _target(environ), skip_host=True, skip_accept_encoding=True)
        for name, value in _headers(environ).items():
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        answer = connection.getresponse()
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in NOT_PASSED_ON]
        body = answer.read()
    start_response(f"{answer.status} {answer.reason}", headers)
    return [body]


def _target(environ: "WSGIEnvironment") -> str:
    path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/!$&'()*+,;=:@-._~")
    query = quote(environ.get("QUERY_STRING", ""), safe="/!$&'()*+,;=:@-._~?%[]")
    return f"{path}?{query}" if query else path


def _headers(environ: "WSGIEnvironment") -> dict[str, str]:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").title(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").title()] = environ[name]
    return headers | {"X-Forwarded-For": environ.get("REMOTE_ADDR") or "127.0.0.1"}


def _serve(settings: Mapping[str, str], announce: "Connection", log: Path) -> None:
    """What runs in each process."""
    import waitress

    _write_log(log)
    from connectapp.sandbox.serve import port_of
    from connectapp.serve import run
    from tests.security.defences import remove_named

    remove_named()
    connectapp.providers.__path__.append(str(PLUGINS))
    proxy = {
        "trusted_proxy": "127.0.0.1",
        "trusted_proxy_headers": "x-forwarded-for",
        "clear_untrusted_proxy_headers": True,
    }
    app = connectapp.main({}, **settings)
    server = waitress.create_server(app, listen="127.0.0.1:0", url_scheme="https", threads=8, ident="", **proxy)
    with announce:
        announce.send(port_of(server))
    run(server)


def _write_log(log: Path) -> None:
    """Nothing, until SIGUSR1 asks for everything; SIGUSR2 ends that."""
    handler, root = logging.FileHandler(log, encoding="utf-8"), logging.getLogger()
    handler.setFormatter(Formatter("%(levelname)s [%(reference)s] %(name)s: %(message)s"))
    handler.terminator = END
    root.handlers = [handler]

    def listen(*_: object) -> None:
        root.setLevel(logging.DEBUG)
        root.info(LISTENING)

    def end(*_: object) -> None:
        root.info(QUIET)
        root.setLevel(logging.CRITICAL)

    signal.signal(signal.SIGUSR1, listen)
    signal.signal(signal.SIGUSR2, end)
    root.setLevel(logging.CRITICAL)
