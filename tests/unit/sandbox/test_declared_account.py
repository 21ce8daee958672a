"""Look-ups and revocations at declared providers: in whose name, what is told, and what ends."""

from typing import Any

import pytest

from tests.unit.sandbox.conftest import NORTHERN, RIVERSIDE
from tests.unit.sandbox.declaring import POST_AUTH, Player, basic, bearer, in_live, in_test, playing

ME, REVOKE = "https://plain.example/me", "https://plain.example/revoke"
PLATFORM_KEY = {"Authorization": "Bearer {client_secret}", "Plain-Account": "{account}"}


def linked(player: Player, account: str = RIVERSIDE) -> tuple[str, str, str]:
    """The access token, the refresh token and the provider's id of a new grant."""
    player.redeem(player.back(account=account)["code"])
    grant = player.grants()[-1]
    return grant["access_token"], grant["refresh_token"], grant["external_id"]


def test_the_account_of_the_token_everything_at_its_place() -> None:
    identify = {
        "id": ["merchant.id", "id"], "name": ["merchant.names.0", "email"], "country": "merchant.country",
        "currency": "currency", "charges": {"path": "status", "equals": "active"},
    }  # fmt: skip
    with playing(identify=identify) as player:
        token, _, external_id = linked(player)
        assert player.me(token) == (200, {
            "merchant": {"id": external_id, "names": ["Riverside Concerts"], "country": "GB"},
            "currency": "gbp", "status": "active",
        })  # fmt: skip
        blocked = player.me(linked(player, NORTHERN)[0])[1]
        assert (blocked["status"], blocked["currency"]) == ("not_active", "nok")
        assert [player.me(other)[0] for other in ("", "x", "sk_test_sandbox")] == [401, 401, 401]
        assert player.ask("GET", ME)[0] == 401
        assert player.ask("GET", ME, headers=basic(token))[0] == 401
        assert player.ask("POST", ME)[0] == 405


def test_the_token_of_another_provider_or_mode_is_no_good() -> None:
    parts: dict[str, Any] = {
        "modes": {"by": "api_parameter", "test": {"testmode": True}},
        "use": {"headers": {"Plain-Token": "{access_token}"}, "params": {"testmode": "{testmode}"}},
    }
    with playing(platforms=[in_test(), in_live()], **parts) as player:
        token, *_ = linked(player)

        def asked(token: str, query: dict[str, str], header: str = "Plain-Token") -> int:
            return player.ask("GET", ME, headers={header: token}, query=query)[0]

        assert asked(token, {"testmode": "true"}) == 200
        assert asked(token, {}) == 401
        assert asked(token, {"testmode": "false"}) == 400
        assert asked(token, {"testmode": "true"}, "Authorization") == 401
        stripe = player.sandbox.code(RIVERSIDE)
        form = {"grant_type": "authorization_code", "code": stripe}
        answer = player.ask(
            "POST", "https://connect.stripe.com/oauth/token", fields=form, headers=bearer("sk_test_sandbox")
        )
        assert asked(answer[1]["access_token"], {"testmode": "true"}) == 401


def test_with_the_platforms_key() -> None:
    with playing(use={"platform": PLATFORM_KEY}) as player:
        token, _, external_id = linked(player)
        assert player.me(token)[1]["id"] == external_id

        def asked(key: str, account: str) -> int:
            headers = {**bearer(key), "Plain-Account": account}
            return player.ask("GET", ME, headers=headers)[0]

        assert [asked("secret_plain", external_id), asked("secret_plain", "org_00000000")] == [200, 403]
        assert [asked("wrong", external_id), asked(token, external_id)] == [401, 200]
        player.sandbox.reset()
        assert asked("secret_plain", external_id) == 403


