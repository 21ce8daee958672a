"""Jobs: work to be done after the commit, once or every so often, by whichever worker comes first.

A job is a row of the caller's transaction, so it exists exactly if the change does. Whoever claims it moves `due_at` to
the end of a lease and counts `fence` up, in one statement; only the holder of the latest fence may extend the lease,
end the job or put it off. When a worker dies, its lease runs out and another one takes the job: at least once, so a
handler looks first at what is there.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from connectapp.db import Base, Work, id_column, insert, utcnow, uuid7

LEASE = timedelta(seconds=60)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)


class Job(Base):
    """Something to do.

    `name` says what, `subject` for which row (its id; empty for what is done every so often, whose own id is its
    name). `due_at` is when it is next to be done, or until when somebody is at it. `tries` counts those since the last
    success, and `problem` says why the last of them failed, without a secret.
    """

    __tablename__ = "job"

    id: Mapped[str] = id_column()
    name: Mapped[str]
    subject: Mapped[str]
    due_at: Mapped[datetime] = mapped_column(index=True)
    fence: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


@dataclass(frozen=True)
class Claim:
    """A job that is this worker's until its lease ends; `tries` counts this one."""

    id: str
    name: str
    subject: str
    fence: int
    tries: int


def enqueue(session: Session, name: str, subject: str, due_at: datetime | None = None) -> None:
    """Add a job in the caller's transaction.

    :param subject: the id of the row that it is about. :param due_at: not before; at once if None.
    """
    session.add(Job(id=uuid7(), name=name, subject=subject, due_at=due_at or utcnow()))


def plan(session: Session, names: Iterable[str]) -> None:
    """See to it that there is one job each of these, which are done every so often; in the caller's transaction."""
    for name in names:
        values = {"id": name, "name": name, "subject": "", "due_at": utcnow()}
        session.execute(insert(session, Job).values(**values).on_conflict_do_nothing())


def claim(work: Work, names: Collection[str]) -> Claim | None:
    """Take the job that has been due for longest, if there is one. :param names: only these."""
    due = select(Job.id).where(Job.due_at <= utcnow(), Job.name.in_(names)).order_by(Job.due_at).limit(1)
    with work.reading() as session:  # an idle worker asks for no lock
        if session.scalar(due) is None:
            return None
    first = due.with_for_update(skip_locked=True).scalar_subquery()  # on SQLite, writers come one after the other
    taken = update(Job).where(Job.id == first)
    taken = taken.values(due_at=utcnow() + LEASE, fence=Job.fence + 1, tries=Job.tries + 1)
    columns = (Job.id, Job.name, Job.subject, Job.fence, Job.tries)
    with work.writing() as session:
        row = session.execute(taken.returning(*columns), execution_options={"synchronize_session": False}).one_or_none()
        return Claim(*row) if row else None


def extend(work: Work, claims: Iterable[Claim]) -> None:
    """Lengthen the leases of what is being worked on."""
    for one in claims:
        _change(work, one, due_at=utcnow() + LEASE)


def finish(work: Work, one: Claim, every: timedelta | None = None) -> None:
    """The job is done. :param every: when it is to be done again."""
    if every is not None:
        _change(work, one, due_at=utcnow() + every, tries=0, problem=None)
        return
    with work.writing() as session:
        session.execute(delete(Job).where(*_held(one)))


def put_off(work: Work, one: Claim, problem: str, longest: timedelta = LONGEST_PAUSE) -> timedelta:
    """The job is not done: it is tried again after 1, 2, 4 … 60 minutes.

    :param problem: why, without a secret. :param longest: the longest pause. :return: the pause.
    """
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(one.tries - 1, 10), LONGEST_PAUSE, longest)
    _change(work, one, due_at=utcnow() + pause, problem=problem)
    return pause


def waiting(session: Session) -> list[Job]:
    """All jobs, by the time at which they are due."""
    return list(session.scalars(select(Job).order_by(Job.due_at, Job.id)))


def _held(one: Claim) -> tuple[Any, ...]:
    return Job.id == one.id, Job.fence == one.fence


def _change(work: Work, one: Claim, **values: Any) -> None:
    with work.writing() as session:
        session.execute(update(Job).where(*_held(one)).values(**values))
