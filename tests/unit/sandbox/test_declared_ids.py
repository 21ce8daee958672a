"""Account ids of declared patterns, orders for codes, and the sandbox of a whole application."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from connectapp.sandbox.app import from_settings, make_app
from connectapp.sandbox.declared_ids import id_for
from connectapp.sandbox.declared_places import hosts, sides
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.serve import configured
from connectapp.secret import Secret
from tests.unit.sandbox.conftest import RIVERSIDE, Driver
from tests.unit.sandbox.declaring import BACK, declaration, playing

PATTERNS = [
    r"^acct_[A-Za-z0-9]{1,100}$",
    r"^[0-9]{1,20}$",
    r"^ML[A-Z0-9]{11}$",
    r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
    r"^\d+$",
    r"^(?:org|team)_\w{5,}$",
    r"^[^/]{3}\.x?$",
    r"^[a-z0-9-]+\.shop\.example$",
    r"^a.b*?$",
    r"^\S\D(?!zz)[x-z]{2}$",
    r"^[!-~]{1,255}$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_ids_are_as_declared_always_the_same_and_all_different(pattern: str) -> None:
    ids = [id_for(pattern, f"plain:{n}", f"acct {n}") for n in range(20)]
    assert ids == [id_for(pattern, f"plain:{n}", f"acct {n}") for n in range(20)]
    assert all(re.fullmatch(pattern, one) for one in ids)
    if pattern != r"^a.b*?$":
        assert len(set(ids)) > 10


def test_an_id_that_fits_is_kept_and_one_that_cannot_be_made_is_said() -> None:
    assert id_for(PATTERNS[0], "x", "acct_1") == "acct_1"
    with pytest.raises(ValueError, match="cannot make an account id"):
        id_for(r"^(?=b)a$", "x", "y")
    with pytest.raises(ValueError, match="cannot make an account id"):
        make_app(declarations=[declaration(account_pattern=r"^(?=b)a$")])


def test_sides_and_hosts() -> None:
    known = declaration(
        modes={"by": "host", "live": {"site": "www", "n": 1}, "test": {"site": "test"}},
        variables={
            "region": {"title": "Region", "values": {"us": {"site": "x", "area": "us"}, "eu": {"area": "eu"}}},
            "shop": {"title": "Shop", "pattern": "^[a-z]+$"},
        },
        authorize={"url": "https://{shop}.{site}.{area}.example/x"},
    )
    assert [(one.mode, dict(one.values)) for one in sides(known)][-1] == (
        "live", {"region": "eu", "area": "eu", "site": "www", "n": 1},
    )  # fmt: skip
    assert hosts(known) == [f"{{shop}}.{site}.{area}.example" for site in ("test", "www") for area in ("us", "eu")]


def test_a_code_without_a_browser() -> None:
    with playing() as player:
        order = {"provider": "plain", "scope": "pay read", "redirect_uri": BACK}
        code = player.sandbox.code(RIVERSIDE, **order)
        status, answer = player.redeem(code)
        assert (status, answer["scope"]) == (200, "pay read")
        (grant,) = player.grants()
        assert player.redeem(player.sandbox.code(grant["external_id"], **order))[0] == 200
        for wrong in ({"account": "x"}, {"provider": "other"}, {"client_id": "ca_sandbox"}):
            told = {"account": RIVERSIDE, **order, **wrong}
            assert player.sandbox.http.request("POST", player.url("_sandbox/codes"), json=told).status == 400


def test_every_declared_provider_has_a_platform() -> None:
    app = make_app(declarations=[declaration(), declaration(name="other")], platforms=None)
    rows = {(one.provider, one.client_id, one.secret_key) for one in app._world.platforms.all}
    assert ("plain", "ca_sandbox_plain", "sk_test_sandbox_plain") in rows
    assert len(rows) == 3
    page = Driver(app).get("/").text
    assert "Plain Payments" in page
    assert "ca_sandbox_other" in page


def test_stripe_and_the_personalities_are_left_to_themselves() -> None:
    stripe = declaration(name="stripe", title="No", authorize={"url": "https://connect.stripe.com/oauth/authorize"})
    iss = declaration(name="iss", title="No", authorize={"url": "https://iss.example/oauth/authorize"})
    onboards = declaration(name="onboards", kind="onboarding", authorize=None, token=None)
    driver = Driver(make_app(declarations=[stripe, iss, onboards]))
    driver.control("faults", {"endpoint": "iss.readiness"}, 400)
    assert driver.get("/plain.example/me").status_code == 404


def provider(name: str, **settings: Any) -> Any:
    given = {"client_id": f"ca_{name}", "client_secret": Secret(f"secret_{name}"), "mode": "test", **settings}
    return SimpleNamespace(declaration=declaration(name=name), settings=SimpleNamespace(**given))


def test_the_providers_of_an_application_are_played() -> None:
    plain = provider("plain", mode="live", secret={"desk": Secret("key_plain")})
    quiet = provider("quiet", client_secret=None)
    quiet.declaration = declaration(name="quiet", authorize={"sends": ["client_id"]})
    registry = {
        "connectapp.providers": {"plain": plain, "quiet": quiet, "odd": object()},
        "connectapp.settings": SimpleNamespace(url="https://app.test/"),
    }
    wrapped = SimpleNamespace(application=SimpleNamespace(app=SimpleNamespace(registry=registry)))
    declarations, platforms = configured(wrapped)
    assert [one.name for one in declarations] == ["plain", "quiet"]
    assert platforms == [
        Platform("ca_plain", "secret_plain", mode="live", provider="plain", secrets={"desk": "key_plain"}),
        Platform(
            "ca_quiet", "sk_test_sandbox_quiet", provider="quiet",
            redirect_uris=("https://app.test/connect/quiet/callback",),
        ),
    ]  # fmt: skip
    assert configured(object()) == ([], [])
    registered = from_settings({}, declarations, platforms)._world.platforms
    assert [one.provider for one in registered.all] == ["stripe", "plain", "quiet"]


def test_stripe_of_the_application_counts_unless_a_setting_says_otherwise() -> None:
    ours = Platform("ca_ours", "sk_test_ours")
    assert from_settings({}, (), [ours])._world.platforms.all == (ours,)
    assert from_settings({"client_id": "ca_set"}, (), [ours])._world.platforms.all == (Platform("ca_set"),)
