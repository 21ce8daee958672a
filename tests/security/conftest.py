"""Two processes in place of one application, and a second provider beside Stripe for the tests that need one."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.blackbox import Processes
from tests.support.rows import plugins
from tests.support.sandbox import Other, SandboxClient, settings_of
from tests.support.site import Site


@pytest.fixture
def make_app(request: pytest.FixtureRequest) -> Callable[[dict[str, str]], Any] | None:
    """Two processes over HTTP, unless the test says why it needs to be `inside`."""
    if request.node.get_closest_marker("inside"):
        return None
    # In another process these would do nothing, and a test that finds nothing would pass.
    assert not {"monkeypatch", "caplog"} & {*request.fixturenames}, "say why it is to be `inside`"
    return Processes


@pytest.fixture
def evil(sandbox: SandboxClient) -> Other:
    """A provider of the sandbox that wants what belongs to others."""
    return Other(sandbox, "evil")


@pytest.fixture
def make_two(make_site: Callable[..., Site]) -> Iterator[Callable[..., Site]]:
    """Makes applications with Stripe and a provider of `plugins`."""

    def make(name: str = "evil", **settings: str) -> Site:
        return make_site(**settings_of(name) | settings)

    with plugins():
        yield make
