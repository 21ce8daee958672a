"""The way back: `finish` takes the provider's answer. No HTTP objects in here; `departure` is the way out.

It is two transactions with the provider's part between them, during which no database connection is held:
the attempt is burned and committed, then the code is redeemed once, the answer goes to the sealed journal, and
`settlement` does the rest. Nothing retries the redemption: Stripe cuts the account off when a code comes twice.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from hmac import compare_digest

from sqlalchemy.orm import Session

from connectapp.connect import attempts
from connectapp.connect.answers import Answer, parse_answer
from connectapp.connect.attempts import Attempt, AttemptFacts, Status
from connectapp.connect.gates import Gates
from connectapp.connect.records import note, write
from connectapp.connect.settlement import Settlement
from connectapp.db import Work, utcnow
from connectapp.errors import NotSentError, OutcomeUnknownError, ProviderError, RefusedError
from connectapp.journal import Entry, Journal
from connectapp.providers.interfaces import Grant, IPaymentProvider
from connectapp.secret import Secret
from connectapp.security import Actor
from connectapp.sessions import hash_token
from connectapp.settings import Settings
from connectapp.vault import KeyRing

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """Which stored outcome to show; or, where there is no attempt of this person's to show, what the problem is."""

    attempt_id: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Exchange:
    """A burned attempt whose code is to be redeemed now."""

    facts: AttemptFacts
    verifier: Secret | None
    entry: Entry


