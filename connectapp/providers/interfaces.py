"""The contract between connectapp and a payment provider, on one page; `capabilities` has what some can besides.

A provider turns our questions into the provider's dialect and its answers into these plain values. It sees no
request, no database and no other provider. State, PKCE verifiers and the one redemption of a code belong to
`connectapp.connect`: a provider is handed them, and can switch none of them off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, Protocol, Self

from connectapp.providers.tenants import Question, Tenant
from connectapp.secret import Secret

Mode = Literal["test", "live"]
PriceProblem = Literal["currency", "too_low", "not_rounded"]


@dataclass(frozen=True)
class Prefill:
    """What we know already, so that the organizer need not type it again at the provider. All optional.

    :param country: ISO 3166-1 alpha-2, upper case.
    """

    email: str | None = None
    business_name: str | None = None
    url: str | None = None
    country: str | None = None


@dataclass(frozen=True)
class CallbackNames:
    """The parameters of a provider's callbacks (RFC 6749 section 4.1.2); `account` names the account, if one does.

    :param code: empty where the provider onboards (`IOnboards`): the state stands for the code then.
    """

    state: str = "state"
    code: str = "code"
    account: str | None = None


@dataclass(frozen=True)
class Grant:
    """What the provider answered to the code.

    :param external_id: the account's id at the provider, exactly as it was sent; None if only `identify` can tell.
    :param scope: the scope that was granted, which may be less than what was asked.
    :param expires_at: when the access token dies (UTC); None if it never does.
    """

    external_id: str | None
    mode: Mode
    scope: str
    token_type: str = "bearer"  # noqa: S105 - a type, not a token
    access_token: Secret | None = None
    refresh_token: Secret | None = None
    publishable_key: str | None = None
    expires_at: datetime | None = None

    def without_tokens(self) -> "Grant":
        """The same grant, only the account's id kept."""
        return replace(self, access_token=None, refresh_token=None)


@dataclass(frozen=True)
class Identity:
    """Who the account is, asked from the provider with the new grant.

    :param proof: ``token`` when the account's own token was used; ``platform_key`` when the platform's key and the
        account's id were, which proves access and mode only.
    :param country: ISO 3166-1 alpha-2. :param currency: ISO 4217, lower case. :param tenant: which the answer named.
    """

    external_id: str
    display_name: str
    proof: Literal["token", "platform_key"]
    country: str | None = None
    currency: str | None = None
    charges_enabled: bool | None = None
    tenant: Tenant = field(default_factory=dict)


@dataclass(frozen=True)
class Readiness:
    """Whether an account can take money now.

    :param missing: paths of the provider's answer that say why not. :param onboarding_url: where that is mended.
    """

    ready: bool
    missing: tuple[str, ...] = ()
    onboarding_url: str | None = None


@dataclass(frozen=True)
class WebhookMessage:
    """A message as it came from the network, not believed yet.

    :param url: our own address for it, as configured and never as asked for. :param headers: names in lower case.
    :param received_at: in seconds since 1970.
    """

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    url: str
    received_at: float


@dataclass(frozen=True)
class Notice:
    """What a message says of one event, once it is proven to be the provider's.

    :param id: the same again for the same event told again; None if it has none.
    :param external_id: the account that it is about. :param disconnected: whether the organizer took the access back.
    :param proven: False: it is but a hint, and the provider is to be asked (see `Webhook.algorithm`).
    """

    id: str | None
    type: str | None
    external_id: str | None
    disconnected: bool
    created: str | None = None
    proven: bool = True


