"""The parts of a declaration (`declaration.Declaration`).

A text with ``{names}`` is a template; which names it may have is said at its field. A path such as ``merchant.names.0``
finds a value in an answer, in JSON or XML; where several are given, the first that finds something counts.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from connectapp.providers.interfaces import Mode

STATE_LENGTH = 43  # characters of the state that connectapp.connect makes: 256 bits in base64url

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Scalar = str | int | bool
Path = Annotated[str, Field(pattern=r"^[A-Za-z0-9_:-]+(\.[A-Za-z0-9_:-]+)*$")]
Reason = Literal[
    "access_denied", "account_controlled", "code_refused", "platform_refused", "provider_error", "request_refused",
    "scope_refused",
]  # fmt: skip
#: How the platform proves itself. ``account``: with the account's own credential, as `Use` says.
Auth = Literal[
    "client_secret_basic", "plain_basic", "client_secret_post", "secret_as_user", "bearer_secret", "private_key_jwt",
    "none", "nothing", "account",
]  # fmt: skip


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _anchored(pattern: str) -> str:
    re.compile(pattern)
    if not (pattern.startswith("^") and pattern.endswith("$")) or "|" in re.sub(r"\(.*\)", "", pattern):
        raise ValueError("must begin with ^ and end with $, so that it speaks of the whole value")
    return pattern


def _luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _dark_enough(colour: str) -> str:
    if 1.05 / (_luminance(colour) + 0.05) < 4.5:
        raise ValueError("is too light: white words on it must have a contrast of 4.5 to 1 (WCAG 2.2, 1.4.3)")
    return colour


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.netloc or "@" in parts.netloc or parts.fragment:
        raise ValueError("must be an https:// address without a user and without a fragment")
    return url


#: An empty text in TOML, which has no null.
OptionalPath = Annotated[
    Path | None, BeforeValidator(lambda value: value or None, json_schema_input_type=Path | Literal[""] | None)
]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_one_or_more, json_schema_input_type=Path | tuple[Path, ...])]
Words = Annotated[tuple[str, ...], BeforeValidator(_one_or_more, json_schema_input_type=str | tuple[str, ...])]
Pattern = Annotated[str, AfterValidator(_anchored)]
Address = Annotated[str, AfterValidator(_address)]
Colour = Annotated[str, Field(pattern="^#[0-9a-f]{6}$"), AfterValidator(_dark_enough)]


class Part(BaseModel):
    """What all parts share: unknown keys are errors, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Condition(Part):
    """A value that an answer must have."""

    path: Path
    """Where the value is."""
    equals: Scalar = True
    """A template may name ``{account}``, and what modes and variables give."""


class Modes(Part):
    """How the provider tells test from live."""

    by: Literal["host", "credentials", "token_field", "api_parameter", "account", "none"]
    """`host`: other addresses. `credentials`: another client id and secret. `token_field`: a field of the token
    request or answer. `api_parameter`: a parameter of each API request. `account`: each account is of
    one side, as `identify.mode` says. `none`: there is no test side; the admin's word
    counts."""
    live: Mapping[Name, Scalar] = {}
    """Values for templates when the provider is used live."""
    test: Mapping[Name, Scalar] = {}
    """Values for templates when the provider is used for tests."""
    key_prefixes: Mapping[str, Mode] = {}
    """The mode that the beginning of a client secret stands for."""

    @property
    def test_prefix(self) -> str:
        """The beginning of a client secret of the test side, if it has one of its own."""
        return next((start for start, mode in self.key_prefixes.items() if mode == "test"), "")


class Variable(Part):
    """A region, a tenant, a shop. The admin says it as `connectapp.provider.NAME.variable.THIS`; or each organizer is
    asked for it, before they leave for the provider."""

    title: str
    """What the admin is told that it is; or the label of the organizer's field."""
    asked_of: Literal["admin", "organizer"] = "admin"
    """Who says it. What organizers say is a part of host names: it needs a `pattern`, and `identify.tenant`."""
    default: str | None = None
    """What counts when the admin says nothing; none: it must be said."""
    pattern: Pattern | None = None
    """Which values there are, by an anchored regular expression. It keeps secrets from other hosts."""
    values: Mapping[str, Mapping[Name, str]] = {}
    """Or which values there are, each with what it means for templates."""
    example: str | None = None
    """What organizers are shown as an example; it must be as in `pattern`."""
    suffix: str = ""
    """What organizers may type after it as well, such as `.example.com`; they are shown the example with it."""
    lower_case: bool = False
    """Whether capitals mean the same, so that what organizers type is made lower-case."""

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if (self.pattern is None) == (not self.values):
            raise ValueError("needs either a pattern or values")
        if self.asked_of == "admin":
            if self.example or self.suffix or self.lower_case:
                raise ValueError("example, suffix and lower_case are for what organizers are asked")
        elif self.pattern is None or self.default is not None:
            raise ValueError("what organizers are asked needs a pattern, and has no default")
        elif not re.fullmatch(self.pattern, self.example or ""):
            raise ValueError("what organizers are asked needs an example that is as in its pattern")
        return self


