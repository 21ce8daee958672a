"""Finishes what a crash, a full disk or a silent provider left behind. Runs at start and then every so often.

Many processes may run it at once: a journal entry is worked on under its lock, and everything else by
compare-and-swap.
"""

import logging
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pyramid.events import ApplicationCreated
from sqlalchemy import select
from transaction import TransactionManager

from connectapp.connect import attempts
from connectapp.connect.attempts import Attempt, AttemptFacts, Status
from connectapp.connect.journal import Entry, Journal
from connectapp.connect.replacement import Replacement
from connectapp.connect.settlement import Settlement
from connectapp.db import Work, utcnow
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
    """One pass over everything unfinished.

    :param providers: the configured providers by name.
    """

    def __init__(self, settlement: Settlement, journal: Journal, providers: Mapping[str, IPaymentProvider]) -> None:
        self.settlement = settlement
        self.work = settlement.work
        self.journal = journal
        self.providers = providers
        self.replacement = Replacement(settlement, journal)
        self.lost_after = 2 * timedelta(seconds=settlement.settings.transport_deadline) + MARGIN

    def run(self) -> None:
        """Finish journal entries, note lost outcomes, give expired confirmations back, chase revocations."""
        for entry in self.journal.unfinished():
            try:
                self._finish(entry)
            except Exception:
                log.exception("journal entry %s is not finished, it will be tried again", entry.attempt_id)
            finally:
                entry.close()
        self._note_lost_outcomes()
        for facts in self._unconfirmed():
            self._give_back(facts)
        self.settlement.lifecycle.chase(self.providers)

    def _finish(self, entry: Entry) -> None:
        with self.work.reading() as session:
            attempt = session.get(Attempt, entry.attempt_id)
            facts = attempts.facts(attempt) if attempt else None
        if facts is None or facts.status == Status.PENDING:
            entry.remove()  # reserved, and never burned: the code was not redeemed
            return
        record = entry.read(facts)
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

    def _unconfirmed(self) -> list[AttemptFacts]:
        with self.work.reading() as session:
            rows = session.scalars(
                select(Attempt).where(Attempt.status == Status.AWAITING_CONFIRMATION, Attempt.expires_at <= utcnow())
            )
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
    work = Work(registry["connectapp.engine"], TransactionManager(explicit=True), registry.notify)
    settlement = Settlement(work, get_vault(registry), get_settings(registry))
    return Recovery(settlement, registry["connectapp.journal"], get_providers(registry))


def _keep_recovering(registry: Any, stop: threading.Event, seconds: int) -> None:
    recovery = recovery_of(registry)
    while True:
        try:
            recovery.run()
        except Exception:
            log.exception("recovery stopped half-way, it will be tried again")
        if stop.wait(seconds):
            return


def _start(event: Any) -> None:
    registry = event.app.registry
    seconds = get_settings(registry).recovery_seconds
    if seconds:
        stop = registry["connectapp.recovery.stop"] = threading.Event()
        arguments = (registry, stop, seconds)
        threading.Thread(target=_keep_recovering, args=arguments, name="recovery", daemon=True).start()


def includeme(config: Any) -> None:
    config.add_subscriber(_start, ApplicationCreated)
