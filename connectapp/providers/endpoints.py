"""The parts of a declaration that speak of requests, ours and the provider's (`declaration.Declaration`)."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from connectapp.providers.parts import Address, Auth, Condition, OptionalPath, Part, Path, Paths, Scalar, Words

Body = Literal["form", "json", "query"]


class Request(Part):
    """A request to the provider. Templates may name ``{client_id}``, ``{access_token}``, ``{refresh_token}``,
    ``{account}``, and what modes and variables give; in headers and params also ``{client_secret}`` and each of
    ``secrets``. One that is a single name keeps its type, and is left out where there is no value."""

    url: Address
    """Where it is sent; a template."""
    method: Literal["GET", "POST", "PUT", "DELETE"] = "POST"
    """Its method."""
    body: Body = "form"
    """How parameters are written down: as a form, as JSON, or behind the `?` of the address."""
    auth: Auth = "client_secret_basic"
    """How the platform proves itself; `account` uses the account's own credential, as `use` says."""
    headers: Mapping[str, str] = {}
    """Headers that are sent as well; templates."""
    params: Mapping[str, Scalar] = {}
    """Parameters that are sent as well; templates."""


class Answer(Part):
    """Where a token answer has what (RFC 6749 section 5.1)."""

    required: tuple[Literal["access_token", "refresh_token", "account", "scope"], ...] = ("access_token",)
    """What must be there."""
    access_token: Path = "access_token"  # noqa: S105 - a path
    """Where the access token is."""
    refresh_token: Path = "refresh_token"  # noqa: S105 - a path
    """Where the refresh token is, if one comes."""
    token_type: OptionalPath = "token_type"  # noqa: S105 - a path
    """Empty: the provider sends no type, and Bearer is meant."""
    scope: OptionalPath = "scope"
    """Empty: the provider does not say what it granted."""
    scope_separator: str = " "
    """What stands between scopes there."""
    account: Path | None = None
    """Where the account's id is, if the answer has it."""
    publishable_key: Path | None = None
    """Where the key is that may be shown to browsers."""
    mode: Condition | None = None
    """What is so in live mode, and only there."""
    expires: Path = "expires_in"
    """Where the access token's end is."""
    expiry: Literal["seconds", "milliseconds", "iso", "epoch", "never"] = "seconds"
    """What `expires` counts: seconds or milliseconds from now, or a moment, as ISO 8601 or in seconds since 1970."""
    lifetime: int | None = None
    """Seconds that an access token lives where no answer says it."""


class Pushed(Part):
    """Pushed authorization requests (RFC 9126): the authorize page's parameters go to the provider first, and the
    browser has a reference to them alone."""

    url: Address
    """Where they are pushed to."""
    auth: Auth | None = None
    """How the platform proves itself, if otherwise than at the token endpoint."""


class Token(Request):
    """The token endpoint, which redeems the code, once (RFC 6749 section 4.1.3)."""

    sends: tuple[Literal["grant_type", "code", "redirect_uri"], ...] = ("grant_type", "code", "redirect_uri")
    """Which of the standard fields are sent, beside those of the authentication and of PKCE."""
    answer: Answer = Answer()


class Refresh(Part):
    """Refreshing (RFC 6749 section 6); what is not said is as at the token endpoint."""

    rule: Literal["never", "same", "rotating", "single_use"] = "same"
    """`never`: there is nothing to refresh. `same`: the refresh token stays. `rotating`: another one may come, which
    counts then. `single_use`: another one must come, and the old one used again ends everything."""
    url: Address | None = None
    """Where it is sent, if not to the token endpoint."""
    auth: Auth | None = None
    """How the platform proves itself, if otherwise."""
    body: Body | None = None
    """How parameters are written down, if otherwise."""
    sends: tuple[Literal["grant_type", "refresh_token", "redirect_uri"], ...] = ("grant_type", "refresh_token")
    """Which of the standard fields are sent."""
    headers: Mapping[str, str] | None = None
    """Headers that are sent in place of the token endpoint's."""
    params: Mapping[str, Scalar] = {}
    """Parameters that are sent as well."""
    days_ahead: int = 0
    """How many days before the end the provider wants it done, at the latest."""


class Choices(Part):
    """Where one access opens several accounts, the organizer chooses. Paths of `id` and `name` begin at each item."""

    list: Path | Literal[""]
    """Where the list is; empty: the answer is the list."""
    id: Path
    """Where an entry has the account's id."""
    name: Path
    """Where an entry has its name."""


