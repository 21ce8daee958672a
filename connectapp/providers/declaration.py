"""The declaration of a payment provider: everything that connectapp needs to know of it, as data.

`docs/provider-declaration.md` is made from this module, `parts` and `endpoints`.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, SerializeAsAny, model_validator

from connectapp.providers.endpoints import Identify, Readiness, Refresh, Revoke, Token, Use, Webhook
from connectapp.providers.parts import (
    Address,
    Authorize,
    Callback,
    Errors,
    Modes,
    Name,
    Part,
    Pattern,
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


class Declaration(Part):
    """A payment provider."""

    model_config = ConfigDict(json_schema_extra=_OF_OAUTH)

    name: Name
    """The segment in addresses, the prefix of settings, the value in the database."""
    title: str = Field(min_length=1, max_length=60)
    """The name as the provider writes it."""
    documentation: Address | None = None
    """The provider's own documentation of it."""
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
    authorize: SerializeAsAny[Authorize] = LEFT_OUT
    """Where the browser is sent; must be there, unless `kind` is `onboarding`, where it must not."""
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
        known = OF_A_CALL | self._given()
        for where, template in _templates(self.model_dump(), ""):
            if where.startswith("webhook.signed"):
                continue
            if unknown := sorted(names_of(template) - known):
                raise ValueError(f"{where} names {{{unknown[0]}}}, which neither modes nor variables give")
            if where.endswith("url") and _host_names(template) & OF_A_CALL:
                raise ValueError(f"{where}: a host cannot depend on what an answer says")
        for key in self.unverified:
            if not _has(self.model_dump(), key):
                raise ValueError(f"unverified names {key}, which is not said here")
        return self

    @property
    def left_out(self) -> set[str]:
        """Which of `authorize` and `token` are not there."""
        return {name for name in ("authorize", "token") if getattr(self, name) is LEFT_OUT}

    def _check_kind(self) -> None:
        if self.kind == "onboarding":
            if "authorize" not in self.left_out:
                raise ValueError("authorize is for OAuth alone: a provider that onboards is asked for each link")
        elif self.left_out:
            raise ValueError(f"OAuth needs {' and '.join(sorted(self.left_out))}")
        elif not self.callback.code:
            raise ValueError("callback.code is empty: without a code nothing proves that the provider answered")

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


def _host_names(url: str) -> set[str]:
    return names_of(url.removeprefix("https://").partition("/")[0])


def _has(values: Any, key: str) -> bool:
    for name in key.split("."):
        if not isinstance(values, Mapping) or values.get(name) is None:
            return False
        values = values[name]
    return True
