"""What a platform has besides its client secret: what may be declared, what the admin says, and where it is sent."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from connectapp.errors import SettingsError
from connectapp.providers import sources
from connectapp.providers.effective import completed, problems, scopes
from connectapp.providers_cli import toml
from connectapp.secret import Secret
from connectapp.settings import ProviderSettings
from tests.providers.golden import ACCESS, REFRESH, Wire, authorize, grant_of, redeem, refresh, revoke

DESK: dict[str, Any] = {
    "name": "desk",
    "title": "Desk",
    "modes": {"by": "none"},
    "secrets": {"desk_key": {"title": "the key of your own desk"}},
    "authorize": {"url": "https://desk.example/authorize"},
    "token": {
        "url": "https://desk.example/token",
        "headers": {"Desk-Key": "{desk_key}"},
        "params": {"extra": "x{desk_key}"},
    },
    "use": {"headers": {"Authorization": "Bearer {access_token}", "Desk-Key": "{desk_key}"}},
    "identify": {"url": "https://desk.example/me", "id": "id"},
    "revoke": {"url": "https://desk.example/revoke", "params": {"key": "{desk_key}", "token": "{access_token}"}},
}
KEY = "the-key-of-the-desk-4711"
PREFIX = "connectapp.provider.desk.secret"


@pytest.fixture
def desk(wire: Wire, tmp_path: Path) -> Any:
    return made(wire, tmp_path)


def made(wire: Wire, folder: Path, key: str = KEY) -> Any:
    """The provider as the application makes it."""
    file = folder / "desk.toml"
    file.write_text("\n".join(toml(DESK)))
    return wire.make_provider("desk", file=str(file), secret={"desk_key": Secret(key)})


def with_(part: str, **values: Any) -> dict[str, Any]:
    return DESK | {part: DESK.get(part, {}) | values}


@pytest.mark.parametrize(
    "declared",
    [
        DESK,
        DESK | {"token": {"url": "https://desk.example/token"}, "revoke": "impossible"},
        with_("refresh", headers={"X": "{desk_key}"}),
        with_("identify", params={"a.b": "Key {desk_key}"}),
        with_("use", headers={"X": "{desk_key}"}, params={"x": "{desk_key}"}, platform={"X": "{client_secret}"}),
        DESK | {"readiness": {"url": "https://desk.example/me", "headers": {"X": "{desk_key}"}, "ready": []}},
    ],
)
def test_what_goes_to_the_provider_may_name_a_secret(declared: dict[str, Any]) -> None:
    assert sources.checked(declared, "desk.toml").name == "desk"


SEEN = [
    ("authorize.url", with_("authorize", url="https://desk.example/{NAME}")),
    ("authorize.url", with_("authorize", url="https://{NAME}.desk.example/")),
    ("authorize.params.key", with_("authorize", params={"key": "{NAME}"})),
    ("authorize.params.keys", with_("authorize", params={"keys": ("x", "{NAME}")})),
    ("authorize.options.key", with_("authorize", options={"key": ("{NAME}",)})),
    ("pushed.url", with_("pushed", url="https://desk.example/{NAME}")),
    ("token.url", with_("token", url="https://desk.example/token?key={NAME}")),
    ("refresh.url", with_("refresh", url="https://desk.example/{NAME}")),
    ("identify.url", with_("identify", url="https://desk.example/me/{NAME}")),
    ("identify.charges.equals", with_("identify", charges={"path": "x", "equals": "{NAME}"})),
    ("revoke.url", with_("revoke", url="https://desk.example/{NAME}")),
    ("readiness.url", DESK | {"readiness": {"url": "https://desk.example/{NAME}", "ready": []}}),
    ("registering", DESK | {"registering": "Use {NAME} there."}),
]


def named(value: Any, name: str) -> Any:
    if isinstance(value, str):
        return value.replace("{NAME}", f"{{{name}}}")
    if isinstance(value, Mapping):
        return {key: named(one, name) for key, one in value.items()}
    return type(value)(named(one, name) for one in value) if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("name", ["desk_key", "client_secret"])
@pytest.mark.parametrize(("where", "declared"), SEEN, ids=[str(number) for number in range(len(SEEN))])
def test_what_others_see_may_not(where: str, declared: dict[str, Any], name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        sources.checked(named(declared, name), "desk.toml")
    assert f"{where} names {{{name}}}, which is for headers and params of requests alone" in str(caught.value)


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (with_("secrets", client_secret={"title": "x"}), "secrets.client_secret: the name stands for something else"),
        (with_("secrets", account={"title": "x"}), "secrets.account: the name stands for something else"),
        (with_("modes", live={"desk_key": "x"}), "secrets.desk_key: the name stands for something else"),
        (
            DESK | {"variables": {"desk_key": {"title": "x", "pattern": "^x$"}}},
            "secrets.desk_key: the name stands for something else",
        ),
        (with_("secrets", desk_key={}), "secrets.desk_key.title"),
        (with_("secrets", desk_key={"title": "x", "default": "y"}), "secrets.desk_key.default is not a key"),
        (with_("secrets", **{"Desk-Key": {"title": "x"}}), "secrets.Desk-Key"),
        (with_("token", headers={"X": "{desk_kye}"}), "which neither modes, variables nor secrets give"),
    ],
)
def test_what_does_not_fit_together_is_refused(declared: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        sources.checked(declared, "desk.toml")
    assert told in str(caught.value)


def settings(**secrets: Secret | None) -> ProviderSettings:
    return ProviderSettings("desk", client_id="x", client_secret=Secret("y"), mode="test", secret=secrets)


@pytest.mark.row("CF-01", "CF-04")
def test_what_is_missing_or_misspelt_is_said() -> None:
    declared = sources.checked(DESK, "desk.toml")
    assert list(problems(declared, settings(desk_key=Secret(KEY)))) == []
    variable = "CONNECTAPP_PROVIDER_DESK_SECRET_DESK_KEY"
    missing = f"{PREFIX}.desk_key is missing: the key of your own desk; set it as {variable} in the environment"
    assert list(problems(declared, settings())) == [missing]
    assert list(problems(declared, settings(desk_kye=Secret(KEY)))) == [
        f"{PREFIX}.desk_kye is not a setting; did you mean {PREFIX}.desk_key?",
        missing,
    ]
    assert list(problems(declared, settings(desk_key=None))) == []  # what it was cannot be, which is said elsewhere


def test_development_makes_up_what_is_not_said() -> None:
    declared = sources.checked(DESK, "desk.toml")
    nothing = completed(declared, ProviderSettings("desk"))
    assert (nothing.client_id, nothing.mode) == ("ca_sandbox_desk", "test")
    assert nothing.client_secret == Secret("sk_test_sandbox_desk")
    assert nothing.secret == {"desk_key": Secret("desk_key_sandbox_desk")}
    assert list(problems(declared, nothing)) == []
    given = ProviderSettings(
        "desk", client_id="x", client_secret=Secret("y"), mode="live", secret={"desk_key": Secret(KEY)}
    )
    assert completed(declared, given) == given


def test_what_is_made_up_begins_as_secrets_of_the_test_side_do() -> None:
    prefixes = {"live$": "live", "test$": "test", "other$": "test"}
    declared = sources.checked(with_("modes", key_prefixes=prefixes), "desk.toml")
    made_up = completed(declared, ProviderSettings("desk"))
    assert made_up.client_secret == Secret("test$sandbox_desk")
    assert list(problems(declared, made_up)) == []


def test_it_is_in_every_request_that_names_it(wire: Wire, desk: Any) -> None:
    wire.answer({"access_token": ACCESS, "refresh_token": REFRESH, "token_type": "bearer"})
    redeem(desk)
    wire.answer({"access_token": "another", "token_type": "bearer"})
    refresh(desk)
    wire.answer({"id": "x"})
    desk.identify(grant_of(desk, "x"))
    wire.answer({})
    revoke(desk, "x")
    redeemed, refreshed, identified, revoked = wire.asked
    assert redeemed.headers["desk-key"] == refreshed.headers["desk-key"] == identified.headers["desk-key"] == KEY
    assert redeemed.form["extra"] == f"x{KEY}"
    assert identified.headers["authorization"] == f"Bearer {ACCESS}"
    assert revoked.form["key"] == KEY
    assert not [one.url for one in [*wire.asked, authorize(desk)] if KEY in one.url]


def test_rolling_it_is_no_other_configuration(wire: Wire, tmp_path: Path, desk: Any) -> None:
    other = made(wire, tmp_path, "another-key-of-the-desk")
    assert other.constants["desk_key"] == Secret("another-key-of-the-desk")
    assert other.revision == desk.revision


@pytest.mark.row("SR-10")
def test_it_shows_nowhere(desk: Any) -> None:
    app = desk.client
    shown = repr([desk.settings, desk.constants, app.token_shape, app.refresh_shape, vars(desk)])
    assert "desk_key" in shown
    assert KEY not in shown


def test_a_preset_may_ask_for_nothing() -> None:
    """The name of an empty preset is no scope itself."""
    presets = {"charge": ["pay"], "nothing": []}
    chosen = ProviderSettings("desk", mode="test", scope="nothing", secret={"desk_key": Secret(KEY)})
    declared = sources.checked(with_("scopes", presets=presets), "desk.toml")
    assert list(problems(declared, chosen)) == []
    assert scopes(declared, chosen) == ()
    always = sources.checked(with_("scopes", presets=presets, always="read"), "desk.toml")
    assert scopes(always, chosen) == ("read",)
