"""Jobs and those who do them: with their transaction or not at all, by one at a time, again until they are done."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from connectapp import jobs
from connectapp.db import utcnow, work_of
from connectapp.errors import NotYetError
from connectapp.jobs import Claim
from connectapp.worker import Task, Worker, get_worker
from tests.support.rows import database_gone, eventually
from tests.support.site import Site

MakeSite = Callable[..., Site]


class Doings:
    """A handler that keeps what it was given, and does as ordered."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.errors: list[BaseException] = []
        self.gate, self.busy = threading.Event(), threading.Semaphore(0)
        self.gate.set()

    def __call__(self, registry: Any, job: Claim) -> None:
        self.busy.release()
        assert self.gate.wait(60)
        if self.errors:
            raise self.errors.pop(0)
        self.done.append(job.subject)


@pytest.fixture
def doings() -> Doings:
    return Doings()


@pytest.fixture
def worker(site: Site, doings: Doings) -> Iterator[Worker]:
    worker = get_worker(site.registry)
    worker.tasks = {"thing": Task(doings, None)}
    yield worker
    doings.gate.set()
    worker.stop(within=60)


def add(site: Site, *subjects: str, name: str = "thing") -> None:
    with work_of(site.registry).writing() as session:
        for subject in subjects:
            jobs.enqueue(session, name, subject)


def claimed(site: Site) -> Claim:
    claim = jobs.claim(work_of(site.registry), ["thing"])
    assert claim is not None
    return claim


def until_due(row: Any) -> timedelta:
    due_at = row.due_at if row.due_at.__class__ is not str else utcnow().fromisoformat(f"{row.due_at}+00:00")
    rest: timedelta = due_at - utcnow()
    return rest


def test_a_job_is_done_once(site: Site, worker: Worker, doings: Doings) -> None:
    add(site, "a", "b")
    assert worker.run_due() == 2
    assert worker.run_due() == 0
    assert (doings.done, site.jobs("thing")) == (["a", "b"], [])


def test_what_was_rolled_back_is_not_done(site: Site, worker: Worker, doings: Doings) -> None:
    with pytest.raises(ZeroDivisionError), work_of(site.registry).writing() as session:
        jobs.enqueue(session, "thing", "a")
        session.flush()
        raise ZeroDivisionError
    assert worker.run_due() == 0


def test_it_is_not_done_before_its_time(site: Site, worker: Worker, doings: Doings) -> None:
    with work_of(site.registry).writing() as session:
        jobs.enqueue(session, "thing", "a", utcnow() + timedelta(minutes=5))
    site.let_pass(minutes=4)
    assert worker.run_due() == 0
    site.let_pass(minutes=1)
    assert worker.run_due() == 1


def test_what_nobody_here_knows_waits_for_who_does(site: Site, worker: Worker, doings: Doings) -> None:
    add(site, "a", name="of-a-newer-version")
    assert worker.run_due() == 0
    assert [job.tries for job in site.jobs("of-a-newer-version")] == [0]


def test_whoever_lost_the_lease_changes_nothing(site: Site) -> None:
    add(site, "a")
    work = work_of(site.registry)
    first = claimed(site)
    assert jobs.claim(work, ["thing"]) is None
    site.let_pass(minutes=1)
    second = claimed(site)
    assert (second.id, second.fence, second.tries) == (first.id, 2, 2)
    (before,) = site.jobs("thing")
    jobs.extend(work, [first])
    jobs.put_off(work, first, "slow")
    jobs.finish(work, first)
    jobs.finish(work, first, every=timedelta(days=1))
    assert site.jobs("thing") == [before]
    jobs.finish(work, second)
    assert site.jobs("thing") == []


def test_a_long_job_keeps_its_lease(site: Site, worker: Worker, doings: Doings) -> None:
    add(site, "a")
    doings.gate.clear()
    running = threading.Thread(target=worker.run_due)
    running.start()
    assert doings.busy.acquire(timeout=30)
    for _ in range(3):
        site.let_pass(minutes=0.75)
        worker.beat()
        assert jobs.claim(work_of(site.registry), ["thing"]) is None
    doings.gate.set()
    running.join(60)
    assert (doings.done, site.jobs("thing")) == (["a"], [])


@pytest.mark.parametrize(
    ("error", "problem", "traceback"),
    [
        (NotYetError("the provider did not confirm"), "the provider did not confirm", False),
        (OSError("x"), "OSError", True),
    ],
)
def test_what_fails_is_tried_again(
    site: Site, worker: Worker, doings: Doings, caplog, error: Exception, problem: str, traceback: bool
) -> None:
    add(site, "a", "b")
    doings.errors = [error]
    assert worker.run_due() == 2
    assert doings.done == ["b"]
    (job,) = site.jobs("thing")
    assert (job.tries, job.problem) == (1, problem)
    assert timedelta(seconds=50) < until_due(job) <= timedelta(minutes=1)
    assert any(record.exc_info for record in caplog.records) == traceback
    assert f"thing a is not done ({problem})" in caplog.text
    site.let_pass(minutes=1)
    worker.run_due()
    assert (doings.done, site.jobs("thing")) == (["b", "a"], [])