class Identify(Request):
    """Asks whose account it is, with the new grant. Must be safe to repeat."""

    method: Literal["GET", "POST"] = "GET"
    body: Body = "query"
    auth: Auth = "account"
    id: Paths = ()
    """Where the account's id is; none: the answer does not name it, and that the account's token opens the address is
    the proof. Then `token.answer.account` must be required, or `callback.account` name what the address names."""
    name: Paths = ()
    """Where its name is; none: the id is shown."""
    country: Path | None = None
    """Where its country is (ISO 3166-1 alpha-2)."""
    currency: Path | None = None
    """Where its own currency is (ISO 4217)."""
    charges: Condition | None = None
    """What is so when the account can take money."""
    mode: Condition | None = None
    """What is so for accounts of live mode, and for no other."""
    tenant: Condition | None = None
    """Where the answer names the tenant that the organizer was asked for, and how it writes it; must be there then."""
    defaults: Mapping[Literal["country", "currency"], str] = {}
    """Where all accounts are in one country, or have one currency."""
    currency_of: Mapping[str, str] = {}
    """The currency by the country, where the answer tells only the country."""
    choices: Choices | None = None


class Use(Part):
    """How requests are made in the account's name; templates as in `Request`."""

    headers: Mapping[str, str] = {"Authorization": "Bearer {access_token}"}
    """Headers of each of them."""
    params: Mapping[str, Scalar] = {}
    """Parameters of each of them."""
    platform: Mapping[str, str] | None = None
    """The headers for it with the platform's own key, where no token is kept."""


class Revoke(Request):
    """Takes the access back."""

    statuses: tuple[int, ...] = (200,)
    """The statuses that mean that it worked."""
    success: Condition | None = None
    """What else must be so in the answer."""
    gone: Words = ()
    """Error codes that mean that there was no access any more."""


class Webhook(Part):
    """What the provider tells by itself, and how it proves that it does."""

    header: str | None = None
    """Where the signature is."""
    algorithm: Literal["hmac-sha256", "hmac-sha1", "token", "reread"]
    """`token`: the header has the secret itself. `reread`: nothing is proven, so that a message is but a hint to
    look."""
    encoding: Literal["hex", "base64"] = "hex"
    """How the signature is written down."""
    signed: str = "{body}"
    """What is signed. Names: ``{body}``, ``{t}``, ``{url}``, ``{query.NAME}``, ``{header.NAME}``."""
    prefix: str = ""
    """What stands before the signature."""
    timestamp_element: str | None = None
    """The name of the time in such a header."""
    signature_element: str | None = None
    """Where the header is a list such as ``t=1,v1=ab``: the names of time and signature."""
    tolerance: int | None = Field(default=None, ge=1, le=3600)
    """How many seconds the time may be off, both ways."""
    events: Path | Literal[""] | None = None
    """Where a message has a list of events, at most 500; empty: the message is the list; none: it is one event itself.
    Paths of `id`, `type`, `account` and `created` begin at each event."""
    id: Path | None = None
    """Where an event has its id."""
    type: Path | None = None
    """Where it has its type."""
    id_header: str | None = None
    """Or the header that has the id; not with `events`, which each need one."""
    type_header: str | None = None
    """Or the header that has the type. Such a header is mostly not signed: then it is the connection that proves it."""
    account: Path | None = None
    """Where it has the account's id."""
    created: Path | None = None
    """Where it says when it was made."""
    mode: Condition | None = None
    """What is so in messages of live mode, and only there."""
    disconnected: Words = ()
    """Types that mean that the organizer took the access back."""

    @model_validator(mode="after")
    def _proves_something(self) -> Self:
        if (self.algorithm == "reread") != (self.header is None):
            raise ValueError("needs a header with a signature, unless algorithm is reread")
        if (self.timestamp_element is None) != (self.tolerance is None):
            raise ValueError("a tolerance goes with a timestamp_element")
        if (self.timestamp_element is None) < (self.signature_element is None):
            raise ValueError("a timestamp_element goes with a signature_element")
        if "{t}" in self.signed and self.timestamp_element is None:
            raise ValueError("signed names {t}, for which there is no timestamp_element")
        if self.algorithm.startswith("hmac") and "{body}" not in self.signed and "{query." not in self.signed:
            raise ValueError("signed names nothing of the message")
        if self.events is not None and self.id_header is not None:
            raise ValueError("an id_header would give all events of a message the same id")
        return self


class Readiness(Request):
    """Asks whether the account can take money now."""

    method: Literal["GET"] = "GET"
    body: Literal["query"] = "query"
    auth: Auth = "account"
    ready: tuple[Condition, ...]
    """All of these must be so."""
    onboarding_url: Address | None = None
    """Where the organizer finishes what is missing."""
