"""The settings of one application, from the ini and the environment. The only module that reads the environment.

They are declared in `settings_table`. A setting `attempt.minutes` is `connectapp.attempt.minutes` in the ini and
`CONNECTAPP_ATTEMPT_MINUTES` in the environment, which wins.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pyramid.settings import asbool

from connectapp import values
from connectapp.errors import SettingsError, did_you_mean
from connectapp.secret import Secret
from connectapp.settings_table import (
    ENVIRONMENT_PREFIX,
    FREE_PARTS,
    INI_SETTINGS,
    PREFIX,
    PROVIDER_SETTINGS,
    SETTINGS,
    Setting,
)

#: In development a provider needs none of these, nor what its declaration names in `secrets`: the sandbox makes them up
#: (`connectapp.providers.effective.completed`).
SANDBOX = frozenset({"client_id", "client_secret", "mode"})


@dataclass(frozen=True)
class ProviderSettings:
    """What the admin says of one provider; see `PROVIDER_SETTINGS`.

    :param variable, option, secret: the values of the declaration's own settings. :param ini: see `INI_SETTINGS`.
    """

    name: str
    client_id: str | None = None
    client_secret: Secret | None = None
    mode: Any = None
    scope: str | None = None
    store_tokens: bool = True
    pay_with: str = "platform"
    webhook_secrets: tuple[Secret, ...] = ()
    accept_unverified: bool = False
    variant: str | None = None
    file: str | None = None
    variable: Mapping[str, str] = field(default_factory=dict)
    option: Mapping[str, str] = field(default_factory=dict)
    secret: Mapping[str, Secret | None] = field(default_factory=dict)
    ini: Mapping[str, Any] = field(default_factory=dict)

    @property
    def own(self) -> dict[str, Any]:
        """What is said of this provider and of no other, by keys such as ``variable.region``."""
        free = {f"{part.key}.{key}": value for part in FREE_PARTS for key, value in getattr(self, part.key).items()}
        return {**self.ini, **free}


@dataclass
class Settings:
    """The effective settings. While `problems` is not empty, single values may be None."""

    environment: str = "production"
    url: str = ""
    allowed_hosts: tuple[str, ...] = ()
    database_url: Secret = field(default_factory=lambda: Secret(""))
    vault_key_file: str | None = None
    vault_keys: Secret | None = None
    journal_dir: str = ""
    providers: tuple[str, ...] = ()
    hosts: Mapping[str, str] = field(default_factory=dict)
    transport_deadline: int = 15
    transport_connections: int = 20
    transport_ca_file: str | None = None
    transport_proxy: Secret | None = None
    attempt_minutes: int = 60
    attempt_max_open: int = 20
    attempt_max_per_hour: int = 60
    attempt_max_waiting: int = 8
    session_idle_minutes: int = 120
    session_absolute_hours: int = 12
    signup: str = "closed"
    signin_fresh_minutes: int = 30
    mail_server: Secret | None = None
    mail_from: str = ""
    leave_page_wait: bool = False
    share_accounts: bool = False
    recovery_seconds: int = 30
    worker_embedded: bool = True
    worker_threads: int = 3
    worker_seconds: int = 5
    http_max_body_kib: int = 64
    demo: bool = False
    provider: dict[str, ProviderSettings] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def development(self) -> bool:
        return self.environment == "development"

    @property
    def badge(self) -> str | None:
        """What every page shows where no real money moves."""
        return "TEST MODE" if {one.mode for one in self.provider.values()} == {"test"} else None


def load(raw: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from an ini section and the environment.

    :param raw: the ini's section, keys with or without our prefix; others are somebody else's.
    :param environ: the process environment, or a stand-in.
    :return: the settings, with every mistake as a line in `problems`.
    """
    given = _given(raw, os.environ if environ is None else environ)
    settings = Settings()
    for setting in SETTINGS:
        value = _value(setting, setting.key, setting.variable, given, settings.problems)
        if value is not None:
            setattr(settings, setting.attribute, value)
    for name in settings.providers:
        settings.provider[name] = _provider(name, given, settings)
    settings.problems += _unknown(given, settings.providers)
    settings.problems += [*_contradictions(settings), *_mail_problems(settings)]
    if not settings.development:
        settings.problems += [*_samples(settings), *_debugging(raw)]
    return settings


