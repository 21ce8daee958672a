"""The way to a provider that onboards: its API is asked for the link of one attempt.

The attempt is committed first, so that an account that the provider makes belongs to something, and what the person had
typed is safe whatever the provider does. The account is kept with the attempt: when the person comes back, that row
says which account is meant, and the next attempt goes on with an account that is not finished.
"""

import logging
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from connectapp import audit
from connectapp.accounts.store import AccountStore, Owner, masked
from connectapp.connect import attempts
from connectapp.connect.attempts import Attempt, Begun, Status
from connectapp.connect.gates import Gate, Gates
from connectapp.db import Work
from connectapp.errors import NotSentError, OutcomeUnknownError, ProviderError, RefusedError
from connectapp.providers.interfaces import IOnboards, IPaymentProvider, Prefill
from connectapp.security import Actor

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asking:
    """What the provider is to be told, as plain values between two transactions; see `IOnboards.onboard`."""

    attempt_id: str
    owner: Owner
    redirect_uri: str
    again_uri: str
    state: str = field(repr=False)
    prefill: Prefill
    external_id: str | None


@dataclass(frozen=True)
class Places:
    """Where a person comes back to. :param site: our own address. :param target, replaces_id: the attempt's."""

    site: str
    target: str
    replaces_id: str | None
    redirect_uri: str

    def again(self, name: str) -> str:
        """The page with the button from which this attempt was begun, or could have been."""
        if self.target != "accounts":
            return f"{self.site}/events/{self.target}/edit"
        return f"{self.site}/connect/{name}" + (f"?replaces={self.replaces_id}" if self.replaces_id else "")


def asking_for(
    store: AccountStore, begun: Begun, actor: Actor, provider: IPaymentProvider, places: Places, prefill: Prefill
) -> Asking:
    """What to ask the provider for, looked up in the transaction in which the attempt is made."""
    owner = Owner(actor.organizer_id or "", actor.user_id)
    return Asking(
        attempt_id=begun.attempt_id,
        owner=owner,
        redirect_uri=places.redirect_uri,
        again_uri=places.again(provider.name),
        state=begun.state,
        prefill=prefill,
        external_id=unlinked_account(store, provider, owner.organizer_id),
    )


def unlinked_account(store: AccountStore, provider: IPaymentProvider, organizer_id: str) -> str | None:
    """The latest account that was made for the organizer and is not connected: not finished, or disconnected since."""
    query = (
        select(Attempt.external_id)
        .where(
            Attempt.organizer_id == organizer_id,
            Attempt.provider == provider.name,
            Attempt.mode == provider.mode,
            Attempt.external_id.is_not(None),
        )
        .group_by(Attempt.external_id)
        .order_by(func.max(Attempt.id).desc())
    )
    made = store.session.scalars(query).all()
    return next((one for one in made if not store.used(provider.name, provider.mode, one)), None)


class Onboarder:
    """Asks providers for links.

    :param work: what is open is committed, and an empty transaction is left behind; none is open while a provider is
        asked.
    """

    def __init__(self, work: Work, gates: Gates) -> None:
        self.work = work
        self.gates = gates

    def link(self, asking: Asking, name: str, provider: IOnboards) -> str:
        """The link to send the browser to.

        :param name: the provider's.
        :raises UnavailableError: if too many wait for this provider; nothing is committed then.
        :raises RefusedError: ``provider_unreachable`` or ``no_link``, after the attempt has been ended.
        """
        gate = self.gates.of(name)
        gate.enter()
        try:
            self.work.commit()
            return self._asked(asking, provider, gate)
        finally:
            gate.leave()
            self.work.resume()

    def _asked(self, asking: Asking, provider: IOnboards, gate: Gate) -> str:
        try:
            made = provider.onboard(
                redirect_uri=asking.redirect_uri,
                again_uri=asking.again_uri,
                state=asking.state,
                prefill=asking.prefill,
                external_id=asking.external_id,
            )
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
                _note(session, asking, "attempt.failed", reason=reason)


def _keep(session: Session, asking: Asking, external_id: str) -> None:
    attempts.keep_account(session, asking.attempt_id, external_id)
    if external_id != asking.external_id:
        _note(session, asking, "attempt.account_made", account=masked(external_id))


def _note(session: Session, asking: Asking, action: str, **details: str) -> None:
    who = {"organizer_id": asking.owner.organizer_id, "user_id": asking.owner.user_id}
    audit.record(session, action, f"attempt:{asking.attempt_id}", **who, **details)
