"""Which providers there are: `config.add_provider`, and the transport that all of them speak through.

Two modules that claim one name are a conflict at start; introspection lists them (category ``payment providers``).
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectapp.clock import CLOCK
from connectapp.errors import SettingsError
from connectapp.oauth.registry import get_oauth
from connectapp.oauth.transport import Transport
from connectapp.providers import effective, sources
from connectapp.providers.capabilities import IOnboards
from connectapp.providers.declaration import Declaration
from connectapp.providers.interfaces import IPaymentProvider, Prefill
from connectapp.providers.oauth2 import OAuth2Provider
from connectapp.secret import Secret
from connectapp.settings import ProviderSettings, Settings, get_settings


def get_providers(registry: Any) -> Mapping[str, IPaymentProvider]:
    """The configured providers by name; `registry` is Pyramid's."""
    providers: Mapping[str, IPaymentProvider] = registry["connectapp.providers"]
    return providers


def add_provider(config: Any, declaration: Declaration, provider_class: type[OAuth2Provider] = OAuth2Provider) -> None:
    """The directive: configure a provider from its declaration and the settings of its name.

    :param provider_class: where a conversation needs more than a declaration can say.
    :raises SettingsError: if it does without the state or without the PKCE that it declares.
    """
    name = declaration.name
    settings = get_settings(config.registry).provider[name]
    config.register_oauth_client(name, **effective.registration(declaration, settings, {}))

    def register() -> None:
        provider = provider_class(declaration, settings, get_oauth(config.registry).create_client(name))
        _check_protection(provider, declaration)
        config.registry["connectapp.providers"][name] = provider

    introspectable = config.introspectable("payment providers", name, declaration.title, "payment provider")
    introspectable["mode"] = settings.mode
    config.action(("payment provider", name), register, introspectables=(introspectable,), order=1)


def _check_protection(provider: IPaymentProvider, declaration: Declaration) -> None:
    """Neither a module nor a declaration can do without what ties an answer to the browser that asked (ST-16)."""
    provider = provider.at({question.name: question.example for question in provider.questions})
    onboards = isinstance(provider, IOnboards)
    if {onboards, provider.callback_names.code == ""} != {declaration.kind == "onboarding"}:
        raise SettingsError([f"the provider {provider.name} is not of the kind {declaration.kind}, which it declares"])
    if onboards:
        return  # its links are asked for with a state, and no callback is taken without one
    verifier = Secret("v" * 43) if declaration.pkce != "none" else None
    probe = "p" * 43
    url = provider.authorize_url(
        redirect_uri="https://probe.invalid/", state=probe, code_verifier=verifier, prefill=Prefill()
    )
    sent = parse_qs(urlsplit(url).query)
    if sent.get(declaration.authorize.rename.get("state", "state")) != [probe]:
        raise SettingsError([f"the provider {provider.name} does not send the state that it is given"])
    if verifier and (not provider.uses_pkce or "code_challenge" not in sent):
        raise SettingsError([f"the provider {provider.name} declares PKCE and does not use it"])


def problems(settings: Settings) -> Iterator[str]:
    """What is wrong with the configured providers, one line each."""
    for name, provider in settings.provider.items():
        try:
            declaration = sources.find(name, provider).declaration
        except SettingsError as error:
            yield from error.problems
        else:
            yield from effective.problems(declaration, provider)


def _completed(settings: Settings) -> Iterator[tuple[str, ProviderSettings]]:
    """Of the providers that are right; `problems` says what is wrong with others."""
    for name, provider in settings.provider.items():
        with suppress(SettingsError):
            yield name, effective.completed(sources.find(name, provider).declaration, provider)


def check(config: Any) -> None:
    """Included before anything is built: completes the settings where they may be made up, adds to their problems."""
    settings = get_settings(config.registry)
    if settings.development:
        settings.provider |= dict(_completed(settings))
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
    for name, provider in settings.provider.items():
        source = sources.find(name, provider)
        if hasattr(source.module, "includeme"):
            config.include(source.module)
        else:
            config.add_provider(source.declaration, source.provider_class or OAuth2Provider)
