"""What the ledger holds: accounts, codes, grants, revocations, payments, mails and requests, as plain records."""

import secrets
import string
from dataclasses import dataclass, field

_ALPHABET = string.ascii_letters + string.digits


def new_token(prefix: str, length: int = 32) -> str:
    """A fresh identifier such as ``ac_…``: `prefix` and `length` random letters and digits."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


@dataclass
class Account:
    """An organizer's account at the provider. :param country: ISO 3166-1 alpha-2. :param created: epoch seconds."""

    id: str
    business_name: str
    email: str
    country: str
    default_currency: str
    charges_enabled: bool = True
    payouts_enabled: bool = True
    details_submitted: bool = True
    url: str | None = None
    created: int = 1_700_000_000


@dataclass
class Code:
    """An authorization code. Times are epoch seconds.

    :param redemptions: how often it was presented with a good key. :param challenge: for PKCE with S256 (RFC 7636).
    :param external_id: what the provider calls the account; default: as we do. :param tenant: where it was given.
    """

    code: str = field(repr=False)
    account: str
    client_id: str
    scope: str
    livemode: bool
    issued_at: float
    expires_at: float
    redemptions: int = 0
    redirect_uri: str | None = None
    challenge: str | None = None
    provider: str = "stripe"
    external_id: str = ""
    tenant: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.external_id = self.external_id or self.account


@dataclass
class Pushed:
    """The parameters of an authorization request that were pushed (RFC 9126). Times are epoch seconds.

    :param query: all of them. :param opened: whether a browser came with the `request_uri`, which it may do once.
    :param decided: whether the organizer has approved or denied.
    """

    request_uri: str
    query: str = field(repr=False)
    client_id: str
    provider: str
    expires_at: float
    opened: bool = False
    decided: bool = False


@dataclass
class Grant:
    """One access token, and the connection that it belongs to. Times are epoch seconds.

    :param external_id: what the provider calls the account; default: as we do.
    :param expires_at: when the access token stops working; None: never. :param tenant: where alone it works.
    """

    account: str
    client_id: str
    scope: str
    livemode: bool
    code: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    issued_at: float
    live: bool = True
    revoked_at: float | None = None
    reason: str | None = None
    provider: str = "stripe"
    external_id: str = ""
    expires_at: float | None = None
    tenant: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.external_id = self.external_id or self.account


@dataclass
class Revocation:
    """A connection was ended. :param reason: as of its grants. :param tokens: how many died."""

    account: str
    client_id: str
    reason: str
    at: float
    tokens: int
    provider: str = "stripe"


@dataclass
class Payment:
    """A payment into an account. :param amount: minor units. :param made_by: whose key, ``platform`` or ``account``."""

    id: str
    account: str
    amount: int
    currency: str
    status: str
    made_by: str
    idempotency_key: str | None
    fields: dict[str, str]
    at: float


@dataclass
class Mail:
    """A mail that the platform sent; the sandbox is its only reader. :param body: plain text."""

    to: str
    sender: str
    subject: str = field(repr=False)
    body: str = field(repr=False)
    at: float


@dataclass
class Seen:
    """One request as it arrived. :param status: None until it is answered."""

    n: int
    at: float
    method: str
    host: str
    path: str
    query: str
    headers: dict[str, str] = field(repr=False)
    body: str = field(repr=False)
    status: int | None = None


def seeds() -> list[Account]:
    """The accounts that a fresh sandbox has; one of them cannot take charges yet."""
    return [
        Account("acct_1SandboxRiverside1", "Riverside Concerts", "box@riverside.example", "GB", "gbp"),
        Account(
            "acct_1SandboxNorthern02",
            "Northern Lights Festival",
            "hello@northern.example",
            "NO",
            "nok",
            charges_enabled=False,
            payouts_enabled=False,
            details_submitted=False,
        ),
        Account("acct_1SandboxZurich0003", "Zürich Jazz Nights", "info@jazz.example", "CH", "chf"),
    ]
