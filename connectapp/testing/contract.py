"""The contract of a provider: everything that must be so for its declaration to be used."""

from typing import Any, ClassVar

import pytest

from connectapp.testing.bench import Bench
from connectapp.testing.contract_answers import AnswersContract
from connectapp.testing.contract_life import LifeContract
from connectapp.testing.contract_link import LinkContract
from connectapp.testing.contract_onboarding import OnboardingContract
from connectapp.testing.contract_proven import ProvenContract
from connectapp.testing.contract_return import ReturnContract
from connectapp.testing.contract_unsigned import UnsignedContract
from connectapp.testing.contract_webhooks import WebhookContract
from connectapp.testing.plugin import label_of, reported


class ProviderContract(
    LinkContract,
    ReturnContract,
    ProvenContract,
    AnswersContract,
    LifeContract,
    WebhookContract,
    OnboardingContract,
    UnsignedContract,
):
    """Subclass it in a test module: ``class TestAcme(ProviderContract): provider = "acme"``.

    :cvar provider: the name. :cvar settings: of the provider, e.g. ``{"file": "acme.toml"}``.
    """

    __test__ = False
    provider: ClassVar[str | None] = None
    settings: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__test__ = True

    @classmethod
    def providers(cls, config: pytest.Config) -> list[tuple[str, dict[str, str]]]:
        """For the plug-in: whom to run for. Empty: whoever the command line names."""
        return [(cls.provider, dict(cls.settings))] if cls.provider else []

    @pytest.fixture(autouse=True)
    def _anew(self, bench: Bench, request: pytest.FixtureRequest) -> None:
        request.node.user_properties.append(reported(label_of(bench.name, bench.given), bench.declaration))
        bench.clear()
