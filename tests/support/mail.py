"""Mails as their reader sees them, and a mail server that takes them."""

import base64
import re
import socketserver
import ssl
import threading
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Mail:
    """One mail that was delivered."""

    to: str
    subject: str
    body: str

    def link(self, path: str) -> str:
        """Path and query of the first link in the body whose path begins so."""
        for link in re.findall(r"https?://\S+", self.body):
            parts = urlsplit(link)
            if parts.path.startswith(path):
                return f"{parts.path}?{parts.query}" if parts.query else parts.path
        raise AssertionError(f"no link to {path} in: {self.body}")


class SmtpServer(socketserver.ThreadingTCPServer):
    """A mail server on a free port that keeps what it takes, and says no as ordered.

    :param host: where to listen. :param tls: encrypts: at once, or with `starttls` when asked.
    :param login: ``user:password``; without it, anybody may send.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, *, starttls: bool = False, login: str = ""
    ) -> None:
        super().__init__((host, 0), Conversation)
        self.tls, self.starttls = tls, starttls
        self.login = base64.b64encode(b"\0" + login.replace(":", "\0", 1).encode()).decode() if login else ""
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.logins: list[str] = []
        self.connections = 0
        #: Replies to give in place of 250, by command (``RCPT``, ``DATA.``: after the mail), one after the other.
        self.refusals: dict[str, list[str]] = {}
        self.offered, self.arrived = threading.Event(), threading.Event()
        #: While this is cleared, the server thinks about the mail that it was offered.
        self.gate = threading.Event()
        self.gate.set()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def address(self) -> str:
        return f"{self.server_address[0]!s}:{self.server_address[1]}"

    def __enter__(self) -> "SmtpServer":
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class Conversation(socketserver.StreamRequestHandler):
    """One connection of a client, as far as RFC 5321 is needed here."""

    server: SmtpServer

    def setup(self) -> None:
        self.safe = False
        if self.server.tls and not self.server.starttls:
            self.encrypt()
        super().setup()

    def encrypt(self) -> None:
        assert self.server.tls
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.safe = True

    def handle(self) -> None:
        self.server.connections += 1
        self.known = not self.server.login
        self.say("220 ready")
        while line := self.rfile.readline().decode():
            command, _, argument = line.strip().partition(" ")
            ordered = self.server.refusals.get(command.upper())
            if ordered:
                self.say(ordered.pop(0))
            else:
                getattr(self, command.lower(), self.other)(argument)

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())

    def other(self, _: str) -> None:
        self.say("250 ok")

    def ehlo(self, _: str) -> None:
        offers = ["250-here", *(["250-STARTTLS"] if self.server.starttls and not self.safe else []), "250 AUTH PLAIN"]
        self.say("\r\n".join(offers))

    def starttls(self, _: str) -> None:
        self.say("220 go ahead")
        super().finish()
        self.encrypt()
        super().setup()

    def auth(self, argument: str) -> None:
        self.server.logins.append(argument)
        self.known = argument == f"PLAIN {self.server.login}"
        self.say("235 welcome" if self.known else "535 who?")

    def mail(self, _: str) -> None:
        self.say("250 ok" if self.known else "530 sign in first")

    def rcpt(self, argument: str) -> None:
        self.recipient = argument.removeprefix("TO:").strip("<>")
        self.say("250 ok")

    def data(self, _: str) -> None:
        self.say("354 go on")
        lines = iter(self.rfile.readline, b".\r\n")
        content = b"".join(line.removeprefix(b".") for line in lines)
        self.server.offered.set()
        self.server.gate.wait(30)
        ordered = self.server.refusals.get("DATA.")
        if ordered:
            self.say(ordered.pop(0))
            return
        self.server.mails.append(message_from_bytes(content, policy=default))
        self.server.recipients.append(self.recipient)
        self.say("250 taken")
        self.server.arrived.set()

    def quit(self, _: str) -> None:
        self.say("221 bye")
