"""Declarations made for the tests, a sandbox that plays one, and requests to it."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from connectapp.providers.declaration import Declaration
from connectapp.sandbox.app import make_app
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.serve import SandboxServer
from tests.support.sandbox import SandboxClient
from tests.unit.sandbox.conftest import RIVERSIDE, Clock

BACK = "https://app.test/connect/plain/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
STATE = "s" * 43
POST_AUTH = {"client_id": "ca_plain", "client_secret": "secret_plain"}


def declaration(**parts: Any) -> Declaration:
    """A provider of plain OAuth 2.0; a part that is a mapping is merged into its own, None takes it away."""
    values: dict[str, Any] = {
        "name": "plain",
        "title": "Plain Payments",
        "modes": {"by": "credentials"},
        "authorize": {"url": "https://plain.example/authorize"},
        "scopes": {"presets": {"charge": ["pay", "read"]}},
        "token": {"url": "https://plain.example/token", "auth": "client_secret_post"},
        "identify": {"url": "https://plain.example/me", "id": "id", "name": "name"},
        "revoke": {
            "url": "https://plain.example/revoke",
            "auth": "client_secret_post",
            "params": {"token": "{access_token}"},
        },
        "account_pattern": "^org_[A-Za-z0-9]{8}$",
    }
    for name, part in parts.items():
        before = values.get(name)
        values[name] = {**before, **part} if isinstance(before, dict) and isinstance(part, dict) else part
    return Declaration.model_validate({name: value for name, value in values.items() if value is not None})


@dataclass
class Player:
    """The provider, seen from outside."""

    sandbox: SandboxClient
    declared: Declaration
    clock: Clock = field(default_factory=Clock)

    def url(self, address: str) -> str:
        return f"{self.sandbox.url}/{address.removeprefix('https://')}"

    def ask(self, method: str, address: str, **request: Any) -> tuple[int, Any]:
        """One request. :param request: ``fields``, ``json``, ``query``, ``headers``."""
        headers, query = dict(request.get("headers", {})), request.get("query")
        body: Any = None
        if "fields" in request:
            headers["Content-Type"], body = "application/x-www-form-urlencoded", urlencode(request["fields"])
        if "json" in request:
            headers["Content-Type"], body = "application/json", json.dumps(request["json"])
        where = self.url(address) + (f"?{urlencode(query)}" if query else "")
        answer = self.sandbox.http.request(method, where, headers=headers, body=body, redirect=False)
        return answer.status, json.loads(answer.data) if answer.data else None

    def asking(self, address: str = "https://plain.example/authorize", **changes: Any) -> str:
        """The address that a browser is sent to; a list is sent as a repeated parameter."""
        asked = {
            "response_type": "code",
            "client_id": "ca_plain",
            "redirect_uri": BACK,
            "scope": "pay read",
            "state": STATE,
            **changes,
        }
        known = {key: value for key, value in asked.items() if value is not None}
        return f"{self.url(address)}?{urlencode(known, doseq=True)}"

    def back(self, url: str | None = None, action: str = "approve", account: str = RIVERSIDE) -> dict[str, str]:
        """What the browser brings back."""
        back = self.sandbox.decide(url or self.asking(), action, account=account)
        assert back.startswith(BACK)
        return {key: values[0] for key, values in parse_qs(urlsplit(back).query).items()}

    def code(self, **changes: Any) -> str:
        return self.back(self.asking(**changes))["code"]

    def redeem(self, code: str | None = None, **changes: Any) -> tuple[int, Any]:
        """As a form, with the secret in it."""
        fields = {"grant_type": "authorization_code", "code": code or self.code(), "redirect_uri": BACK, **POST_AUTH}
        known = {key: value for key, value in (fields | changes).items() if value is not None}
        return self.ask("POST", "https://plain.example/token", fields=known)

    def refresh(self, token: str, **changes: Any) -> tuple[int, Any]:
        fields = {"grant_type": "refresh_token", "refresh_token": token, **POST_AUTH, **changes}
        return self.ask("POST", "https://plain.example/token", fields=fields)

    def me(self, token: str, **request: Any) -> tuple[int, Any]:
        return self.ask("GET", "https://plain.example/me", headers=bearer(token), **request)

    def grants(self) -> list[Any]:
        grants: list[Any] = self.sandbox.ledger()["grants"]
        return grants

    def reasons(self) -> list[str | None]:
        return [grant["reason"] for grant in self.grants()]


@contextmanager
def playing(
    declared: Declaration | None = None, platforms: list[Platform] | None = None, **parts: Any
) -> Iterator[Player]:
    """A sandbox that plays a provider."""
    known = declared or declaration(**parts)
    ours = Platform("ca_plain", "secret_plain", redirect_uris=(BACK,), provider=known.name)
    clock = Clock()
    app = make_app(platforms=[Platform(), *(platforms or [ours])], declarations=[known], clock=clock)
    with SandboxServer(app) as server:
        client = SandboxClient(server.url)
        yield Player(client, known, clock)
        client.http.clear()


def in_live(**fields: Any) -> Platform:
    """The live side of the platform."""
    return Platform("ca_live", "secret_live", mode="live", redirect_uris=(BACK,), provider="plain", **fields)


def in_test() -> Platform:
    return Platform("ca_plain", "secret_plain", redirect_uris=(BACK,), provider="plain")


def basic(user: str, password: str = "") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def without(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key not in names}
