"""The authorize page of declared providers: what it takes, what it refuses, and what the browser brings back."""

import re
from typing import Any

import pytest

from connectapp.sandbox.platforms import Platform
from tests.unit.sandbox.conftest import RIVERSIDE
from tests.unit.sandbox.declaring import BACK, CHALLENGE, STATE, Player, in_live, in_test, playing

PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


def refused(player: Player, **changes: Any) -> str:
    """The error of both the page and its form, neither of which sends the browser anywhere."""
    url = player.asking(**changes)
    answer = player.sandbox.http.request("GET", url, redirect=False)
    again = player.sandbox.http.request(
        "POST", url.partition("?")[0], fields={"asked": url.partition("?")[2], "action": "approve"}, redirect=False,
        encode_multipart=False,
    )  # fmt: skip
    assert (answer.status, again.status) == (400, 400)
    assert "Location" not in answer.headers
    assert "Location" not in again.headers
    return str(answer.json()["error"])


def test_approve_and_deny() -> None:
    with playing() as player:
        back = player.back()
        assert (back["state"], sorted(back)) == (STATE, ["code", "state"])
        denied = player.back(action="deny")
        assert (denied["error"], denied["state"]) == ("access_denied", STATE)
        assert "code" not in denied
        assert player.sandbox.press(player.asking(), "bounce").status == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"client_id": None}, "invalid_request"),
        ({"client_id": "ca_sandbox"}, "invalid_client"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": f"{BACK}/"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "pay write"}, "invalid_scope"),
        ({"scope": "pay,read"}, "invalid_scope"),
        ({"state": None}, "invalid_request"),
        ({"state": ["a", "b"]}, "invalid_request"),
    ],
)
def test_a_wrong_request_goes_nowhere(changes: dict[str, Any], error: str) -> None:
    with playing() as player:
        assert refused(player, **changes) == error


def test_names_parameters_and_scopes_of_its_own() -> None:
    authorize = {
        "url": "https://plain.example/authorize?flow=static",
        "sends": ["client_id", "redirect_uri", "scope"],
        "rename": {"client_id": "appKey", "state": "tracking_id"},
        "params": {"session": False, "methods[]": ["card", "bank"]},
        "options": {"landing": ["login", "signup"]},
        "state_length": [8, 50],
    }
    scopes = {"presets": {"charge": ["pay", "read"]}, "always": ["offline"], "array": True}
    right: dict[str, Any] = {
        "flow": "static", "session": "false", "methods[]": ["card", "bank"], "scope[]": ["pay", "offline"],
        "appKey": "ca_plain", "tracking_id": STATE,
        "client_id": None, "state": None, "scope": None, "response_type": None,
    }  # fmt: skip
    with playing(authorize=authorize, scopes=scopes) as player:
        assert player.back(player.asking(**right))["tracking_id"] == STATE
        assert player.back(player.asking(**right, landing="signup"))["tracking_id"] == STATE
        for wrong in (
            {"flow": None}, {"session": "true"}, {"session": None}, {"methods[]": ["card"]}, {"landing": "shop"},
            {"scope[]": ["pay"]}, {"scope[]": ["pay", "offline", "x"]}, {"scope[]": None, "scope": "pay offline"},
            {"client_id": "ca_plain"}, {"state": STATE}, {"response_type": "code"}, {"tracking_id": "short"},
            {"tracking_id": "s" * 51},
        ):  # fmt: skip
            assert refused(player, **right | wrong) in {"invalid_request", "invalid_scope"}, wrong


def test_a_scope_that_is_set_at_the_provider_is_not_sent() -> None:
    with playing(scopes={"presets": {}}, authorize={"sends": ["client_id"]}) as player:
        quiet: dict[str, Any] = {"scope": None, "response_type": None, "redirect_uri": None}
        assert "code" in player.back(player.asking(**quiet))
        assert refused(player, **quiet | {"scope": "pay"}) == "invalid_request"
        assert refused(player, **quiet | {"redirect_uri": BACK}) == "invalid_request"


def test_without_a_registered_address_nobody_is_sent_back() -> None:
    unregistered = Platform("ca_plain", "secret_plain", provider="plain")
    with playing(authorize={"sends": ["client_id"]}, platforms=[unregistered]) as player:
        assert refused(player, scope=None, response_type=None, redirect_uri=None) == "invalid_request"


