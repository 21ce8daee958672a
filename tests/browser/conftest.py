"""A real Chromium against the real application and sandbox, on two sites: localhost and 127.0.0.1."""

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import waitress
from playwright.sync_api import Browser, Page, sync_playwright
from waitress import wasyncore

import connectapp
from connectapp.sandbox.app import make_app
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.serve import SandboxServer
from connectapp.worker import get_worker
from tests.support.databases import SQLite
from tests.support.rows import missing
from tests.support.sandbox import SECRET_KEY, SandboxClient
from tests.support.site import make_settings

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    # Chromium calls home at every start; the tests need no network.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def chromium_path() -> str | None:
    """A Chromium of the machine: `CHROMIUM`, or the usual names."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        missing("no Chromium found; install one, or name it in CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Served:
    """The application and its sandbox, as `make serve` runs them, on free ports."""

    def __init__(self, directory: Path, databases: SQLite) -> None:
        platform = Platform(secret_key=SECRET_KEY)
        self.sandbox_server = SandboxServer(make_app(platforms=[platform])).start()
        self.sandbox = SandboxClient(self.sandbox_server.url)
        holder: dict[str, Any] = {}
        # The port is known only after binding, and the application wants to know its address.
        self.server = waitress.create_server(lambda e, s: holder["app"](e, s), host="localhost", port=0)
        port = getattr(self.server, "effective_port", None) or self.server.effective_listen[0][1]
        self.url = f"http://localhost:{port}"
        choices = {"url": self.url, "demo": "true", "worker__embedded": "true"}
        settings = make_settings(directory, databases.create(directory), self.sandbox.url, **choices)
        holder["app"] = connectapp.main({}, **settings)
        self.registry = holder["app"].registry
        self.engine = self.registry["connectapp.engine"]
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self._leave_the_loop()
        get_worker(self.registry).stop(within=30)
        self.engine.dispose()
        self.sandbox.http.clear()
        self.sandbox_server.stop()

    def _leave_the_loop(self) -> None:
        # Only its own thread may take a socket from waitress's loop: closed from here, one that it polls would fail.
        # One address: the server is its own listener. Several: it has a map of them.
        sockets = self.server.map if hasattr(self.server, "map") else self.server._map
        held: dict[int, Any] = {}

        def leave() -> None:
            held.update(sockets)
            sockets.clear()

        listener = next(one for one in list(sockets.values()) if one.accepting)
        listener.trigger.pull_trigger(leave)
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.server.task_dispatcher.shutdown()
        wasyncore.close_all(held)


@pytest.fixture
def served(tmp_path: Path, sqlite: SQLite) -> Iterator[Served]:
    served = Served(tmp_path, sqlite)
    yield served
    served.close()


@pytest.fixture(params=["light-desktop", "dark-phone"])
def page(request: pytest.FixtureRequest, chromium: Browser, served: Served) -> Iterator[Page]:
    """A new browser context; whatever the console complains about fails the test, CSP violations above all."""
    scheme, device = request.param.split("-")
    size = {"width": 1280, "height": 900} if device == "desktop" else {"width": 390, "height": 844}
    context = chromium.new_context(base_url=served.url, color_scheme=scheme, viewport=size)
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    # Chromium notes every error page (those are asserted by themselves), and that a sign-out cleared the cache.
    expected = ("status of 4", "status of 5", "Clear-Site-Data header")
    assert [text for text in complaints if not any(part in text for part in expected)] == []