def _given(raw: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Settings by key, without prefix; the environment wins. Unknown variables keep their own spelling."""
    given = {key.removeprefix(PREFIX): str(value) for key, value in raw.items() if key.startswith(PREFIX)}
    by_variable = {setting.variable: setting.key for setting in SETTINGS}
    for variable, value in environ.items():
        if variable.startswith(ENVIRONMENT_PREFIX):
            given[by_variable.get(variable) or _provider_key(variable) or variable] = value
    return given


def _provider_key(variable: str) -> str | None:
    for part in FREE_PARTS:
        if found := re.fullmatch(rf"{ENVIRONMENT_PREFIX}PROVIDER_(\w+?)_{part.key.upper()}_(\w+)", variable):
            return f"provider.{found[1].lower()}.{part.key}.{found[2].lower()}"
    for setting in sorted((*PROVIDER_SETTINGS, *INI_SETTINGS), key=lambda one: -len(one.key)):
        start, end = f"{ENVIRONMENT_PREFIX}PROVIDER_", f"_{setting.key.upper()}"
        if variable.startswith(start) and variable.endswith(end):
            return f"provider.{variable[len(start) : -len(end)].lower()}.{setting.key}"
    return None


def _value(setting: Setting, key: str, variable: str, given: Mapping[str, str], problems: list[str]) -> Any:
    text = given.get(key, "").strip() or setting.default
    if text is None:
        if setting.required:
            problems.append(f"{PREFIX}{key} is missing: set it in the ini file, or {variable} in the environment")
        return None
    try:
        return setting.parse(text)
    except ValueError as error:
        problems.append(f"{PREFIX}{key} {error}")
        return None


def _provider(name: str, given: Mapping[str, str], settings: Settings) -> ProviderSettings:
    found, ini = (
        {
            setting.attribute: value
            for setting in table
            if (value := _provider_value(setting, name, given, settings)) is not None
        }
        for table in (PROVIDER_SETTINGS, INI_SETTINGS)
    )
    free: dict[str, Any] = {part.key: _free(part, name, given, settings.problems) for part in FREE_PARTS}
    return ProviderSettings(name, **found, **free, ini=ini)


def _provider_value(setting: Setting, name: str, given: Mapping[str, str], settings: Settings) -> Any:
    key = f"provider.{name}.{setting.key}"
    if settings.development and setting.key in SANDBOX:
        setting = replace(setting, required=False)
    return _value(setting, key, f"{ENVIRONMENT_PREFIX}{key.replace('.', '_').upper()}", given, settings.problems)


def _free(part: Setting, name: str, given: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    """What is said of one of `FREE_PARTS`, by the declaration's names; None where it cannot be so."""
    beginning = f"provider.{name}.{part.key}."
    said = [key for key, value in given.items() if key.startswith(beginning) and value.strip()]
    return {key.removeprefix(beginning): _value(part, key, key, given, problems) for key in said}


def _unknown(given: Mapping[str, str], providers: tuple[str, ...]) -> Iterator[str]:
    known = {setting.key for setting in SETTINGS}
    known |= {f"provider.{name}.{one.key}" for name in providers for one in (*PROVIDER_SETTINGS, *INI_SETTINGS)}
    free = tuple(f"provider.{name}.{part.key}." for name in providers for part in FREE_PARTS)
    for key in sorted(key for key in set(given) - known if not key.startswith(free)):
        shown, candidates = PREFIX + key, [PREFIX + name for name in known]
        if key.startswith(ENVIRONMENT_PREFIX):
            shown, candidates = key, [f"{ENVIRONMENT_PREFIX}{n.replace('.', '_').upper()}" for n in known]
        yield f"{shown} is not a setting{did_you_mean(shown, candidates)}"


def _contradictions(settings: Settings) -> Iterator[str]:
    """What each value alone cannot tell (security: production fails closed)."""
    if not settings.development:
        if settings.url.startswith("http:"):
            yield f"{PREFIX}url must begin with https:// in production"
        if settings.hosts:
            yield f"{PREFIX}hosts sends provider traffic elsewhere and is refused in production"
        if settings.demo:
            yield f"{PREFIX}demo lets anybody sign in and is refused in production"
    if settings.vault_key_file and settings.vault_keys:
        yield f"{PREFIX}vault.key_file and {PREFIX}vault.keys are both set; use one"
    if settings.session_idle_minutes < settings.attempt_minutes:
        yield (
            f"{PREFIX}session.idle_minutes must be at least {PREFIX}attempt.minutes, "
            "or people are signed out while they are at the provider"
        )
    for provider in settings.provider.values():
        if settings.development and provider.mode == "live":
            yield f"{PREFIX}provider.{provider.name}.mode is live, which development refuses"


def _mail_problems(settings: Settings) -> Iterator[str]:
    server = settings.mail_server
    if server and not settings.development and not values.is_smtp(server):
        yield f"{PREFIX}mail.server is the sandbox's, which production refuses; it must begin with smtp:// or smtps://"
    if server and not settings.mail_from:
        yield f"{PREFIX}mail.from is missing: mail needs a sender"
    if settings.signup != "closed" and not server:
        yield f"{PREFIX}signup is {settings.signup}, which needs {PREFIX}mail.server: addresses are proven by mail"


def _samples(settings: Settings) -> Iterator[str]:
    for provider in settings.provider.values():
        for key, value in {"client_secret": provider.client_secret, **provider.own}.items():
            if isinstance(value, Secret) and values.is_sample(value):
                yield f"{PREFIX}provider.{provider.name}.{key} is too short or a sample, which production refuses"


def _debugging(raw: Mapping[str, Any]) -> Iterator[str]:
    """Pyramid's own settings that show code, or run it."""
    for key in sorted(raw):
        if key.startswith(("pyramid.debug_", "pyramid.reload_")) and asbool(raw[key]):
            yield f"{key} is for development and refused in production"
    if "debugtoolbar" in str(raw.get("pyramid.includes", "")):
        yield "pyramid.includes names the debug toolbar, which runs code and is refused in production"


def shown(settings: Settings) -> Iterator[tuple[str, str]]:
    """The effective settings as text, secrets masked: what `connectapp check-config` prints."""
    for setting in SETTINGS:
        yield PREFIX + setting.key, _text(getattr(settings, setting.attribute))
    for name, provider in settings.provider.items():
        for setting in PROVIDER_SETTINGS:
            yield f"{PREFIX}provider.{name}.{setting.key}", _text(getattr(provider, setting.attribute))
        for key, value in provider.own.items():
            yield f"{PREFIX}provider.{name}.{key}", _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ", ".join(f"{host} {target}" for host, target in value.items())
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


def get_settings(registry: Any) -> Settings:
    """The settings of this application; `registry` is Pyramid's."""
    settings: Settings = registry["connectapp.settings"]
    return settings


def includeme(config: Any) -> None:
    config.registry["connectapp.settings"] = load(config.get_settings())


def refuse_problems(config: Any) -> None:
    """Included last of those that find problems, so that the admin sees all of them at once.

    :raises SettingsError: if there is any.
    """
    problems = get_settings(config.registry).problems
    if problems:
        raise SettingsError(problems)
