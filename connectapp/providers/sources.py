"""Where the declaration of a provider comes from: the ini alone, a file, the catalogue, a module, or another package.

A package says so by an entry point of the group ``connectapp.providers``, whose name is the provider's and whose value
is a module. It is imported only when the ini names the provider (security: nothing runs because it is installed).
"""

import importlib
import importlib.util
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from connectapp.errors import SettingsError, did_you_mean
from connectapp.providers.declaration import Declaration
from connectapp.providers.effective import PREFIX
from connectapp.settings import ProviderSettings

GROUP = "connectapp.providers"
#: What a module calls its class, by the kind of the declaration: one module may have variants of both.
CLASSES = {"oauth": "PROVIDER", "onboarding": "ONBOARDING"}
API_VERSION = 1  # of what a module of another package is called with
CATALOGUE = Path(__file__).with_name("catalogue")


@dataclass(frozen=True)
class Source:
    """A declaration and what goes with it.

    :param told_by: where it was found, for the admin. :param module: what came with it, if anything did: it may have a
        `PROVIDER` or `ONBOARDING`, a class for what a declaration cannot say, and an `includeme` of its own.
    """

    declaration: Declaration
    told_by: str
    module: Any = None

    @property
    def provider_class(self) -> Any:
        """The class that speaks to the provider; None: the declaration says it all."""
        return getattr(self.module, CLASSES[self.declaration.kind], None)


def find(name: str, settings: ProviderSettings) -> Source:
    """The declaration of a provider, as the admin's settings say.

    :raises SettingsError: with one line for each thing that is wrong.
    """
    if not name.isidentifier() or name != name.lower():
        raise SettingsError([f"connectapp.providers names {name!r}, which is not a provider"])
    source = _found(name, settings)
    if source.declaration.name != name:
        raise SettingsError([f"{source.told_by} declares {source.declaration.name!r}, but is used as {name!r}"])
    return source


def _found(name: str, settings: ProviderSettings) -> Source:
    if settings.file:
        return Source(read(Path(settings.file)), f"{PREFIX}.{name}.file")
    if settings.ini:
        _refuse_for_known(name, settings.ini)
        return Source(checked(_from_ini(name, settings.ini), f"{PREFIX}.{name}"), "the ini")
    module = _own_module(name)
    catalogued = CATALOGUE / f"{name}{f'.{settings.variant}' if settings.variant else ''}.toml"
    if catalogued.exists():
        return Source(_catalogued(catalogued), "the catalogue", module)
    if module is not None and hasattr(module, "DECLARATION"):
        return Source(module.DECLARATION, "connectapp", module)
    if (entry := next(iter(entry_points(group=GROUP, name=name)), None)) is not None:
        return _from_package(entry)
    raise SettingsError([_unknown(name, settings)])


def _refuse_for_known(name: str, ini: Mapping[str, Any]) -> None:
    """A line in the ini must not send the secret of a provider that we know to another address."""
    if (CATALOGUE / f"{name}.toml").exists():
        reason = "the catalogue declares this provider"
        raise SettingsError([f"{PREFIX}.{name}.{key} is not a setting: {reason}" for key in ini])


def _unknown(name: str, settings: ProviderSettings) -> str:
    if settings.variant and (CATALOGUE / f"{name}.toml").exists():
        return f"{PREFIX}.{name}.variant is {settings.variant!r}, of which the catalogue knows nothing"
    return f"connectapp.providers names {name!r}, which is not a provider{did_you_mean(name, names())}"


def names() -> list[str]:
    """The providers that can be named in the ini without saying more."""
    return sorted({path.name.partition(".")[0] for path in CATALOGUE.glob("*.toml")} | {e.name for e in _entries()})


@cache
def _catalogued(path: Path) -> Declaration:
    """Read once in the life of a process, for all who ask: what is installed does not change."""
    return read(path)


def _entries() -> Iterable[EntryPoint]:
    return entry_points(group=GROUP)


