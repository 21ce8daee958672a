"""Every provider of the catalogue passes the conformance kit."""

from typing import ClassVar

import pytest

from connectapp.providers.sources import CATALOGUE, read
from connectapp.testing.contract import ProviderContract


def catalogue() -> list[tuple[str, dict[str, str]]]:
    """The providers of the catalogue that speak OAuth, each variant for itself."""
    found = []
    for path in sorted(CATALOGUE.glob("*.toml")):
        name, _, variant = path.stem.partition(".")
        if getattr(read(path), "kind", "oauth") == "oauth":
            found.append((name, {"variant": variant} if variant else {}))
    return found


class TestCatalogue(ProviderContract):
    """See `ProviderContract`."""

    chosen: ClassVar[list[tuple[str, dict[str, str]]]] = catalogue()

    @classmethod
    def providers(cls, config: pytest.Config) -> list[tuple[str, dict[str, str]]]:
        return cls.chosen
