"""The worker: threads that do the jobs, in the web process or in one of their own (`connectapp worker`).

A feature says what it does after the commit with ``config.add_job``, and what each process has to do for itself, such
as look after its own journal, with ``config.add_chore``.
"""

import atexit
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Condition, Event, Lock, Thread
from time import monotonic
from typing import Any

from pyramid.events import ApplicationCreated
from sqlalchemy.exc import SQLAlchemyError

from connectapp import jobs
from connectapp.db import work_of
from connectapp.errors import ConnectappError
from connectapp.jobs import Claim
from connectapp.logs import REFERENCE, new_reference
from connectapp.settings import get_settings

log = logging.getLogger(__name__)

BEATS = 3  # how often the lease of a running job is lengthened within its time
STOP_WITHIN = 10.0  # seconds that running jobs have left at a stop; what is cut off then is taken over

Handler = Callable[[Any, Claim], None]
Chore = Callable[[Any], None]


@dataclass(frozen=True)
class Task:
    """How jobs of one name are done; `every` is None for those that are done once."""

    handler: Handler
    every: timedelta | None


class Worker:
    """Does the jobs of one application.

    :param registry: Pyramid's; handlers and chores get it, and make a database session of their own.
    """

    def __init__(self, registry: Any) -> None:
        self.registry = registry
        self.tasks: dict[str, Task] = {}
        self.chores: dict[str, tuple[Chore, float]] = {}
        self.begun = 0  # jobs, by all threads
        self._threads: list[Thread] = []
        self._most_alike = 1
        self._does_jobs = False
        self._planned = False
        self._taking = Lock()
        self._running: dict[str, Claim] = {}
        self._bell = Condition()
        self._rings = 0
        self._stopped = Event()

    def start_chores(self) -> None:
        """Begin what every process does for itself."""
        for name, (chore, seconds) in self.chores.items():
            self._spawn(name, self._repeat, name, chore, seconds)

    def start_jobs(self, threads: int, seconds: float) -> None:
        """Begin to do jobs; if that was begun already, nothing happens.

        :param threads: so many at once; of one name at most one fewer: a mail server that hangs delays no sweep.
        :param seconds: how often the database is looked into when nobody calls `wake`.
        """
        if self._does_jobs:
            return
        self._does_jobs = True
        self._most_alike = max(1, threads - 1)
        self._spawn("heartbeat", self._repeat, "heartbeat", lambda _: self.beat(), jobs.LEASE.total_seconds() / BEATS)
        for number in range(1, threads + 1):
            self._spawn(f"worker-{number}", self._work, seconds)

    def wake(self) -> None:
        """There is something to do now."""
        with self._bell:
            self._rings += 1
            self._bell.notify_all()

    def stop(self, within: float = STOP_WITHIN) -> None:
        """Begin nothing more, and wait for what is being done. :param within: seconds."""
        self._stopped.set()
        self.wake()
        end = monotonic() + within
        for thread in self._threads:
            thread.join(max(0.0, end - monotonic()))

    def run_due(self, *names: str) -> int:
        """Do in this thread what is due now, one after the other. :param names: only these. :return: how many."""
        done = 0
        while not self._stopped.is_set() and (claim := self._take(names)) is not None:
            self._run(claim)
            done += 1
        return done

    def beat(self) -> None:
        """Lengthen the leases of what is running."""
        jobs.extend(work_of(self.registry), list(self._running.values()))

    def _spawn(self, name: str, target: Callable[..., None], *arguments: Any) -> None:
        if not self._threads:
            atexit.register(self.stop)
        self._threads.append(Thread(target=target, args=arguments, name=name, daemon=True))
        self._threads[-1].start()

    def _work(self, seconds: float) -> None:
        while not self._stopped.is_set():
            seen = self._rings
            try:
                if self.run_due():
                    continue
            except Exception:
                log.exception("jobs cannot be looked for, it will be tried again")
            with self._bell:
                if self._rings == seen:
                    self._bell.wait(seconds)

    def _repeat(self, name: str, chore: Chore, seconds: float) -> None:
        while True:
            try:
                chore(self.registry)
            except Exception:
                log.exception("%s stopped half-way, it will be tried again", name)
            if self._stopped.wait(seconds):
                return

    def _take(self, names: tuple[str, ...]) -> Claim | None:
        with self._taking:
            if not self._planned:
                with work_of(self.registry).writing() as session:
                    jobs.plan(session, [name for name, task in self.tasks.items() if task.every])
                self._planned = True
            alike = Counter(claim.name for claim in list(self._running.values()))
            free = [name for name in names or self.tasks if alike[name] < self._most_alike]
            claim = jobs.claim(work_of(self.registry), free)
            if claim is not None:
                self._running[claim.id] = claim
                self.begun += 1
                self.wake()  # perhaps there is more, for another thread
            return claim

    def _run(self, claim: Claim) -> None:
        token = REFERENCE.set(new_reference())
        try:
            self._settle(claim, self._problem(claim))
        except SQLAlchemyError:
            log.exception("job %s (%s): its end is not noted, so it will be done again", claim.id, claim.name)
        finally:
            del self._running[claim.id]
            REFERENCE.reset(token)

    def _problem(self, claim: Claim) -> str | None:
        """Do it. :return: why it is not done, if it is not."""
        try:
            self.tasks[claim.name].handler(self.registry, claim)
        except ConnectappError as error:
            return str(error)
        except Exception as error:
            log.exception("job %s (%s) failed", claim.id, claim.name)
            return type(error).__name__
        return None

    def _settle(self, claim: Claim, problem: str | None) -> None:
        every = self.tasks[claim.name].every
        if problem is None:
            jobs.finish(work_of(self.registry), claim, every)
            return
        pause = jobs.put_off(work_of(self.registry), claim, problem, every or jobs.LONGEST_PAUSE)
        about = f"{claim.name} {claim.subject}".rstrip()
        log.warning("%s is not done (%s), it will be tried again in %s", about, problem, pause)


def get_worker(registry: Any) -> Worker:
    """The worker of this application; `registry` is Pyramid's."""
    worker: Worker = registry["connectapp.worker"]
    return worker


def start_jobs(registry: Any) -> Worker:
    """Begin to do jobs as the settings say."""
    settings = get_settings(registry)
    worker = get_worker(registry)
    worker.start_jobs(settings.worker_threads, settings.worker_seconds)
    return worker


def _add_job(config: Any, name: str, handler: Handler, every: timedelta | None = None) -> None:
    """A Pyramid directive: how jobs of this name are done.

    :param handler: gets the registry and the `Claim`, and raises if it is not done yet; a `ConnectappError` is an
        expected reason, whose text is kept.
    :param every: there is one such job always, done again so long after each time.
    """
    worker = get_worker(config.registry)
    config.action(("connectapp.job", name), lambda: worker.tasks.update({name: Task(handler, every)}))


def _add_chore(config: Any, name: str, chore: Chore, seconds: float) -> None:
    """A Pyramid directive: what every process does for itself, at start and then every so many seconds."""
    worker = get_worker(config.registry)
    config.action(("connectapp.chore", name), lambda: worker.chores.update({name: (chore, seconds)}))


def _start(event: Any) -> None:
    registry = event.app.registry
    get_worker(registry).start_chores()
    if get_settings(registry).worker_embedded:
        start_jobs(registry)


def includeme(config: Any) -> None:
    config.registry["connectapp.worker"] = Worker(config.registry)
    config.add_directive("add_job", _add_job)
    config.add_directive("add_chore", _add_chore)
    config.add_subscriber(_start, ApplicationCreated)
