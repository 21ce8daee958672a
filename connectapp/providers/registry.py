"""Which providers there are: `config.add_provider`, and the transport that all of them speak through.

A provider's module has a `DECLARATION`, and an `includeme` that calls the directive with it. Two modules that claim one
name are a conflict at start; introspection lists them (category ``payment providers``).
"""

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from typing import Any

from connectapp.clock import CLOCK
from connectapp.oauth.registry import get_oauth
from connectapp.oauth.transport import Transport
from connectapp.providers.interfaces import IPaymentProvider
from connectapp.providers.oauth2 import Declaration, OAuth2Provider
from connectapp.settings import ProviderSettings, Settings, get_settings


def get_providers(registry: Any) -> Mapping[str, IPaymentProvider]:
    """The configured providers by name; `registry` is Pyramid's."""
    providers: Mapping[str, IPaymentProvider] = registry["connectapp.providers"]
    return providers


def add_provider(config: Any, declaration: Declaration, provider_class: type[OAuth2Provider] = OAuth2Provider) -> None:
    """The directive: configure a provider from its declaration and the settings of its name.

    :param provider_class: where a conversation needs more than a declaration can say.
    """
    name = declaration.name
    settings = get_settings(config.registry).provider[name]
    config.register_oauth_client(name, **declaration.registration(settings))

    def register() -> None:
        client = get_oauth(config.registry).create_client(name)
        config.registry["connectapp.providers"][name] = provider_class(declaration, settings, client)

    introspectable = config.introspectable("payment providers", name, declaration.title, "payment provider")
    introspectable["mode"] = settings.mode
    config.action(("payment provider", name), register, introspectables=(introspectable,), order=1)


def problems(settings: Settings) -> Iterator[str]:
    """What is wrong with the configured providers, one line each."""
    for name, provider in settings.provider.items():
        if not name.isidentifier() or importlib.util.find_spec(f"connectapp.providers.{name}") is None:
            yield f"connectapp.providers names {name!r}, which is not a provider"
        else:
            yield from _declared_problems(name, provider)


def _declared_problems(name: str, provider: ProviderSettings) -> Iterator[str]:
    module = importlib.import_module(f"connectapp.providers.{name}")
    declaration = getattr(module, "DECLARATION", None)
    if declaration is None:
        yield f"connectapp.providers names {name!r}, which is not a provider"
    else:
        yield from declaration.problems(provider)


def check(config: Any) -> None:
    """Included before anything is built: adds to the problems of the settings."""
    settings = get_settings(config.registry)
    settings.problems += list(problems(settings))


def includeme(config: Any) -> None:
    settings = get_settings(config.registry)
    config.include("connectapp.oauth")
    config.set_oauth_transport(
        Transport(
            deadline=settings.transport_deadline,
            connections=settings.transport_connections,
            hosts=settings.hosts,
            ca_bundle=settings.transport_ca_file,
            proxy=settings.transport_proxy.reveal() if settings.transport_proxy else None,
            clock=lambda: CLOCK.now().timestamp(),
        )
    )
    config.registry["connectapp.providers"] = {}
    config.add_directive("add_provider", add_provider)
    for name in settings.providers:
        config.include(f"connectapp.providers.{name}")
