"""The declaration of a payment provider: everything that connectapp needs to know of it, as data.

`docs/provider-declaration.md` is made from this module, `parts` and `endpoints`.
"""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, SerializeAsAny, model_validator

from connectapp.providers.endpoints import Identify, Pushed, Readiness, Refresh, Revoke, Token, Use, Webhook
from connectapp.providers.parts import (
    Address,
    Authorize,
    Callback,
    Colour,
    Errors,
    Modes,
    Name,
    Part,
    Pattern,
    PlatformSecret,
    Scopes,
    Variable,
)
from connectapp.providers.templates import names_of

#: What a template may name whatever the declaration says.
OF_A_CALL = frozenset({"client_id", "client_secret", "access_token", "refresh_token", "account"})
#: `authorize` and `token` are left out in the other kind only, where nothing reads them: their types do not say None.
LEFT_OUT: Any = None
#: The same for editors (JSON Schema).
_OF_OAUTH: dict[str, Any] = {
    "if": {"required": ["kind"], "properties": {"kind": {"const": "onboarding"}}},
    "then": {"properties": {"authorize": False}},
    "else": {"required": ["authorize", "token"]},
}
#: Texts with braces, each with the key where it stands.
Templates = Sequence[tuple[str, str]]
#: Where a secret may be named: in what goes from us to the provider, beside the address.
_MAY_NAME_SECRETS = re.compile(r"(token|refresh|use|identify|revoke|readiness)\.(headers|params|platform)\..+")