@pytest.mark.parametrize("separator", [",", "|", "+"])
def test_scopes_with_other_separators(separator: str) -> None:
    with playing(scopes={"presets": {"charge": ["pay", "read"]}, "separator": separator}) as player:
        assert "code" in player.back(player.asking(scope=separator.join(["pay", "read"])))
        assert refused(player, scope="pay read") == "invalid_scope"


@pytest.mark.parametrize("pkce", ["required", "optional", "none"])
def test_pkce(pkce: str) -> None:
    with playing(pkce=pkce) as player:
        assert "code" in player.back(player.asking(**PKCE))
        wrong: list[dict[str, Any]] = [
            {"code_challenge_method": "plain"},
            {"code_challenge_method": None},
            {"code_challenge": "short"},
        ]
        for changes in wrong:
            if pkce == "none":
                assert "code" in player.back(player.asking(**PKCE | changes))
            else:
                assert refused(player, **PKCE | changes) == "invalid_request"
        if pkce == "required":
            assert refused(player) == "invalid_request"
        else:
            assert "code" in player.back()


def test_the_callback_has_its_own_names() -> None:
    callback = {"code": "authCode", "account": "merchantId", "denied": "user_denied", "issuer": "https://plain.example"}
    with playing(callback=callback) as player:
        back = player.back()
        assert (sorted(back), back["iss"]) == (["authCode", "iss", "merchantId", "state"], "https://plain.example")
        assert re.fullmatch("org_[A-Za-z0-9]{8}", back["merchantId"])
        assert player.back()["merchantId"] == back["merchantId"]
        assert player.sandbox.ledger()["codes"][0]["external_id"] == back["merchantId"]
        denied = player.back(action="deny")
        assert (denied["error"], denied["iss"]) == ("user_denied", "https://plain.example")


def test_the_page_says_who_asks_and_what_is_known() -> None:
    prefill = {"email": "user[email]", "business_name": "user[name]", "country": "user[country]"}
    with playing(authorize={"prefill": prefill}) as player:
        url = player.asking(**{"user[email]": "o@example.test", "user[name]": "Open <Air>", "user[country]": "NO"})
        page = player.sandbox.http.request("GET", url).data.decode()
        assert "Plain Payments" in page
        assert 'value="o@example.test"' in page
        assert "Open &lt;Air&gt;" in page
        assert '<option value="NO" selected>' in page
        assert RIVERSIDE in page
        assert re.search(r"org_[A-Za-z0-9]{8}", page)
        mended = player.sandbox.press(url, "approve", account="new", business_name="")
        assert (mended.status, "needs a business name" in mended.data.decode()) == (400, True)
        assert "code" in player.back(url, account="new")


@pytest.mark.parametrize(("place", "mode"), [("eu", "live"), ("test", "test")])
def test_both_modes_and_all_variables_have_their_hosts(place: str, mode: str) -> None:
    parts: dict[str, Any] = {
        "modes": {"by": "host", "test": {"site": "test"}},
        "variables": {"region": {"title": "Region", "values": {"us": {"site": "us"}, "eu": {"site": "eu"}}}},
        "authorize": {"url": "https://{site}.plain.example/authorize"},
    }
    client = "ca_live" if mode == "live" else "ca_plain"
    with playing(platforms=[in_test(), in_live()], **parts) as player:
        address = f"https://{place}.plain.example/authorize"
        assert "code" in player.back(player.asking(address, client_id=client))
        other = "ca_plain" if mode == "live" else "ca_live"
        assert refused(player, address=address, client_id=other) == "invalid_request"
        nowhere = player.asking("https://asia.plain.example/authorize", client_id=client)
        assert player.sandbox.http.request("GET", nowhere).status == 404


def test_a_variable_with_a_pattern_is_recognized_in_hosts_and_paths() -> None:
    parts: dict[str, Any] = {
        "variables": {"shop": {"title": "Shop", "pattern": "^[a-z0-9-]{1,20}$"}},
        "authorize": {"url": "https://{shop}.plain.example/{shop}/authorize", "params": {"of": "{shop}"}},
    }
    with playing(**parts) as player:
        address = "https://my-shop.plain.example/my-shop/authorize"
        assert "code" in player.back(player.asking(address, of="my-shop"))
        assert refused(player, address=address, of="another") == "invalid_request"
        for nowhere in ("https://my-shop.plain.example/another/authorize", "https://My_Shop.plain.example/x/authorize"):
            assert player.sandbox.http.request("GET", player.asking(nowhere)).status == 404
