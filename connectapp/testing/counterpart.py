"""The sandbox in the provider's place: what it was asked, and orders to misbehave."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from itertools import count
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3

from connectapp.providers.declaration import Declaration
from connectapp.sandbox.app import make_app
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.serve import SandboxServer


@dataclass(frozen=True)
class Step:
    """One request of a trip. :param endpoint: by which faults mean it. :param nth: of this endpoint's, from 1 on.
    :param request: as the sandbox saw it."""

    endpoint: str
    nth: int
    request: dict[str, Any] = field(repr=False)


class Provider:
    """A provider that the sandbox plays for one platform."""

    def __init__(self, declaration: Declaration, platform: Platform) -> None:
        self._platform = platform
        self._app = make_app(platforms=[platform], declarations=[declaration])
        self._server = SandboxServer(self._app).start()
        self._http = urllib3.PoolManager(retries=False)
        self._owners = count()
        self.url = self._server.url
        self.name = declaration.name

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the control surface (docs/sandbox.md)."""
        answer = self._http.request(method, f"{self.url}/_sandbox/{path}", json=body if method == "POST" else None)
        assert answer.status == 200, answer.data
        return json.loads(answer.data)

    def ledger(self) -> Any:
        """Everything that it knows and saw."""
        return self.control("GET", "ledger")

    def fault(self, endpoint: str, **fault: Any) -> None:
        """Misbehave at an endpoint: ``token``, ``account``, ``revoke``, …"""
        self.control("POST", "faults", {"endpoint": f"{self.name}.{endpoint}", **fault})

    def spoil(self, step: Step, **fault: Any) -> None:
        """Misbehave when a step of a trip is taken the next time, and not at the earlier ones."""
        if step.nth > 1:
            self.control("POST", "faults", {"endpoint": step.endpoint, "times": step.nth - 1})
        self.control("POST", "faults", {"endpoint": step.endpoint, **fault})

    def clear_faults(self) -> None:
        """Behave again."""
        self.control("DELETE", "faults")

    def asked(self, url: str) -> list[Any]:
        """The requests that came for an address of the declaration's."""
        parts = urlsplit(url)
        found = self.ledger()["requests"]
        return [one for one in found if (one["host"], one["path"]) == (parts.netloc, parts.path)]

    @contextmanager
    def watched(self) -> Iterator[list[Any]]:
        """The requests that come meanwhile; they are in the list afterwards."""
        before, seen = len(self.ledger()["requests"]), list[Any]()
        yield seen
        seen += self.ledger()["requests"][before:]

    def steps(self, asked: Sequence[Any]) -> tuple[Step, ...]:
        """Requests as steps of a trip."""
        counts = Counter[str]()
        steps = []
        for one in asked:
            endpoint = self._endpoint(one)
            counts[endpoint] += 1
            steps.append(Step(endpoint, counts[endpoint], one))
        return tuple(steps)

    def _endpoint(self, asked: Any) -> str:
        """The name of the endpoint that took a request."""
        routes = (one for one in self._app._routes if asked["method"] in one.methods)
        return next(one.endpoint for one in routes if one.match(asked["host"], asked["path"]) is not None)

    def again(self, step: Step) -> Any:
        """What the provider answers when it is asked the same once more."""
        seen = step.request
        url = f"{self.url}/{seen['host']}{seen['path']}?{seen['query']}".rstrip("?")
        headers = {name: value for name, value in seen["headers"].items() if name not in {"Host", "Content-Length"}}
        answer = self._http.request(seen["method"], url, body=seen["body"] or None, headers=headers)
        return json.loads(answer.data)

    def live_grants(self) -> list[Any]:
        """The access to accounts of others that works."""
        grants = self.ledger()["grants"]
        return [grant for grant in grants if grant["live"] and grant["account"] != self._platform.account]

    def tokens(self) -> set[str]:
        """Every token that was ever given."""
        grants = self.ledger()["grants"]
        return {grant[kind] for grant in grants for kind in ("access_token", "refresh_token")}

    def offers(self, url: str, action: str) -> bool:
        """Whether a page has a button for it. The page may be good for one visit only."""
        return f'name="action" value="{action}"' in self._page(url)

    def decide(self, url: str, action: str = "approve", **fields: str) -> str:
        """Open the page that the browser is sent to and press a button; gives the path that it is sent back to."""
        html = self._page(url)
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', html))
        form = {unescape(name): unescape(value) for name, value in hidden.items()}
        # Accounts with the same address are one person's, who would have to choose one of them.
        form |= {"action": action, "account": "new", "business_name": "Riverside", "country": "GB"}
        form |= {"email": f"owner{next(self._owners)}@example.test"} | fields
        target = re.search(r'<form[^>]*action="([^"]*)"', html)
        address = urljoin(url, unescape(target[1]) if target else "")
        answer = self._http.request("POST", address, fields=form, encode_multipart=False, redirect=False)
        assert answer.status == 303, answer.data
        parts = urlsplit(answer.headers["Location"])
        return f"{parts.path}?{parts.query}"

    def _page(self, url: str) -> str:
        page = self._http.request("GET", url, redirect=False)
        assert page.status == 200, page.data
        return page.data.decode()

    def close(self) -> None:
        """Stop."""
        self._http.clear()
        self._server.stop()
