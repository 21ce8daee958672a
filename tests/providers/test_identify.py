"""Whose account it is: what a declaration may leave to the address that is asked, and what it must say."""

from typing import Any

import pytest

from connectapp.errors import SettingsError
from connectapp.providers.sources import checked

OF_THE_TOKEN = {"account": "merchant", "required": ["access_token", "account"]}
PLAIN: dict[str, Any] = {
    "name": "desk",
    "title": "Desk",
    "modes": {"by": "none"},
    "authorize": {"url": "https://desk.example/authorize"},
    "token": {"url": "https://desk.example/token"},
    "identify": {"url": "https://desk.example/me", "name": "name"},
    "revoke": "impossible",
}


def with_(part: str, **values: Any) -> dict[str, Any]:
    """A declaration with other values in one of its parts."""
    return PLAIN | {part: PLAIN.get(part, {}) | values}


@pytest.mark.parametrize(
    "declared",
    [
        with_("identify", id="id"),
        with_("token", answer=OF_THE_TOKEN),
        with_("identify", url="https://desk.example/{account}") | {"callback": {"account": "merchant"}},
        with_("identify", id="id", mode={"path": "live"}) | {"modes": {"by": "account"}},
    ],
)
def test_what_proves_whose_account_it_is(declared: dict[str, Any]) -> None:
    assert checked(declared, "desk.toml").name == "desk"


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (PLAIN, "identify.id is missing"),
        (with_("token", answer={"account": "merchant"}), "identify.id is missing"),
        (PLAIN | {"callback": {"account": "merchant"}}, "identify.id is missing"),
        (
            with_("token", answer=OF_THE_TOKEN) | {"identify": {"url": "https://desk.example/me"}},
            "identify.id is missing",
        ),
        (
            with_("token", answer=OF_THE_TOKEN) | {"identify": PLAIN["identify"] | {"auth": "client_secret_basic"}},
            "identify.id is missing",
        ),
        (with_("identify", id="id", mode={"path": "live"}), "modes.by is account where identify.mode is there"),
        (with_("identify", id="id") | {"modes": {"by": "account"}}, "modes.by is account where identify.mode is there"),
        (
            with_("identify", id="id", mode={"path": "live"}, choices={"list": "all", "id": "id", "name": "name"})
            | {"modes": {"by": "account"}},
            "identify.choices of several",
        ),
    ],
)
def test_what_proves_nothing_is_refused(declared: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        checked(declared, "desk.toml")
