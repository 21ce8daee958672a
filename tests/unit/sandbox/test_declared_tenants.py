"""Declared providers with a host for each tenant, that sign what they send back, and that want parameters pushed."""

import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.unit.sandbox.conftest import RIVERSIDE
from tests.unit.sandbox.declaring import BACK, POST_AUTH, STATE, Player, basic, bearer, playing, without

TENANTS: dict[str, Any] = {
    "variables": {
        "site": {"title": "Site", "asked_of": "organizer", "pattern": "^[a-z]{1,20}$", "example": "north"},
    },
    "authorize": {"url": "https://{site}.plain.example/authorize"},
    "token": {"url": "https://{site}.plain.example/token"},
    "identify": {
        "url": "https://{site}.plain.example/me",
        "tenant": {"path": "site.host", "equals": "{site}.plain.example"},
    },
    "revoke": {"url": "https://{site}.plain.example/revoke"},
    "callback": {"tenant": {"from": "{site}.plain.example"}},
}
NORTH, SOUTH = "https://north.plain.example", "https://south.plain.example"


def code_at(player: Player, site: str = NORTH) -> str:
    return player.back(player.asking(f"{site}/authorize"))["code"]


def redeemed(player: Player, code: str, site: str = NORTH) -> tuple[int, Any]:
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, **POST_AUTH}
    return player.ask("POST", f"{site}/token", fields=fields)


def test_each_tenant_answers_in_its_own_name() -> None:
    with playing(**TENANTS) as player:
        for site in (NORTH, SOUTH):
            host = site.removeprefix("https://")
            back = player.back(player.asking(f"{site}/authorize"))
            assert back["from"] == host
            status, answer = redeemed(player, back["code"], site)
            assert status == 200
            status, account = player.ask("GET", f"{site}/me", headers=bearer(answer["access_token"]))
            assert (status, account["site"]["host"]) == (200, host)
        assert [grant["tenant"] for grant in player.grants()] == [{"site": "north"}, {"site": "south"}]
        denied = player.back(player.asking(f"{NORTH}/authorize"), "deny")
        assert denied["from"] == "north.plain.example"


@pytest.mark.parametrize("host", ["plain.example", "n0rth.plain.example", "a.north.plain.example", "north.plain.test"])
def test_there_is_nobody_else(host: str) -> None:
    with playing(**TENANTS) as player:
        assert player.ask("GET", f"https://{host}/me")[0] == 404


def test_nothing_of_one_tenant_works_at_another() -> None:
    with playing(**TENANTS) as player:
        code = code_at(player)
        assert redeemed(player, code, SOUTH)[1]["error"] == "invalid_grant"
        status, answer = redeemed(player, code)
        assert status == 200
        token = answer["access_token"]
        assert player.ask("GET", f"{SOUTH}/me", headers=bearer(token))[0] == 401
        fields = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"], **POST_AUTH}
        assert player.ask("POST", f"{SOUTH}/token", fields=fields)[0] == 400
        player.ask("POST", f"{SOUTH}/revoke", fields={"token": token, **POST_AUTH})
        assert player.ask("GET", f"{NORTH}/me", headers=bearer(token))[0] == 200
        player.ask("POST", f"{NORTH}/revoke", fields={"token": token, **POST_AUTH})
        assert player.ask("GET", f"{NORTH}/me", headers=bearer(token))[0] == 401


@pytest.mark.parametrize(
    ("declared", "algorithm"),
    [({"algorithm": "hmac-sha256"}, hashlib.sha256), ({"algorithm": "hmac-sha1"}, hashlib.sha1)],
)
def test_what_comes_back_is_signed(declared: dict[str, str], algorithm: Any) -> None:
    signature = {"parameter": "mac", "timestamp": "at", "tolerance": 60, **declared}
    with playing(callback={"signature": signature}) as player:
        for action in ("approve", "deny"):
            back = player.back(action=action)
            assert back["at"] == "1800000000"
            signed = "&".join(f"{name}={back[name]}" for name in sorted(back) if name != "mac")
            assert f"state={STATE}" in signed
            assert back["mac"] == hmac.new(b"secret_plain", signed.encode(), algorithm).hexdigest()


