"""Every provider of the catalogue passes the conformance kit."""

from typing import ClassVar

import pytest

from connectapp.providers.sources import CATALOGUE
from connectapp.testing.contract import ProviderContract


def catalogue() -> list[tuple[str, dict[str, str]]]:
    """The providers of the catalogue, each variant for itself."""
    names = (path.stem.partition(".") for path in sorted(CATALOGUE.glob("*.toml")))
    return [(name, {"variant": variant} if variant else {}) for name, _, variant in names]


class TestCatalogue(ProviderContract):
    """See `ProviderContract`."""

    chosen: ClassVar[list[tuple[str, dict[str, str]]]] = catalogue()

    @classmethod
    def providers(cls, config: pytest.Config) -> list[tuple[str, dict[str, str]]]:
        return cls.chosen
