"""What some providers can besides the contract (`interfaces`), each a protocol that is asked for with `isinstance`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from connectapp.providers.interfaces import Grant, Identity, Prefill
from connectapp.secret import Secret


@dataclass(frozen=True)
class Onboarding:
    """Where one organizer is onboarded.

    :param url: good once, and for whoever has it; neither stored nor logged.
    :param external_id: the account that was made for it, where the provider makes one first.
    """

    url: str = field(repr=False)
    external_id: str | None = None


@runtime_checkable
class IOnboards(Protocol):
    """The other kind of connecting: the API gives a link for one person, and what comes back has no code or signature.

    `redeem` is given the state as the code, and asks the API what came of it, with the platform's own key; what the
    browser says is at most compared. It raises `GrantRefusedError` ``not_finished`` where the organizer left early.
    It and `onboard` may make a few requests, one after the other.
    """

    def onboard(
        self, *, redirect_uri: str, again_uri: str, state: str, prefill: Prefill, external_id: str | None
    ) -> Onboarding:
        """Ask for the link.

        :param redirect_uri: where the person comes back to, with the state, as `callback_names` says.
        :param again_uri: where they go if the link has been used or is too old; a page that begins anew.
        :param external_id: the account of an earlier try that is not finished, so that there is no second one.
        :raises ProviderError: of the fitting kind, with the account's id if one was made.
        """


@runtime_checkable
class IOffersAccounts(Protocol):
    """An optional capability: one access may open several accounts, of which the organizer chooses one."""

    def accounts_of(self, grant: Grant) -> Sequence[Identity]:
        """The accounts that the access opens; one, where `identify` would tell the same. Safe to repeat."""


@dataclass(frozen=True)
class PaymentResult:
    """What became of a payment.

    :param external_id: the payment's id at the provider. :param reason: our word for why it failed.
    """

    succeeded: bool
    external_id: str | None
    reason: str | None = None


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
