"""A sandbox without a server, and one behind its server."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from webob import Request, Response

from connectapp.sandbox.app import Sandbox, make_app
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.serve import SandboxServer

RIVERSIDE = "acct_1SandboxRiverside1"
NORTHERN = "acct_1SandboxNorthern02"
KEY = {"Authorization": "Bearer sk_test_sandbox"}
TEST = Platform()
LIVE = Platform("ca_live", "sk_live_sandbox", mode="live", redirect_uris=("https://tickets.example/back",))
OTHER = Platform("ca_other", "sk_test_other", name="Another", account="acct_1SandboxOther00000")


class Clock:
    """Stands still unless it is moved."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Driver:
    """Sends requests to the WSGI application."""

    def __init__(self, app: Sandbox) -> None:
        self.app = app

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Request.blank(path, method=method, body=body, headers=named).get_response(self.app)

    def get(self, path: str, **headers: str) -> Response:
        return self.send("GET", path, b"", **headers)

    def form(self, path: str, fields: dict[str, str], **headers: str) -> Response:
        headers = {"Content_Type": "application/x-www-form-urlencoded"} | headers
        return self.send("POST", path, urlencode(fields).encode(), **headers)

    def control(self, name: str, order: dict[str, Any], status: int = 200) -> Any:
        body = json.dumps(order).encode()
        response = self.send("POST", f"/_sandbox/{name}", body, Content_Type="application/json")
        assert response.status_code == status, response.text
        return response.json

    def token(self, **fields: str) -> Response:
        return self.form("/connect.stripe.com/oauth/token", fields, **KEY)

    def redeem(self, code: str) -> Response:
        return self.token(grant_type="authorization_code", code=code)

    def code(self, account: str = RIVERSIDE, **order: Any) -> str:
        return str(self.control("codes", {"account": account} | order)["code"])

    def ledger(self) -> Any:
        return self.get("/_sandbox/ledger").json


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Driver:
    return Driver(make_app(platforms=[TEST, LIVE, OTHER], clock=clock))


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(make_app()) as running:
        yield running
