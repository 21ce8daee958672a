"""The application under test, and browsers that use it through WebTest with https in the WSGI environment."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, text
from transaction import TransactionManager
from webtest import TestApp, TestResponse

import connectapp
from connectapp.connect.recovery import recovery_of
from connectapp.db import Work, make_engine
from connectapp.jobs import waiting
from connectapp.organizers import passwords, signin
from connectapp.organizers.models import Membership
from connectapp.vault import new_key_line
from connectapp.worker import get_worker
from tests.support.blackbox import Processes
from tests.support.mail import Mail
from tests.support.sandbox import SECRET_KEY, SandboxClient, path_and_query

PASSWORD = "correct horse battery"
# One hash for all test users: argon2 is slow on purpose.
PASSWORD_HASH = passwords.hash_password(PASSWORD)


def make_settings(directory: Path, database_url: str, sandbox_url: str, **settings: str) -> dict[str, str]:
    """The ini section of an application under test: development, since it talks to the sandbox."""
    key_file = directory / "vault.keys"
    if not key_file.exists():
        key_file.touch(mode=0o600)
        key_file.write_text(new_key_line())
    ini = {
        "environment": "development",
        "url": "https://app.test",
        "database_url": database_url,
        "vault.key_file": str(key_file),
        "journal_dir": str(directory / "journal"),
        "hosts": f"* {sandbox_url}",
        "provider.stripe.client_id": "ca_sandbox",
        "provider.stripe.client_secret": SECRET_KEY,
        "provider.stripe.mode": "test",
        "recovery.seconds": "0",
        "mail.server": f"{sandbox_url}/_sandbox/mail",
        "mail.from": "connectapp <no-reply@app.test>",
        "worker.embedded": "false",
        "signup": "open",
    }
    ini |= {key.replace("__", "."): value for key, value in settings.items()}
    templates = {"jinja2.bytecode_caching": "true"}  # so that only the first of many processes compiles them
    return {f"connectapp.{key}": value for key, value in ini.items()} | templates


@dataclass
class Person:
    """A user with an organizer."""

    email: str
    user_id: str
    organizer_id: str


@dataclass
class Site:
    """One application with its database and its sandbox."""

    settings: dict[str, str]
    sandbox: SandboxClient
    app: Any = None
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.app = self.app or connectapp.main({}, **self.settings)
        self.engine = make_engine(self.settings["connectapp.database_url"])

    @property
    def registry(self) -> Any:
        return self.app.registry

    def restarted(self, **settings: str) -> "Site":
        """The same data in a new process's stead; `settings` replaces some."""
        changes = {f"connectapp.{key.replace('__', '.')}": value for key, value in settings.items()}
        settings = self.settings | changes
        return Site(settings, self.sandbox, Processes(settings) if isinstance(self.app, Processes) else None)

    def close(self) -> None:
        if isinstance(self.app, Processes):
            self.app.close()
        else:
            self.registry["connectapp.engine"].dispose()
            self.registry["oauth.registry"].transport.close()
        self.engine.dispose()

    def rows(self, sql: str, **values: Any) -> list[Any]:
        """Look into the database."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(sql), values))

    def change(self, sql: str, **values: Any) -> None:
        """Change the database behind the application's back."""
        with self.engine.connect().execution_options(connectapp_writes=True) as connection, connection.begin():
            connection.execute(text(sql), values)

    def person(self, name: str = "olga", organizer: str | None = None, role: str = "owner") -> Person:
        """A user; with the name of somebody's organizer, a member of it."""
        work = Work(self.engine, TransactionManager(explicit=True))
        with work.writing() as session:
            email = f"{name}@example.test"
            user_id = signin.add_user(session, email, PASSWORD_HASH, organizer or f"{name.title()} Events")
        (row,) = self.rows("SELECT organizer_id FROM membership WHERE user_id = :id", id=user_id)
        if role != "owner":
            self.change("UPDATE membership SET role = :role WHERE user_id = :id", role=role, id=user_id)
        return Person(email, user_id, row[0])

    def join(self, person: Person, organizer_id: str, role: str = "owner") -> None:
        """Make somebody a member of a further organizer."""
        with self.engine.connect().execution_options(connectapp_writes=True) as connection, connection.begin():
            values = {"user_id": person.user_id, "organizer_id": organizer_id, "role": role}
            connection.execute(insert(Membership).values(**values))

    def browser(self, person: Person | None = None) -> "Browser":
        browser = Browser(self)
        if person is not None:
            browser.sign_in(person.email)
        return browser

    def signed_in(self, name: str = "olga") -> "Browser":
        return self.browser(self.person(name))

    def attempts(self) -> list[Any]:
        return self.rows("SELECT * FROM attempt ORDER BY id")

    def accounts(self) -> list[Any]:
        return self.rows(
            "SELECT c.*, p.external_id, p.display_name, p.country, p.provider, p.mode FROM connected_account c "
            "JOIN provider_account p ON p.id = c.provider_account_id ORDER BY c.id"
        )

    def recover(self) -> None:
        """Finish what was left, as every process and any worker do."""
        recovery = recovery_of(self.registry)
        recovery.finish_journal()
        recovery.sweep()

    def do_jobs(self, *names: str) -> int:
        """Do what is due, as a worker does; gives how many jobs that were."""
        return get_worker(self.registry).run_due(*names)

    def jobs(self, name: str) -> list[Any]:
        """The jobs of a name."""
        return self.rows("SELECT * FROM job WHERE name = :name ORDER BY id", name=name)

    def let_pass(self, minutes: float) -> None:
        """Time passes for jobs: those that wait, and the leases of those that somebody is at."""
        with Work(self.engine, TransactionManager(explicit=True)).writing() as session:
            for job in waiting(session):
                job.due_at -= timedelta(minutes=minutes)

    def mails(self, to: str | None = None) -> list[Mail]:
        """Send what waits, as a worker does; the mails that were sent, oldest first, perhaps of one recipient."""
        self.do_jobs("mail")
        return [mail for mail in self.sandbox.mails() if to in {None, mail.to}]

    def audit(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT action FROM audit_record ORDER BY id")]


class Browser(TestApp):
    """A browser with its cookies."""

    def __init__(self, site: Site) -> None:
        super().__init__(site.app, extra_environ={"wsgi.url_scheme": "https", "HTTP_HOST": "app.test"})
        self.site = site

    def token(self, path: str = "/signin") -> str:
        """The anti-forgery token of a page's form."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(path).text)
        assert found, f"no form on {path}"
        return unescape(found[1])

    def submit(self, path: str, fields: dict[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        """Send a form with this browser's anti-forgery token."""
        return self.post(path, {"csrf_token": self.token(), **(fields or {})}, **kwargs)

    def sign_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        return self.submit("/signin", {"email": email, "password": password}, status=303)

    def leave(self, provider: str = "stripe", **fields: Any) -> str:
        """Press Connect; gives the provider's URL from the leave page."""
        page = self.submit(f"/connect/{provider}/authorize", {"target": "accounts", **fields}, status=200)
        found = re.search(r'href="(http[^"]+)"', page.text)
        assert found, page.text
        return unescape(found[1])

    def callback_url(self, action: str = "approve", **fields: Any) -> str:
        """Go through the provider up to the address that it sends the browser back to."""
        return path_and_query(self.site.sandbox.decide(self.leave(), action, **fields))

    def connect(self, action: str = "approve", **fields: Any) -> TestResponse:
        """The whole trip; gives the result page, whatever its status."""
        return self.get(self.callback_url(action, **fields), status=303).follow(expect_errors=True)
