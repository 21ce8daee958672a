"""The further secrets of a platform: a request that its declaration gives one is refused without the right one."""

from typing import Any

import pytest

from connectapp.sandbox.declared import default_platform
from connectapp.sandbox.platforms import Platform
from tests.unit.sandbox.declaring import BACK, POST_AUTH, Player, declaration, playing

DESK, TITLE = {"Desk-Key": "{desk_key}"}, {"desk_key": {"title": "the key of the desk"}}
KEY = {"Desk-Key": "key_plain"}
WRONG: list[dict[str, str]] = [{}, {"Desk-Key": ""}, {"Desk-Key": "another"}, {"Desk-Key": "key_of_another"}]
PLATFORMS = [
    Platform("ca_plain", "secret_plain", redirect_uris=(BACK,), provider="plain", secrets={"desk_key": "key_plain"}),
    Platform("ca_other", "secret_other", provider="plain", secrets={"desk_key": "key_of_another"}),
]
CLIENT = {"X-Client": "{client_id}", "X-Secret": "{client_secret}"}
OURS = {"X-Client": "ca_plain", "X-Secret": "secret_plain"}


def redeem(player: Player, **headers: str) -> tuple[int, Any]:
    fields = {"grant_type": "authorization_code", "code": player.code(), "redirect_uri": BACK, **POST_AUTH}
    return player.ask("POST", "https://plain.example/token", fields=fields, headers=headers)


def revoked(player: Player, key: str | None) -> int:
    """The newest token is taken back with this key."""
    fields = {"token": player.grants()[-1]["access_token"], **POST_AUTH} | ({} if key is None else {"key": key})
    return player.ask("POST", "https://plain.example/revoke", fields=fields)[0]


def test_each_request_that_is_declared_to_have_it_needs_it() -> None:
    parts: dict[str, Any] = {
        "secrets": TITLE,
        "token": {"headers": DESK},
        "use": {"headers": {"Authorization": "Bearer {access_token}", **DESK}},
        "revoke": {"params": {"token": "{access_token}", "key": "{desk_key}"}},
    }
    with playing(platforms=PLATFORMS, **parts) as player:
        for wrong in WRONG:
            assert (redeem(player, **wrong)[0], player.grants()) == (401, [])
        granted = redeem(player, **KEY)[1]
        refreshing = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"], **POST_AUTH}
        bearer = {"Authorization": f"Bearer {granted['access_token']}"}

        def asked(headers: dict[str, str]) -> tuple[int, int]:
            looked_up = player.ask("GET", "https://plain.example/me", headers=bearer | headers)[0]
            return looked_up, player.ask("POST", "https://plain.example/token", fields=refreshing, headers=headers)[0]

        assert {asked(wrong) for wrong in WRONG} == {(401, 401)}
        for wrong in WRONG:
            assert revoked(player, wrong.get("Desk-Key")) == 401
        assert player.reasons() == [None]
        assert asked(KEY) == (200, 200)
        assert (revoked(player, "key_plain"), player.reasons()) == (200, ["refreshed", "revoked"])


def test_who_has_none_there_cannot_make_one_up() -> None:
    platform = Platform("ca_plain", "secret_plain", redirect_uris=(BACK,), provider="plain")
    with playing(platforms=[platform], secrets=TITLE, token={"headers": DESK}) as player:
        assert {redeem(player, **headers)[0] for headers in [*WRONG, KEY, {"Desk-Key": "None"}]} == {401}


@pytest.mark.parametrize(("headers", "status"), [(OURS | KEY, 200), (OURS, 401), (KEY, 401), (OURS | WRONG[3], 401)])
def test_it_is_no_proof_without_the_client(headers: dict[str, str], status: int) -> None:
    """As PagBank has it: three headers, and no authentication of OAuth's."""
    token = {"auth": "nothing", "headers": CLIENT | DESK}
    with playing(platforms=PLATFORMS, secrets=TITLE, token=token) as player:
        fields = {"grant_type": "authorization_code", "code": player.code(), "redirect_uri": BACK}
        assert player.ask("POST", "https://plain.example/token", fields=fields, headers=headers)[0] == status


def test_development_has_one_that_is_made_up() -> None:
    known = default_platform(declaration(secrets=TITLE, modes={"key_prefixes": {"live.": "live", "test.": "test"}}))
    assert known == Platform(
        "ca_sandbox_plain", "test.sandbox_plain", provider="plain", secrets={"desk_key": "desk_key_sandbox_plain"}
    )
    assert default_platform(declaration()) == Platform("ca_sandbox_plain", "sk_test_sandbox_plain", provider="plain")
    assert "desk_key_sandbox" not in repr(known)
