"""The way to a provider that onboards: its API is asked for the link of one attempt.

The account that a provider makes is kept with the attempt: when the person comes back, that row says which account is
meant, and the next attempt goes on with an account that is not finished.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from connectapp.accounts.store import AccountStore, Owner
from connectapp.connect.asking import Asking
from connectapp.connect.attempts import Attempt, Begun, place_of
from connectapp.providers.capabilities import Onboarding
from connectapp.providers.interfaces import IPaymentProvider, Prefill
from connectapp.security import Actor


@dataclass(frozen=True)
class Invitation(Asking):
    """Asks for the link of one attempt; see `IOnboards.onboard`."""

    redirect_uri: str
    again_uri: str
    state: str = field(repr=False)
    prefill: Prefill

    def ask(self, provider: Any) -> Onboarding:
        """See `Asking`."""
        found: Onboarding = provider.onboard(
            redirect_uri=self.redirect_uri,
            again_uri=self.again_uri,
            state=self.state,
            prefill=self.prefill,
            external_id=self.external_id,
        )
        return found


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
            return f"{self.site}{place_of(self.target)[1]}"
        return f"{self.site}/connect/{name}" + (f"?replaces={self.replaces_id}" if self.replaces_id else "")


def asking_for(
    store: AccountStore, begun: Begun, actor: Actor, provider: IPaymentProvider, places: Places, prefill: Prefill
) -> Invitation:
    """What to ask the provider for, looked up in the transaction in which the attempt is made."""
    owner = Owner(actor.organizer_id or "", actor.user_id)
    return Invitation(
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
    return next((one for one in made if not store.used(provider.name, provider.mode, one, {})), None)
