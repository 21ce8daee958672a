"""Where a provider is asked something before anybody is sent there: for a link, or with the parameters themselves.

The attempt is committed first, so that what the provider makes belongs to something, and what the person had typed is
safe whatever the provider does.
"""

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from connectapp.accounts.store import Owner, masked
from connectapp.connect import attempts
from connectapp.connect.attempts import Status
from connectapp.connect.gates import Gate, Gates
from connectapp.db import Work
from connectapp.errors import NotSentError, OutcomeUnknownError, ProviderError, RefusedError
from connectapp.providers.capabilities import Onboarding
from connectapp.providers.interfaces import IPaymentProvider

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asking(ABC):
    """What a provider is to be told, as plain values between two transactions.

    :param external_id: the account that the provider made for an earlier attempt, if it did.
    """

    attempt_id: str
    owner: Owner
    external_id: str | None

    @abstractmethod
    def ask(self, provider: Any) -> Onboarding:
        """Ask. :raises ProviderError: of the fitting kind, with the account's id if one was made."""


@dataclass(frozen=True)
class Pushing(Asking):
    """Hands the parameters of an authorization request over (RFC 9126). :param url: with all of them."""

    url: str = field(repr=False)

    def ask(self, provider: Any) -> Onboarding:
        """See `Asking`."""
        return Onboarding(provider.push(self.url))


class Asker:
    """Asks providers where to send one browser.

    :param work: what is open is committed, and an empty transaction is left behind; none is open while a provider is
        asked.
    """

    def __init__(self, work: Work, gates: Gates) -> None:
        self.work = work
        self.gates = gates

    def way_out(self, asking: Asking, provider: IPaymentProvider) -> str:
        """Where to send the browser.

        :raises UnavailableError: if too many wait for this provider; nothing is committed then.
        :raises RefusedError: ``provider_unreachable`` or ``no_link``, after the attempt has been ended.
        """
        gate = self.gates.of(provider.name)
        gate.enter()
        try:
            self.work.commit()
            return self._asked(asking, provider, gate)
        finally:
            gate.leave()
            self.work.resume()

    def _asked(self, asking: Asking, provider: IPaymentProvider, gate: Gate) -> str:
        try:
            made = asking.ask(provider)
        except ProviderError as error:
            answered = not isinstance(error, NotSentError | OutcomeUnknownError)
            gate.note(answered=answered)
            log.warning("attempt %s: the provider gave no link (%s)", asking.attempt_id, error.code)
            self._end(asking, error.code if answered else "provider_unreachable", error.external_id)
            raise RefusedError("no_link" if answered else "provider_unreachable") from None
        gate.note(answered=True)
        if made.external_id is not None:
            with self.work.writing() as session:
                _keep(session, asking, made.external_id)
        return made.url

    def _end(self, asking: Asking, reason: str, external_id: str | None) -> None:
        """Nobody goes to the provider; an account that was made there all the same is for the next attempt."""
        with self.work.writing() as session:
            if external_id is not None:
                _keep(session, asking, external_id)
            if attempts.burn(session, asking.attempt_id, Status.FAILED, reason=reason):
                attempts.note(session, asking.attempt_id, "attempt.failed", asking.owner, reason=reason)


def _keep(session: Session, asking: Asking, external_id: str) -> None:
    attempts.keep_account(session, asking.attempt_id, external_id)
    if external_id != asking.external_id:
        made = masked(external_id)
        attempts.note(session, asking.attempt_id, "attempt.account_made", asking.owner, account=made)