def test_a_crash_leaves_the_job_to_the_next(site: Site, worker: Worker, doings: Doings) -> None:
    class Killed(BaseException):
        """Nobody catches this, like the end of the process."""

    add(site, "a")
    doings.errors = [Killed()]
    with pytest.raises(Killed):
        worker.run_due()
    assert worker.run_due() == 0  # its lease is not over
    site.let_pass(minutes=1)
    assert worker.run_due() == 1
    assert doings.done == ["a"]


def test_an_end_that_cannot_be_noted_is_not_one(
    site: Site, worker: Worker, doings: Doings, monkeypatch, caplog
) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("DELETE", {}, Exception("gone"))

    add(site, "a")
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "finish", refuse)
        worker.run_due()
    assert "its end is not noted" in caplog.text
    site.let_pass(minutes=1)
    worker.run_due()
    assert (doings.done, site.jobs("thing")) == (["a", "a"], [])


def test_what_is_done_every_so_often_is_one_job_for_all(make_site: MakeSite, doings: Doings) -> None:
    sites = [make_site() for _ in range(2)]
    for site in sites:
        get_worker(site.registry).tasks = {"thing": Task(doings, timedelta(minutes=10))}
    assert [site.do_jobs() for site in sites] == [1, 0]
    (job,) = sites[0].jobs("thing")
    assert (job.id, job.subject, job.tries) == ("thing", "", 0)
    assert timedelta(minutes=9) < until_due(job) <= timedelta(minutes=10)
    sites[0].let_pass(minutes=10)
    assert [site.do_jobs() for site in reversed(sites)] == [1, 0]


def test_what_is_done_every_so_often_is_not_put_off_for_longer(site: Site, worker: Worker, doings: Doings) -> None:
    worker.tasks = {"thing": Task(doings, timedelta(seconds=30))}
    doings.errors = [OSError(), OSError(), OSError()]
    for tries in (1, 2, 3):
        worker.run_due()
        (job,) = site.jobs("thing")
        assert job.tries == tries
        assert until_due(job) <= timedelta(seconds=30)
        site.let_pass(minutes=0.5)
    worker.run_due()
    (job,) = site.jobs("thing")
    assert (job.tries, job.problem, doings.done) == (0, None, [""])


def test_many_workers_do_each_job_once(make_site: MakeSite, doings: Doings) -> None:
    workers = [get_worker(make_site().registry) for _ in range(3)]
    site = make_site()
    expected = [f"{number:02}" for number in range(60)]
    add(site, *expected)
    for worker in workers:
        worker.tasks = {"thing": Task(doings, None)}
        worker.start_jobs(threads=3, seconds=1)
    eventually(lambda: not site.jobs("thing"))
    for worker in workers:
        worker.stop(within=60)
    assert sorted(doings.done) == expected


def test_what_hangs_holds_up_nothing_else(site: Site, worker: Worker, doings: Doings) -> None:
    quick = Doings()
    worker.tasks["quick"] = Task(quick, None)
    doings.gate.clear()
    add(site, "a", "b", "c")
    worker.start_jobs(threads=3, seconds=1)
    for _ in range(2):
        assert doings.busy.acquire(timeout=30)
    add(site, "d", name="quick")
    eventually(lambda: quick.done == ["d"])
    assert not doings.busy.acquire(blocking=False)  # the third waits
    doings.gate.set()
    eventually(lambda: sorted(doings.done) == ["a", "b", "c"])


def test_a_stop_waits_for_what_is_being_done(site: Site, worker: Worker, doings: Doings) -> None:
    doings.gate.clear()
    add(site, "a", "b")
    worker.start_jobs(threads=2, seconds=1)
    assert doings.busy.acquire(timeout=30)
    stopping = threading.Thread(target=worker.stop, args=[60])
    stopping.start()
    eventually(worker._stopped.is_set)
    doings.gate.set()
    stopping.join(60)
    assert doings.done == ["a"]
    assert [job.subject for job in site.jobs("thing")] == ["b"]
    assert not [thread for thread in threading.enumerate() if thread in worker._threads]


def test_to_start_twice_is_to_start_once(worker: Worker) -> None:
    for _ in range(2):
        worker.start_jobs(threads=2, seconds=1)
    assert sorted(thread.name for thread in worker._threads) == ["heartbeat", "worker-1", "worker-2"]


def test_an_outage_of_the_database_is_not_the_end(site: Site, worker: Worker, doings: Doings, caplog) -> None:
    caplog.set_level(logging.ERROR)
    add(site, "a", "b")
    worker.run_due()
    with database_gone(site):
        worker.start_jobs(threads=2, seconds=1)
        eventually(lambda: "jobs cannot be looked for" in caplog.text)
    add(site, "c")
    eventually(lambda: doings.done == ["a", "b", "c"])
