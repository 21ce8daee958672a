"""The admin's command line: `connectapp --help`."""

import argparse
import getpass
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plaster import get_settings as read_ini
from pyramid.config import Configurator
from pyramid.paster import get_app, setup_logging
from sqlalchemy.orm import Session
from transaction import TransactionManager

from connectapp import jobs, providers_cli, schema
from connectapp.db import Work, make_engine
from connectapp.errors import ConnectappError, RefusedError
from connectapp.oauth.transport import Transport
from connectapp.organizers import passwords, signin
from connectapp.providers import discovery, overview, reference
from connectapp.settings import Settings, get_settings, shown
from connectapp.vault import new_key_line
from connectapp.worker import get_worker, start_jobs

USER_REFUSALS = {
    "user_exists": "there is already a user of that e-mail address",
    "no_user": "there is no user of that e-mail address, or they are disabled",
}


def configured(ini: str) -> Settings:
    """The settings of an ini file, checked as at start, without a database.

    :raises SettingsError: with every problem at once.
    """
    config = Configurator(settings=read_ini(ini, "app:main"))
    for part in ("settings", "vault", "providers.registry.check", "settings.refuse_problems"):
        config.include(f"connectapp.{part}")
    return get_settings(config.registry)


def as_written(ini: str) -> Settings:
    """The settings of an ini file with their problems, for who is about to solve them."""
    config = Configurator(settings=read_ini(ini, "app:main"))
    for part in ("settings", "providers.registry.check"):
        config.include(f"connectapp.{part}")
    return get_settings(config.registry)


def migrate(arguments: argparse.Namespace) -> None:
    """Bring the database's tables to the revision of this code."""
    engine = make_engine(configured(arguments.ini).database_url.reveal())
    schema.upgrade(engine)
    engine.dispose()
    print(f"the database is at revision {schema.head()}")


def new_keys(arguments: argparse.Namespace) -> None:
    """Print a fresh key for the vault's key file."""
    print(new_key_line())


def check_config(arguments: argparse.Namespace) -> None:
    """Print the effective settings, secrets masked; or every problem, one line each."""
    for key, value in shown(configured(arguments.ini)):
        print(f"{key} = {value}")


def add_user(arguments: argparse.Namespace) -> None:
    """Make a user who owns an organizer; the password comes from the terminal, or from standard input."""
    settings, email = configured(arguments.ini), signin.fold_email(arguments.email)
    password_hash = _asked_password(email)
    with _writing(settings) as session:
        signin.add_user(session, email, password_hash, arguments.organizer)
    print(f"{email} owns {arguments.organizer}")


def set_password(arguments: argparse.Namespace) -> None:
    """Give a user another password, and sign them out everywhere; it comes from the terminal or standard input."""
    settings, email = configured(arguments.ini), signin.fold_email(arguments.email)
    password_hash = _asked_password(email)
    with _writing(settings) as session:
        if signin.set_password(session, email, password_hash) is None:
            raise RefusedError("no_user")
    print(f"{email} has a new password")


def _asked_password(email: str) -> str:
    ask: Any = getpass.getpass if sys.stdin.isatty() else lambda prompt: sys.stdin.readline().rstrip("\n")
    password = ask("Password: ")
    if problem := passwords.problem(password, email):
        raise ConnectappError(problem)
    return passwords.hash_password(password)


@contextmanager
def _writing(settings: Settings) -> Iterator[Session]:
    """A transaction on the database, if its tables are of this code's revision."""
    engine = make_engine(settings.database_url.reveal())
    try:
        schema.check_revision(engine)
        with Work(engine, TransactionManager(explicit=True)).writing() as session:
            yield session
    finally:
        engine.dispose()


def work(arguments: argparse.Namespace) -> None:
    """Do the jobs that are due, as they come, until SIGTERM or Ctrl-C; any number of workers may do so at once."""
    setup_logging(arguments.ini)
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    registry = get_app(arguments.ini).registry  # the platform's own, with whoever listens there
    if arguments.once:
        worker = get_worker(registry)
        worker.run_due()
    else:
        worker = start_jobs(registry)
        told.wait()
    worker.stop()
    print(f"jobs done: {worker.begun}")


