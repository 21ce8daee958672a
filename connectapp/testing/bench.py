"""An application with one provider, the sandbox that plays it, and visitors with browsers. Real HTTP, no mocks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from html import unescape
from pathlib import Path
from typing import Any

from sqlalchemy import text
from transaction import TransactionManager
from webtest import TestApp, TestResponse

import connectapp
from connectapp import schema
from connectapp.connect.gates import Gates
from connectapp.db import Base, Work, make_engine
from connectapp.organizers import passwords, signin
from connectapp.providers.declaration import Declaration
from connectapp.providers.registry import get_providers
from connectapp.providers.sources import find
from connectapp.sandbox.declared_ids import id_for
from connectapp.sandbox.platforms import Platform
from connectapp.settings import load
from connectapp.testing.counterpart import Provider, Step
from connectapp.vault import new_key_line
from connectapp.worker import get_worker

PASSWORD = "kit and caboodle of a provider"  # noqa: S105 - of visitors who exist for a test
URL = "https://app.test"
WEBHOOK_SECRET = "whsec_canary_of_the_kit"  # noqa: S105 - signs messages of the sandbox
#: What stays from one question to the next: the people, their sessions, and what can never be deleted.
KEPT = {"user", "organizer", "membership", "session", "audit_record", "vault_key"}


@dataclass(frozen=True)
class Trip:
    """What the provider's API is asked in one whole trip, in order.

    :param begin: for a link, where it gives links. :param confirm: when the person is back; the last one says whose
        account it is. :param identity: its answer.
    """

    begin: tuple[Step, ...]
    confirm: tuple[Step, ...]
    identity: Any = field(repr=False)


class Bench:
    """One application on SQLite, set up in a directory of its own.

    :param settings: of the provider, besides client id, secret and mode; e.g. ``{"variant": "apps"}``.
    :ivar given: these. :ivar settings: the ini section of the application. :ivar secrets: all of the platform's.
    """

    def __init__(self, name: str, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.given = dict(settings or {})
        self.settings = self._ini(directory, self.given)
        self.declaration: Declaration = find(name, load(self.settings, {}).provider[name]).declaration
        for key, value in self._needed().items():
            self.settings.setdefault(f"connectapp.provider.{name}.{key}", value)
        secret = self.settings[f"connectapp.provider.{name}.client_secret"]
        others = {one: self.settings[f"connectapp.provider.{name}.secret.{one}"] for one in self.declaration.secrets}
        self.secrets = {secret, *others.values()}
        platform = Platform(self.client_id, secret, redirect_uris=(self.callback,), provider=name, secrets=others)
        self.sandbox = Provider(self.declaration, platform)
        self.settings["connectapp.hosts"] = f"* {self.sandbox.url}"
        self.app = self._started()
        self._visitors: list[Visitor] = []
        self._came = 0

    def _ini(self, directory: Path, settings: Mapping[str, str]) -> dict[str, str]:
        keys = directory / "vault.keys"
        keys.touch(mode=0o600)
        keys.write_text(new_key_line())
        provider = {"client_id": self.client_id, "mode": "test", "webhook_secrets": WEBHOOK_SECRET, **settings}
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

    def _needed(self) -> dict[str, str]:
        """Settings for which any value will do: a secret of the test side, and variables without a default."""
        prefix = self.declaration.modes.test_prefix
        # Its signs show how it is encoded where it is sent; the sandbox's own PayPal takes it as it comes.
        needed = {"client_secret": f"{prefix}canary_of_{self.name}{'' if self.onboards else '/+'}"}
        needed |= {f"secret.{name}": f"canary_{name}_of_{self.name}" for name in self.declaration.secrets}
        for name, variable in self.declaration.variables.items():
            if variable.default is None and variable.asked_of == "admin":
                made = next(iter(variable.values), None) or id_for(variable.pattern or "", name, "")
                needed[f"variable.{name}"] = made
        return needed

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
    def onboards(self) -> bool:
        """Whether the provider gives a link for each person, instead of speaking OAuth."""
        return self.declaration.kind == "onboarding"

    @property
    def tenant(self) -> dict[str, str]:
        """What organizers say when they are asked."""
        return {name: str(one.example) for name, one in self.declaration.asked.items()}

    @property
    def provider(self) -> Any:
        """The provider as the application has it, at the organizers' tenant."""
        return get_providers(self.app.registry)[self.name].at(self.tenant)

    def provider_with(self, **settings: Any) -> Any:
        """The same provider, new and with some of its settings changed."""
        own: Any = get_providers(self.app.registry)[self.name]
        return type(own)(own.declaration, replace(own.settings, **settings), own.client)

    @cached_property
    def trip(self) -> Trip:
        """Looked up by going there once; the first time, everything is cleared."""
        self.clear()
        visitor = self.visitor()
        with self.sandbox.watched() as begun:
            url = visitor.leave()
        path = self.sandbox.decide(url)
        with self.sandbox.watched() as confirmed:
            visitor.come_back(path)
        begin, confirm = self.sandbox.steps(begun), self.sandbox.steps(confirmed)
        identity = self.sandbox.again(confirm[-1])
        self.clear()
        return Trip(begin, confirm, identity)

    def visitor(self) -> "Visitor":
        """Somebody with an organizer of their own, signed in.

        The same people come to each question, in the same order: checking a password takes long on purpose.
        """
        if self._came == len(self._visitors):
            self._visitors.append(self.newcomer())
        self._came += 1
        return self._visitors[self._came - 1]

    def newcomer(self) -> "Visitor":
        """Somebody who comes to this question alone, and whose browser nobody uses afterwards."""
        visitor = self.stranger()
        visitor.sign_in(self.person())
        return visitor

    def stranger(self) -> "Visitor":
        """A browser in which nobody is signed in."""
        return Visitor(self)

    def person(self) -> str:
        """Somebody else with an organizer of their own; gives the address to sign in with."""
        (people,) = self.rows('SELECT count(*) FROM "user"')[0]
        email = f"visitor{people}@example.test"
        with Work(self.app.registry["connectapp.engine"], TransactionManager(explicit=True)).writing() as session:
            signin.add_user(session, email, _password_hash(), f"Organizer {people}")
        return email

    def rows(self, sql: str, **values: Any) -> list[Any]:
        """Look into the database."""
        with self.app.registry["connectapp.engine"].connect() as connection:
            return list(connection.execute(text(sql), values))

    def change(self, *statements: str) -> None:
        """Change the database behind the application's back, in one transaction."""
        engine = self.app.registry["connectapp.engine"]
        with engine.connect().execution_options(connectapp_writes=True) as connection, connection.begin():
            for statement in statements:
                connection.execute(text(statement))

    def everything(self) -> str:
        """Every value of every table as text."""
        rows = [row for table in Base.metadata.tables for row in self.rows(f'SELECT * FROM "{table}"')]  # noqa: S608
        values = [value for row in rows for value in row]
        return "\n".join(one.decode("latin-1") if isinstance(one, bytes) else str(one) for one in values)

    def accounts(self) -> list[Any]:
        """The links that are not over."""
        return self.rows(
            "SELECT c.*, p.external_id FROM connected_account c JOIN provider_account p "
            "ON p.id = c.provider_account_id WHERE c.status <> 'disconnected' ORDER BY c.id"
        )

    def attempts(self) -> list[tuple[str, str | None]]:
        """Status and reason of each attempt, the oldest first."""
        return [tuple(row) for row in self.rows("SELECT status, reason FROM attempt ORDER BY id")]

    def do_jobs(self) -> int:
        """Do what is due, as a worker does."""
        return int(get_worker(self.app.registry).run_due())

    def clear(self) -> None:
        """Forget what earlier questions did, here and at the provider, and what the process remembers of it."""
        self.sandbox.control("DELETE", "ledger")
        registry = self.app.registry
        registry["connectapp.gates"] = Gates(8)
        registry["connectapp.providers"][self.name] = self.provider_with()
        tables = Base.metadata.tables.keys() - KEPT
        self.change("PRAGMA defer_foreign_keys = ON", *(f'DELETE FROM "{table}"' for table in tables))  # noqa: S608
        self._came = 0

    def close(self) -> None:
        """Stop everything."""
        self.app.registry["connectapp.engine"].dispose()
        self.app.registry["oauth.registry"].transport.close()
        self.sandbox.close()


