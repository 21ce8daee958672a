"""The page of the catalogue, told from the declarations: what each provider can do, and how to register there."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from connectapp import countries
from connectapp.providers import sources
from connectapp.providers.declaration import Declaration
from connectapp.providers.parts import PlatformSecret, Variable

INTRODUCTION = """# Providers

Made by `connectapp providers overview docs/providers` from `connectapp/providers/catalogue/`; do not edit.

A provider of this page needs its name in `connectapp.providers`, and `client_id`, `client_secret` and `mode`
([settings.md](settings.md)); in development none of these, since the sandbox plays it. Any other one is added as
[add-a-provider.md](add-a-provider.md) says. `connectapp providers show production.ini square` prints, for test and for
live, the redirect URI and the webhook URL to register; then the declaration with your settings put in, and what in it
nobody has checked.

Whatever is sure here comes from the provider's own documents and SDKs, which the files of the catalogue name; nobody of
us has used every one of them with real money. Where an address that a secret would go to is not sure, live mode is off
until you have compared it and set `accept_unverified = true`."""

MODES = {
    "host": "by host",
    "credentials": "by client id and secret",
    "token_field": "by a field of the token request or answer",
    "api_parameter": "by a parameter of each request",
    "account": "each account is of one side",
    "none": "no test side",
}
REFRESH = {
    "never": "none",
    "same": "same token",
    "rotating": "another token each time",
    "single_use": "another token each time, good once",
}


def markdown(notes: Path) -> str:
    """The page: a table of all, then a section for each.

    :param notes: the directory beside it with what is written by hand about some of them, in pages with their names.
    """
    plain = [path for path in sources.CATALOGUE.glob("*.toml") if path.name.count(".") == 1]
    found = sorted(map(sources.read, plain), key=lambda one: one.title.casefold())
    sections = [line for one in found for line in _section(one, notes)]
    return "\n".join([INTRODUCTION, "", *_table(found), *sections])


def _table(found: list[Declaration]) -> Iterator[str]:
    yield from _rows(("provider", "tickets", "countries", "tells that it ended", "not verified"))
    for one in found:
        title, told = f"[{one.title}](#{_anchor(one.title)})", one.webhook and one.webhook.disconnected
        countries = " ".join(one.countries) if len(one.countries) <= 4 else f"{len(one.countries)} countries"
        cells = (title, _yes(one.charges), countries or "not listed", _yes(told), str(len(one.unverified)))
        yield f"| {' | '.join(cells)} |"


def _rows(head: tuple[str, ...]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _anchor(title: str) -> str:
    """As hosts of Markdown make it of a heading."""
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c == "-")


def _section(one: Declaration, notes: Path) -> Iterator[str]:
    documents = f" [Its documents]({one.documentation})." if one.documentation else ""
    yield from ("", f"## {one.title}", "", f"`connectapp.providers = {one.name}`.{documents}", "")
    yield from _facts(one)
    for path in sorted(sources.CATALOGUE.glob(f"{one.name}.*.toml")):
        yield from ("", f"With `connectapp.provider.{one.name}.variant = {path.name.split('.')[1]}`:", "")
        yield from _facts(sources.read(path))
    yield from ("", f"**How to register your platform.** {' '.join(one.registering.split())}", *_addresses(one))
    if one.unverified:
        yield from ("", "**Not verified:**", "")
        yield from (f"- `{key}`: {' '.join(note.split())}" for key, note in sorted(one.unverified.items()))
    if (notes / f"{one.name}.md").exists():
        yield from ("", f"[More about {one.title}]({notes.name}/{one.name}.md)")


def _addresses(one: Declaration) -> Iterator[str]:
    yield from ("", f"- redirect URI: `<connectapp.url>/connect/{one.name}/callback`")
    if one.webhook:
        yield f"- webhook URL: `<connectapp.url>/connect/{one.name}/webhook`"


def _facts(one: Declaration) -> Iterator[str]:
    oauth = one.kind == "oauth"
    facts = {
        "way": "OAuth 2.0" if oauth else "hosted onboarding",
        "tickets": "accounts can take payments for tickets" if one.charges else "takes no payments for tickets",
        "countries": ", ".join(countries.name(code) or code for code in one.countries),
        "currencies": " ".join(code.upper() for code in one.currencies),
        "test and live": MODES[one.modes.by],
        "set by the admin": _titled({name: it for name, it in one.variables.items() if name not in one.asked}),
        "further secrets": _titled(one.secrets),
        "asked of the organizer": _titled(one.asked),
        "scope": ", ".join(f"`{preset}` ({', '.join(words)})" for preset, words in one.scopes.presets.items()),
        "PKCE": one.pkce if oauth else "",
        "refresh": REFRESH[one.refresh.rule] if oauth else "",
        "disconnect": "only at the provider" if one.revoke == "impossible" else "gives the access back",
        "tells that it ended": ", ".join(f"`{word}`" for word in one.webhook.disconnected) if one.webhook else "",
        "readiness": "asked for" if one.readiness or one.identify.charges else "",
    }
    yield from _rows(("", ""))
    yield from (f"| {name} | {value} |" for name, value in facts.items() if value)


def _titled(parts: Mapping[str, Variable | PlatformSecret]) -> str:
    return ", ".join(f"`{name}`: {it.title}" for name, it in parts.items())
