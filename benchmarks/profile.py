"""CPU time of one link flow (authorize and callback): connectapp, and the same flow in Flask and Authlib by hand.

Each application runs in a process of its own on SQLite; the driver and the provider (our sandbox, plain HTTP) run
outside of it. What is printed is the process time of the application, user and system, after a warm-up.
"""

import http.client
import json
import multiprocessing
import re
import sys
import tempfile
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import waitress

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import flask_authlib  # noqa: E402
from connectapp.sandbox.app import make_app  # noqa: E402
from connectapp.sandbox.platforms import Platform  # noqa: E402
from connectapp.sandbox.serve import SandboxServer  # noqa: E402

WARM_UP, FLOWS = 20, 200
SECRET_KEY = "sk_test_profile"
ACCOUNT = "acct_1SandboxRiverside1"


class Site:
    """A browser of a few lines: one connection, its cookies."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("localhost", port, timeout=30)
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, Location and body of an answer."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, urlencode(fields) if fields is not None else None, headers)
        answer = self.connection.getresponse()
        body = answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.headers.get("Location", ""), body


def connectapp_in(directory: str, sandbox: str, port: int) -> Any:
    import connectapp
    from connectapp import schema
    from connectapp.db import make_engine
    from connectapp.vault import new_key_line

    database, keys = f"sqlite:///{directory}/connectapp.sqlite", Path(directory) / "keys"
    keys.touch(mode=0o600)
    keys.write_text(new_key_line())
    engine = make_engine(database)
    schema.upgrade(engine)
    engine.dispose()
    settings = {
        "environment": "development",
        "url": f"http://localhost:{port}",
        "database_url": database,
        "vault.key_file": str(keys),
        "journal_dir": f"{directory}/journal",
        "hosts": f"* {sandbox}",
        "demo": "true",
        "attempt.max_open": "1000",
        "provider.stripe.client_id": "ca_sandbox",
        "provider.stripe.client_secret": SECRET_KEY,
        "provider.stripe.mode": "test",
    }
    return connectapp.main({}, **{f"connectapp.{key}": value for key, value in settings.items()})


def flask_in(directory: str, sandbox: str, port: int) -> Any:
    return flask_authlib.make_app(f"{directory}/flask.sqlite", sandbox, SECRET_KEY)


def serve(make: Callable[[str, str, int], Any], directory: str, sandbox: str, pipe: Any) -> None:
    """The application's process: says its port, then its process time whenever it is asked."""
    import threading
    import time

    holder: dict[str, Any] = {}
    server = waitress.create_server(lambda e, s: holder["app"](e, s), host="127.0.0.1", port=0, threads=4)
    holder["app"] = make(directory, sandbox, server.effective_port)
    threading.Thread(target=server.run, daemon=True).start()
    pipe.send(server.effective_port)
    while pipe.recv() is not None:
        pipe.send(time.process_time())


def connectapp_flow(site: Site, code: Callable[[], str]) -> None:
    token = site.cookies["__Host-csrf"]
    _, _, page = site.ask("POST", "/connect/stripe/authorize", {"csrf_token": token, "target": "accounts"})
    url = unescape(re.search(r'href="(http[^"]+)"', page)[1])  # type: ignore[index]
    finish(site, "/connect/stripe/callback", url, code)


def flask_flow(site: Site, code: Callable[[], str]) -> None:
    _, url, _ = site.ask("POST", "/connect", {})
    finish(site, "/callback", url, code)


def finish(site: Site, path: str, url: str, code: Callable[[], str]) -> None:
    state = parse_qs(urlsplit(url).query)["state"][0]
    status, location, body = site.ask("GET", f"{path}?{urlencode({'code': code(), 'state': state})}")
    if status not in {302, 303} or "problem" in location:
        raise RuntimeError(f"the flow failed: {status} {location} {body[:200]}")


def sign_in(site: Site) -> None:
    site.ask("GET", "/signin")
    site.ask("POST", "/signin/demo", {"csrf_token": site.cookies["__Host-csrf"]})
    site.ask("GET", "/accounts")


def measure(make: Any, prepare: Callable[[Site], object], flow: Any, sandbox: str) -> float:
    """CPU milliseconds per flow."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory() as directory:
        process = context.Process(target=serve, args=(make, directory, sandbox, theirs))
        process.start()
        site = Site(ours.recv())
        control = http.client.HTTPConnection(urlsplit(sandbox).netloc, timeout=30)

        def code() -> str:
            order, kind = json.dumps({"account": ACCOUNT}), {"Content-Type": "application/json"}
            control.request("POST", "/_sandbox/codes", order, kind)
            issued: str = json.loads(control.getresponse().read())["code"]
            return issued

        def cpu() -> float:
            ours.send("cpu")
            seconds: float = ours.recv()
            return seconds

        prepare(site)
        for _ in range(WARM_UP):
            flow(site, code)
        before = cpu()
        for _ in range(FLOWS):
            flow(site, code)
        spent = cpu() - before
        ours.send(None)
        process.join(10)
    return spent / FLOWS * 1000


def main() -> None:
    platform = Platform(secret_key=SECRET_KEY)
    with SandboxServer(make_app(platforms=[platform])) as sandbox:
        print(f"CPU time of the application per link flow, SQLite, {FLOWS} flows after {WARM_UP}:")
        print(f"  connectapp       {measure(connectapp_in, sign_in, connectapp_flow, sandbox.url):6.1f} ms")
        print(f"  Flask + Authlib  {measure(flask_in, lambda site: None, flask_flow, sandbox.url):6.1f} ms")
    print(
        "Flask + Authlib by hand keeps its state in a signed cookie and its tokens in clear, asks nobody whose account"
    )
    print("it is, and writes no journal and no audit record. Its requests go over plain HTTP here; over TLS it also")
    print("makes a handshake per call.")


if __name__ == "__main__":
    main()
