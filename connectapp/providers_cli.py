"""What `connectapp providers` tells of the providers that there are, and of one. In lines, which `cli` prints."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any

from connectapp.errors import ConnectappError, SettingsError
from connectapp.providers import effective, sources
from connectapp.providers.sources import Source
from connectapp.providers.templates import names_of
from connectapp.settings import ProviderSettings, Settings

MODES = ("test", "live")
#: Texts that are not filled in: what their names stand for is known when a message comes.
NOT_FILLED = "webhook.signed"


def listed(settings: Settings) -> Iterator[str]:
    """One line for each provider of the ini, then those that it could name, without importing any package of theirs.

    :param settings: of the ini, right or wrong; a provider that is wrong says why.
    """
    for name, provider in settings.provider.items():
        try:
            yield _line(sources.find(name, provider), provider)
        except SettingsError as error:
            yield from (f"{name}  {problem}" for problem in error.problems)
    for name in sources.names():
        if name not in settings.provider:
            yield f"{name}  not used  from {_offered_by(name)}"


def _line(source: Source, provider: ProviderSettings) -> str:
    declaration = source.declaration
    charges = f"charges {'yes' if declaration.charges else 'no'}"
    unverified = f"{len(declaration.unverified)} unverified"
    mode = provider.mode or "no mode"
    return "  ".join((declaration.name, declaration.title, mode, f"from {source.told_by}", charges, unverified))


def _offered_by(name: str) -> str:
    if _is_catalogued(name):
        variants = sorted(path.name.split(".")[1] for path in sources.CATALOGUE.glob(f"{name}.*.toml"))
        return "the catalogue" + (f", also as variant {', '.join(variants)}" if variants else "")
    packages = [entry.dist.name for entry in entry_points(group=sources.GROUP, name=name) if entry.dist]
    return f"the package {packages[0]}" if packages else "a package"


def _is_catalogued(name: str) -> bool:
    return (sources.CATALOGUE / f"{name}.toml").exists()


def described(settings: Settings, name: str) -> Iterator[str]:
    """The effective declaration of a provider as TOML, and as comments what the admin has to know and do.

    :param settings: of the ini, right or wrong: what is to be registered is asked for before there is a client id.
    :param name: a provider of the ini, or of the catalogue, which is then shown as it is before anything is set.
    :raises ConnectappError: if it is neither. :raises SettingsError: if its declaration is wrong.
    """
    provider = settings.provider.get(name) or _unused(settings, name)
    source = sources.find(name, provider)
    shown = replace(provider, mode=provider.mode or "test")
    yield from (f"# {line}".rstrip() for line in _comments(settings, source, shown, used=name in settings.provider))
    yield from toml(_filled(source.declaration.model_dump(mode="json"), effective.constants(source.declaration, shown)))


def _unused(settings: Settings, name: str) -> ProviderSettings:
    if _is_catalogued(name):
        return ProviderSettings(name)
    if name in sources.names():
        raise ConnectappError(
            f"{name} is of {_offered_by(name)}, which runs only when the ini names it: add it to connectapp.providers"
        )
    raise ConnectappError(f"{name} is neither in connectapp.providers nor in the catalogue")


def _comments(settings: Settings, source: Source, provider: ProviderSettings, *, used: bool) -> Iterator[str]:
    declaration = source.declaration
    yield f"{declaration.title}, {provider.mode} mode, from {source.told_by}" + (
        "" if used else "; not in connectapp.providers"
    )
    if declaration.documentation:
        yield declaration.documentation
    yield from ("", f"Register at {declaration.title}:")
    address = f"{settings.url or '<connectapp.url>'}/connect/{declaration.name}"
    for mode in MODES:
        yield f"  {mode}: redirect URI {address}/callback"
        if declaration.webhook:
            yield f"  {mode}: webhook URL  {address}/webhook"
    scopes = effective.scopes(declaration, provider)
    yield from (
        "",
        f"Scope asked for: {declaration.scopes.separator.join(scopes) or f'what is set up at {declaration.title}'}",
    )
    if declaration.unverified:
        yield from (
            "",
            "Not verified:",
            *(f"  {key}: {' '.join(note.split())}" for key, note in declaration.unverified.items()),
        )
    if used and settings.problems:
        yield from ("", "It does not start like this:", *(f"  {problem}" for problem in settings.problems))
    yield ""


def _filled(value: Any, constants: Mapping[str, Any], where: str = "") -> Any:
    """A declaration's values with everything put in that does not depend on an account; a secret stays masked."""
    if isinstance(value, Mapping):
        return {key: _filled(one, constants, f"{where}.{key}".lstrip(".")) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, constants, where) for one in value]
    if not isinstance(value, str) or where == NOT_FILLED or where.endswith("pattern"):
        return value
    known = {name: constants[name] for name in names_of(value) if constants.get(name) is not None}
    for name, constant in known.items():
        if value == f"{{{name}}}" and isinstance(constant, bool | int):
            return constant
        value = value.replace(f"{{{name}}}", str(constant))  # a Secret's text is its mask
    return value


def toml(values: Mapping[str, Any], table: str = "") -> Iterator[str]:
    """A nested mapping as TOML, without what is None or empty. :param table: where it stands."""
    told = {key: value for key, value in values.items() if value not in (None, {}, []) and key != "unverified"}
    tables = {key: value for key, value in told.items() if isinstance(value, Mapping)}
    if table and len(tables) < len(told):
        yield from ("", f"[{table}]")
    for key, value in told.items():
        if key not in tables:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in tables.items():
        yield from toml(value, f"{table}.{_key(key)}".lstrip("."))


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_value(one)}' for key, one in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False)
