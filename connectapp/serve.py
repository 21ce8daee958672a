"""waitress, which finishes what it has begun when it is told to stop: an exchange cut off is a link in doubt."""

import os
import signal
import sys
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import waitress

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

GRACE = 20.0  # seconds; a callback takes at most two provider deadlines, mostly far less
LOOK_EVERY = 0.05  # seconds


def serve(app: "WSGIApplication", global_conf: dict[str, str], **settings: str) -> None:
    """The ``paste.server_runner`` ``egg:connectapp``.

    :param settings: ``grace``, the seconds that requests have left after SIGTERM; the rest is waitress's.
    """
    grace = float(settings.pop("grace", GRACE))
    server = waitress.create_server(app, **settings)
    server.print_listen("Serving on http://{}:{}")
    run(server, grace)


def run(server: Any, grace: float = GRACE) -> None:
    """Serve until SIGTERM: then accept nobody, answer who is in, and end; at once when the signal comes again.

    :param server: waitress's, of one or of several addresses. :param grace: seconds that the answers have.
    """
    told = Event()

    def stop(*_: object) -> None:
        if told.is_set():
            sys.exit(0)  # waitress ends its loop on this
        told.set()
        Thread(target=_drain, args=(server, grace), name="drain", daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    server.run()


def _drain(server: Any, grace: float) -> None:
    # One address: the server is its own listener. Several: it has a map of them.
    sockets = server.map if hasattr(server, "map") else server._map
    listeners = [one for one in list(sockets.values()) if getattr(one, "accepting", False)]
    closed = Event()

    def close() -> None:  # in the thread of the loop, which alone may touch its sockets
        for listener in listeners:
            listener.del_channel()
            listener.socket.close()
        closed.set()

    listeners[0].trigger.pull_trigger(close)
    end = monotonic() + grace
    closed.wait(grace)
    while monotonic() < end and _is_busy(server.task_dispatcher, listeners):
        sleep(LOOK_EVERY)
    os.kill(os.getpid(), signal.SIGTERM)


def _is_busy(dispatcher: Any, listeners: list[Any]) -> bool:
    """Whether a request is worked on, perhaps of somebody who went away, or an answer is still on its way out."""
    leaving = (channel.total_outbufs_len for one in listeners for channel in list(one.active_channels.values()))
    return bool(dispatcher.active_count > 0 or dispatcher.queue or any(leaving))
