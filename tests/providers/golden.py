"""The harness of the golden tests: a provider as the application makes it, and a server in place of the real one.

The data of these tests are from the providers' own documents and SDKs, each with its source, and never from our
declarations: where the two differ, the declaration is wrong.
"""

import base64
import hashlib
import http.server
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from pyramid.config import Configurator

from connectapp.errors import GrantRefusedError
from connectapp.oauth.registry import get_oauth
from connectapp.providers.effective import completed
from connectapp.providers.interfaces import Grant, Notice, Prefill, WebhookMessage
from connectapp.providers.registry import get_providers
from connectapp.providers.sources import find
from connectapp.secret import Secret
from connectapp.settings import ProviderSettings, Settings

CLIENT_ID, CLIENT_SECRET = "golden-client", "golden-secret-0123456789"
REDIRECT_URI = "https://tickets.example/connect/golden/callback"
WEBHOOK_URL = "https://tickets.example/webhooks/golden"
STATE, VERIFIER = "s" * 43, "v" * 43
CODE, ACCESS, REFRESH = "the-code", "the-access-token", "the-refresh-token"
NOW = 1_790_000_000.0  # when webhook messages come
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def fields(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """The parameters of a query or a form, none of which may come twice."""
    found = dict(pairs)
    assert len(found) == len(pairs), f"repeated: {pairs}"
    return found


@dataclass(frozen=True)
class Asked:
    """A request as it was meant: to the provider's own host. :param headers: names in lower case."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def address(self) -> str:
        return self.url.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return fields(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0]

    @property
    def form(self) -> dict[str, str]:
        assert (self.media_type, urlsplit(self.url).query) == (FORM, "")
        return fields(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> dict[str, Any]:
        assert (self.media_type, urlsplit(self.url).query) == (JSON, "")
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Wire:
    """What was asked, and what is answered, first things first."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    answers: list[tuple[int, bytes, Mapping[str, str]]] = field(default_factory=list)
    transports: list[Any] = field(default_factory=list)

    @property
    def only(self) -> Asked:
        """The request, of which there must be exactly one: codes are never sent twice."""
        (asked,) = self.asked
        return asked

    def answer(self, body: Any = None, status: int = 200, **headers: str) -> None:
        """Queue an answer. :param body: anything for JSON; None for no body at all."""
        content = b"" if body is None else json.dumps(body).encode()
        self.answers.append((status, content, {"Content-Type": JSON, **headers} if content else headers))

    def make_provider(self, name: str, mode: str = "test", **settings: Any) -> Any:
        """A provider as the application makes it of these settings, except that development may be live here.

        Further secrets that its declaration names are made up, as in development.
        """
        told = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "mode": mode} | settings
        told["client_secret"] = Secret(told["client_secret"])
        told["webhook_secrets"] = tuple(map(Secret, told.get("webhook_secrets", ())))
        given = ProviderSettings(name, **told)
        with Configurator() as config:
            complete = completed(find(name, given).declaration, given)
            own = Settings(hosts={"*": self.url}, provider={name: complete})
            config.registry["connectapp.settings"] = own
            config.include("connectapp.providers.registry")
            config.commit()
        self.transports.append(get_oauth(config.registry).transport)
        return get_providers(config.registry)[name]


@contextmanager
def recording() -> Iterator[Wire]:
    """A server in place of every provider's, on a real socket."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {key.lower(): value for key, value in self.headers.items()}
            wire.asked.append(Asked(self.command, f"https:/{self.path}", headers, body))
            status, content, headers = wire.answers.pop(0) if wire.answers else (500, b"", {})
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the library's names

        def log_message(self, *args: object) -> None:
            """The list is the log."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    wire = Wire(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield wire
    finally:
        for transport in wire.transports:
            transport.close()
        server.shutdown()
        server.server_close()
        thread.join()


def authorize(provider: Any, **known: str) -> Asked:
    """Where a browser is sent. :param known: of the organizer."""
    verifier = Secret(VERIFIER) if provider.uses_pkce else None
    return Asked(
        "GET",
        provider.authorize_url(
            redirect_uri=REDIRECT_URI, state=STATE, code_verifier=verifier, prefill=Prefill(**known)
        ),
    )


def pkce(provider: Any) -> dict[str, str]:
    """The parameters of the authorization request that PKCE adds, if it is in use (RFC 7636 section 4.3)."""
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return {"code_challenge": challenge, "code_challenge_method": "S256"} if provider.uses_pkce else {}


def proof(provider: Any) -> dict[str, str]:
    """The field of the token request that PKCE adds, if it is in use (RFC 7636 section 4.5)."""
    return {"code_verifier": VERIFIER} if provider.uses_pkce else {}


def redeem(provider: Any, account: str | None = None) -> Grant:
    verifier = Secret(VERIFIER) if provider.uses_pkce else None
    grant: Grant = provider.redeem(
        code=Secret(CODE), redirect_uri=REDIRECT_URI, code_verifier=verifier, account=account
    )
    return grant


def refresh(provider: Any) -> Grant:
    grant: Grant = provider.refresh(refresh_token=Secret(REFRESH), redirect_uri=REDIRECT_URI)
    return grant


def revoke(provider: Any, account: str | None) -> None:
    provider.revoke(account, Secret(ACCESS), Secret(REFRESH))


def grant_of(provider: Any, account: str | None, *, token: bool = True) -> Grant:
    """A grant to identify with."""
    return Grant(account, provider.mode, "", access_token=Secret(ACCESS) if token else None)


def revealed(token: Secret | None) -> str | None:
    return None if token is None else token.reveal()


def tokens(grant: Grant) -> tuple[str | None, str | None]:
    return revealed(grant.access_token), revealed(grant.refresh_token)


def lasts(grant: Grant) -> float:
    """The days that an access token lasts from now on, rounded to the minute or so."""
    assert grant.expires_at is not None
    return round((grant.expires_at.timestamp() - time.time()) / 86400, 3)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@contextmanager
def refused(*reasons: str) -> Iterator[None]:
    """The provider said no, for one of these reasons; any, if none is given."""
    with pytest.raises(GrantRefusedError) as caught:
        yield
    assert not reasons or caught.value.code in reasons


def notice(
    provider: Any,
    body: bytes,
    headers: Mapping[str, str],
    query: Mapping[str, str] | None = None,
    url: str = WEBHOOK_URL,
    late: float = 0,
) -> Notice:
    """What a message of one event says. :param late: seconds that it comes after `NOW`."""
    lowered = {name.lower(): value for name, value in headers.items()}
    only: Notice
    (only,) = provider.verify_webhook(WebhookMessage(body, lowered, query or {}, url, NOW + late))
    return only


def notices(provider: Any, body: bytes, headers: Mapping[str, str]) -> list[Notice]:
    """What a message says of each of its events."""
    lowered = {name.lower(): value for name, value in headers.items()}
    return list(provider.verify_webhook(WebhookMessage(body, lowered, {}, WEBHOOK_URL, NOW)))


def key_of(asked: Asked) -> str:
    """The secret key of a request to Stripe, which may be written in three ways that mean the same.

    docs.stripe.com/connect/oauth-reference and /keys: HTTP Basic with the key as the user, Bearer, or client_secret.
    """
    scheme, _, value = asked.headers.get("authorization", "").partition(" ")
    if scheme == "Bearer":
        return value
    if scheme == "Basic":
        user, _, password = base64.b64decode(value).decode().partition(":")
        assert password == ""
        return user
    return asked.form["client_secret"]
