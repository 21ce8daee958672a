"""A second provider beside Stripe, for the tests that need one."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.rows import evil_server, plugin_settings, plugins
from tests.support.sandbox import SandboxClient
from tests.support.site import Site


@pytest.fixture
def evil() -> Iterator[SandboxClient]:
    """The server of another provider, whose ledger is its own."""
    names = ("evil", "careless", "stripe")
    with evil_server(*(f"https://app.test/connect/{name}/callback" for name in names)) as server:
        yield server


@pytest.fixture
def make_two(
    make_site: Callable[..., Site], sandbox: SandboxClient, evil: SandboxClient
) -> Iterator[Callable[..., Site]]:
    """Makes applications with Stripe and a provider of `plugins`."""

    def make(name: str = "evil", **settings: str) -> Site:
        return make_site(**plugin_settings(name, sandbox, evil) | settings)

    with plugins():
        yield make
