"""An application with one provider, the sandbox that plays it, and visitors with browsers. Real HTTP, no mocks."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
from sqlalchemy import text
from transaction import TransactionManager
from webtest import TestApp, TestResponse

import connectapp
from connectapp import schema
from connectapp.connect.gates import Gates
from connectapp.db import Work, make_engine
from connectapp.organizers import passwords, signin
from connectapp.providers.declaration import Declaration
from connectapp.providers.registry import get_providers
from connectapp.providers.sources import find
from connectapp.sandbox.app import make_app
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.serve import SandboxServer
from connectapp.settings import load
from connectapp.vault import new_key_line
from connectapp.worker import get_worker

PASSWORD = "kit and caboodle of a provider"  # noqa: S105 - of visitors who exist for a test
URL = "https://app.test"
CANARY = "sk_test_canary_{name}"
WEBHOOK_SECRET = "whsec_canary_of_the_kit"  # noqa: S105 - signs messages of the sandbox


class Bench:
    """One application on SQLite, set up in a directory of its own.

    :param settings: of the provider, besides client id, secret and mode; e.g. ``{"variant": "apps"}``.
    """

    def __init__(self, name: str, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.secret = (settings or {}).get("client_secret", CANARY.format(name=name))
        self.settings = self._ini(directory, settings or {})
        self.declaration: Declaration = find(name, load(self.settings, {}).provider[name]).declaration
        self.sandbox = Provider(self)
        self.settings["connectapp.hosts"] = f"* {self.sandbox.url}"
        self.app = self._started()
        self._people = 0

    def _ini(self, directory: Path, settings: Mapping[str, str]) -> dict[str, str]:
        keys = directory / "vault.keys"
        keys.touch(mode=0o600)
        keys.write_text(new_key_line())
        provider = {"client_id": self.client_id, "client_secret": self.secret, "mode": "test"}
        provider |= {"webhook_secrets": WEBHOOK_SECRET, **settings}
        own = {f"provider.{self.name}.{key}": value for key, value in provider.items()}
        application = {
            "environment": "development",
            "url": URL,
            "database_url": f"sqlite:///{directory / 'connectapp.sqlite'}",
            "vault.key_file": str(keys),
            "journal_dir": str(directory / "journal"),
            "providers": self.name,
            "recovery.seconds": "0",
            "worker.embedded": "false",
        }
        return {f"connectapp.{key}": value for key, value in (application | own).items()}

    def _started(self) -> Any:
        engine = make_engine(self.settings["connectapp.database_url"])
        schema.upgrade(engine)
        engine.dispose()
        return connectapp.main({}, **self.settings)

    @property
    def client_id(self) -> str:
        return f"ca_kit_{self.name}"

    @property
    def callback(self) -> str:
        """The redirect URI that is registered at the provider."""
        return f"{URL}/connect/{self.name}/callback"

    @property
    def provider(self) -> Any:
        """The provider as the application has it."""
        return get_providers(self.app.registry)[self.name]

    @cached_property
    def _password_hash(self) -> str:
        return passwords.hash_password(PASSWORD)

    def visitor(self) -> "Visitor":
        """Somebody with an organizer of their own, signed in."""
        self._people += 1
        email = f"visitor{self._people}@example.test"
        with Work(self.app.registry["connectapp.engine"], TransactionManager(explicit=True)).writing() as session:
            signin.add_user(session, email, self._password_hash, f"Organizer {self._people}")
        return Visitor(self, email)

    def rows(self, sql: str, **values: Any) -> list[Any]:
        """Look into the database."""
        with self.app.registry["connectapp.engine"].connect() as connection:
            return list(connection.execute(text(sql), values))

    def accounts(self) -> list[Any]:
        """The links that are not over."""
        return self.rows(
            "SELECT c.*, p.external_id FROM connected_account c JOIN provider_account p "
            "ON p.id = c.provider_account_id WHERE c.status <> 'disconnected'"
        )

    def attempts(self) -> list[tuple[str, str | None]]:
        """Status and reason of each attempt, the oldest first."""
        return [tuple(row) for row in self.rows("SELECT status, reason FROM attempt ORDER BY id")]

    def do_jobs(self) -> int:
        """Do what is due, as a worker does."""
        return int(get_worker(self.app.registry).run_due())

    def clear(self) -> None:
        """Forget what earlier tests did, here and at the provider."""
        self.sandbox.control("DELETE", "ledger")
        self.app.registry["connectapp.gates"] = Gates(8)
        engine = self.app.registry["connectapp.engine"]
        with engine.connect().execution_options(connectapp_writes=True) as connection, connection.begin():
            connection.execute(text("UPDATE attempt SET account_id = NULL, replaces_id = NULL"))
            for table in ("connected_account", "attempt", "provider_account", "job", "recent_try"):
                connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - one of these words

    def close(self) -> None:
        """Stop everything."""
        self.app.registry["connectapp.engine"].dispose()
        self.app.registry["oauth.registry"].transport.close()
        self.sandbox.close()


class Provider:
    """The sandbox in the provider's place: what it saw, and orders to misbehave."""

    def __init__(self, bench: Bench) -> None:
        platform = Platform(
            client_id=bench.client_id,
            secret_key=bench.secret,
            redirect_uris=(bench.callback,),
            provider=bench.name,
        )
        self._server = SandboxServer(make_app(platforms=[platform], declarations=[bench.declaration])).start()
        self._http = urllib3.PoolManager(retries=False)
        self.url = self._server.url
        self.name = bench.name

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

    def clear_faults(self) -> None:
        """Behave again."""
        self.control("DELETE", "faults")

    def asked(self, url: str) -> list[Any]:
        """The requests that came for an address of the declaration's."""
        parts = urlsplit(url)
        found = self.ledger()["requests"]
        return [one for one in found if (one["host"], one["path"]) == (parts.netloc, parts.path)]

    def live_grants(self) -> list[Any]:
        """The access that works."""
        return [grant for grant in self.ledger()["grants"] if grant["live"]]

    def decide(self, authorize_url: str, action: str = "approve", **fields: str) -> str:
        """Open the authorize page and press a button; gives the path that the browser is sent to."""
        page = self._http.request("GET", authorize_url, redirect=False)
        assert page.status == 200, page.data
        html = page.data.decode()
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', html))
        form = {unescape(name): unescape(value) for name, value in hidden.items()}
        form |= {"action": action, "account": "new", "business_name": "Riverside", "email": "o@example.test"}
        form |= {"country": "GB"} | fields
        target = re.search(r'<form[^>]*action="([^"]*)"', html)
        address = urljoin(authorize_url, unescape(target[1]) if target else "")
        answer = self._http.request("POST", address, fields=form, encode_multipart=False, redirect=False)
        assert answer.status == 303, answer.data
        parts = urlsplit(answer.headers["Location"])
        return f"{parts.path}?{parts.query}"

    def close(self) -> None:
        """Stop."""
        self._http.clear()
        self._server.stop()