def test_the_headers_of_a_message_tell_its_type() -> None:
    webhook = {
        "header": "X-Sign",
        "algorithm": "hmac-sha256",
        "type_header": "X-Topic",
        "id_header": "X-Id",
        "disconnected": ["app/gone"],
    }
    with playing(webhook=webhook) as player:
        told = {"provider": "plain", "account": RIVERSIDE, "url": "https://app.test/hook", "secret": "s"}
        made = player.sandbox._control("POST", "webhooks", told)
        other = player.sandbox._control("POST", "webhooks", told | {"type": "paid"})
    assert (made["headers"]["X-Topic"], other["headers"]["X-Topic"]) == ("app/gone", "paid")
    assert made["headers"]["X-Id"] != other["headers"]["X-Id"]


# RFC 9126

PUSHED = {"pushed": {"url": "https://plain.example/par", "auth": "client_secret_basic"}}
ASKED = {"response_type": "code", "client_id": "ca_plain", "redirect_uri": BACK, "scope": "pay read", "state": STATE}


def pushing(player: Player, fields: dict[str, str] = ASKED, **headers: str) -> tuple[int, Any]:
    return player.ask(
        "POST", "https://plain.example/par", fields=fields, headers=headers or basic("ca_plain", "secret_plain")
    )


def opening(player: Player, request_uri: str, **more: str) -> str:
    asked = {"client_id": "ca_plain", "request_uri": request_uri, **more}
    return f"{player.url('https://plain.example/authorize')}?{urlencode(asked)}"


def test_a_reference_stands_for_what_was_pushed() -> None:
    with playing(**PUSHED) as player:
        status, answer = pushing(player)
        assert (status, answer["expires_in"]) == (201, 60)
        back = player.back(opening(player, answer["request_uri"]))
        assert back["state"] == STATE
        assert player.redeem(back["code"])[0] == 200


@pytest.mark.parametrize(
    ("fields", "headers", "status", "error"),
    [
        (ASKED, {"X": "y"}, 401, "invalid_client"),
        (ASKED, basic("ca_plain", "wrong"), 401, "invalid_client"),
        (ASKED | {"client_id": "ca_other"}, {}, 401, "invalid_client"),
        (ASKED | {"request_uri": "urn:x"}, {}, 400, "invalid_request"),
        (ASKED | {"redirect_uri": "https://evil.example/"}, {}, 400, "invalid_request"),
        (ASKED | {"scope": "all"}, {}, 400, "invalid_scope"),
        (without(ASKED, "state"), {}, 400, "invalid_request"),
    ],
)
def test_what_is_wrong_is_not_taken(fields: Any, headers: Any, status: int, error: str) -> None:
    with playing(**PUSHED) as player:
        found, answer = pushing(player, fields, **headers)
        assert (found, answer["error"]) == (status, error)
        assert player.sandbox.ledger()["pushed"] == []


def test_a_reference_is_good_once_and_for_a_minute() -> None:
    with playing(**PUSHED) as player:
        (_, first), (_, second) = pushing(player), pushing(player)
        url = opening(player, first["request_uri"])
        page = player.sandbox.http.request("GET", url)
        assert page.status == 200
        assert player.sandbox.http.request("GET", url).status == 400
        player.clock.now += 60
        late = player.sandbox.http.request("GET", opening(player, second["request_uri"]))
        assert (late.status, late.json()["error"]) == (400, "invalid_request_uri")
        # Who is on the page already may take their time, and decides once.
        form = {"asked": urlsplit(url).query, "action": "approve", "account": RIVERSIDE}
        answers = [
            player.sandbox.http.request(
                "POST", url.partition("?")[0], fields=form, encode_multipart=False, redirect=False
            )
            for _ in range(2)
        ]
        assert [one.status for one in answers] == [303, 400]
        assert parse_qs(urlsplit(answers[0].headers["Location"]).query)["state"] == [STATE]


def test_a_browser_brings_a_reference_and_nothing_else() -> None:
    with playing(**PUSHED) as player:
        _, answer = pushing(player)
        for url in (player.asking(), opening(player, answer["request_uri"], scope="pay"), opening(player, "urn:x")):
            assert player.sandbox.http.request("GET", url).status == 400
        form = {"asked": urlsplit(opening(player, answer["request_uri"])).query, "action": "approve"}
        url = player.url("https://plain.example/authorize")  # without having been on the page
        assert player.sandbox.http.request("POST", url, fields=form, encode_multipart=False).status == 400


def test_time_can_be_let_pass() -> None:
    with playing(**PUSHED) as player:
        _, answer = pushing(player)
        code = player.back(opening(player, pushing(player)[1]["request_uri"]))["code"]
        player.sandbox.expire()
        assert player.sandbox.http.request("GET", opening(player, answer["request_uri"])).status == 400
        assert player.redeem(code)[1]["error"] == "invalid_grant"