def read(path: Path) -> Declaration:
    """Read a TOML file.

    :raises SettingsError: if it cannot be read, or is no declaration.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError([f"{path}: {error}"]) from None
    return checked(values, path.name)


def checked(values: Mapping[str, Any], place: str) -> Declaration:
    """A declaration made of these values.

    :raises SettingsError: with one line for each thing that is wrong, and the nearest key for one that is unknown.
    """
    try:
        return Declaration.model_validate(values)
    except ValidationError as error:
        raise SettingsError([f"{place}: {_problem(one)}" for one in error.errors(include_input=False)]) from None


def _problem(error: ErrorDetails) -> str:
    where = ".".join(str(part) for part in error["loc"] if not str(part).startswith("function-"))
    if error["type"] != "extra_forbidden":
        text = error["msg"].removeprefix("Value error, ")
        return f"{where}: {text}" if where else text
    return f"{where} is not a key{did_you_mean(str(error['loc'][-1]), known_keys(error['loc'][:-1]))}"


def known_keys(loc: Iterable[int | str]) -> list[str]:
    """The keys that a part of a declaration may have."""
    model: Any = Declaration
    for name in loc:
        field = getattr(model, "model_fields", {}).get(name)
        parts = [one for one in _types(field.annotation if field else None) if hasattr(one, "model_fields")]
        model = parts[0] if parts else model
    return list(model.model_fields)


def _types(annotation: Any) -> Iterator[Any]:
    yield annotation
    for one in getattr(annotation, "__args__", ()):
        yield from _types(one)


def _own_module(name: str) -> Any:
    """The module beside this one that has what a declaration cannot say, if there is one."""
    if importlib.util.find_spec(f"connectapp.providers.{name}") is None:
        return None
    module = importlib.import_module(f"connectapp.providers.{name}")
    return module if any(hasattr(module, name) for name in (*CLASSES.values(), "DECLARATION")) else None


def _from_package(entry: EntryPoint) -> Source:
    told_by = f"the package {entry.dist.name if entry.dist else entry.value}"
    try:
        module = entry.load()
    except (Exception, SystemExit) as error:  # whatever it is, it is that package's, and nothing starts
        raise SettingsError([f"{told_by}: the provider {entry.name} cannot be loaded: {error}"]) from error
    if getattr(module, "API_VERSION", None) != API_VERSION:
        raise SettingsError([f"{told_by} is for another version of connectapp: its API_VERSION is not {API_VERSION}"])
    declaration = getattr(module, "DECLARATION", None)
    if not isinstance(declaration, Declaration):
        raise SettingsError([f"{told_by}: the module {module.__name__} has no DECLARATION"])
    return Source(declaration, told_by, module)


def _from_ini(name: str, ini: Mapping[str, Any]) -> dict[str, Any]:
    """The declaration of a plain OAuth 2.0 provider. Keys that are missing are named by the check."""
    auth = ini.get("token_auth", "client_secret_basic")
    values: dict[str, Any] = {
        "name": name,
        "title": ini.get("title", name.capitalize()),
        "charges": ini.get("charges", False),
        "modes": {"by": "none"},
        "authorize": _given(url=ini.get("authorize_url")),
        "token": _given(url=ini.get("token_url"), auth=auth),
        "identify": _given(
            url=ini.get("account_url"), id=ini.get("account_id", "id"), name=ini.get("account_name", "name")
        ),
        "callback": _given(issuer=ini.get("issuer")),
        "pkce": ini.get("pkce", "optional"),
        "revoke": "impossible",
    }
    if "scopes" in ini:
        values["scopes"] = {"presets": {"charge": ini["scopes"].split()}}
    if "revoke_url" in ini:
        # RFC 7009 section 2.1
        token = {"token": "{access_token}", "token_type_hint": "access_token"}
        values["revoke"] = {"url": ini["revoke_url"], "auth": auth, "params": token}
    return values


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