def show_jobs(arguments: argparse.Namespace) -> None:
    """Print what is to be done and when: one line each, with the number of tries and why the last one failed."""
    settings = configured(arguments.ini)
    with _writing(settings) as session:
        for job in jobs.waiting(session):
            problem = f"  {job.problem}" if job.problem else ""
            print(f"{job.due_at:%Y-%m-%d %H:%M:%S}  {job.name}  {job.subject or '-'}  tries {job.tries}{problem}")


def list_providers(arguments: argparse.Namespace) -> None:
    """Print the providers of the ini, one line each, and those that it could name."""
    _print_lines(providers_cli.listed(as_written(arguments.ini)))


def show_provider(arguments: argparse.Namespace) -> None:
    """Print what is to be registered at a provider, and its declaration with the settings put in, secrets masked."""
    _print_lines(providers_cli.described(as_written(arguments.ini), arguments.name))


def discover_provider(arguments: argparse.Namespace) -> None:
    """Ask an OAuth server what it says of itself, and print the lines for the ini; look at them before you use them."""
    settings = as_written(arguments.ini)
    transport = Transport(hosts=settings.hosts, ca_bundle=settings.transport_ca_file)
    try:
        _print_lines(discovery.discovered(arguments.name, arguments.issuer, transport, tuple(arguments.host)))
    finally:
        transport.close()


def print_schema(arguments: argparse.Namespace) -> None:
    """Print the JSON Schema of a provider's declaration, by which editors complete one."""
    print(reference.schema())


def print_overview(arguments: argparse.Namespace) -> None:
    """Print the page of the catalogue as Markdown."""
    print(overview.markdown(Path(arguments.notes)))


def print_reference(arguments: argparse.Namespace) -> None:
    """Print the reference of a provider's declaration as Markdown."""
    print(reference.markdown())


def _print_lines(lines: Iterator[str]) -> None:
    for line in lines:
        print(line)


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    top = argparse.ArgumentParser(prog="connectapp", description="Administer connectapp.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _command(commands, "migrate", migrate, "ini")
    keys = commands.add_parser("keys", help="keys of the vault").add_subparsers(required=True, metavar="COMMAND")
    _command(keys, "new", new_keys)
    _command(commands, "check-config", check_config, "ini")
    users = commands.add_parser("users", help="people who sign in").add_subparsers(required=True, metavar="COMMAND")
    _command(users, "add", add_user, "ini", "email").add_argument(
        "--organizer", required=True, help="the organizer's name"
    )
    _command(users, "password", set_password, "ini", "email")
    providers = commands.add_parser("providers", help="payment providers").add_subparsers(
        required=True, metavar="COMMAND"
    )
    _command(providers, "list", list_providers, "ini")
    _command(providers, "show", show_provider, "ini", "name")
    found = _command(providers, "discover", discover_provider, "ini", "name", "issuer")
    found.add_argument("--host", action="append", default=[], help="another host where its addresses may be")
    _command(providers, "schema", print_schema)
    _command(providers, "reference", print_reference)
    _command(providers, "overview", print_overview, "notes")
    once = _command(commands, "worker", work, "ini")
    once.add_argument("--once", action="store_true", help="end when nothing is due any more")
    _command(commands, "jobs", show_jobs, "ini")
    return top


def _command(commands: Any, name: str, function: Any, *arguments: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=function.__doc__, description=function.__doc__)
    helps = {
        "notes": "the directory of what is written by hand about some of them",
        "ini": "the configuration, e.g. production.ini",
        "email": "the person's address",
        "issuer": "its issuer identifier, an https:// address",
        "name": "the provider's name",
    }
    for argument in arguments:
        command.add_argument(argument, help=helps[argument])
    command.set_defaults(function=function)
    return command


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    :return: 0, or 1 after printing what is wrong, one line each and no traceback.
    """
    arguments = parser().parse_args(argv)
    try:
        arguments.function(arguments)
    except RefusedError as error:
        print(USER_REFUSALS[error.reason], file=sys.stderr)
        return 1
    except (ConnectappError, LookupError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0
