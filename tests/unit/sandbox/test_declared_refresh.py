"""Refreshing at declared providers: four rules, and an address, an authentication and an encoding of its own."""

from typing import Any

import pytest

from tests.unit.sandbox.declaring import BACK, CHALLENGE, POST_AUTH, VERIFIER, Player, playing


def tokens(player: Player) -> tuple[str, str]:
    answer = player.redeem()[1]
    return answer["access_token"], answer["refresh_token"]


def test_never() -> None:
    with playing(refresh={"rule": "never"}) as player:
        assert "refresh_token" not in player.redeem()[1]
        (grant,) = player.grants()
        assert player.refresh(grant["refresh_token"])[1]["error"] == "unsupported_grant_type"


def test_same() -> None:
    with playing(refresh={"rule": "same"}) as player:
        access, refresh = tokens(player)
        for _ in range(2):
            status, answer = player.refresh(refresh)
            assert (status, "refresh_token" in answer) == (200, False)
            assert answer["access_token"] != access
            assert (player.me(access)[0], player.me(answer["access_token"])[0]) == (401, 200)
            access = answer["access_token"]
        assert len({grant["external_id"] for grant in player.grants()}) == 1


def test_same_and_yet_told_where_it_is_required() -> None:
    with playing(token={"answer": {"required": ["access_token", "refresh_token", "scope"]}}) as player:
        _, refresh = tokens(player)
        assert player.refresh(refresh)[1]["refresh_token"] == refresh


@pytest.mark.parametrize("rule", ["rotating", "single_use"])
def test_another_one_comes_and_the_old_one_is_dead(rule: str) -> None:
    with playing(refresh={"rule": rule}) as player:
        _, first = tokens(player)
        answer = player.refresh(first)[1]
        assert answer["refresh_token"] != first
        assert player.refresh(answer["refresh_token"])[0] == 200
        last = player.grants()[-1]
        assert player.refresh(first)[1]["error"] == "invalid_grant"
        alive = player.me(last["access_token"])[0] == 200
        assert alive == (rule == "rotating")
        if rule == "single_use":
            assert player.reasons() == ["refreshed", "refreshed", "refresh_reused"]
            assert player.refresh(last["refresh_token"])[1]["error"] == "invalid_grant"


def test_a_revoked_or_unknown_token_is_refused_and_ends_nothing() -> None:
    with playing(refresh={"rule": "single_use"}) as player:
        access, refresh = tokens(player)
        assert player.refresh("rt_other")[1]["error"] == "invalid_grant"
        player.ask("POST", "https://plain.example/revoke", fields={"token": access, **POST_AUTH})
        assert player.refresh(refresh)[1]["error"] == "invalid_grant"
        assert player.reasons() == ["revoked"]


def test_an_expired_access_token_can_be_refreshed() -> None:
    with playing() as player:
        access, refresh = tokens(player)
        player.clock.now += 4000
        assert player.me(access)[0] == 401
        assert player.me(player.refresh(refresh)[1]["access_token"])[0] == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"refresh_token": ""}, "invalid_request"),
        ({"redirect_uri": BACK}, "invalid_request"),
        ({"client_secret": "wrong"}, "invalid_client"),
    ],
)
def test_a_wrong_request_gives_nothing(changes: dict[str, str], error: str) -> None:
    with playing() as player:
        _, refresh = tokens(player)
        assert player.refresh(refresh, **changes)[1]["error"] == error
        assert len(player.grants()) == 1


def test_the_redirect_uri_again() -> None:
    with playing(refresh={"sends": ["grant_type", "refresh_token", "redirect_uri"]}) as player:
        _, refresh = tokens(player)
        for changes in ({}, {"redirect_uri": f"{BACK}/"}):
            assert player.refresh(refresh, **changes)[1]["error"] == "invalid_request"
        assert player.refresh(refresh, redirect_uri=BACK)[0] == 200


def test_an_address_of_its_own() -> None:
    refresh: dict[str, Any] = {
        "rule": "single_use",
        "url": "https://plain.example/refresh",
        "auth": "none",
        "body": "json",
        "sends": ["refresh_token"],
        "headers": {"Plain-Version": "1"},
        "params": {"use_jwt": True},
    }
    with playing(refresh=refresh, pkce="optional") as player:
        code = player.code(code_challenge=CHALLENGE, code_challenge_method="S256")
        first = player.redeem(code, code_verifier=VERIFIER)[1]["refresh_token"]
        right = {"client_id": "ca_plain", "refresh_token": first, "use_jwt": True}

        def sent(headers: dict[str, str], **fields: Any) -> int:
            return player.ask("POST", "https://plain.example/refresh", json=fields, headers=headers)[0]

        version = {"Plain-Version": "1"}
        assert sent({}, **right) == 400
        assert sent(version, **right | {"use_jwt": "true"}) == 400
        assert sent(version, **right, grant_type="refresh_token") == 400
        assert sent(version, **right, client_secret="secret_plain") == 401
        assert player.ask("POST", "https://plain.example/refresh", fields=right, headers=version)[0] == 400
        assert player.refresh(first)[1]["error"] == "unsupported_grant_type"
        player.sandbox.fault(endpoint="plain.refresh", status=503)
        assert [sent(version, **right), sent(version, **right), sent(version, **right)] == [503, 200, 400]


def test_without_grant_types_one_address_tells_both_apart() -> None:
    parts: dict[str, Any] = {"token": {"sends": ["code"]}, "refresh": {"sends": ["refresh_token"]}}
    with playing(**parts) as player:
        token = "https://plain.example/token"
        answer = player.ask("POST", token, fields={"code": player.code(), **POST_AUTH})[1]
        again = {"refresh_token": answer["refresh_token"], **POST_AUTH}
        assert player.ask("POST", token, fields=again)[0] == 200