def test_the_account_is_named_in_the_address_and_asked_for_as_the_client() -> None:
    identify = {
        "url": "https://api.plain.example/v1/accounts/{account}", "method": "POST", "body": "json",
        "auth": "client_secret_basic", "params": {"query": "{ me { id } }"},
    }  # fmt: skip
    with playing(identify=identify) as player:
        *_, external_id = linked(player)

        def asked(account: str, password: str = "secret_plain", **body: str) -> int:
            address = f"https://api.plain.example/v1/accounts/{account}"
            return player.ask("POST", address, json=body, headers=basic("ca_plain", password))[0]

        query = "{ me { id } }"
        assert asked(external_id, query=query) == 200
        assert asked(external_id, query="{ you }") == 400
        assert asked("org_00000000", query=query) == 403
        assert asked(external_id, "wrong", query=query) == 401


def test_an_account_in_the_address_must_be_that_of_the_token() -> None:
    with playing(identify={"url": "https://plain.example/accounts/{account}"}) as player:
        token, _, external_id = linked(player)
        addresses = [f"https://plain.example/accounts/{one}" for one in (external_id, "org_00000000")]
        assert [player.ask("GET", one, headers=bearer(token))[0] for one in addresses] == [200, 403]


def test_choices_are_the_accounts_of_one_address() -> None:
    choices = {"list": "_embedded.profiles", "id": "id", "name": "name"}
    with playing(identify={"id": "_embedded.profiles.0.id", "name": (), "choices": choices}) as player:
        ours = {"email": "box@riverside.example", "business_name": "Riverside Two", "country": "GB"}
        player.sandbox.account(**ours, id="acct_two")
        token, _, external_id = linked(player)
        profiles = player.me(token)[1]["_embedded"]["profiles"]
        assert [one["name"] for one in profiles] == ["Riverside Concerts", "Riverside Two"]
        assert profiles[0]["id"] == external_id
        assert len(player.me(linked(player, NORTHERN)[0])[1]["_embedded"]["profiles"]) == 1


def test_the_answer_itself_may_be_the_list() -> None:
    choices = {"list": "", "id": "org.id", "name": "org.name"}
    with playing(identify={"id": "0.org.id", "name": "0.org.name", "choices": choices}) as player:
        player.sandbox.account(
            email="box@riverside.example", business_name="Riverside Two", id="acct_two", country="GB"
        )
        token, _, external_id = linked(player)
        organisations = [one["org"] for one in player.me(token)[1]]
        assert [one["name"] for one in organisations] == ["Riverside Concerts", "Riverside Two"]
        assert organisations[0]["id"] == external_id != organisations[1]["id"]


@pytest.mark.parametrize("address", [ME, "https://plain.example/ready"])
def test_readiness_with_an_address_of_its_own_or_not(address: str) -> None:
    ready = [{"path": "can.pay"}, {"path": "state", "equals": "ok"}, {"path": "level", "equals": 3}]
    with playing(readiness={"url": address, "ready": ready}) as player:
        for account, told in ((RIVERSIDE, (True, "ok", 3)), (NORTHERN, (False, "not_ok", 4))):
            token, _, external_id = linked(player, account)
            found = player.ask("GET", address, headers=bearer(token))[1]
            assert (found["can"]["pay"], found["state"], found["level"]) == told
            assert (found.get("id") == external_id) == (address == ME)
        assert player.ask("GET", address, headers=bearer("x"))[0] == 401


def test_readiness_at_the_same_address_may_be_asked_for_in_another_way() -> None:
    readiness = {"url": ME, "auth": "bearer_secret", "params": {"id": "{account}"}, "ready": [{"path": "ok"}]}
    with playing(readiness=readiness) as player:
        _, _, external_id = linked(player)
        headers = bearer("secret_plain")
        assert player.ask("GET", ME, headers=headers, query={"id": external_id})[1]["ok"] is True
        assert player.ask("GET", ME, headers=headers, query={"id": "org_00000000"})[0] == 401


