"""Parsers for the values of settings. Each raises ValueError with a sentence that does not repeat the value."""

import re
from collections.abc import Callable, Mapping
from email.utils import formataddr, parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from connectapp.secret import Secret

LEAST_SECRET = 16  # characters; the keys of providers have more than twice as many
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def boolean(text: str) -> bool:
    """true or false, as PasteDeploy's users write them."""
    value = text.lower()
    if value in {"true", "yes", "on", "1"}:
        return True
    if value in {"false", "no", "off", "0"}:
        return False
    raise ValueError("must be true or false")


def number(low: int, high: int) -> Callable[[str], int]:
    """A whole number between `low` and `high`, both allowed."""

    def parse(text: str) -> int:
        if re.fullmatch(r"\d{1,9}", text) and low <= int(text) <= high:
            return int(text)
        raise ValueError(f"must be a whole number from {low} to {high}")

    return parse


def choice(*allowed: str) -> Callable[[str], str]:
    """One of the words."""

    def parse(text: str) -> str:
        if text in allowed:
            return text
        raise ValueError(f"must be one of: {', '.join(allowed)}")

    return parse


def words(text: str) -> tuple[str, ...]:
    """Words between blanks or line ends, each once."""
    return tuple(dict.fromkeys(text.split()))


def path(text: str) -> str:
    """A path; a relative one is taken from the working directory."""
    return str(Path(text).expanduser().absolute())


def token(text: str) -> str:
    """A visible ASCII word, as identifiers from a provider's dashboard are."""
    if re.fullmatch(r"[!-~]+", text):
        return text
    raise ValueError("must be one word of visible ASCII characters")


def secret_token(text: str) -> Secret:
    """A `token` that is a secret."""
    return Secret(token(text))


def secrets(text: str) -> tuple[Secret, ...]:
    """Several secrets between blanks: the old one and the new one, while one is rolled."""
    return tuple(secret_token(one) for one in text.split())


def is_sample(secret: Secret) -> bool:
    """Whether a secret is too short to be one, or copied from documentation."""
    sample = re.search(r"sandbox|sample|example|change.?me|placeholder|x{6}|12345678", secret.reveal(), re.IGNORECASE)
    return sample is not None or len(secret.reveal()) < LEAST_SECRET


def is_loopback(host: str | None) -> bool:
    """Whether the parsed host (never a prefix of the text) is this machine."""
    return host in _LOOPBACK


def base_url(text: str) -> str:
    """The origin of the site, as browsers write it: scheme, host and perhaps a port.

    Plain http is for this machine alone; the host is compared after parsing (``http://localhost@evil`` is not local).
    """
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an address such as https://connect.example.org")
    if parts.username or parts.password or parts.query or parts.fragment or parts.path not in {"", "/"}:
        raise ValueError("must be only a scheme, a host and perhaps a port")
    if not re.fullmatch(r"[a-z0-9.-]+|\[[0-9a-f:]+\]", parts.netloc.rsplit(":", 1)[0] if parts.port else parts.netloc):
        raise ValueError("must name one host in lower-case ASCII (punycode for other scripts)")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("must begin with https:// unless the host is localhost")
    return f"{parts.scheme}://{parts.netloc}"


def proxy_url(text: str) -> Secret:
    """A forward proxy; a secret, since it may carry a password."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http:// or https:// address of a proxy")
    return Secret(text)


def mail_server(text: str) -> Secret:
    """Where mail is handed over: ``smtp://`` or ``smtps://`` with perhaps a user and a password, or the sandbox's page.

    A password goes over plain SMTP to this machine alone; elsewhere STARTTLS is insisted on (see `mail`).
    """
    parts = urlsplit(text)
    if parts.scheme not in {"smtp", "smtps", "http"} or not parts.hostname:
        raise ValueError("must be an address such as smtps://user:password@mail.example.org")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("must begin with smtp:// or smtps:// unless it is the sandbox's on this machine")
    if parts.scheme != "http" and parts.path not in {"", "/"}:
        raise ValueError("must be only a scheme, perhaps a user and a password, a host and perhaps a port")
    return Secret(text)


def is_smtp(server: Secret) -> bool:
    """Whether a `mail_server` is a real one, not the sandbox's."""
    return server.reveal().startswith("smtp")


def mailbox(text: str) -> str:
    """Who mails come from: an address, or a name and an address in angle brackets (RFC 5322 section 3.4)."""
    name, address = parseaddr(text)
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", address) or not text.isprintable():
        raise ValueError("must be an address such as Tickets <no-reply@example.org>")
    return formataddr((name, address))


def database_url(text: str) -> Secret:
    """SQLite or PostgreSQL, as SQLAlchemy writes it; ``postgresql://`` means psycopg."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("must be a database address such as sqlite:///var/connectapp.sqlite") from None
    backend = url.get_backend_name()
    if backend not in {"sqlite", "postgresql"}:
        raise ValueError("must begin with sqlite:/// or postgresql://")
    if backend == "sqlite" and not url.database:
        raise ValueError("must name a file: a database in memory is lost at the end")
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return Secret(url.render_as_string(hide_password=False))


def host_map(text: str) -> Mapping[str, str]:
    """Lines ``host target``: where the traffic of a provider's host is sent instead; ``*`` stands for every host."""
    mapping = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        host, _, target = line.partition(" ")
        parts = urlsplit(target.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be lines of a host name and the address that stands in for it")
        mapping[host] = target.strip().rstrip("/")
    return mapping