@dataclass
class Visitor:
    """A person with a browser, signed in."""

    bench: Bench
    email: str
    browser: TestApp = field(init=False)

    def __post_init__(self) -> None:
        environ = {"wsgi.url_scheme": "https", "HTTP_HOST": "app.test"}
        self.browser = TestApp(self.bench.app, extra_environ=environ)
        self.submit("/signin", email=self.email, password=PASSWORD)

    def submit(self, path: str, **fields: str) -> TestResponse:
        """Send a form with this browser's anti-forgery token."""
        page = self.browser.get("/signin").text
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found
        return self.browser.post(path, {"csrf_token": unescape(found[1]), **fields}, expect_errors=True)

    def leave(self) -> str:
        """Press Connect; gives the address that the leave page sends the browser to."""
        page = self.submit(f"/connect/{self.bench.name}/authorize", target="accounts")
        assert page.status_int == 200, page.text
        found = re.search(r'href="(http[^"]+)"', page.text)
        assert found, page.text
        return unescape(found[1])

    def approved(self, action: str = "approve") -> str:
        """Go through the provider; gives the path of the callback."""
        return self.bench.sandbox.decide(self.leave(), action)

    def come_back(self, path: str) -> TestResponse:
        """Follow the provider's answer to the result page."""
        answer = self.browser.get(path, expect_errors=True)
        assert answer.status_int == 303, answer.text
        return answer.follow(expect_errors=True)

    def link(self) -> TestResponse:
        """The whole trip; gives the result page, whatever its status."""
        return self.come_back(self.approved())

    def disconnect(self) -> TestResponse:
        """Disconnect the only account."""
        (account,) = self.bench.accounts()
        return self.submit(f"/accounts/{account.id}/disconnect")
