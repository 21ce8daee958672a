"""The sandbox as tests use it: over HTTP, like anybody else."""

import json
import re
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3

from connectapp.sandbox.app import make_app
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.serve import SandboxServer
from tests.support.mail import Mail

CALLBACKS = ("https://app.test/connect/stripe/callback",)
SECRET_KEY = "sk_test_platform_canary"


class SandboxClient:
    """Reads the ledger, orders faults, and is the organizer's browser at the provider."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = urllib3.PoolManager(retries=False)

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(
            method, f"{self.url}/_sandbox/{path}", json=body if method == "POST" else None, timeout=60
        )
        assert answer.status == 200, answer.data
        return json.loads(answer.data)

    def ledger(self) -> Any:
        return self._control("GET", "ledger")

    def reset(self) -> None:
        self._control("DELETE", "ledger")

    def fault(self, **fault: Any) -> None:
        self._control("POST", "faults", fault)

    def clear_faults(self) -> None:
        self._control("DELETE", "faults")

    def wait_for_hold(self, name: str, count: int = 1) -> None:
        """Return when so many requests wait at the hold."""
        held = self._control("GET", f"holds?hold={name}&count={count}&timeout=30")["holds"]
        assert held.get(name, 0) >= count, held

    def release(self, name: str) -> None:
        self._control("POST", "release", {"hold": name})

    def account(self, **fields: Any) -> Any:
        return self._control("POST", "accounts", fields)

    def code(self, account: str, **fields: Any) -> str:
        """A code as the provider would give it, without a browser."""
        code: str = self._control("POST", "codes", {"account": account, **fields})["code"]
        return code

    def requests(self, path: str) -> list[Any]:
        """What the provider saw at a path, e.g. ``/oauth/token``."""
        return [request for request in self.ledger()["requests"] if request["path"] == path]

    def redemptions(self, code: str | None = None) -> int:
        """How often codes (or this code) were presented at the token endpoint."""
        seen = self.requests("/oauth/token")
        return len([r for r in seen if code is None or f"code={code}" in r["body"].split("&")])

    def live_grants(self) -> list[Any]:
        return [grant for grant in self.ledger()["grants"] if grant["live"]]

    def mails(self) -> list[Mail]:
        """What was mailed, oldest first."""
        return [Mail(mail["to"], mail["subject"], mail["body"]) for mail in self._control("GET", "mail")["mails"]]

    def decide(self, authorize_url: str, action: str = "approve", **fields: str) -> str:
        """Open the authorize page and press a button; gives the URL that the browser is sent back to."""
        page = self.http.request("GET", authorize_url)
        assert page.status == 200, page.data
        html = page.data.decode()
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', html))
        form = {name: unescape(value) for name, value in hidden.items()}
        form |= {"action": action, "account": "new", "business_name": "Riverside", "email": "o@example.test"}
        form |= {"country": "GB"} | fields
        target = re.search(r'<form[^>]*action="([^"]*)"', html)
        address = urljoin(authorize_url, unescape(target[1]) if target else "")
        answer = self.http.request("POST", address, fields=form, encode_multipart=False, redirect=False)
        assert answer.status == 303, answer.data
        return answer.headers["Location"]


def path_and_query(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def start_sandbox() -> SandboxServer:
    platform = Platform(secret_key=SECRET_KEY, redirect_uris=CALLBACKS)
    return SandboxServer(make_app(platforms=[platform])).start()
