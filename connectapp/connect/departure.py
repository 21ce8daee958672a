"""The way out: an attempt is made, and where the provider asks something of the organizer first, it waits for that.

`flow` is the way back. No HTTP objects in here.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from connectapp import audit
from connectapp.accounts.models import USED_STATES
from connectapp.accounts.store import AccountStore, Owner
from connectapp.connect import attempts
from connectapp.connect.asking import Asker, Asking, Pushing
from connectapp.connect.attempts import Attempt, Begun
from connectapp.connect.gates import Gates
from connectapp.connect.onboarding import Places, asking_for
from connectapp.db import Work
from connectapp.errors import RefusedError
from connectapp.providers.capabilities import IOnboards
from connectapp.providers.interfaces import IPaymentProvider, Prefill
from connectapp.security import Actor
from connectapp.settings import Settings
from connectapp.vault import KeyRing

ANSWERED = "attempt.answered"
MOST_ANSWERS = 20  # to the questions of one attempt


@dataclass(frozen=True)
class Leaving:
    """An attempt that was begun; `Departure.way_out` tells where to send the browser.

    :param unanswered: nowhere yet: the organizer is asked something first, and `Departure.answer` goes on.
    :param url: where to, if that is known already. :param asking: else what the provider is to be asked.
    """

    attempt_id: str
    target: str
    unanswered: bool = False
    url: str = ""
    asking: Asking | None = None


class Departure:
    """Sends organizers to providers.

    :param work: transactions; it ends and begins them itself where a provider is to be asked.
    """

    def __init__(self, work: Work, ring: KeyRing, gates: Gates, settings: Settings) -> None:
        self.work = work
        self.ring = ring
        self.gates = gates
        self.settings = settings

    def begin(
        self, session: Session, actor: Actor, provider: IPaymentProvider, *, target: str, replaces_id: str | None
    ) -> Leaving:
        """Make an attempt in the caller's transaction.

        :param provider: at the organizer's tenant, if they have been asked already.
        :param replaces_id: the connected account that the new one is to take the place of.
        :raises RefusedError: ``provider_down``, ``too_many_attempts``, ``too_many_starts``, or ``nothing_to_replace``
            if it is not this organizer's.
        """
        organizer_id = actor.organizer_id or ""
        if not self.gates.of(provider.name).open:
            raise RefusedError("provider_down")
        if attempts.open_count(session, organizer_id) >= self.settings.attempt_max_open:
            raise RefusedError("too_many_attempts")
        if attempts.begun_count(session, organizer_id, timedelta(hours=1)) >= self.settings.attempt_max_per_hour:
            raise RefusedError("too_many_starts")
        if replaces_id is not None:
            self._check_replaceable(session, organizer_id, provider, replaces_id)
        attempt, begun = attempts.begin(
            session,
            self.ring,
            actor,
            provider,
            target=target,
            redirect_uri=f"{self.settings.url}/connect/{provider.name}/callback",
            minutes=self.settings.attempt_minutes,
            replaces_id=replaces_id,
        )
        details = {"provider": provider.name, "mode": provider.mode, "tenant": _shown(provider)}
        attempts.note(session, attempt.id, "attempt.begun", actor, **details)
        if provider.questions and not provider.tenant:
            return Leaving(attempt.id, target, unanswered=True)
        return self._leaving(session, actor, provider, attempt, begun)

    def answer(self, session: Session, actor: Actor, provider: IPaymentProvider, attempt_id: str) -> Leaving:
        """Go on with an attempt for which the organizer was asked something. Until they come back, they may go again.

        :param provider: at the tenant that was answered.
        :raises RefusedError: ``provider_down``, ``too_many_starts``, or ``nothing_to_answer`` if it does not wait for
            that (any more).
        """
        if not self.gates.of(provider.name).open:
            raise RefusedError("provider_down")
        attempt = attempts.unanswered(session, actor, provider, attempt_id) if provider.questions else None
        if attempt is None:
            raise RefusedError("nothing_to_answer")
        if len(audit.records(session, f"attempt:{attempt.id}", ANSWERED)) >= MOST_ANSWERS:
            raise RefusedError("too_many_starts")
        begun = attempts.renew(self.ring, attempt, provider)
        attempts.note(session, attempt.id, ANSWERED, actor, tenant=_shown(provider))
        return self._leaving(session, actor, provider, attempt, begun)

    def _leaving(
        self, session: Session, actor: Actor, provider: IPaymentProvider, attempt: Attempt, begun: Begun
    ) -> Leaving:
        prefill = Prefill(email=actor.email, business_name=actor.organizer_name)
        if isinstance(provider, IOnboards):
            places = Places(self.settings.url, attempt.target, attempt.replaces_id, attempt.redirect_uri)
            asking = asking_for(AccountStore(session, self.ring), begun, actor, provider, places, prefill)
            return Leaving(attempt.id, attempt.target, asking=asking)
        url = provider.authorize_url(
            redirect_uri=attempt.redirect_uri, state=begun.state, code_verifier=begun.verifier, prefill=prefill
        )
        if provider.pushes:
            pushing = Pushing(attempt.id, Owner(attempt.organizer_id, attempt.user_id), None, url)
            return Leaving(attempt.id, attempt.target, asking=pushing)
        return Leaving(attempt.id, attempt.target, url=url)

    def way_out(self, leaving: Leaving, provider: IPaymentProvider) -> str:
        """Where to send the browser. If the provider is to be asked for that, it is so after the open one's commit.

        :param provider: as it was given to `begin` or `answer`.
        :raises UnavailableError, RefusedError: see `Asker.way_out`.
        """
        if leaving.asking is None:
            return leaving.url
        return Asker(self.work, self.gates).way_out(leaving.asking, provider)

    def _check_replaceable(
        self, session: Session, organizer_id: str, provider: IPaymentProvider, replaces_id: str
    ) -> None:
        try:
            old = AccountStore(session, self.ring).view(replaces_id, organizer_id)
        except KeyError:
            raise RefusedError("nothing_to_replace") from None
        if old.provider_name != provider.name or old.status not in USED_STATES:
            raise RefusedError("nothing_to_replace")


def _shown(provider: IPaymentProvider) -> str | None:
    """The tenant, for the audit record."""
    return ", ".join(provider.tenant.values()) or None