@cache
def _password_hash() -> str:
    return passwords.hash_password(PASSWORD)


@dataclass
class Visitor:
    """A person with a browser."""

    bench: Bench
    browser: TestApp = field(init=False)
    _token: str = field(init=False, default="", repr=False)

    def __post_init__(self) -> None:
        environ = {"wsgi.url_scheme": "https", "HTTP_HOST": "app.test"}
        self.browser = TestApp(self.bench.app, extra_environ=environ)

    def sign_in(self, email: str) -> None:
        """Begin a session, which ends the one before."""
        self._token = ""
        assert self.submit("/signin", email=email, password=PASSWORD).status_int == 303
        self._token = ""  # the session has another one

    def submit(self, path: str, **fields: str) -> TestResponse:
        """Send a form with this browser's anti-forgery token."""
        self._token = self._token or self._new_token()
        return self.browser.post(path, {"csrf_token": self._token, **fields}, expect_errors=True)

    def _new_token(self) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.browser.get("/signin").text)
        assert found
        return unescape(found[1])

    def begin(self, **fields: str) -> TestResponse:
        """Press Connect; gives the answer, whatever it is."""
        asked = {f"tenant_{name}": value for name, value in self.bench.tenant.items()}
        return self.submit(f"/connect/{self.bench.name}/authorize", **{"target": "accounts"} | asked | fields)

    def leave(self) -> str:
        """Press Connect; gives the address that the leave page sends the browser to."""
        page = self.begin()
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
        assert answer.status_int == 303, answer.status
        return answer.follow(expect_errors=True)

    def link(self) -> TestResponse:
        """The whole trip; gives the result page, whatever its status."""
        return self.come_back(self.approved())

    def disconnect(self) -> TestResponse:
        """Disconnect the only account."""
        (account,) = self.bench.accounts()
        return self.submit(f"/accounts/{account.id}/disconnect")
