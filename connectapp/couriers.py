"""Who carries a mail away: an SMTP server, or in development the sandbox's page. One connection for many mails."""

import json
import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

import certifi

from connectapp.oauth.errors import AnswerError
from connectapp.oauth.transport import Transport, TransportError
from connectapp.secret import Secret
from connectapp.settings import Settings
from connectapp.values import is_loopback

TIMEOUT = 10  # seconds that the server may be silent
SUBMISSION = 587  # RFC 6409; smtplib knows the port of smtps itself


class MailDelayedError(Exception):
    """Not now: worth another try. The text names no recipient and nothing of the mail."""


class MailRefusedError(Exception):
    """Never, as it is. The text names no recipient and nothing of the mail."""


class Courier(Protocol):
    """Carries mails, one after the other; a mail that fails does not harm the next."""

    def send(self, letter: EmailMessage) -> None:
        """Hand one mail over.

        :raises MailDelayedError: it was not taken now. :raises MailRefusedError: it never will be.
        """
        ...

    def close(self) -> None: ...


def make_courier(server: Secret, settings: Settings) -> Courier:
    """The courier for a `mail.server`; connects when there is something to send."""
    address = urlsplit(server.reveal())
    return SandboxCourier(server.reveal()) if address.scheme == "http" else SmtpCourier(address, settings)


class SmtpCourier:
    """Speaks to a mail server, encrypted and with a checked certificate unless it is on this machine.

    :param server: ``smtp://user:password@host:port`` or ``smtps://``, percent-encoded.
    """

    def __init__(self, server: SplitResult, settings: Settings) -> None:
        self.server = server
        self.settings = settings
        self._connection: smtplib.SMTP | None = None

    def send(self, letter: EmailMessage) -> None:
        """See `Courier`."""
        try:
            self._connection = self._connection or self._connect()
            self._connection.send_message(letter)
        except (OSError, ValueError) as error:  # every error of smtplib is an OSError
            self._drop()
            raise _verdict(error) from None

    def close(self) -> None:
        """See `Courier`."""
        if self._connection is not None:
            with suppress(OSError):
                self._connection.quit()
        self._drop()

    def _drop(self) -> None:
        """Without a farewell: the server may not be listening."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> smtplib.SMTP:
        host, port = self.server.hostname or "", self.server.port
        myself = urlsplit(self.settings.url).hostname
        context = _tls_context(self.settings.transport_ca_file or certifi.where())
        if self.server.scheme == "smtps":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(host, port or 0, myself, timeout=TIMEOUT, context=context)
        else:
            connection = smtplib.SMTP(host, port or SUBMISSION, myself, timeout=TIMEOUT)
        try:
            if self.server.scheme == "smtp" and not is_loopback(host):
                connection.starttls(context=context)
            if self.server.username:
                connection.login(unquote(self.server.username), unquote(self.server.password or ""))
        except BaseException:
            connection.close()
            raise
        return connection


class SandboxCourier:
    """Posts mails to the sandbox, which shows them on a page. :param url: of its ``/_sandbox/mail``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._transport: Transport | None = None

    def send(self, letter: EmailMessage) -> None:
        """See `Courier`."""
        order = {name: str(letter[name]) for name in ("to", "from", "subject")} | {"body": letter.get_content()}
        self._transport = self._transport or Transport(deadline=TIMEOUT)
        headers = {"Content-Type": "application/json"}
        try:
            self._transport.request("POST", self.url, headers=headers, body=json.dumps(order)).raise_for_status()
        except (TransportError, AnswerError) as error:
            raise MailDelayedError(str(error)) from None

    def close(self) -> None:
        """See `Courier`."""
        if self._transport is not None:
            self._transport.close()


def _tls_context(authorities: str) -> ssl.SSLContext:
    """Checks certificate and host name. The ready-made context of `ssl` reads the environment."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=authorities)
    return context


def _verdict(error: Exception) -> MailDelayedError | MailRefusedError:
    """Replies from 500 on are for good (RFC 5321 section 4.2.1), where they speak of the recipient or the mail.

    What is wrong with us, our password or our sender, the admin can mend while the mail waits.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = max(code for code, _ in error.recipients.values())
    else:
        code = getattr(error, "smtp_code", 0)
    text = f"{type(error).__name__} {code or ''}".strip()
    about_mail = isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError)
    return MailRefusedError(text) if about_mail and code >= 500 else MailDelayedError(text)
