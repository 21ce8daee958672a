"""What all tests share: two databases, the sandbox over real HTTP, the application."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import PostgreSQL, SQLite
from tests.support.sandbox import SandboxClient, start_sandbox
from tests.support.site import Browser, Site, make_settings


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--both-databases", action="store_true", help="on PostgreSQL, too, what says the same on both")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a test that is marked `either_database` would say a second time."""
    if config.getoption("both_databases"):
        return
    again = [item for item in items if item.get_closest_marker("either_database") and _on_postgresql(item)]
    config.hook.pytest_deselected(items=again)
    items[:] = [item for item in items if item not in again]


def _on_postgresql(item: pytest.Item) -> bool:
    call = getattr(item, "callspec", None)  # there is none where nothing is asked twice
    return call is not None and call.params.get("database_url") == "postgresql"


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> SQLite:
    return SQLite(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    server = PostgreSQL()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh, migrated database; a test that uses it runs on both."""
    databases: Any = request.getfixturevalue(request.param)
    url = databases.create(tmp_path)
    yield url
    databases.drop(url)


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[SandboxClient]:
    server = start_sandbox()
    client = SandboxClient(server.url)
    yield client
    client.http.clear()
    server.stop()


@pytest.fixture
def sandbox(sandbox_server: SandboxClient) -> SandboxClient:
    sandbox_server.reset()
    return sandbox_server


@pytest.fixture
def make_app() -> Callable[[dict[str, str]], Any] | None:
    """How an application is made of its settings; None: in this process."""
    return None


@pytest.fixture
def make_site(
    tmp_path: Path, database_url: str, sandbox: SandboxClient, make_app: Callable[[dict[str, str]], Any] | None
) -> Iterator[Callable[..., Site]]:
    """Makes applications on the test's database, with settings such as ``attempt__minutes="5"``."""
    made: list[Site] = []

    def make(**settings: str) -> Site:
        ini = make_settings(tmp_path, database_url, sandbox.url, **settings)
        site = Site(ini, sandbox, make_app and make_app(ini))
        made.append(site)
        return site

    yield make
    for site in made:
        site.close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.fixture
def browser(site: Site) -> Browser:
    """An organizer's browser, signed in."""
    return site.signed_in()
