"""Finishes what a crash, a full disk or a silent provider left behind.

The journal is each machine's own, so every process looks after it; the rest is in the database, for any worker. Many
may do so at once: a journal entry is worked on under its lock, and everything else by compare-and-swap.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from connectapp.connect import attempts
from connectapp.connect.attempts import Attempt, AttemptFacts, Status
from connectapp.connect.records import read
from connectapp.connect.replacement import Replacement
from connectapp.connect.settlement import Settlement
from connectapp.db import utcnow, work_of
from connectapp.journal import Entry, Journal
from connectapp.providers.interfaces import IPaymentProvider
from connectapp.providers.registry import get_providers
from connectapp.settings import get_settings
from connectapp.vault import get_vault

log = logging.getLogger(__name__)

# For storing; with redeeming and identifying, a deadline each, nobody works on an attempt any more after it.
MARGIN = timedelta(seconds=30)
# Attempts that ended without a link: a grant that the journal still holds for them is to be taken back.
CLOSED = {Status.DENIED, Status.REFUSED, Status.FAILED}
# An entry of another machine is tried for as long as the account may be verified.
VERIFYING_AT_MOST = timedelta(minutes=15)


class Recovery:
    """Looks for what is unfinished.

    :param providers: the configured providers by name.
    """

    def __init__(self, settlement: Settlement, journal: Journal, providers: Mapping[str, IPaymentProvider]) -> None:
        self.settlement = settlement
        self.work = settlement.work
        self.journal = journal
        self.providers = providers
        self.replacement = Replacement(settlement, journal)
        self.lost_after = 2 * timedelta(seconds=settlement.settings.transport_deadline) + MARGIN

    def finish_journal(self) -> None:
        """Finish the entries of this machine's journal."""
        for entry in self.journal.unfinished():
            try:
                self._finish(entry)
            except Exception:
                log.exception("journal entry %s is not finished, it will be tried again", entry.subject)
            finally:
                entry.close()

    def sweep(self) -> None:
        """Note lost outcomes, end attempts whose time is over, give grants back that nobody confirmed."""
        self._note_lost_outcomes()
        for facts in self._overdue(Status.PENDING):
            self.settlement.expire(facts)
        for facts in self._overdue(Status.AWAITING_CONFIRMATION):
            self._give_back(facts)

    def _finish(self, entry: Entry) -> None:
        with self.work.reading() as session:
            attempt = session.get(Attempt, entry.subject)
            facts = attempts.facts(attempt) if attempt else None
        if facts is None or facts.status == Status.PENDING:
            entry.remove()  # reserved, and never burned: the code was not redeemed
            return
        record = read(entry, facts)
        if record is None:
            self.settlement.end(facts, entry, Status.OUTCOME_UNKNOWN, "interrupted")
            return
        provider = self._provider(facts)
        if provider is None:
            log.error("journal entry %s waits: %s (%s) is not configured", facts.id, facts.provider, facts.mode)
        elif record.ending is not None or facts.status in CLOSED:
            ending, reason = record.ending or Status(facts.status), record.reason or facts.reason or "interrupted"
            self.settlement.take_back(facts, entry, provider, record, ending, reason)
        elif facts.status in {Status.LINKED, Status.AWAITING_CONFIRMATION}:
            entry.remove()  # the crash came after the commit
        else:
            self.settlement.settle(facts, entry, provider, record)

    def _provider(self, facts: AttemptFacts) -> IPaymentProvider | None:
        provider = self.providers.get(facts.provider)
        return provider if provider is not None and provider.mode == facts.mode else None

    def _note_lost_outcomes(self) -> None:
        """Attempts whose process and journal are gone: the code may have been redeemed, nobody knows."""
        now = utcnow()
        with self.work.reading() as session:
            rows = session.scalars(
                select(Attempt).where(Attempt.status == Status.EXCHANGING, Attempt.changed_at < now - self.lost_after)
            )
            lost = [
                attempts.facts(row) for row in rows if row.reason is None or row.changed_at < now - VERIFYING_AT_MOST
            ]
        for facts in lost:
            self.settlement.note_lost(facts)

    def _overdue(self, status: Status) -> list[AttemptFacts]:
        with self.work.reading() as session:
            rows = session.scalars(select(Attempt).where(Attempt.status == status, Attempt.expires_at <= utcnow()))
            return [attempts.facts(row) for row in rows]

    def _give_back(self, facts: AttemptFacts) -> None:
        provider = self._provider(facts)
        if provider is None:
            return
        with self.work.reading() as session:
            waiting = self.replacement.opened(session.get_one(Attempt, facts.id))
        self.replacement.give_back(waiting, provider, "not_confirmed")


def recovery_of(registry: Any) -> Recovery:
    """A recovery with a database session of its own, for one thread."""
    settlement = Settlement(work_of(registry), get_vault(registry), get_settings(registry))
    return Recovery(settlement, registry["connectapp.journal"], get_providers(registry))


def finish_journal(registry: Any) -> None:
    """What each process does for itself."""
    recovery_of(registry).finish_journal()


def sweep(registry: Any, _job: object) -> None:
    """The job ``sweep``."""
    recovery_of(registry).sweep()


def includeme(config: Any) -> None:
    seconds = get_settings(config.registry).recovery_seconds
    if seconds:
        config.add_chore("journal", finish_journal, seconds)
        config.add_job("sweep", sweep, timedelta(seconds=seconds))
