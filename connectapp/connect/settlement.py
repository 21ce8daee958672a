"""What becomes of a grant: linked, kept waiting for a confirmation, or taken back. Shared by the flow and by recovery.

Every step may be the last one before a crash: the journal entry goes only when the database (or the provider) has what
it held, and every step looks at the attempt first, so that doing it again does nothing twice.
"""

import json
import logging
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from connectapp.accounts.announcements import AccountLinked
from connectapp.accounts.grants import dump_grant
from connectapp.accounts.lifecycle import Lifecycle
from connectapp.accounts.store import AccountStore, Owner
from connectapp.connect import attempts
from connectapp.connect.attempts import Attempt, AttemptFacts, Status
from connectapp.connect.records import Record, to_revoke, write
from connectapp.db import Work, utcnow
from connectapp.errors import NotSentError, OutcomeUnknownError, ProviderError, RefusedError
from connectapp.journal import Entry
from connectapp.organizers.models import Membership, User
from connectapp.providers.capabilities import IOffersAccounts
from connectapp.providers.interfaces import Grant, Identity, IPaymentProvider
from connectapp.secret import Secret
from connectapp.settings import Settings
from connectapp.vault import KeyRing

log = logging.getLogger(__name__)

VERIFY_FOR = timedelta(minutes=10)  # how long we keep asking whose account it is
CONFIRM_WITHIN = timedelta(minutes=60)
CHOOSE = "choose_account"  # why a grant waits: the organizer is to choose one of its accounts
UNSETTLED = (Status.EXCHANGING, Status.OUTCOME_UNKNOWN)


