"""The application in processes of its own: several at once, and killed at will. No mock can die like this."""

import argparse
import http.client
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.support.blackbox import PATIENCE, pass_on
from tests.support.site import Browser

ROOT = Path(__file__).parents[2]


class AppProcess:
    """One application behind waitress on a free port of this machine.

    :param settings: the ini section, as `make_settings` gives it. The process tells its port when it serves.
    :param threads: of waitress. :param server: its other settings. :param fault: one of `tests.faults.points`.
    :param log: where it writes everything that there is to log, SQL included. :param env: variables besides ours.
    """

    def __init__(
        self,
        settings: Mapping[str, str],
        threads: int = 16,
        server: Mapping[str, str] | None = None,
        fault: str | None = None,
        log: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.processes", *(("--fault", fault) if fault else ())],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | dict(env or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        order = {"settings": dict(settings), "server": {"threads": threads, **(server or {})}, "log": str(log or "")}
        self._process.stdin.write(json.dumps(order))
        self._process.stdin.close()
        self._announced = self._process.stdout

    @cached_property
    def port(self) -> int:
        """Where it serves; waits until it does."""
        return int(self._announced.readline())

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """As an application: pass one request on."""
        return pass_on(self.port, environ, start_response)

    def get(self, path: str, cookie: str = "") -> tuple[int, str | None, bytes]:
        """Status, location and body of one request, with a connection of its own."""
        return self._request("GET", path, {"Cookie": cookie})

    def post(self, path: str, cookie: str, fields: Mapping[str, str]) -> tuple[int, str | None, bytes]:
        """Send a form; as `get`."""
        headers = {"Cookie": cookie, "Origin": "https://app.test", "Content-Type": "application/x-www-form-urlencoded"}
        return self._request("POST", path, headers, urlencode(fields))

    def _request(
        self, method: str, path: str, headers: Mapping[str, str], body: str | None = None
    ) -> tuple[int, str | None, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {"Host": "app.test", **headers})
            response = connection.getresponse()
            return response.status, response.getheader("Location"), response.read()
        finally:
            connection.close()

    def raw(self, request: bytes) -> bytes:
        """Send these bytes and read until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(request)
            with connection.makefile("rb") as answer:
                return answer.read()

    def threads(self) -> int:
        """How many threads it has."""
        return len(list(Path(f"/proc/{self._process.pid}/task").iterdir()))

    def peak_memory(self) -> int:
        """The most memory that it ever had, in KiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0])

    def kill(self) -> None:
        """SIGKILL: nothing of ours runs after it."""
        self._process.kill()
        self._end()

    def tell_to_stop(self) -> None:
        """SIGTERM, and no waiting."""
        self._process.terminate()

    def ended(self) -> int:
        """Its exit code; waits for its end."""
        return self._process.wait(30)

    def stop(self) -> None:
        """SIGTERM, which lets coverage write its data. Safe to repeat, also after `kill`."""
        self._process.terminate()
        self._end()

    def _end(self) -> None:
        self._process.wait(30)
        self._announced.close()


@contextmanager
def app_processes(settings: Mapping[str, str], count: int = 1, **kwargs: Any) -> Iterator[list[AppProcess]]:
    """So many processes on one database and one journal; ended at the end."""
    started = [AppProcess(settings, **kwargs) for _ in range(count)]
    try:
        for process in started:
            assert process.port
        yield started
    finally:
        for process in started:
            process.stop()


@contextmanager
def calling(process: AppProcess, path: str, cookie: str) -> Iterator[list[int | None]]:
    """Ask while the block runs; after it the process is ended, and the list has the status, or None if cut off."""
    answers: list[int | None] = []

    def call() -> None:
        try:
            answers.append(process.get(path, cookie)[0])
        except (OSError, http.client.HTTPException):
            answers.append(None)

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield answers
    finally:
        thread.join()
        process.stop()


def write_ini(settings: Mapping[str, str], directory: Path, **changes: str) -> Path:
    """An ini file with these settings, for the command line. :param changes: e.g. ``worker__seconds="1"``."""
    all_settings = {**settings, **{f"connectapp.{key.replace('__', '.')}": value for key, value in changes.items()}}
    lines = [f"{key} = {value}".replace("%", "%%").replace("\n", "\n  ") for key, value in all_settings.items()]
    file = directory / "site.ini"
    file.write_text("\n".join(["[app:main]", "use = egg:connectapp", *lines, ""]))
    return file


@contextmanager
def commands(
    ini: Path, *arguments: str, count: int = 1, env: Mapping[str, str] | None = None
) -> Iterator[list[subprocess.Popen[str]]]:
    """So many processes of ``connectapp COMMAND INI …``; those that still run at the end are told to stop."""
    program = [str(Path(sys.executable).parent / "connectapp"), arguments[0], str(ini), *arguments[1:]]
    options: dict[str, Any] = {
        "cwd": ROOT,
        "env": os.environ | dict(env or {}),
        "stdout": subprocess.PIPE,
        "text": True,
    }
    started = [subprocess.Popen(program, **options) for _ in range(count)]
    try:
        yield started
    finally:
        for process in started:
            process.terminate()
            process.communicate(timeout=60)


def cookie_header(browser: Browser) -> str:
    """The cookies of a browser as it would send them."""
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookiejar)


def serve() -> None:
    """What runs in the process: read the order from standard input, tell the port, serve until a signal comes."""
    import waitress

    import connectapp
    from connectapp.sandbox.serve import port_of
    from connectapp.serve import GRACE, run
    from tests.faults.points import inject
    from tests.security.defences import DEFENCES, remove_named

    options = argparse.ArgumentParser(description="Serve the application of the order on standard input.")
    options.add_argument("--without", choices=DEFENCES, help="a defence that is taken out")
    options.add_argument("--fault", metavar="POINT:WHAT", help="what happens where, e.g. P5-written:kill")
    arguments = options.parse_args()
    remove_named(arguments.without)
    if arguments.fault:
        inject(arguments.fault)
    order = json.load(sys.stdin)
    if order["log"]:
        logging.basicConfig(filename=order["log"], level=logging.DEBUG)
        logging.getLogger("sqlalchemy").setLevel(logging.DEBUG)  # which keeps itself quiet otherwise
    grace = float(order["server"].pop("grace", GRACE))
    app = connectapp.main({}, **order["settings"])
    server = waitress.create_server(app, **({"listen": "127.0.0.1:0", "url_scheme": "https"} | order["server"]))
    print(port_of(server), flush=True)
    run(server, grace)


if __name__ == "__main__":
    serve()