class PlatformSecret(Part):
    """A secret of the platform's beside the client secret. The admin says it as
    `connectapp.provider.NAME.secret.THIS`; templates may name it in `headers` and `params` of requests."""

    title: str = Field(min_length=1, max_length=200)
    """What the admin is told that it is."""


class Authorize(Part):
    """Where the browser is sent (RFC 6749 section 4.1.1)."""

    url: Address
    """The page where the organizer approves."""
    sends: tuple[Literal["response_type", "client_id", "redirect_uri", "scope"], ...] = (
        "response_type", "client_id", "redirect_uri", "scope",
    )  # fmt: skip
    """Which of the standard parameters are sent, beside state and PKCE."""
    rename: Mapping[Literal["response_type", "client_id", "redirect_uri", "scope", "state"], str] = {}
    """Standard parameters that have another name here."""
    params: Mapping[str, Scalar | tuple[str, ...]] = {}
    """Parameters that are always the same; a list is sent as a repeated parameter."""
    options: Mapping[str, tuple[str, ...]] = {}
    """Parameters whose value the admin may choose, `connectapp.provider.NAME.option.THIS`, and their values."""
    prefill: Mapping[Literal["email", "business_name", "url", "country"], str] = {}
    """What we know of the organizer, and the parameter that takes it."""
    state_length: tuple[int, int] = (1, 1000)
    """How long a state may be there, in characters; ours has 43."""

    @model_validator(mode="after")
    def _takes_our_state(self) -> Self:
        least, most = self.state_length
        if not least <= STATE_LENGTH <= most:
            raise ValueError(
                f"state_length leaves no room for a state of {STATE_LENGTH} characters, which is never done without"
            )
        return self


class Scopes(Part):
    """What access is asked for."""

    presets: Mapping[Name, tuple[str, ...]] = {}
    """Named sets; the admin chooses with `connectapp.provider.NAME.scope`. None: the scope is set at the provider."""
    default: Name = "charge"
    """The set that counts when the admin names none."""
    always: Words = ()
    """Scopes that are added to each set."""
    separator: str = " "
    """What stands between scopes."""
    array: bool = False
    """Each scope is a parameter of its own, `scope[]`."""

    @model_validator(mode="after")
    def _has_default(self) -> Self:
        if self.presets and self.default not in self.presets:
            raise ValueError(f"default is {self.default!r}, which is not among the presets")
        return self


class CallbackSignature(Part):
    """How what comes back proves that the provider wrote it, with the client secret; checked before the code is
    redeemed."""

    parameter: str
    """The parameter that has the signature."""
    algorithm: Literal["hmac-sha256", "hmac-sha1"]
    encoding: Literal["hex", "base64"] = "hex"
    """How the signature is written down."""
    signed: Literal["sorted_query"] = "sorted_query"
    """What is signed. `sorted_query`: all other parameters, decoded, as `name=value`, sorted and joined by `&`; `%` and
    `&` in them, and `=` in names, are percent-encoded."""
    timestamp: str | None = None
    """The parameter that has the time, in seconds since 1970."""
    tolerance: int | None = Field(default=None, ge=1, le=86400)
    """How many seconds the time may be off, both ways."""

    @model_validator(mode="after")
    def _has_a_time(self) -> Self:
        if (self.timestamp is None) != (self.tolerance is None):
            raise ValueError("a tolerance goes with a timestamp")
        return self


class Callback(Part):
    """What comes back by way of the browser."""

    state: str = "state"
    """The parameter that has the state where `kind` is `onboarding`; with OAuth it has the name that it went with."""
    code: str = "code"
    """The parameter that has the code."""
    account: str | None = None
    """A parameter that names the account; `identify` must confirm it."""
    tenant: Mapping[str, str] = {}
    """Parameters that name the tenant that the organizer was asked for, and how they write it; each must be there."""
    signature: CallbackSignature | None = None
    denied: Words = ("access_denied",)
    """Error codes that mean that the organizer said no."""
    issuer: Address | None = None
    """Who every answer must name as `iss` (RFC 9207)."""


class Errors(Part):
    """How errors are told."""

    code: Paths = ("error",)
    """Where the code of an error is, in answers of the server's own endpoints."""
    reasons: Mapping[str, Reason] = {}
    """The provider's documented codes in our words; others are `provider_error`."""
