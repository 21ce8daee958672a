"""The contract between connectapp and a payment provider, on one page.

A provider turns our questions into the provider's dialect and its answers into these plain values. It sees no
request, no database and no other provider. State, PKCE verifiers and the one redemption of a code belong to
`connectapp.connect`: a provider is handed them, and can switch none of them off.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

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
    :param country: ISO 3166-1 alpha-2. :param currency: ISO 4217, lower case.
    """

    external_id: str
    display_name: str
    proof: Literal["token", "platform_key"]
    country: str | None = None
    currency: str | None = None
    charges_enabled: bool | None = None


@dataclass(frozen=True)
class PaymentResult:
    """What became of a payment.

    :param external_id: the payment's id at the provider. :param reason: our word for why it failed.
    """

    succeeded: bool
    external_id: str | None
    reason: str | None = None


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

    def authorize_url(self, *, redirect_uri: str, state: str, code_verifier: Secret | None, prefill: Prefill) -> str:
        """The URL to send the browser to (RFC 6749 section 4.1.1). Calls nobody."""

    def redeem(self, *, code: Secret, redirect_uri: str, code_verifier: Secret | None) -> Grant:
        """Exchange the code (RFC 6749 section 4.1.3). Called once per code, ever; never retried by anyone."""

    def identify(self, grant: Grant) -> Identity:
        """Ask the provider whose account this is. Safe to repeat."""

    def revoke(self, external_id: str | None, access_token: Secret | None) -> None:
        """Take our access to the account back; an account that is not connected any more counts as done."""

    def price_problem(self, amount: int, currency: str, account_currency: str | None) -> PriceProblem | None:
        """Why an account cannot take payments of this amount; None if it can. Calls nobody.

        :param amount: in minor units (ISO 4217). :param currency: ISO 4217, lower case, like the account's own.
        """


@runtime_checkable
class ITakesTestPayments(Protocol):
    """An optional capability: prove with a test payment that money gets to a connected account."""

    def test_amount(self, currency: str) -> int:
        """One unit of the currency, or the provider's least amount if that is more; in minor units (ISO 4217)."""

    def pay_test(
        self, *, external_id: str, access_token: Secret | None, amount: int, currency: str, idempotency_key: str
    ) -> PaymentResult:
        """Pay into the account with the provider's own test card.

        :param amount: in minor units (ISO 4217). :param currency: ISO 4217, lower case.
        :param idempotency_key: the same key again asks for the outcome of the first payment and makes no second one.
        :raises ProviderError: of the fitting kind; `GrantRefusedError` in live mode, before anything is sent.
        """
