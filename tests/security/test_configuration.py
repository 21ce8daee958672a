"""CF, RD-02: what does not fit does not start, and says why, a line for each. The database plays no part: SQLite."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import connectapp
from connectapp.settings import load
from connectapp.vault import new_key_line
from tests.support.processes import ROOT
from tests.support.rows import SQLITE_ONLY

pytestmark = SQLITE_ONLY

CANARY = "sk_test_4eC39HqLyjWDarjtT1zdp7dc"
LIVE = CANARY.replace("test", "live")


@pytest.fixture
def production(tmp_path: Path, database_url: str) -> dict[str, str]:
    """Settings with which production starts."""
    keys = tmp_path / "production.keys"
    keys.touch(mode=0o600)
    keys.write_text(new_key_line())
    return {
        "connectapp.url": "https://app.test",
        "connectapp.database_url": database_url,
        "connectapp.vault.key_file": str(keys),
        "connectapp.journal_dir": str(tmp_path / "journal"),
        "connectapp.recovery.seconds": "0",
        "connectapp.provider.stripe.client_id": "ca_4eC39HqLyj",
        "connectapp.provider.stripe.client_secret": CANARY,
        "connectapp.provider.stripe.mode": "test",
    }


def started(settings: dict[str, str]) -> Any:
    app = connectapp.main({}, **settings)
    app.registry["connectapp.engine"].dispose()
    app.registry["oauth.registry"].transport.close()
    return app


def refusal(settings: dict[str, Any]) -> list[str]:
    """The lines with which it does not start."""
    with pytest.raises(SystemExit) as caught:
        started({key: value for key, value in settings.items() if value is not None})
    lines = str(caught.value).splitlines()
    assert CANARY not in str(caught.value)
    assert lines
    return lines


REQUIRED = ["url", "database_url", "vault.key_file", "journal_dir"]
REQUIRED += [f"provider.stripe.{name}" for name in ("client_id", "client_secret", "mode")]


@pytest.mark.row("CF-01")
@pytest.mark.parametrize("key", REQUIRED)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_what_is_missing_is_named(production, key: str, value: str | None) -> None:
    started(production)
    (line,) = refusal(production | {f"connectapp.{key}": value})
    assert line.startswith(f"connectapp.{key} is missing")


KEY = new_key_line()
WEAK_RINGS = [
    "",
    "# nothing",
    "k1:",
    "k1:AAAA",
    "k1:not base64!",
    f"k1:{'A' * 43}=",
    "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "k1:Y2hhbmdlLW1lY2hhbmdlLW1lY2hhbmdlLW1lY2hhbmc=",
    f"{KEY}\n{KEY}",
    f"{KEY}\nother:{KEY.partition(':')[2]}",
    "../etc:" + KEY.partition(":")[2],
]


@pytest.mark.row("CF-01")
@pytest.mark.parametrize("ring", WEAK_RINGS, ids=[str(number) for number in range(len(WEAK_RINGS))])
def test_a_weak_or_reused_key_is_refused(production, ring: str) -> None:
    file = Path(production["connectapp.vault.key_file"])
    file.write_text(ring)
    (line,) = refusal(production)
    assert line.startswith("connectapp.vault.key_file ")
    assert KEY.partition(":")[2].strip() not in line
    file.write_text(new_key_line())
    file.chmod(0o644)
    assert "chmod 600" in refusal(production)[0]


@pytest.mark.row("CF-01")
@pytest.mark.parametrize(
    "secret",
    ["sk_test_", "sk_test_short", "sk_test_sandbox", "sk_test_changeme_changeme", "sk_test_xxxxxxxxxxxxxxxxxxxxxx"],
)
def test_a_sample_of_a_secret_is_refused(production, secret: str) -> None:
    (line,) = refusal(production | {"connectapp.provider.stripe.client_secret": secret})
    assert line.startswith("connectapp.provider.stripe.client_secret ")
    assert secret not in line


@pytest.mark.row("CF-01", "CF-04")
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, [".platform_token is missing: "]),
        ({"platform_token": "  "}, [".platform_token is missing: "]),
        ({"platform_token": "short"}, [".platform_token is too short or a sample"]),
        ({"platform_token": f"{CANARY} {CANARY}"}, [".platform_token must be one word"]),
        (
            {"platfrom_token": CANARY},
            [".platfrom_token is not a setting; did you mean", ".platform_token is missing: "],
        ),
    ],
)
def test_a_further_secret_that_is_missing_or_wrong_is_named(production, given: dict[str, str], says: list[str]) -> None:
    bank = "connectapp.provider.pagbank"
    own = {f"{bank}.client_id": "x", f"{bank}.client_secret": CANARY, f"{bank}.mode": "test"}
    own |= {"connectapp.providers": "stripe pagbank"}
    started(production | own | {f"{bank}.secret.platform_token": CANARY})
    lines = refusal(production | own | {f"{bank}.secret.{name}": value for name, value in given.items()})
    assert [line.startswith(f"{bank}.secret{said}") for line, said in zip(lines, says, strict=True)] == [True] * len(
        says
    )


@pytest.mark.row("CF-02", "RD-02")
@pytest.mark.parametrize(
    "url",
    [
        "http://app.test",
        "http://localhost:6543",
        "http://localhost:80@evil.test/cb",
        "https://user@app.test",
        "https://user:pw@app.test",
        "https://app.test/#x",
        "https://app.test/?x",
        "https://app.test/cb",
        "https://*.app.test",
        "https://APP.test",
        "https://",
        "app.test",
        "//app.test",
        "javascript:alert(1)",
        "https://app.test\\@evil.test",
        "https://app.test evil.test",
        "https://evil\u3002test",
    ],
)
def test_an_address_that_is_not_plain_https_is_refused(production, url: str) -> None:
    (line,) = refusal(production | {"connectapp.url": url})
    assert line.startswith("connectapp.url ")


@pytest.mark.row("RD-02")
@pytest.mark.parametrize("url", ["http://app.test", "http://localhost:80@evil.test/cb", "http://127.0.0.1.evil.test"])
def test_development_takes_http_for_this_machine_alone(production, url: str) -> None:
    development = production | {"connectapp.environment": "development"}
    started(development | {"connectapp.url": "http://localhost:6543"})
    assert refusal(development | {"connectapp.url": url})[0].startswith("connectapp.url ")


@pytest.mark.row("CF-02")
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hosts", "* http://127.0.0.1:1"),
        ("hosts", "connect.stripe.com https://evil.test"),
        ("demo", "true"),
        ("transport.verify", "false"),
        ("transport.ca_bundle", "/dev/null"),
        ("provider.stripe.token_url", "http://evil.test/token"),
        ("provider.stripe.verify", "false"),
    ],
)
def test_production_opens_no_side_door(production, key: str, value: str) -> None:
    (line,) = refusal(production | {f"connectapp.{key}": value})
    assert line.startswith(f"connectapp.{key} ")


@pytest.mark.row("CF-03")
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pyramid.debug_all", "true"),
        ("pyramid.debug_authorization", "1"),
        ("pyramid.debug_notfound", "yes"),
        ("pyramid.reload_templates", "true"),
        ("pyramid.reload_all", "on"),
        ("pyramid.includes", "pyramid_debugtoolbar"),
        ("pyramid.includes", "pyramid_tm\npyramid_debugtoolbar"),
    ],
)
def test_production_refuses_to_debug(production, key: str, value: str) -> None:
    if key == "pyramid.includes":  # Pyramid includes it before we are asked, so the module has to be there
        lines = load({**production, key: value}, {}).problems
    else:
        lines = refusal(production | {key: value})
    assert [line for line in lines if key in line and "refused in production" in line]
    started(production | ({} if key == "pyramid.includes" else {key: "false"}))


@pytest.mark.row("CF-04")
@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("require_htps", None),
        ("attempt.minuts", "connectapp.attempt.minutes"),
        ("provider.stripe.client_secert", "connectapp.provider.stripe.client_secret"),
        ("Url", "connectapp.url"),
        ("provider.square.client_id", None),
    ],
)
def test_a_misspelt_setting_is_an_error(production, monkeypatch, key: str, near: str | None) -> None:
    lines = refusal(production | {f"connectapp.{key}": CANARY})
    assert any(line.startswith(f"connectapp.{key} is not a setting") for line in lines)
    assert near is None or any(f"did you mean {near}?" in line for line in lines)
    monkeypatch.setenv("CONNECTAPP_REQUIRE_HTPS", CANARY)
    assert refusal(production)[0].startswith("CONNECTAPP_REQUIRE_HTPS is not a setting")


@pytest.mark.row("CF-05")
@pytest.mark.parametrize(
    ("environment", "mode", "secret", "says"),
    [
        ("production", "live", CANARY, "client_secret is a test key"),
        ("production", "test", LIVE, "client_secret is a live key"),
        ("production", "test", "pk_test_4eC39HqLyjWDarjtT1zdp7dc", "client_secret must begin with"),
        ("production", "Live", LIVE, "mode must be one of"),
        ("development", "live", LIVE, "mode is live, which development refuses"),
        ("development", "test", LIVE, "client_secret is a live key"),
    ],
)
def test_keys_and_modes_must_fit(production, environment: str, mode: str, secret: str, says: str) -> None:
    prefix = "connectapp.provider.stripe."
    changes = {"connectapp.environment": environment, f"{prefix}mode": mode, f"{prefix}client_secret": secret}
    lines = refusal(production | changes)
    assert any(line.startswith(prefix) and says in line for line in lines)
    assert not any(secret in line for line in lines)


def run_pserve(**environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTAPP_")}
    return subprocess.run(
        [sys.executable, "-m", "pyramid.scripts.pserve", str(ROOT / "production.ini")],
        cwd=ROOT,
        env=clean | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.row("CF-01", "CF-02", "CF-04", "CF-05")
def test_the_server_does_not_start_and_says_why(database_url: str) -> None:
    bare = run_pserve()
    assert bare.returncode != 0
    named = re.findall(r"^connectapp\.([a-z_.]+) is missing", bare.stderr, re.MULTILINE)
    assert sorted(named) == sorted(REQUIRED)
    wrong = run_pserve(
        CONNECTAPP_URL="http://app.test",
        CONNECTAPP_PROVIDER_STRIPE_MODE="live",
        CONNECTAPP_PROVIDER_STRIPE_CLIENT_SECRET=CANARY,
        CONNECTAPP_REQUIRE_HTPS="true",
        CONNECTAPP_DATABASE_URL=database_url,
    )
    assert wrong.returncode != 0
    for says in ("connectapp.url ", "client_secret is a test key", "CONNECTAPP_REQUIRE_HTPS is not a setting"):
        assert says in wrong.stderr
    for run in (bare, wrong):
        assert "Traceback" not in run.stderr + run.stdout
        assert CANARY not in run.stderr + run.stdout
