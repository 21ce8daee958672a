"""Requests that stand still until they are told to go on, so that a test can act at an exact point."""

from collections import Counter
from threading import Condition, Event
from time import monotonic

_LOOK_UP = 0.1  # seconds between two looks at a server that is stopping


class Holds:
    """Named places to wait at."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._waiting: Counter[str] = Counter()
        self._round: Counter[str] = Counter()

    def wait(self, name: str, stopping: Event) -> None:
        """Stand still until `release` of this name, or until the server stops."""
        with self._changed:
            mine = self._round[name]
            self._waiting[name] += 1
            self._changed.notify_all()
            while self._round[name] == mine and not stopping.is_set():
                self._changed.wait(_LOOK_UP)
            self._waiting[name] -= 1
            self._changed.notify_all()

    def release(self, name: str) -> int:
        """Let all go that wait at `name` now; tells how many."""
        with self._changed:
            self._round[name] += 1
            self._changed.notify_all()
            return self._waiting[name]

    def release_all(self) -> None:
        """Let everybody go."""
        with self._changed:
            self._round.update(list(self._waiting))
            self._changed.notify_all()

    def waiting(self, name: str | None = None, count: int = 0, timeout: float = 0) -> dict[str, int]:
        """How many wait where. With `name`: once at least `count` wait there, or after `timeout` seconds."""
        deadline = monotonic() + timeout
        with self._changed:
            while name is not None and self._waiting[name] < count and (left := deadline - monotonic()) > 0:
                self._changed.wait(left)
            return {one: number for one, number in self._waiting.items() if number}
