"""Handing mails over: to a real mail server on this machine, with and without TLS, and to the sandbox."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from connectapp.couriers import Courier, MailDelayedError, MailRefusedError, make_courier
from connectapp.secret import Secret
from connectapp.settings import Settings
from tests.providers.recorder import certificate
from tests.support.mail import SmtpServer
from tests.support.sandbox import SandboxClient, start_sandbox

ELSEWHERE = "127.0.0.2"  # this machine, but no name of it that `is_loopback` trusts
SETTINGS = Settings(url="https://app.test", mail_from="Tickets <no-reply@app.test>")


def letter(to: str = "olga@example.test", body: str = "Grüße\n.\n..dots\n") -> EmailMessage:
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = SETTINGS.mail_from, to, "Zürich, tonight"
    made.set_content(body, cte="quoted-printable")
    return made


def courier(server: str, settings: Settings = SETTINGS) -> closing[Courier]:
    return closing(make_courier(Secret(server), settings))


def delayed(server: str, settings: Settings = SETTINGS) -> str:
    """Why a mail is not taken now."""
    with courier(server, settings) as carrying, pytest.raises(MailDelayedError) as caught:
        carrying.send(letter())
    return str(caught.value)


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


Encrypted = tuple[Settings, ssl.SSLContext]


@pytest.fixture
def encrypted(tmp_path: Path) -> Callable[[str | None], Encrypted]:
    """Settings that trust a certificate for an address, and the server's side of it."""

    def make(address: str | None) -> Encrypted:
        authority, key = certificate(tmp_path, address)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority, key)
        return Settings(url=SETTINGS.url, mail_from=SETTINGS.mail_from, transport_ca_file=str(authority)), context

    return make


def test_one_connection_carries_several_mails(server: SmtpServer) -> None:
    with courier(f"smtp://{server.address}") as carrying:
        carrying.send(letter("a@example.test"))
        carrying.send(letter("b@example.test"))
    assert server.recipients == ["a@example.test", "b@example.test"]
    assert server.connections == 1
    (mail, _) = server.mails
    assert mail["Subject"] == "Zürich, tonight"
    assert mail["From"] == "Tickets <no-reply@app.test>"
    assert mail.get_content().split() == ["Grüße", ".", "..dots"]


def test_the_password_is_decoded() -> None:
    with SmtpServer(login="ol@ga:p/w:1") as server, courier(f"smtp://ol%40ga:p%2Fw%3A1@{server.address}") as carrying:
        carrying.send(letter())
    assert len(server.mails) == 1


@pytest.mark.parametrize(
    ("login", "reason"), [("", "SMTPSenderRefused 530"), ("olga:wrong@", "SMTPAuthenticationError 535")]
)
def test_who_may_not_send_keeps_the_mail(login: str, reason: str) -> None:
    with SmtpServer(login="olga:secret") as server:
        assert delayed(f"smtp://{login}{server.address}") == reason
    assert server.mails == []


@pytest.mark.parametrize(
    ("command", "reply", "expected"),
    [
        ("RCPT", "550 no olga@example.test here", MailRefusedError),
        ("RCPT", "451 later", MailDelayedError),
        ("RCPT", "421 closing", MailDelayedError),
        ("DATA", "554 no", MailRefusedError),
        ("DATA.", "552 too big", MailRefusedError),
        ("DATA.", "452 full", MailDelayedError),
        ("MAIL", "553 not your sender", MailDelayedError),
        ("EHLO", "421 busy", MailDelayedError),
    ],
)
def test_a_refusal_is_for_good_if_the_server_says_so_of_this_mail(
    server: SmtpServer, command: str, reply: str, expected: type[Exception]
) -> None:
    server.refusals[command] = [reply] * (2 if command == "EHLO" else 1)
    server.refusals["HELO"] = ["421 busy"]
    with courier(f"smtp://{server.address}") as carrying:
        with pytest.raises(expected) as caught:
            carrying.send(letter())
        carrying.send(letter("next@example.test"))
    assert server.recipients == ["next@example.test"]
    assert "olga" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_nobody_there() -> None:
    with SmtpServer() as gone:
        address = gone.address
    assert delayed(f"smtp://{address}") == "ConnectionRefusedError"


def test_starttls_is_insisted_on_elsewhere() -> None:
    with SmtpServer(ELSEWHERE, login="olga:secret") as server:
        assert delayed(f"smtp://olga:secret@{server.address}") == "SMTPNotSupportedError"
    assert (server.logins, server.mails) == ([], [])


def test_starttls_with_a_trusted_certificate(encrypted: Callable[[str | None], Encrypted]) -> None:
    settings, context = encrypted(ELSEWHERE)
    server = SmtpServer(ELSEWHERE, context, starttls=True, login="olga:secret")
    with server, courier(f"smtp://olga:secret@{server.address}", settings) as carrying:
        carrying.send(letter())
    assert server.recipients == ["olga@example.test"]


@pytest.mark.parametrize("address", [ELSEWHERE, "127.0.0.3"])
def test_a_certificate_of_nobody_or_of_another_host_is_refused(
    encrypted: Callable[[str | None], Encrypted], address: str
) -> None:
    trusting, context = encrypted(address)
    settings = SETTINGS if address == ELSEWHERE else trusting
    with SmtpServer(ELSEWHERE, context, starttls=True, login="olga:secret") as server:
        assert delayed(f"smtp://olga:secret@{server.address}", settings) == "SSLCertVerificationError"
    assert server.logins == []


def test_smtps_is_encrypted_from_the_start(encrypted: Callable[[str | None], Encrypted]) -> None:
    settings, context = encrypted(None)
    with SmtpServer(tls=context, login="olga:secret") as server:
        port = server.server_address[1]
        with courier(f"smtps://olga:secret@localhost:{port}", settings) as carrying:
            carrying.send(letter())
        assert delayed(f"smtps://localhost:{port}") == "SSLCertVerificationError"
    assert server.recipients == ["olga@example.test"]


def test_the_sandbox_gets_the_text() -> None:
    server = start_sandbox()
    client = SandboxClient(server.url)
    try:
        with courier(f"{server.url}/_sandbox/mail") as carrying:
            carrying.send(letter(body="One\nTwo é\n"))
        (mail,) = client.mails()
        assert (mail.to, mail.subject, mail.body) == ("olga@example.test", "Zürich, tonight", "One\nTwo é\n")
        assert "404" in delayed(f"{server.url}/_sandbox/post")
    finally:
        client.http.clear()
        server.stop()
    assert "Connection refused" in delayed(f"{server.url}/_sandbox/mail")