class LinkFlow:
    """Links accounts of one application.

    :param work: transactions; the flow ends and begins them itself. :param journal: on local disk.
    """

    def __init__(self, work: Work, ring: KeyRing, journal: Journal, gates: Gates, settings: Settings) -> None:
        self.work = work
        self.ring = ring
        self.journal = journal
        self.gates = gates
        self.settings = settings
        self.settlement = Settlement(work, ring, settings)

    def finish(self, actor: Actor | None, provider: IPaymentProvider, pairs: Iterable[tuple[str, str]]) -> Outcome:
        """Take the provider's answer.

        :raises UnavailableError: if the journal's disk refuses, or too many callbacks wait for this provider; the
            attempt is untouched and the same URL works later.
        :raises sqlalchemy.exc.DBAPIError: if the database does, likewise.
        """
        try:
            answer = parse_answer(pairs, provider.callback_names)
        except RefusedError as error:
            return Outcome(problem=error.reason)
        entry = None
        try:
            with self.work.writing() as session:
                step = self._receive(session, actor, provider, answer)
                entry = step.entry if isinstance(step, Exchange) else None
        except BaseException:
            if entry is not None:
                entry.remove()
                self.gates.of(provider.name).leave()
            raise
        if isinstance(step, Outcome):
            return step
        try:
            self._exchange(step, provider, answer)
        finally:
            self.gates.of(provider.name).leave()
            step.entry.close()
        return Outcome(step.facts.id)

    def _receive(
        self, session: Session, actor: Actor | None, provider: IPaymentProvider, answer: Answer
    ) -> Outcome | Exchange:
        """Burn the attempt if this answer is its own, in the open transaction."""
        attempt = attempts.by_state(session, answer.state)
        if attempt is None:
            return Outcome(problem="unknown_state")
        if actor is None or not _belongs(attempt, actor):
            problem = "foreign_session" if actor else "signed_out"
            attempts.note(session, attempt.id, f"attempt.{problem}", actor)
            return Outcome(problem=problem)
        if attempt.status != Status.PENDING:
            return Outcome(attempt.id)
        ending = self._ending(session, attempt, actor, provider, answer)
        if ending is not None:
            status, reason = ending
            attempts.burn(session, attempt.id, status, reason=reason)
            attempts.note(session, attempt.id, f"attempt.{status}", actor, reason=reason)
            return Outcome(attempt.id)
        return self._burn_for_exchange(session, attempt, answer.code or "")

    def _burn_for_exchange(self, session: Session, attempt: Attempt, code: str) -> Outcome | Exchange:
        facts = attempts.facts(attempt)
        verifier = attempt.verifier and self.ring.open(attempt.verifier, attempts.binding(attempt, "verifier"))
        if not attempts.burn(session, facts.id, Status.EXCHANGING, code_hash=hash_token(code)):
            return Outcome(facts.id)
        gate = self.gates.of(facts.provider)
        gate.enter()
        try:
            return Exchange(facts, verifier or None, self.journal.reserve(facts.id))
        except BaseException:
            gate.leave()
            raise

    def _ending(
        self, session: Session, attempt: Attempt, actor: Actor, provider: IPaymentProvider, answer: Answer
    ) -> tuple[Status, str] | None:
        """Why the code is not to be redeemed, if there is a reason: the status to end in, and the word for it."""
        if attempt.provider != provider.name:
            return Status.REFUSED, "other_provider"
        if provider.issuer is not None and answer.issuer != provider.issuer:
            return Status.REFUSED, "other_provider"
        if attempt.expires_at <= utcnow():
            return Status.REFUSED, "expired"
        if actor.organizer_id != attempt.organizer_id or actor.role != "owner":
            return Status.REFUSED, "role_lost"
        if attempt.revision != provider.revision:
            return Status.REFUSED, "configuration_changed"
        try:
            provider.at(attempt.tenant).check_callback(answer.parameters, utcnow().timestamp())
        except ProviderError as error:
            return Status.REFUSED, error.code
        return self._unredeemable(session, provider, answer)

    def _unredeemable(self, session: Session, provider: IPaymentProvider, answer: Answer) -> tuple[Status, str] | None:
        """The same, for an answer that is the attempt's own."""
        if answer.error is not None:
            denied = answer.error in provider.denied
            return (Status.DENIED, "access_denied") if denied else (Status.FAILED, "provider_error")
        if answer.code is None:
            return Status.REFUSED, "malformed_answer"
        if attempts.code_was_seen(session, answer.code):
            return Status.REFUSED, "code_seen"
        return None

    def _exchange(self, exchange: Exchange, provider: IPaymentProvider, answer: Answer) -> None:
        """Redeem the code, once, and hand what came of it to the settlement."""
        facts, entry, gate = exchange.facts, exchange.entry, self.gates.of(provider.name)
        try:
            grant = provider.at(facts.tenant).redeem(
                code=Secret(answer.code or ""),
                redirect_uri=facts.redirect_uri,
                code_verifier=exchange.verifier,
                account=answer.account or facts.external_id,
            )
        except OutcomeUnknownError as error:
            gate.note(answered=False)
            log.warning("attempt %s: the outcome is unknown (%s)", facts.id, error.code)
            self.settlement.end(facts, entry, Status.OUTCOME_UNKNOWN, error.code)
        except NotSentError as error:
            gate.note(answered=False)
            log.warning("attempt %s: the provider was not reached (%s)", facts.id, error.code)
            self.settlement.end(facts, entry, Status.FAILED, "provider_unreachable")
        except ProviderError as error:
            gate.note(answered=True)
            log.warning("attempt %s: no usable grant (%s)", facts.id, error.code)
            self._drop_unusable(facts, entry, provider, error)
        else:
            gate.note(answered=True)
            self._keep(facts, entry, provider, grant)

    def _drop_unusable(
        self, facts: AttemptFacts, entry: Entry, provider: IPaymentProvider, error: ProviderError
    ) -> None:
        """The answer cannot be used; if it named an account, its access is taken back."""
        if error.external_id is None:
            self.settlement.end(facts, entry, Status.FAILED, error.code)
            return
        grant = Grant(external_id=error.external_id, mode=provider.mode, scope="")
        self.settlement.take_back(facts, entry, provider, note(grant), Status.FAILED, error.code)

    def _keep(self, facts: AttemptFacts, entry: Entry, provider: IPaymentProvider, grant: Grant) -> None:
        record = note(grant)
        try:
            write(entry, facts, record)
        except OSError:
            log.exception("attempt %s: the journal could not be written", facts.id)
            self.settlement.take_back(facts, entry, provider, record, Status.FAILED, "not_stored")
            return
        self.settlement.settle(facts, entry, provider, record)


def _belongs(attempt: Attempt, actor: Actor) -> bool:
    """Whether the attempt was begun in this browser session by this user."""
    return compare_digest(attempt.session_hash, actor.session_hash) and attempt.user_id == actor.user_id