def test_a_token_is_taken_back() -> None:
    with playing() as player:
        token, refresh, _ = linked(player)
        assert player.ask("POST", REVOKE, fields={"token": token})[0] == 401
        assert player.ask("POST", REVOKE, fields=POST_AUTH)[1]["error"] == "invalid_request"
        assert player.ask("POST", REVOKE, fields={"token": token, **POST_AUTH}) == (200, {})
        assert (player.reasons(), player.me(token)[0]) == (["revoked"], 401)
        assert player.refresh(refresh)[1]["error"] == "invalid_grant"
        # RFC 7009 section 2.2: what is unknown or gone is a success.
        for gone in (token, "x"):
            assert player.ask("POST", REVOKE, fields={"token": gone, **POST_AUTH})[0] == 200
        assert len(player.sandbox.ledger()["revocations"]) == 1


def test_nobody_takes_back_what_is_anothers() -> None:
    with playing(platforms=[in_test(), in_live()]) as player:
        token, *_ = linked(player)
        other = {"client_id": "ca_live", "client_secret": "secret_live"}
        assert player.ask("POST", REVOKE, fields={"token": token, **other})[0] == 200
        assert player.reasons() == [None]


def test_by_account_with_a_scheme_of_its_own() -> None:
    revoke = {
        "auth": "nothing", "body": "json", "headers": {"Authorization": "Client {client_secret}"},
        "params": {"client_id": "{client_id}", "merchant_id": "{account}", "only": False},
        "success": {"path": "revoked.id", "equals": "{account}"}, "statuses": [201, 200], "gone": ["already_gone"],
    }  # fmt: skip
    with playing(revoke=revoke) as player:
        first, _, external_id = linked(player)
        linked(player)
        northern = linked(player, NORTHERN)[0]
        right = {"client_id": "ca_plain", "merchant_id": external_id, "only": False}

        def asked(secret: str = "Client secret_plain", **fields: Any) -> tuple[int, Any]:
            return player.ask("POST", REVOKE, json={**right, **fields}, headers={"Authorization": secret})

        assert [asked("Bearer secret_plain")[0], asked("Client wrong")[0], asked(client_id="x")[0]] == [401] * 3
        assert asked(only=True)[0] == 400
        assert asked() == (201, {"revoked": {"id": external_id}})
        assert (player.reasons(), player.me(first)[0]) == (["revoked", "revoked", None], 401)
        assert player.me(northern)[0] == 200
        for gone in (external_id, "org_00000000"):
            status, answer = asked(merchant_id=gone)
            assert (status, answer["error"]) == (400, "already_gone")


def test_delete_in_the_accounts_own_name() -> None:
    revoke = {"method": "DELETE", "auth": "account", "params": {}, "statuses": [204], "url": f"{REVOKE}/self"}
    with playing(revoke=revoke) as player:
        token, *_ = linked(player)
        address = f"{REVOKE}/self"
        assert player.ask("DELETE", address)[0] == 401
        assert player.ask("DELETE", address, headers=bearer(token)) == (204, None)
        assert player.reasons() == ["revoked"]
        assert player.ask("DELETE", address, headers=bearer(token))[0] == 401


def test_the_token_endpoint_takes_back_with_another_method() -> None:
    revoke = {"method": "DELETE", "url": "https://plain.example/token", "params": {"token": "{refresh_token}"}}
    with playing(revoke=revoke) as player:
        _, refresh, _ = linked(player)
        player.sandbox.fault(endpoint="plain.revoke", status=503)
        fields = {"token": refresh, **POST_AUTH}
        answers = [player.ask("DELETE", "https://plain.example/token", fields=fields)[0] for _ in range(2)]
        assert (answers, player.reasons()) == ([503, 200], ["revoked"])


def test_what_cannot_be_taken_back_has_no_address() -> None:
    with playing(revoke="impossible") as player:
        assert player.ask("POST", REVOKE, fields=POST_AUTH)[0] == 404
