"""How much of this process one provider may take up when it is slow, and when it is left alone for a while.

Counted per process, in memory: each process protects its own threads, and no database is asked.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from connectapp.errors import UnavailableError
from connectapp.settings import get_settings

log = logging.getLogger(__name__)

FAILURES = 5  # redemptions in a row that brought no answer
PAUSE = 30.0  # seconds during which nobody new is sent to the provider


class Gate:
    """One provider's.

    :param places: callbacks that may wait for it at once. :param clock: seconds that never go back.
    """

    def __init__(self, places: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = places
        self._failures = 0
        self._closed_until = 0.0
        self._clock = clock
        self._lock = threading.Lock()

    def enter(self) -> None:
        """Take a place, before anything is spent.

        :raises UnavailableError: if there is none; the same request works later.
        """
        with self._lock:
            if self._free == 0:
                raise UnavailableError("too many callbacks wait for the provider")
            self._free -= 1

    def leave(self) -> None:
        """Give the place back."""
        with self._lock:
            self._free += 1

    def note(self, *, answered: bool) -> None:
        """Say how a redemption went: whether there was an answer, whatever it said."""
        with self._lock:
            self._failures = 0 if answered else self._failures + 1
            if self._failures >= FAILURES:
                self._closed_until = self._clock() + PAUSE
                log.error("the provider did not answer %d times in a row", self._failures)

    @property
    def open(self) -> bool:
        """Whether anybody is to be sent to the provider now."""
        return self._clock() >= self._closed_until


class Gates:
    """Those of all providers of this process."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._gates: dict[str, Gate] = {}
        self._lock = threading.Lock()

    def of(self, provider_name: str) -> Gate:
        """A provider's own."""
        with self._lock:
            return self._gates.setdefault(provider_name, Gate(self._places))


def includeme(config: Any) -> None:
    config.registry["connectapp.gates"] = Gates(get_settings(config.registry).attempt_max_waiting)
