"""The sandbox as tests use it: over HTTP, like anybody else."""

import json
import re
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3

from connectapp.providers.sources import CATALOGUE, read
from connectapp.sandbox.app import make_app
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.serve import SandboxServer
from tests.security.plugins import markup, par
from tests.support.mail import Mail

SECRET_KEY = "sk_test_platform_canary"
# The sandbox's other providers, and by which of our names each may be used.
OTHERS = {"iss": ("iss",), "form_post": ("form_post",), "evil": ("evil", "careless")}
# Those that it plays as they are declared.
DECLARED = {name: read(CATALOGUE / f"{name}.toml") for name in ("shopify", "pagbank")}
DECLARED |= {"par": par.DECLARATION, "markup": markup.DECLARATION}
OTHERS |= {name: (name,) for name in DECLARED}


CALLBACKS = ("https://app.test/connect/stripe/callback",)


def platforms() -> list[Platform]:
    """Who we are at each provider of the sandbox."""
    ours = {name: tuple(f"https://app.test/connect/{one}/callback" for one in uses) for name, uses in OTHERS.items()}
    stripe = Platform(secret_key=SECRET_KEY, redirect_uris=CALLBACKS)
    others = [
        Platform(f"ca_{name}", f"sk_test_{name}_canary", redirect_uris=uris, provider=name, secrets=more_secrets(name))
        for name, uris in ours.items()
    ]
    paypal = Platform("ca_paypal", "sk_test_paypal_canary", provider="paypal")
    return [stripe, paypal, *others]


def more_secrets(name: str) -> dict[str, str]:
    """What we have at a provider besides the client secret, if its declaration names anything."""
    return {one: f"{one}_{name}_canary" for one in DECLARED[name].secrets} if name in DECLARED else {}


def settings_of(name: str) -> dict[str, str]:
    """Settings with Stripe and one of the other providers, under one of our names for it."""
    other = next(other for other, names in OTHERS.items() if name in names)
    return {
        "providers": f"stripe {name}",
        f"provider__{name}__client_id": f"ca_{other}",
        f"provider__{name}__client_secret": f"sk_test_{other}_canary",
        f"provider__{name}__mode": "test",
        **{f"provider__{name}__secret__{one}": value for one, value in more_secrets(other).items()},
    }


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

    def expire(self) -> None:
        """The time of codes and of pushed parameters is over."""
        self._control("POST", "expire", {})

    def account(self, **fields: Any) -> Any:
        return self._control("POST", "accounts", fields)

    def code(self, account: str, **fields: Any) -> str:
        """A code as the provider would give it, without a browser."""
        code: str = self._control("POST", "codes", {"account": account, **fields})["code"]
        return code

    def requests(self, path: str, host: str | None = None) -> list[Any]:
        """What the providers (or the one with this host) saw at a path, e.g. ``/oauth/token``."""
        seen = self.ledger()["requests"]
        return [one for one in seen if one["path"] == path and host in {None, one["host"]}]

    def redemptions(self, code: str | None = None) -> int:
        """How often codes (or this code) were presented at Stripe's token endpoint."""
        seen = self.requests("/oauth/token", "connect.stripe.com")
        return len([r for r in seen if code is None or f"code={code}" in r["body"].split("&")])

    def live_grants(self) -> list[Any]:
        return [grant for grant in self.ledger()["grants"] if grant["live"]]

    def mails(self) -> list[Mail]:
        """What was mailed, oldest first."""
        return [Mail(mail["to"], mail["subject"], mail["body"]) for mail in self._control("GET", "mail")["mails"]]

    def decide(self, authorize_url: str, action: str = "approve", **fields: str) -> str:
        """Open the authorize page and press a button; gives the URL that the browser is sent to."""
        answer = self.press(authorize_url, action, **fields)
        assert answer.status == 303, answer.data
        return urljoin(authorize_url, answer.headers["Location"])

    def press(self, authorize_url: str, action: str, **fields: str) -> Any:
        """Open the authorize page and press a button; gives the answer."""
        page = self.http.request("GET", authorize_url)
        assert page.status == 200, page.data
        html = page.data.decode()
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', html))
        form = {name: unescape(value) for name, value in hidden.items()}
        form |= {"action": action, "account": "new", "business_name": "Riverside", "email": "o@example.test"}
        form |= {"country": "GB"} | fields
        target = re.search(r'<form[^>]*action="([^"]*)"', html)
        address = urljoin(authorize_url, unescape(target[1]) if target else "")
        return self.http.request("POST", address, fields=form, encode_multipart=False, redirect=False)


@dataclass(frozen=True)
class Other:
    """Another provider of the sandbox: what it alone saw. :param name: one of `OTHERS`."""

    sandbox: SandboxClient
    name: str

    @property
    def host(self) -> str:
        return f"{self.name.replace('_', '-')}.example"

    @property
    def url(self) -> str:
        return f"{self.sandbox.url}/{self.host}"

    def requests(self, path: str | None = None) -> list[Any]:
        seen = self.sandbox.ledger()["requests"]
        return [one for one in seen if one["host"] == self.host and path in {None, one["path"]}]

    def redemptions(self) -> int:
        return len(self.requests("/oauth/token"))

    def back(self, authorize_url: str, action: str = "approve") -> str:
        """Decide there; gives our path with the answer."""
        return path_and_query(self.sandbox.decide(authorize_url, action))

    def form(self, authorize_url: str) -> tuple[str, dict[str, str]]:
        """Approve where the answer is a form; gives our path and the fields."""
        html = self.sandbox.press(authorize_url, "approve").data.decode()
        target = re.search(r'<form[^>]*action="([^"]*)"', html)
        assert target, html
        fields = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', html))
        return urlsplit(unescape(target[1])).path, {name: unescape(value) for name, value in fields.items()}


def path_and_query(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def start_sandbox() -> SandboxServer:
    return SandboxServer(make_app(platforms=platforms(), declarations=DECLARED.values())).start()