class IPaymentProvider(Protocol):
    """One configured provider. Safe to call from many threads.

    Every method that calls the provider makes exactly one HTTP request, within the transport's total deadline, and
    raises a `connectapp.errors.ProviderError` of the fitting kind.
    """

    @property
    def name(self) -> str:
        """The URL segment, the settings prefix and the database value, e.g. ``stripe``."""

    @property
    def title(self) -> str:
        """The name as the provider writes it, e.g. ``Stripe``."""

    @property
    def mode(self) -> Mode:
        """Which side of the provider this configuration talks to."""

    @property
    def scope(self) -> str:
        """The scope that is asked for, as configured."""

    @property
    def uses_pkce(self) -> bool:
        """Whether `connectapp.connect` is to make a code verifier (RFC 7636, S256)."""

    @property
    def issuer(self) -> str | None:
        """Who its answers must name as ``iss``, also its errors (RFC 9207); None: it names nobody."""

    @property
    def stores_tokens(self) -> bool:
        """False: only the account id is kept, and the platform's own key is used for the account."""

    @property
    def revision(self) -> str:
        """Changes whenever the configuration does; an attempt is finished only by the revision that began it."""

    @property
    def charges(self) -> bool:
        """Whether its accounts can take payments for tickets."""

    @property
    def countries(self) -> frozenset[str]:
        """Where accounts can be (ISO 3166-1 alpha-2, capitals); empty: anywhere, or not known."""

    @property
    def currencies(self) -> frozenset[str]:
        """What accounts can take besides their own (ISO 4217, lower case); empty: not known."""

    @property
    def colour(self) -> str:
        """Of its buttons, as ``#rrggbb``, with white words on it."""

    @property
    def callback_names(self) -> CallbackNames:
        """The parameters of its callbacks."""

    @property
    def questions(self) -> Sequence[Question]:
        """What the organizer is asked before they leave; mostly nothing."""

    @property
    def tenant(self) -> Tenant:
        """What the organizer said: `at` was given it. Everything is asked there."""

    @property
    def pushes(self) -> bool:
        """Whether what `authorize_url` gives is to be pushed before a browser goes there (`push`)."""

    @property
    def revocable(self) -> bool:
        """Whether it has a way to give access back; if not, only the organizer can end it there."""

    @property
    def denied(self) -> frozenset[str]:
        """The error codes that mean that the organizer said no."""

    def at(self, tenant: Tenant) -> Self:
        """The same provider for one organizer's answers; where it has questions, nothing else can be asked without.

        :raises GrantRefusedError: ``unknown_tenant``, if these are not answers to all of its questions.
        """

    def authorize_url(self, *, redirect_uri: str, state: str, code_verifier: Secret | None, prefill: Prefill) -> str:
        """The URL to send the browser to (RFC 6749 section 4.1.1). Calls nobody. Never asked where it onboards."""

    def push(self, url: str) -> str:
        """Hand the parameters of an address of `authorize_url` over (RFC 9126); the address with a reference to them.

        :raises ProviderError: of the fitting kind.
        """

    def check_callback(self, parameters: Sequence[tuple[str, str]], received_at: float) -> None:
        """Check who wrote what came back, before anything is done with it. Calls nobody.

        :param parameters: all, decoded, in the order of the query. :param received_at: in seconds since 1970.
        :raises GrantRefusedError: ``callback_unproven``, if it must be signed and is not; ``other_tenant``.
        """

    def redeem(
        self, *, code: Secret, redirect_uri: str, code_verifier: Secret | None, account: str | None = None
    ) -> Grant:
        """Exchange the code (RFC 6749 section 4.1.3). Called once per code, ever; never retried by anyone.

        :param account: what the callback said of it, or else what `IOnboards.onboard` did; `identify` must confirm it.
        """

    def refresh(self, *, refresh_token: Secret, redirect_uri: str) -> Grant:
        """A new access token (RFC 6749 section 6). Its refresh token is the one that counts from now on.

        :param redirect_uri: of the link, which some providers want again.
        :raises GrantRefusedError: ``refresh_impossible``, where there is nothing to refresh; or the provider's no.
        """

    def identify(self, grant: Grant) -> Identity:
        """Ask the provider whose account this is. Safe to repeat."""

    def revoke(self, external_id: str | None, access_token: Secret | None, refresh_token: Secret | None = None) -> None:
        """Take our access to the account back; an account that is not connected any more counts as done.

        :raises GrantRefusedError: ``revocation_impossible``, where the provider has no way for it.
        """

    def readiness(self, external_id: str, access_token: Secret | None) -> Readiness | None:
        """Whether the account can take money now; None where the provider does not tell. Safe to repeat."""

    def verify_webhook(self, message: WebhookMessage) -> Sequence[Notice]:
        """Check who sent a message and what it says of each event; mostly one, perhaps none. Calls nobody.

        :raises GrantRefusedError: ``webhook_refused``, if it is not proven to be the provider's, or is of another mode.
        """

    def price_problem(self, amount: int, currency: str, account_currency: str | None) -> PriceProblem | None:
        """Why an account cannot take payments of this amount; None if it can. Calls nobody.

        :param amount: in minor units (ISO 4217). :param currency: ISO 4217, lower case, like the account's own.
        """


def title_of(name: str, providers: Mapping[str, IPaymentProvider]) -> str:
    """What people call a provider, also one that is not configured any more."""
    provider = providers.get(name)
    return provider.title if provider else name.capitalize()
