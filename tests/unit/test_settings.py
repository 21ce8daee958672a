"""Settings: every mistake at once, in words, without the value of a secret."""

from pathlib import Path
from typing import Any

import pytest

from connectapp.providers.registry import problems as provider_problems
from connectapp.secret import MASK, Secret
from connectapp.settings import Settings, load, shown
from connectapp.settings_table import PREFIX, PROVIDER_SETTINGS, SETTINGS

CANARY = "canary-4711"
GOOD = {
    "url": "https://connect.example.org",
    "database_url": f"postgresql://u:{CANARY}@h/x",
    "vault.keys": CANARY,
    "journal_dir": "journal",
    "transport.proxy": f"http://u:{CANARY}@proxy:1",
    "provider.stripe.client_id": "ca_1",
    "provider.stripe.client_secret": f"sk_live_{CANARY}",
    "provider.stripe.mode": "live",
}
DEVELOPMENT = {"environment": "development", "url": "http://localhost:1", "provider.stripe.mode": "test"}


def loaded(environ: dict[str, str] | None = None, **changes: Any) -> Settings:
    ini = GOOD | {key.replace("__", "."): value for key, value in changes.items()}
    return load({PREFIX + key: value for key, value in ini.items() if value is not None}, environ or {})


def test_good_settings_have_no_problem() -> None:
    settings = loaded()
    assert settings.problems == list(provider_problems(settings)) == []
    assert not settings.development
    assert settings.provider["stripe"].scope is None


@pytest.mark.row("CF-01")
def test_all_that_is_missing_is_said_at_once() -> None:
    problems = load({}, {}).problems
    for setting in SETTINGS:
        assert any(f"{PREFIX}{setting.key} is missing" in line for line in problems) == setting.required
    for setting in PROVIDER_SETTINGS:
        assert any(f"stripe.{setting.key} is missing" in line for line in problems) == setting.required
    assert all("\n" not in line for line in problems)
    assert any("CONNECTAPP_PROVIDER_STRIPE_CLIENT_SECRET" in line for line in problems)


def test_the_environment_wins() -> None:
    environ = {
        "CONNECTAPP_URL": "https://other.example.org",
        "CONNECTAPP_PROVIDER_STRIPE_CLIENT_ID": "ca_2",
        "CONNECTAPP_ATTEMPT_MINUTES": "5",
        "PATH": "/bin",
    }
    settings = loaded(environ)
    assert settings.url == "https://other.example.org"
    assert settings.provider["stripe"].client_id == "ca_2"
    assert settings.attempt_minutes == 5
    assert settings.problems == []


@pytest.mark.row("CF-02")
@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("databse_url", "connectapp.database_url"),
        ("attempt.minuts", "connectapp.attempt.minutes"),
        ("provider.stripe.client_secrt", "connectapp.provider.stripe.client_secret"),
        ("provider.square.client_id", "connectapp.provider.stripe.client_id"),
    ],
)
def test_a_misspelt_setting_names_the_nearest(key: str, near: str) -> None:
    (problem,) = loaded(**{key.replace(".", "__"): CANARY}).problems
    assert problem == f"connectapp.{key} is not a setting; did you mean {near}?"


@pytest.mark.row("CF-02")
def test_a_misspelt_variable_names_the_nearest() -> None:
    (problem,) = loaded({"CONNECTAPP_DATABSE_URL": CANARY}).problems
    assert problem == "CONNECTAPP_DATABSE_URL is not a setting; did you mean CONNECTAPP_DATABASE_URL?"


@pytest.mark.row("CF-03", "CF-05")
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": "http://localhost:1"}, "must begin with https:// in production"),
        ({"hosts": "* http://127.0.0.1:1"}, "refused in production"),
        ({"demo": "true"}, "refused in production"),
        ({"environment": "development"}, "which development refuses"),
        ({"environment": "staging"}, "must be one of"),
        ({"vault__key_file": "x"}, "use one"),
        ({"attempt__minutes": "500"}, "at least connectapp.attempt.minutes"),
        ({"provider__stripe__mode": "test"}, "is a live key, but connectapp.provider.stripe.mode is test"),
        ({"provider__stripe__client_secret": f"pk_live_{CANARY}"}, "must begin with one of"),
        ({"provider__stripe__scope": "everything"}, "scope must be one of"),
        ({"providers": "stripe interfaces"}, "which is not a provider"),
        ({"providers": "stripe nothing"}, "which is not a provider"),
        ({"providers": "stripe os.path"}, "which is not a provider"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, str], says: str) -> None:
    settings = loaded(**changes)
    problems = [*settings.problems, *provider_problems(settings)]
    assert any(says in line for line in problems), problems
    assert not any(CANARY in line for line in problems)


def test_development_may_do_more() -> None:
    changes = DEVELOPMENT | {
        "demo": "true",
        "hosts": "* http://127.0.0.1:1",
        "provider.stripe.client_secret": "sk_test_x",
    }
    settings = load({PREFIX + key: value for key, value in (GOOD | changes).items()}, {})
    assert [*settings.problems, *provider_problems(settings)] == []
    assert settings.development
    assert settings.demo


SECRET = "provider__stripe__secret__desk_key"


def test_secrets_of_a_declaration_come_from_both_places() -> None:
    desk, other = f"desk-{CANARY}-0123", f"other-{CANARY}-0123"
    environ = {"CONNECTAPP_PROVIDER_STRIPE_SECRET_OTHER_KEY": other, "CONNECTAPP_PROVIDER_STRIPE_SECRET_NO": " "}
    settings = loaded(environ, **{SECRET: f" {desk} "})
    assert settings.problems == []
    assert settings.provider["stripe"].secret == {"desk_key": Secret(desk), "other_key": Secret(other)}
    assert CANARY not in repr(settings.provider)
    told = list(provider_problems(settings))
    assert told == [f"connectapp.provider.stripe.secret.{name} is not a setting" for name in ("desk_key", "other_key")]


@pytest.mark.row("CF-01")
@pytest.mark.parametrize(
    ("value", "says"),
    [
        (f"two {CANARY}", "must be one word of visible ASCII characters"),
        (f"{CANARY}\u00e9", "must be one word of visible ASCII characters"),
        ("short-4711", "is too short or a sample, which production refuses"),
        (f"changeme-{CANARY}", "is too short or a sample, which production refuses"),
    ],
)
def test_what_can_be_no_secret_is_refused(value: str, says: str) -> None:
    settings = loaded(**{SECRET: value})
    assert settings.problems == [f"connectapp.provider.stripe.secret.desk_key {says}"]
    development = loaded(**DEVELOPMENT | {"provider__stripe__mode": "test", SECRET: value})
    assert bool(development.problems) == ("ASCII" in says)


@pytest.mark.row("CF-01", "SR-10")
def test_what_is_shown_masks_every_secret() -> None:
    changes = {"share_accounts": "true", "allowed_hosts": "a b", SECRET: f"key-{CANARY}"}
    lines = [f"{key} = {value}" for key, value in shown(loaded(**changes))]
    assert not any(CANARY in line for line in lines)
    assert "connectapp.share_accounts = true" in lines
    assert "connectapp.allowed_hosts = a b" in lines
    assert f"connectapp.journal_dir = {Path('journal').absolute()}" in lines
    assert f"connectapp.provider.stripe.secret.desk_key = {MASK}" in lines
    assert len(lines) == len(SETTINGS) + len(PROVIDER_SETTINGS) + 1
