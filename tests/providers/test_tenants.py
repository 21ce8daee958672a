"""Providers with an address for each tenant: what may be declared, and where they let themselves be led."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from connectapp.errors import GrantRefusedError, SettingsError
from connectapp.providers import sources
from connectapp.providers.effective import problems
from connectapp.providers.tenants import Question
from connectapp.settings import ProviderSettings
from tests.providers.golden import CLIENT_SECRET, Wire, authorize
from tests.support.shopify import ELSEWHERE

SITE = {
    "title": "Your site",
    "asked_of": "organizer",
    "pattern": "^[a-z]{1,20}$",
    "example": "riverside",
}
DESK: dict[str, Any] = {
    "name": "desk",
    "title": "Desk",
    "modes": {"by": "none"},
    "variables": {"site": SITE},
    "authorize": {"url": "https://{site}.desk.example/authorize"},
    "token": {"url": "https://{site}.desk.example/token"},
    "identify": {
        "url": "https://{site}.desk.example/me",
        "id": "id",
        "tenant": {"path": "site", "equals": "{site}"},
    },
    "revoke": "impossible",
}


def with_(part: str, **values: Any) -> dict[str, Any]:
    return {**DESK, part: {**DESK[part], **values}}


def site(**values: Any) -> dict[str, Any]:
    """The declaration with something else said of the variable."""
    return DESK | {"variables": {"site": {key: one for key, one in (SITE | values).items() if one is not None}}}


@pytest.mark.parametrize(
    "declared",
    [
        DESK,
        with_("token", url="https://api.desk.example/token"),
        with_("token", url="https://{site}-api.desk.example/{site}"),
        DESK
        | {"modes": {"by": "host", "live": {"domain": "desk.example"}}}
        | {"authorize": {"url": "https://{site}.{domain}/authorize"}},
        with_("identify", tenant={"path": "site", "equals": "https://{site}.desk.example"}),
        DESK | {"callback": {"tenant": {"from": "{site}.desk.example"}}},
    ],
)
def test_what_leads_nowhere_else_may_be_declared(declared: dict[str, Any]) -> None:
    assert list(sources.checked(declared, "desk.toml").asked) == ["site"]


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (site(pattern=None, values={"a": {}}), "what organizers are asked needs a pattern"),
        (site(pattern=None), "needs either a pattern or values"),
        (site(default="riverside"), "has no default"),
        (site(pattern="[a-z]+"), "must begin with ^ and end with $"),
        (site(pattern="^[a-z]+$|.*"), "must begin with ^ and end with $"),
        (site(example=None), "needs an example"),
        (site(example="Riverside"), "needs an example"),
        (site(asked_of="admin"), "are for what organizers are asked"),
        (site(asked_of="everybody"), "variables.site.asked_of"),
        (with_("token", url="https://{site}/token"), "token.url: after what the organizer says must come a domain"),
        (with_("token", url="https://{site}.example/token"), "token.url: after what the organizer says"),
        (with_("token", url="https://desk.{site}/token"), "token.url: after what the organizer says"),
        (with_("token", url="https://desk.example.{site}/token"), "token.url: after what the organizer says"),
        (DESK | {"revoke": {"url": "https://a.b.{site}/x"}}, "revoke.url: after what the organizer says"),
        (DESK | {"refresh": {"url": "https://{site}/x"}}, "refresh.url: after what the organizer says"),
        (with_("identify", tenant=None), "identify.tenant must say"),
        (with_("identify", tenant={"path": "site", "equals": "desk"}), "identify.tenant must say"),
        (DESK | {"modes": {"by": "host", "live": {"site": "x"}}}, "the name stands for something else"),
        (DESK | {"variables": {"site": SITE, "client_secret": SITE}}, "the name stands for something else"),
        (DESK | {"variables": {}, "modes": {"by": "host", "live": {"site": "x"}}}, "no variable is asked_of"),
        (DESK | {"callback": {"signature": {"parameter": "x", "algorithm": "none"}}}, "callback.signature.algorithm"),
        (
            DESK | {"callback": {"signature": {"parameter": "x", "algorithm": "hmac-sha256", "timestamp": "t"}}},
            "a tolerance goes with a timestamp",
        ),
    ],
)
def test_what_could_lead_elsewhere_may_not(declared: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        sources.checked(declared, "desk.toml")
    assert told in str(caught.value)


def test_the_admin_does_not_say_what_organizers_do() -> None:
    settings = ProviderSettings("desk", client_id="x", mode="test", variable={"site": "riverside"})
    told = list(problems(sources.checked(DESK, "desk.toml"), settings))
    assert told == ["connectapp.provider.desk.variable.site cannot be set: each organizer is asked for it"]


@pytest.mark.parametrize(
    "value", [*ELSEWHERE, "MyStore", "mystore.myshopify.com", "", None, 7, ["mystore"], b"mystore"]
)
def test_a_provider_lets_itself_be_led_to_no_other_place(wire: Wire, value: Any) -> None:
    """Whatever was typed, or came to be stored."""
    with pytest.raises(GrantRefusedError, match="unknown_tenant"):
        wire.make_provider("shopify").at({"shop": value})


@pytest.mark.parametrize("tenant", [{}, {"shop": "x", "host": "evil"}, {"host": "x"}, {"client_secret": "x"}])
def test_every_question_is_answered_and_no_other(wire: Wire, tenant: Mapping[str, str]) -> None:
    with pytest.raises(GrantRefusedError, match="unknown_tenant"):
        wire.make_provider("shopify").at(tenant)
    with pytest.raises(GrantRefusedError, match="unknown_tenant"):
        wire.make_provider("square").at({"shop": "x"})


def test_two_tenants_know_nothing_of_each_other(wire: Wire) -> None:
    provider = wire.make_provider("shopify")
    one, other = provider.at({"shop": "one"}), provider.at({"shop": "other"})
    assert authorize(one).address == "https://one.myshopify.com/admin/oauth/authorize"
    assert authorize(other).address == "https://other.myshopify.com/admin/oauth/authorize"
    assert one.at({"shop": "other"}).tenant == {"shop": "other"}
    assert (one.tenant, provider.tenant) == ({"shop": "one"}, {})
    assert one.at({"shop": "one"}) is one
    assert wire.make_provider("square").at({}).tenant == {}
    # The configuration is the same: what differs is kept beside its revision.
    assert one.revision == other.revision == provider.revision


def test_parameters_are_pushed_to_the_tenant(wire: Wire, tmp_path: Path) -> None:
    file = tmp_path / "shopify.toml"
    pushed = '\n[pushed]\nurl = "https://{shop}.myshopify.com/par"\n\n[callback]\n'
    file.write_text((sources.CATALOGUE / "shopify.toml").read_text().replace("\n[callback]\n", pushed))
    provider = wire.make_provider("shopify", file=str(file)).at({"shop": "one"})
    wire.answer({"request_uri": "urn:x", "expires_in": 60}, 201)
    url = provider.push(authorize(provider).url)
    assert url == "https://one.myshopify.com/admin/oauth/authorize?client_id=golden-client&request_uri=urn%3Ax"
    assert wire.only.url == "https://one.myshopify.com/par"
    assert wire.only.form["client_secret"] == CLIENT_SECRET


@pytest.mark.parametrize("pattern", ["^.+$", "^[^/]+$", r"^[\s\S]*$"])
def test_a_careless_pattern_ends_no_host(pattern: str) -> None:
    question = Question("shop", "Shop", "x", pattern)
    for value in ("a/b", "a#b", "a?b", "a@b", "a:1", "a\\b", "a b", "a\nb", "\u00e9", "a" * 101, "", "%2e"):
        assert question.read(value) is None
        assert not question.fits(value)
    assert question.read(" a.b-c_1 ") == "a.b-c_1"
