"""The two kinds of connecting: nobody makes one of the other, and so does without a code."""

from typing import Any

import pytest
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationExecutionError

from connectapp.errors import SettingsError
from connectapp.providers import sources
from connectapp.providers.capabilities import Onboarding
from connectapp.providers.declaration import Declaration
from connectapp.providers.interfaces import CallbackNames
from connectapp.providers.oauth2 import OAuth2Provider
from connectapp.providers.registry import get_providers
from connectapp.secret import Secret
from connectapp.settings import ProviderSettings, Settings

PLAIN: dict[str, Any] = {
    "name": "acme",
    "title": "Acme",
    "modes": {"by": "none"},
    "identify": {"url": "https://acme.example/me", "id": "id"},
    "revoke": "impossible",
}
OAUTH = PLAIN | {
    "authorize": {"url": "https://acme.example/authorize"},
    "token": {"url": "https://acme.example/token"},
}
ONBOARDING = PLAIN | {"kind": "onboarding"}
PUSHED = {"url": "https://acme.example/par"}
RENAMED = {**OAUTH["authorize"], "rename": {"client_id": "app"}}


class Onboards(OAuth2Provider):
    """A class that onboards."""

    def onboard(self, **asked: object) -> Onboarding:
        return Onboarding("https://acme.example/link")


class Codeless(OAuth2Provider):
    """A class that would take the state for a code."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.callback_names = CallbackNames(code="")


class Coded(Onboards):
    """A class that onboards and would take a code that anybody could write."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.callback_names = CallbackNames()


def start(declared: dict[str, Any], provider_class: Any) -> Any:
    declaration: Declaration = sources.checked(declared, "acme.toml")
    settings = ProviderSettings("acme", client_id="acme", client_secret=Secret("s" * 20), mode="test")
    with Configurator() as config:
        config.registry["connectapp.settings"] = Settings(provider={})
        config.include("connectapp.providers.registry")
        config.registry["connectapp.settings"].provider["acme"] = settings
        config.add_provider(declaration, provider_class)
        config.commit()
    return get_providers(config.registry)["acme"]


@pytest.mark.parametrize(("declared", "provider_class"), [(OAUTH, OAuth2Provider), (ONBOARDING, Onboards)])
def test_what_fits_together_starts(declared: dict[str, Any], provider_class: Any) -> None:
    assert start(declared, provider_class).name == "acme"


@pytest.mark.parametrize(
    ("declared", "provider_class"),
    [(OAUTH, Onboards), (OAUTH, Codeless), (ONBOARDING, OAuth2Provider), (ONBOARDING, Coded)],
)
def test_what_does_not_is_refused(declared: dict[str, Any], provider_class: Any) -> None:
    with pytest.raises(ConfigurationExecutionError, match="is not of the kind"):
        start(declared, provider_class)


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (PLAIN, "acme.toml: OAuth needs authorize and token"),
        ({**OAUTH, "token": None}, "acme.toml: token: "),
        (OAUTH | {"callback": {"code": ""}}, "acme.toml: callback.code is empty"),
        (OAUTH | {"pushed": PUSHED | {"auth": "none"}}, "acme.toml: pushed.auth must prove"),
        (OAUTH | {"pushed": PUSHED, "token": {**OAUTH["token"], "auth": "none"}}, "acme.toml: pushed.auth must prove"),
        (OAUTH | {"pushed": PUSHED, "authorize": RENAMED}, "acme.toml: pushed: the browser carries a client_id"),
        (PLAIN | {"kind": "onboarding", "pushed": PUSHED}, "acme.toml: pushed is for OAuth alone"),
        (OAUTH | {"kind": "onboarding"}, "acme.toml: authorize is for OAuth alone"),
        (ONBOARDING | {"kind": "onboard"}, "acme.toml: kind: "),
    ],
)
def test_what_a_declaration_must_say(declared: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        sources.checked(declared, "acme.toml")
    assert caught.value.problems[0].startswith(told)


def test_a_module_may_have_a_class_for_each() -> None:
    stripe = sources.find("stripe", ProviderSettings("stripe")).provider_class
    onboards = sources.find("stripe", ProviderSettings("stripe", variant="onboarding")).provider_class
    assert issubclass(onboards, stripe)
    assert (hasattr(stripe, "onboard"), hasattr(onboards, "onboard")) == (False, True)
