"""What ``pytest -p connectapp.testing.plugin --connectapp-provider=NAME`` runs."""

from typing import ClassVar

from connectapp.testing.contract import ProviderContract


class TestProvider(ProviderContract):
    """The contract, for the providers of the command line."""

    __test__ = True
    provider: ClassVar[str | None] = None
