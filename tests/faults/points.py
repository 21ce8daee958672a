"""The boundaries of the link flow, by function, and what may happen at one: the process is killed, the answer is lost.

`python -m tests.support.processes --fault P5-written:kill` serves an application that dies there, the first time that
it gets there.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import OperationalError

from tests.support.replacing import replace_named


@dataclass(frozen=True)
class Point:
    """A boundary. :param place: dotted name of a function. :param after: at its end; else before its first line."""

    place: str
    after: bool = True


FLOW = "connectapp.connect.flow"
SETTLEMENT = "connectapp.connect.settlement:Settlement"
POINTS = {
    "P0-asked": Point(f"{FLOW}:attempts.begin", after=False),
    "P1-written": Point(f"{FLOW}:attempts.begin"),
    "P1-committed": Point("connectapp.http:_answer"),
    "P3-received": Point(f"{FLOW}:LinkFlow._receive", after=False),
    "P3-burned": Point(f"{FLOW}:LinkFlow._burn_for_exchange"),
    "P3-committed": Point(f"{FLOW}:LinkFlow._exchange", after=False),
    "P4-answered": Point("connectapp.oauth.transport:Transport.request"),
    "P5-parsed": Point(f"{FLOW}:LinkFlow._keep", after=False),
    "P5-written": Point("connectapp.journal:Entry.write"),
    "P5-identified": Point("connectapp.providers.stripe:StripeConnect.identify"),
    "P6-linked": Point(f"{SETTLEMENT}.link"),
    "P6-committed": Point(f"{SETTLEMENT}._store"),
    "P7-settled": Point(f"{SETTLEMENT}.settle"),
    "P7-answered": Point("connectapp.http:_answer"),
}


def kill() -> None:
    """SIGKILL: no handler, no `finally`, no flush."""
    os.kill(os.getpid(), signal.SIGKILL)


def lose() -> None:
    """As when the connection breaks while the database's answer to COMMIT is on its way."""
    raise OperationalError("COMMIT", None, ConnectionError("the server closed the connection"))


FAULTS: dict[str, Callable[[], None]] = {"kill": kill, "lose": lose}


def inject(fault: str) -> None:
    """Let it happen in this process, once. :param fault: ``point:what``."""
    name, _, what = fault.partition(":")
    point, happen = POINTS[name], FAULTS[what]
    waiting = [happen]

    def wrap(original: Any) -> Any:
        def faulty(*args: Any, **kwargs: Any) -> Any:
            if not point.after and waiting:
                waiting.pop()()
            result = original(*args, **kwargs)
            if point.after and waiting:
                waiting.pop()()
            return result

        return faulty

    replace_named(point.place, wrap)