class Declaration(Part):
    """A payment provider."""

    model_config = ConfigDict(json_schema_extra=_OF_OAUTH)

    name: Name
    """The segment in addresses, the prefix of settings, the value in the database."""
    title: str = Field(min_length=1, max_length=60)
    """The name as the provider writes it."""
    documentation: Address | None = None
    """The provider's own documentation of it."""
    colour: Colour = "#37445c"
    """Of its buttons, with white words on it, as `#rrggbb`."""
    registering: str = ""
    """How a platform registers there, in a few sentences for the admin."""
    kind: Literal["oauth", "onboarding"] = "oauth"
    """`oauth`: the browser goes to `authorize` and comes back with a code for `token`. `onboarding`: the provider's API
    gives a link for each person, what comes back proves nothing, and the API says what came of it; that needs a
    class."""
    charges: bool = False
    """Whether accounts can take payments for tickets."""
    countries: tuple[Annotated[str, Field(pattern="^[A-Z]{2}$")], ...] = ()
    """Where accounts can be; none: anywhere, or not known."""
    currencies: tuple[Annotated[str, Field(pattern="^[a-z]{3}$")], ...] = ()
    """What accounts can take besides their own currency."""
    modes: Modes
    variables: Mapping[Name, Variable] = {}
    secrets: Mapping[Name, PlatformSecret] = {}
    authorize: SerializeAsAny[Authorize] = LEFT_OUT
    """Where the browser is sent; must be there, unless `kind` is `onboarding`, where it must not."""
    pushed: Pushed | None = None
    scopes: Scopes = Scopes()
    pkce: Literal["none", "optional", "required"] = "none"
    """With S256 (RFC 7636); used unless it is `none`."""
    callback: Callback = Callback()
    token: SerializeAsAny[Token] = LEFT_OUT
    """The token endpoint; must be there, unless `kind` is `onboarding` and the platform needs no token itself."""
    refresh: Refresh = Refresh()
    account_pattern: Pattern = r"^[!-~]{1,255}$"
    """What account ids look like."""
    use: Use = Use()
    identify: Identify
    revoke: Revoke | Literal["impossible"]
    errors: Errors = Errors()
    webhook: Webhook | None = None
    readiness: Readiness | None = None
    unverified: Mapping[str, str] = {}
    """Keys whose values are not from the provider's own documents, each with what is not sure. One of a host keeps live
    mode off until the admin says `accept_unverified`."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self._check_kind()
        told = self.model_dump()
        templates = list(_templates(told, ""))
        self._check_asked(templates)
        self._check_secrets(templates)
        self._check_identify()
        self._check_names(templates)
        for key in self.unverified:
            if not _has(told, key):
                raise ValueError(f"unverified names {key}, which is not said here")
        return self

    def _check_names(self, templates: Templates) -> None:
        """Whatever a template names must be known when it is filled in."""
        known = OF_A_CALL | self._given() | self.secrets.keys()
        for where, template in templates:
            if where.startswith("webhook.signed"):
                continue
            if unknown := sorted(names_of(template) - known):
                raise ValueError(f"{where} names {{{unknown[0]}}}, which neither modes, variables nor secrets give")
            if where.endswith("url") and names_of(_host(template)) & OF_A_CALL:
                raise ValueError(f"{where}: a host cannot depend on what an answer says")

    @property
    def left_out(self) -> set[str]:
        """Which of `authorize` and `token` are not there."""
        return {name for name in ("authorize", "token") if getattr(self, name) is LEFT_OUT}

    def _check_kind(self) -> None:
        if self.pushed is not None:
            self._check_pushed(self.pushed)
        if self.kind == "onboarding":
            if "authorize" not in self.left_out:
                raise ValueError("authorize is for OAuth alone: a provider that onboards is asked for each link")
        elif self.left_out:
            raise ValueError(f"OAuth needs {' and '.join(sorted(self.left_out))}")
        elif not self.callback.code:
            raise ValueError("callback.code is empty: without a code nothing proves that the provider answered")

    def _check_pushed(self, pushed: Pushed) -> None:
        if self.kind == "onboarding":
            raise ValueError("pushed is for OAuth alone")
        if self.left_out:
            return  # said elsewhere
        if (pushed.auth or self.token.auth) in {"account", "none", "nothing"}:
            raise ValueError("pushed.auth must prove who the platform is")
        if "client_id" not in self.authorize.sends or "client_id" in self.authorize.rename:
            raise ValueError("pushed: the browser carries a client_id, by this name (RFC 9126 section 4)")

    @property
    def asked(self) -> dict[str, Variable]:
        """What the organizer is asked before they leave."""
        return {name: one for name, one in self.variables.items() if one.asked_of == "organizer"}

    def _check_identify(self) -> None:
        """Something must prove whose account it is."""
        asking = self.identify
        if asking.choices and asking.mode:
            raise ValueError("identify.mode is of one account, and identify.choices of several")
        if (self.modes.by == "account") != (asking.mode is not None):
            raise ValueError("modes.by is account where identify.mode is there, and nowhere else")
        if asking.id:
            return
        told = "token" not in self.left_out and "account" in self.token.answer.required
        opened = self.callback.account is not None and "account" in names_of(asking.url)
        if asking.choices or not asking.name or asking.auth != "account" or not (told or opened):
            raise ValueError(
                "identify.id is missing: without it the account's own token must be used, identify.name be there, and "
                "token.answer.account be required or callback.account name what identify.url opens"
            )

    def _check_asked(self, templates: Templates) -> None:
        """What an organizer says must not lead anywhere else, nor be taken for what somebody else says."""
        names = self.asked.keys()
        if not names:
            if self.identify.tenant or self.callback.tenant:
                raise ValueError("a tenant is named, but no variable is asked_of the organizer")
            return
        if self.kind == "onboarding":
            raise ValueError("asked_of organizer is for OAuth alone")
        for name in names & (OF_A_CALL | self.modes.live.keys() | self.modes.test.keys()):
            raise ValueError(f"variables.{name} is asked_of the organizer, but the name stands for something else")
        for where, template in templates:
            if where.endswith("url") and not _is_fixed(template, names):
                raise ValueError(f"{where}: after what the organizer says must come a domain of the provider's")
        confirmed = names_of(str(self.identify.tenant.equals)) if self.identify.tenant else set()
        if not names <= confirmed:
            raise ValueError("identify.tenant must say where the answer names what the organizer was asked for")

    def _check_secrets(self, templates: Templates) -> None:
        """Addresses are logged in many places, and what the authorize page is sent is seen by the browser."""
        for name in self.secrets.keys() & (OF_A_CALL | self._given()):
            raise ValueError(f"secrets.{name}: the name stands for something else")
        for where, template in templates:
            named = sorted(names_of(template) & {"client_secret", *self.secrets})
            if named and not _MAY_NAME_SECRETS.fullmatch(where):
                raise ValueError(f"{where} names {{{named[0]}}}, which is for headers and params of requests alone")

    def made_up(self) -> dict[str, str]:
        """Who the platform is in development, where nobody said: application and sandbox make up the same.

        :return: by the names that templates have for it.
        """
        known = {
            "client_id": f"ca_sandbox_{self.name}",
            "client_secret": f"{self.modes.test_prefix or 'sk_test_'}sandbox_{self.name}",
        }
        return known | {name: f"{name}_sandbox_{self.name}" for name in self.secrets}

    def _given(self) -> set[str]:
        """The names that modes and variables give."""
        values = {name for variable in self.variables.values() for one in variable.values.values() for name in one}
        return {*self.modes.live, *self.modes.test, *self.variables, *values}


def _templates(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Every text with a template's braces, and where it is."""
    if isinstance(value, str):
        if names_of(value) and not where.endswith("pattern"):
            yield where, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _templates(one, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _templates(one, where)


def _host(url: str) -> str:
    return url.removeprefix("https://").partition("/")[0]


def _is_fixed(url: str, asked: Container[str]) -> bool:
    """Whether the host ends in a domain that organizers have no part in: at least two labels, or a name for such."""
    host = re.sub(r"\{(\w+)\}", lambda found: "?" if found[1] in asked else "a.b", _host(url))
    _, theirs, domain = host.rpartition("?")
    return not theirs or re.fullmatch(r"[^.]*(\.[^.]+){2,}", domain) is not None


def _has(values: Any, key: str) -> bool:
    for name in key.split("."):
        if not isinstance(values, Mapping) or values.get(name) is None:
            return False
        values = values[name]
    return True
