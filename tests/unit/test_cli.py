"""The command line: what an admin types, and what comes back."""

import io
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from transaction import TransactionManager

from connectapp.cli import main
from connectapp.db import Work, make_engine, utcnow
from connectapp.jobs import Job, enqueue
from connectapp.organizers import passwords
from connectapp.vault import new_key_line, parse_ring

SECRET = "sk_live_canary_4711"


@pytest.fixture
def ini(tmp_path: Path) -> str:
    keys = tmp_path / "keys"
    keys.touch(mode=0o600)
    keys.write_text(new_key_line())
    file = tmp_path / "site.ini"
    file.write_text(
        f"""[app:main]
use = egg:connectapp
connectapp.url = https://connect.example.org
connectapp.database_url = sqlite:///{tmp_path}/db.sqlite
connectapp.vault.key_file = {keys}
connectapp.journal_dir = {tmp_path}/journal
connectapp.provider.stripe.client_id = ca_1
connectapp.provider.stripe.client_secret = {SECRET}
connectapp.provider.stripe.mode = live
"""
    )
    return str(file)


@pytest.mark.row("SR-09")
def test_new_keys_are_good_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "new"]) == 0
    assert main(["keys", "new"]) == 0
    assert len(parse_ring(capsys.readouterr().out).ids) == 2


@pytest.mark.row("CF-06")
def test_check_config_shows_settings_and_masks_secrets(ini: str, capsys) -> None:
    assert main(["check-config", ini]) == 0
    out = capsys.readouterr().out
    assert "connectapp.url = https://connect.example.org" in out
    assert "connectapp.provider.stripe.client_secret = ********" in out
    assert SECRET not in out


@pytest.mark.row("CF-01")
def test_check_config_names_every_problem(ini: str, capsys) -> None:
    text = Path(ini).read_text().replace("url = https", "url = gopher").replace("mode = live", "mode = test")
    Path(ini).write_text(text + "connectapp.attempt.minuts = 5\n")
    assert main(["check-config", ini]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 3
    assert "Traceback" not in captured.err
    assert SECRET not in captured.err


def test_a_file_that_is_not_there(capsys) -> None:
    assert main(["check-config", "/nowhere.ini"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_migrate_and_add_a_user(ini: str, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a long enough password\n"))
    add = ["users", "add", ini, "Olga@Example.org", "--organizer", "Olga Events"]
    assert main(add) == 1
    assert "connectapp migrate" in capsys.readouterr().err

    assert main(["migrate", ini]) == 0
    assert "revision" in capsys.readouterr().out
    for text, code, says in (
        ("short\n", 1, "at least 12 characters"),
        ("a long enough password\n", 0, "olga@example.org owns Olga Events"),
        ("a long enough password\n", 1, "already a user"),
    ):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        assert main(add) == code
        captured = capsys.readouterr()
        assert says in captured.out + captured.err
    engine = make_engine(f"sqlite:///{tmp_path}/db.sqlite")
    with engine.connect() as connection:
        (row,) = connection.exec_driver_sql("SELECT email, password_hash FROM user").all()
    assert row.email == "olga@example.org"
    assert row.password_hash.startswith("$argon2id$")
    for email, code, says in (("OLGA@example.org", 0, "has a new password"), ("piet@example.org", 1, "no user")):
        monkeypatch.setattr(sys, "stdin", io.StringIO("seven quiet otters sing\n"))
        assert main(["users", "password", ini, email]) == code
        captured = capsys.readouterr()
        assert says in captured.out + captured.err
    with engine.connect() as connection:
        (changed,) = connection.exec_driver_sql("SELECT password_hash FROM user").scalars()
    engine.dispose()
    assert passwords.fits("seven quiet otters sing", changed)


def test_jobs_are_shown_and_done(ini: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", ini]) == 0
    engine = make_engine(f"sqlite:///{tmp_path}/db.sqlite")
    with Work(engine, TransactionManager(explicit=True)).writing() as session:
        enqueue(session, "mail", "018f", utcnow() + timedelta(days=365))
        session.flush()
        session.query(Job).update({"tries": 3, "problem": "SMTPConnectError 421"})
    engine.dispose()
    capsys.readouterr()
    assert main(["jobs", ini]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("  mail  018f  tries 3  SMTPConnectError 421")
    done = subprocess.run(
        [Path(sys.executable).parent / "connectapp", "worker", ini, "--once"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "jobs done: 2\n"), done.stderr
    assert main(["jobs", ini]) == 0
    assert [line.split()[2:5] for line in capsys.readouterr().out.splitlines()] == [
        ["sweep", "-", "tries"],
        ["purge", "-", "tries"],
        ["mail", "018f", "tries"],
    ]


@pytest.mark.row("CF-01", "CF-02")
def test_pserve_and_the_command_stop_with_lines_and_no_traceback(ini: str) -> None:
    Path(ini).write_text("[app:main]\nuse = egg:connectapp\n[server:main]\nuse = egg:waitress\nlisten = 127.0.0.1:0\n")
    binaries = Path(sys.executable).parent
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTAPP_")}
    for command in (
        [binaries / "pserve", ini],
        [binaries / "connectapp", "check-config", ini],
        [binaries / "connectapp", "worker", ini],
    ):
        done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=60)
        lines = [line for line in done.stderr.splitlines() if line.startswith("connectapp.")]
        assert done.returncode == 1
        assert len(lines) == 7
        assert "Traceback" not in done.stderr
