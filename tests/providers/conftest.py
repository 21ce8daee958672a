"""What the tests of single providers share."""

from collections.abc import Iterator

import pytest

from tests.providers.golden import Wire, recording


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A server in place of the real one, which makes the provider under test."""
    with recording() as wire:
        yield wire
