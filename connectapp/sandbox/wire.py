"""How the bytes of an answer travel, and how they are made to misbehave."""

import socket
import struct
from dataclasses import dataclass, field
from threading import Event
from typing import Literal

Position = int | Literal["headers"]
LINE_KEY = "sandbox.line"  # in the WSGI environ, where the server is `connectapp.sandbox.serve.SandboxServer`


@dataclass(frozen=True)
class Wire:
    """The course of one answer. The default sends it at once and keeps the connection.

    :param delay: seconds before the first byte.
    :param delay_per_byte: seconds before each byte from `drip_from` on.
    :param close_after: so many bytes are sent, then the connection is closed.
    :param hang: seconds of silence after the last byte; then the connection is closed.
    :param reset: close with a TCP reset.
    :param raw: these bytes instead of the answer, status line and all.

    A position is a number of bytes, or ``headers``: the end of the header block.
    """

    delay: float = 0
    delay_per_byte: float = 0
    drip_from: Position = 0
    close_after: Position | None = None
    hang: float = 0
    reset: bool = False
    raw: bytes | None = None

    @property
    def keeps_connection(self) -> bool:
        """Whether the next request may come on the same connection."""
        return self.close_after is None and self.raw is None and not self.hang and not self.reset

    def send(self, sock: socket.socket, head: bytes, body: bytes, stopping: Event) -> None:
        """Send it; returns early when `stopping` is set.

        :raises OSError: the other side is gone.
        """
        data = head + body if self.raw is None else self.raw
        data = data[: _bytes(self.close_after, head, len(data))]
        if stopping.wait(self.delay):
            return
        if self.delay_per_byte:
            self._drip(sock, data, _bytes(self.drip_from, head, 0), stopping)
        else:
            sock.sendall(data)
        stopping.wait(self.hang)
        if self.reset:
            # Linger for zero seconds: closing then sends RST in place of FIN.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()

    def _drip(self, sock: socket.socket, data: bytes, start: int, stopping: Event) -> None:
        sock.sendall(data[:start])
        for index in range(start, len(data)):
            if stopping.wait(self.delay_per_byte):
                return
            sock.sendall(data[index : index + 1])


def _bytes(position: Position | None, head: bytes, otherwise: int) -> int:
    if position is None:
        return otherwise
    return len(head) if position == "headers" else position


@dataclass
class Line:
    """What the server lends the application for one request: it sets `wire`; `stopping` ends all waiting."""

    stopping: Event = field(default_factory=Event)
    wire: Wire = field(default_factory=Wire)
