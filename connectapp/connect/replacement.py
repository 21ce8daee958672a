"""Replacing a connected account by another one: nothing changes until the organizer has seen both and said so."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectapp.accounts.announcements import AccountDisconnected, AccountReplaced, AccountReplacing
from connectapp.accounts.grants import load_grant
from connectapp.accounts.lifecycle import mark_disconnecting
from connectapp.accounts.models import USED_STATES
from connectapp.accounts.store import AccountStore, Owner
from connectapp.connect import attempts
from connectapp.connect.attempts import Attempt, AttemptFacts, Status
from connectapp.connect.records import note
from connectapp.connect.settlement import CHOOSE, Settlement
from connectapp.db import utcnow
from connectapp.errors import RefusedError
from connectapp.journal import Journal
from connectapp.providers.interfaces import Grant, Identity, IPaymentProvider
from connectapp.security import Actor


@dataclass(frozen=True)
class Waiting:
    """A verified grant that waits for the organizer's word. :param identities: the accounts that it opens."""

    facts: AttemptFacts
    grant: Grant
    identities: tuple[Identity, ...]

    @property
    def identity(self) -> Identity:
        """The only account."""
        (identity,) = self.identities
        return identity


class Replacement:
    """The answers to *replace the old account by the new one?*, and before that perhaps to *which of these?*

    :param settlement: links and takes back. :param journal: holds a grant that is given back.
    """

    def __init__(self, settlement: Settlement, journal: Journal) -> None:
        self.settlement = settlement
        self.journal = journal
        self.work = settlement.work
        self.ring = settlement.ring

    def waiting(self, session: Session, attempt_id: str, actor: Actor) -> Waiting:
        """The grant that waits in an attempt of this user's.

        :raises RefusedError: ``nothing_to_confirm``, if none does (any more).
        """
        query = select(Attempt).filter_by(
            id=attempt_id,
            user_id=actor.user_id,
            organizer_id=actor.organizer_id,
            status=Status.AWAITING_CONFIRMATION,
        )
        attempt = session.scalars(query.with_for_update()).one_or_none()
        if attempt is None or attempt.expires_at <= utcnow():
            raise RefusedError("nothing_to_confirm")
        return self.opened(attempt)

    def opened(self, attempt: Attempt) -> Waiting:
        """What an attempt holds. :raises UnreadableError: if it was altered or moved."""
        sealed: Any = attempt.grant
        values = json.loads(self.ring.open(sealed, attempts.binding(attempt, "grant")).reveal())
        identities = tuple(Identity(**one) for one in values["identities"])
        return Waiting(attempts.facts(attempt), load_grant(values["grant"]), identities)

    def choose(self, attempt_id: str, actor: Actor, provider: IPaymentProvider, number: str) -> None:
        """Go on with one of the accounts that the grant opens.

        :param number: which one, counted from 0. :raises RefusedError: ``nothing_to_confirm``, also for a number that
            none has; or what `Settlement.store` refuses.
        """
        with self.work.writing() as session:
            waiting = self.waiting(session, attempt_id, actor)
            numbered = {str(index): identity for index, identity in enumerate(waiting.identities)}
            if waiting.facts.reason != CHOOSE or number not in numbered:
                raise RefusedError("nothing_to_confirm")
            attempt = session.get_one(Attempt, attempt_id)
            self.settlement.store(session, attempt, provider, waiting.grant, numbered[number])

    def confirm(self, attempt_id: str, actor: Actor, provider: IPaymentProvider) -> None:
        """Link the new account and disconnect the old one, in one transaction; then revoke the old one, once.

        :raises RefusedError: ``nothing_to_confirm``, or what `AccountStore.link` refuses.
        """
        with self.work.writing() as session:
            waiting = self.waiting(session, attempt_id, actor)
            facts = waiting.facts
            if facts.reason == CHOOSE:
                raise RefusedError("nothing_to_confirm")
            owner = Owner(facts.organizer_id, actor.user_id)
            new_id = self.settlement.link(session, facts, provider, waiting.grant, waiting.identity)
            store = AccountStore(session, self.ring)
            old = store.locked(facts.replaces_id or "", facts.organizer_id)
            place = (facts.organizer_id, provider.name, waiting.grant.mode)
            revocation = None
            if old.status in USED_STATES:
                revocation = mark_disconnecting(store, old, owner)
                self.work.announce(AccountDisconnected(old.id, *place))
            self.work.tell(AccountReplacing(store, old.id, new_id, owner))
            self.work.announce(AccountReplaced(old.id, new_id, *place))
        self.settlement.lifecycle.revoke(provider, revocation, owner)

    def keep(self, attempt_id: str, actor: Actor, provider: IPaymentProvider) -> None:
        """Keep the old account, or choose none; the new grant is given back.

        :raises RefusedError: ``nothing_to_confirm``.
        """
        with self.work.writing() as session:
            waiting = self.waiting(session, attempt_id, actor)
        self.give_back(waiting, provider, "not_chosen" if waiting.facts.reason == CHOOSE else "kept_old")

    def give_back(self, waiting: Waiting, provider: IPaymentProvider, reason: str) -> None:
        """End the attempt without the new account."""
        entry = self.journal.reserve(waiting.facts.id)
        try:
            record = note(waiting.grant)
            self.settlement.take_back(waiting.facts, entry, provider, record, Status.REFUSED, reason)
        finally:
            entry.close()
