"""The one clock of connectapp: the database server's, where there is one, so that all machines agree on what is over.

A web process whose own clock is wrong, or is set while it runs, neither accepts what has expired nor loses what has
not: it counts with the monotonic clock from the time that the database told last.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

FOLLOW_EVERY = 60 * 10**9  # nanoseconds; quartz clocks drift apart by less than 10 ms meanwhile


class Clock:
    """The time of this process: of its machine, until it has been told another one."""

    def __init__(self) -> None:
        self._ahead: int | None = None  # nanoseconds, of the monotonic clock
        self._told_at = 0

    def now_ns(self) -> int:
        """Nanoseconds since 1970 (UTC)."""
        return time.time_ns() if self._ahead is None else time.monotonic_ns() + self._ahead

    def now(self) -> datetime:
        """The time, with its zone."""
        return datetime.fromtimestamp(self.now_ns() / 10**9, UTC)

    @property
    def is_to_be_told(self) -> bool:
        """Whether it is long ago, or never was."""
        return self._ahead is None or time.monotonic_ns() - self._told_at > FOLLOW_EVERY

    def follow(self, ask: Callable[[], int]) -> None:
        """Go by another clock from now on. :param ask: gives its time, in nanoseconds since 1970."""
        before = time.monotonic_ns()
        told = ask()
        self._told_at = time.monotonic_ns()
        self._ahead = told - (before + self._told_at) // 2  # it was read somewhere in between


CLOCK = Clock()