class Settlement:
    """Settles grants, each in a transaction of its own."""

    def __init__(self, work: Work, ring: KeyRing, settings: Settings) -> None:
        self.work = work
        self.ring = ring
        self.settings = settings
        self.lifecycle = Lifecycle(work, ring)

    def settle(self, facts: AttemptFacts, entry: Entry, provider: IPaymentProvider, record: Record) -> None:
        """Ask whose account it is, compare, and store the link. Safe to repeat with the same entry."""
        try:
            identities = accounts_of(provider.at(facts.tenant), record.grant)
        except (NotSentError, OutcomeUnknownError) as error:
            self._verify_later(facts, entry, provider, record, error)
            return
        except ProviderError as error:
            log.warning("attempt %s: the account is not proven (%s)", facts.id, error.code)
            self.take_back(facts, entry, provider, record, Status.REFUSED, error.code)
            return
        try:
            if len(identities) > 1:
                self._let_choose(facts, record.grant, identities)
            else:
                self._store(facts, provider, record.grant, identities[0])
        except RefusedError as error:
            self.take_back(facts, entry, provider, record, Status.REFUSED, error.reason)
        except SQLAlchemyError:
            # Whether it was committed is unknown: recovery looks at the attempt, then finishes from the journal.
            log.exception("attempt %s: not stored yet, the journal keeps it", facts.id)
        else:
            entry.remove()

    def end(self, facts: AttemptFacts, entry: Entry, status: Status, reason: str) -> None:
        """Close an attempt that brought no grant."""
        with self.work.writing() as session:
            if attempts.move(session, facts.id, UNSETTLED, status, reason=reason):
                attempts.note(session, facts.id, f"attempt.{status}", facts, reason=reason)
        entry.remove()

    def note_lost(self, facts: AttemptFacts) -> None:
        """Nobody works on the attempt any more and its journal is gone: say that the outcome is unknown."""
        with self.work.writing() as session:
            if attempts.move(session, facts.id, (Status.EXCHANGING,), Status.OUTCOME_UNKNOWN, reason="interrupted"):
                attempts.note(session, facts.id, "attempt.outcome_unknown", facts, reason="interrupted")

    def expire(self, facts: AttemptFacts) -> None:
        """End an attempt whose callback never came."""
        with self.work.writing() as session:
            if attempts.burn(session, facts.id, Status.REFUSED, reason="expired"):
                attempts.note(session, facts.id, "attempt.refused", facts, reason="expired")

    def take_back(
        self,
        facts: AttemptFacts,
        entry: Entry,
        provider: IPaymentProvider,
        record: Record,
        status: Status,
        reason: str,
    ) -> None:
        """Close the attempt, and give its grant back to the provider, unless a live link uses the account.

        If the provider does not confirm, the journal keeps the grant and recovery tries again.
        """
        try:
            write(entry, facts, to_revoke(record, status, reason))
        except OSError:
            log.exception("attempt %s: the journal could not be written", facts.id)
        with self.work.writing() as session:
            if attempts.move(session, facts.id, (*UNSETTLED, Status.AWAITING_CONFIRMATION), status, reason=reason):
                attempts.note(session, facts.id, f"attempt.{status}", facts, reason=reason)
        self.revoke(facts, entry, provider, record)

    def revoke(self, facts: AttemptFacts, entry: Entry, provider: IPaymentProvider, record: Record) -> None:
        """Give the grant back; the entry goes when that is done."""
        try:
            self.lifecycle.revoke_unused(provider.at(facts.tenant), record.grant)
        except ProviderError as error:
            log.error("attempt %s: an unused grant is not taken back yet (%s)", facts.id, error.code)
            return
        entry.remove()

    def _verify_later(
        self, facts: AttemptFacts, entry: Entry, provider: IPaymentProvider, record: Record, error: ProviderError
    ) -> None:
        if utcnow() - record.noted_at > VERIFY_FOR:
            self.take_back(facts, entry, provider, record, Status.FAILED, "not_verified")
            return
        log.warning("attempt %s: the account is not verified yet (%s)", facts.id, error.code)
        with self.work.writing() as session:
            attempts.move(session, facts.id, UNSETTLED, Status.EXCHANGING, reason="pending_verification")

    def _store(self, facts: AttemptFacts, provider: IPaymentProvider, grant: Grant, identity: Identity) -> None:
        """Link the account, or let it wait for the organizer's word if it is to replace another one."""
        with self.work.writing() as session:
            attempt = self._unsettled(session, facts)
            if attempt is not None:
                self.store(session, attempt, provider, grant, identity)

    def _unsettled(self, session: Session, facts: AttemptFacts) -> Attempt | None:
        """The locked attempt, if its grant is still to be settled. :raises RefusedError: ``role_lost``."""
        attempt = session.scalars(select(Attempt).filter_by(id=facts.id).with_for_update()).one()
        if attempt.status not in UNSETTLED:
            return None
        if not _may_link(session, facts):
            raise RefusedError("role_lost")
        return attempt

    def store(
        self, session: Session, attempt: Attempt, provider: IPaymentProvider, grant: Grant, identity: Identity
    ) -> None:
        """Link the account, or let it wait if it is to replace another one, in the open transaction.

        :raises RefusedError: ``account_elsewhere``, if another organizer has the account.
        """
        facts, store = attempts.facts(attempt), AccountStore(session, self.ring)
        if facts.replaces_id and not store.is_account(facts.replaces_id, provider.name, identity.external_id):
            share = self.settings.share_accounts
            store.check_free(provider.name, grant.mode, identity, facts.organizer_id, share=share)
            self._let_wait(session, attempt, grant, (identity,), None)
        else:
            self.link(session, facts, provider, grant, identity)

    def _let_choose(self, facts: AttemptFacts, grant: Grant, identities: Sequence[Identity]) -> None:
        """Let the grant wait until the organizer has chosen one of the accounts that it opens."""
        with self.work.writing() as session:
            attempt = self._unsettled(session, facts)
            if attempt is not None:
                self._let_wait(session, attempt, grant, identities, CHOOSE)

    def _let_wait(
        self, session: Session, attempt: Attempt, grant: Grant, identities: Sequence[Identity], reason: str | None
    ) -> None:
        waiting = json.dumps({"grant": dump_grant(grant), "identities": [vars(one) for one in identities]})
        attempt.grant = self.ring.seal(Secret(waiting), attempts.binding(attempt, "grant"))
        attempt.status, attempt.reason = Status.AWAITING_CONFIRMATION, reason
        attempt.expires_at = utcnow() + CONFIRM_WITHIN
        facts = attempts.facts(attempt)
        attempts.note(session, facts.id, "attempt.awaiting_confirmation", facts, reason=reason)

    def link(
        self, session: Session, facts: AttemptFacts, provider: IPaymentProvider, grant: Grant, identity: Identity
    ) -> str:
        """Store the link and close the attempt, in the open transaction; gives the connected account's id."""
        owner = Owner(facts.organizer_id, facts.user_id)
        kept = grant if provider.stores_tokens else grant.without_tokens()
        store = AccountStore(session, self.ring)
        account_id = store.link(provider.name, kept, identity, owner, share=self.settings.share_accounts)
        sources = (*UNSETTLED, Status.AWAITING_CONFIRMATION)
        attempts.move(session, facts.id, sources, Status.LINKED, account_id=account_id, reason=None)
        self.work.announce(AccountLinked(account_id, facts.organizer_id, provider.name, grant.mode))
        return account_id


def accounts_of(provider: IPaymentProvider, grant: Grant) -> Sequence[Identity]:
    """The accounts that a grant opens; mostly it is one."""
    if isinstance(provider, IOffersAccounts):
        return provider.accounts_of(grant)
    return (provider.identify(grant),)


def _may_link(session: Session, facts: AttemptFacts) -> bool:
    """Whether the user who began may still act for the organizer."""
    query = select(Membership.role).join(User, User.id == Membership.user_id)
    role = session.scalar(
        query.where(
            Membership.user_id == facts.user_id,
            Membership.organizer_id == facts.organizer_id,
            User.disabled_at.is_(None),
        )
    )
    return role == "owner"
