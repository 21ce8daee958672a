"""The token endpoint of declared providers: who may redeem what, how it is written down, and what comes of it."""

import time
from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from connectapp.sandbox.platforms import Platform
from tests.unit.sandbox.declaring import (
    BACK,
    CHALLENGE,
    POST_AUTH,
    VERIFIER,
    Player,
    basic,
    bearer,
    in_live,
    in_test,
    playing,
    without,
)  # fmt: skip

TOKEN = "https://plain.example/token"
GRANT = {"grant_type": "authorization_code", "redirect_uri": BACK}
SECRET = {"client_secret": "secret_plain"}
CLIENT = {"client_id": "ca_plain"}
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def redeem(player: Player, fields: Mapping[str, Any], **request: Any) -> tuple[int, Any]:
    return player.ask("POST", TOKEN, fields={**GRANT, "code": player.code(), **fields}, **request)


# Style, what proves it, what does not.
STYLES: list[tuple[str, tuple[dict[str, str], dict[str, str]], list[tuple[dict[str, str], dict[str, str]]]]] = [
    ("client_secret_basic", ({}, basic("ca_plain", "secret_plain")), [
        ({}, {}), (POST_AUTH, {}), ({}, basic("ca_plain", "wrong")), ({}, basic("secret_plain")),
        ({}, bearer("secret_plain")), (SECRET, basic("ca_plain", "secret_plain")),
        ({"client_id": "ca_other"}, basic("ca_plain", "secret_plain")), ({}, {"Authorization": "Basic !"}),
    ]),
    ("plain_basic", ({}, basic("ca_plain", "secret_plain")), [
        ({}, {}), (POST_AUTH, {}), ({}, basic("ca_plain", "wrong")), ({}, basic("ca%5Fplain", "secret_plain")),
        ({}, basic("ca_plain", "secret%5Fplain")), ({}, bearer("secret_plain")),
    ]),
    ("client_secret_post", (POST_AUTH, {}), [
        ({}, {}), (CLIENT, {}), ({**CLIENT, "client_secret": "wrong"}, {}), ({}, basic("ca_plain", "secret_plain")),
        (POST_AUTH, basic("ca_plain", "secret_plain")),
    ]),
    ("secret_as_user", ({}, basic("secret_plain")), [
        ({}, {}), (POST_AUTH, {}), ({}, basic("ca_plain", "secret_plain")), ({}, basic("wrong")),
    ]),
    ("bearer_secret", ({}, bearer("secret_plain")), [
        ({}, {}), (POST_AUTH, {}), ({}, bearer("wrong")), ({}, basic("secret_plain")),
    ]),
    ("none", (CLIENT, {}), [({}, {}), ({"client_id": "ca_x"}, {}), (POST_AUTH, {}), (CLIENT, bearer("secret_plain"))]),
]  # fmt: skip


@pytest.mark.parametrize(("style", "right", "wrong"), STYLES, ids=[style for style, _, _ in STYLES])
def test_the_client_proves_itself_as_declared_and_not_otherwise(style: str, right: Any, wrong: Any) -> None:
    with playing(token={"auth": style}) as player:
        for fields, headers in wrong:
            status, answer = redeem(player, fields, headers=headers)
            assert (status, answer["error"]) == (401, "invalid_client"), (fields, headers)
        fields, headers = right
        status, answer = redeem(player, fields, headers=headers)
        assert (status, answer["token_type"], answer["scope"]) == (200, "Bearer", "pay read")


def test_the_client_proves_itself_with_headers_of_its_own() -> None:
    token = {"auth": "nothing", "headers": {"X_CLIENT_ID": "{client_id}", "X_CLIENT_SECRET": "Secret {client_secret}"}}
    right = {"X_CLIENT_ID": "ca_plain", "X_CLIENT_SECRET": "Secret secret_plain"}
    with playing(token=token) as player:
        assert redeem(player, {}, headers=right)[0] == 200
        for wrong in (
            {}, without(right, "X_CLIENT_ID"), {**right, "X_CLIENT_ID": "ca_x"}, {**right, **bearer("secret_plain")},
            {**right, "X_CLIENT_SECRET": "Secret x"}, {**right, "X_CLIENT_SECRET": "secret_plain"},
        ):  # fmt: skip
            assert redeem(player, {}, headers=wrong)[0] == 401, wrong


def test_the_client_proves_itself_with_an_assertion() -> None:
    key, other = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
    pem = key.as_pem(private=True).decode()
    platforms = [Platform("ca_plain", pem, redirect_uris=(BACK,), provider="plain")]
    claims = {"iss": "ca_plain", "sub": "ca_plain", "aud": TOKEN, "exp": 2_000_000_000, "jti": "1"}

    def assertion(signer: RSAKey = key, **changes: Any) -> dict[str, str]:
        signed = jwt.encode({"alg": "RS256"}, {**claims, **changes}, signer, algorithms=["RS256"])
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}

    with playing(token={"auth": "private_key_jwt"}, platforms=platforms) as player:
        assert redeem(player, assertion())[0] == 200
        assert redeem(player, assertion(aud=["https://x.example/", TOKEN]))[0] == 200
        for wrong in (
            {}, assertion(other), assertion(aud="https://plain.example/"), assertion(aud=None), assertion(sub="ca_x"),
            assertion(exp=int(time.time()) - 86400 * 3650), assertion(exp=None), {**assertion(), "client_secret": pem},
            {**assertion(), "client_assertion_type": "jwt"}, {**assertion(), "client_assertion": "x"},
        ):  # fmt: skip
            assert redeem(player, wrong)[0] == 401, wrong


@pytest.mark.parametrize("body", ["form", "json", "query"])
def test_the_body_is_encoded_as_declared_and_not_otherwise(body: str) -> None:
    with playing(token={"body": body, "params": {"audience": "api"}}) as player:

        def sent(how: str, **more: Any) -> tuple[int, Any]:
            fields = {**GRANT, **POST_AUTH, "audience": "api", "code": player.code(), **more}
            return player.ask("POST", TOKEN, **{{"form": "fields", "query": "query"}.get(how, "json"): fields})

        for other in {"form", "json", "query"} - {body}:
            status, answer = sent(other)
            assert status in {400, 401}, other
            assert answer["error"] in {"invalid_request", "invalid_client"}
        assert sent(body)[0] == 200
        assert sent(body, audience="other")[1]["error"] == "invalid_request"
        if body != "json":
            assert player.ask("POST", f"{TOKEN}?code=a&code=b")[0] == 400
        else:
            headers = {"Content-Type": "application/json"}
            for broken in (b"{", b"[]"):
                url = player.url(TOKEN)
                assert player.sandbox.http.request("POST", url, body=broken, headers=headers).status == 400


def test_json_has_types() -> None:
    parts: dict[str, Any] = {
        "modes": {"by": "token_field", "test": {"test_token": True}},
        "token": {"body": "json", "params": {"test_token": "{test_token}", "version": 2}},
    }
    with playing(platforms=[in_test(), in_live()], **parts) as player:

        def sent(client: str, **more: Any) -> int:
            secret = {"client_id": f"ca_{client}", "client_secret": f"secret_{client}"}
            code = player.code(client_id=f"ca_{client}")
            return player.ask("POST", TOKEN, json={**GRANT, **secret, "code": code, "version": 2, **more})[0]

        assert sent("plain", test_token=True) == 200
        assert sent("live") == 200
        assert sent("live", test_token=True) == 401
        assert sent("plain") == 401
        assert sent("plain", test_token="true") == 400
        assert sent("plain", test_token=True, version="2") == 400


def test_headers_that_are_always_sent() -> None:
    with playing(token={"headers": {"Plain-Version": "2026-01-01"}}) as player:
        for headers, status in (({"Plain-Version": "2026-01-01"}, 200), ({}, 400), ({"Plain-Version": "2025"}, 400)):
            assert redeem(player, POST_AUTH, headers=headers)[0] == status


@pytest.mark.parametrize("sends", [["code"], ["grant_type", "code"], ["grant_type", "code", "redirect_uri"]])
def test_standard_fields_are_sent_as_declared(sends: list[str]) -> None:
    with playing(token={"sends": sends}) as player:
        every = {**GRANT, **POST_AUTH}
        for name in ("grant_type", "code", "redirect_uri"):
            fields = {"code": player.code(), **{key: every[key] for key in every if key in {*sends, *POST_AUTH}}}
            wrong = without(fields, name) if name in sends else {**fields, name: every.get(name, "x")}
            status, answer = player.ask("POST", TOKEN, fields=wrong)
            assert (status, answer["error"]) == (400, "invalid_request")
            assert player.ask("POST", TOKEN, fields=fields)[0] == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"code": "ac_other"}, "invalid_grant"),
        ({"code": None}, "invalid_grant"),
        ({"redirect_uri": f"{BACK}/"}, "invalid_grant"),
        ({"code_verifier": VERIFIER}, "invalid_grant"),
    ],
)
def test_a_wrong_redemption_gives_nothing(changes: dict[str, Any], error: str) -> None:
    with playing(pkce="optional") as player:
        status, answer = player.redeem(**changes) if changes.get("code", "x") else player.redeem("another code")
        assert (status, answer["error"]) == (400, error)
        assert player.grants() == []


def test_the_verifier_must_fit() -> None:
    with playing(pkce="required") as player:
        asked = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        assert player.redeem(player.code(**asked), code_verifier=VERIFIER)[0] == 200
        for verifier in (None, "w" * 43):
            assert player.redeem(player.code(**asked), code_verifier=verifier)[1]["error"] == "invalid_grant"


def test_a_code_used_twice_ends_everything_and_an_old_one_nothing() -> None:
    with playing() as player:
        code = player.code()
        token = player.redeem(code)[1]["access_token"]
        assert player.me(token)[0] == 200
        assert player.redeem(code)[1]["error"] == "invalid_grant"
        assert (player.reasons(), player.me(token)[0]) == (["code_reused"], 401)
        (revocation,) = player.sandbox.ledger()["revocations"]
        assert (revocation["reason"], revocation["provider"], revocation["tokens"]) == ("code_reused", "plain", 1)
        late = player.code()
        player.clock.now += 301
        assert player.redeem(late)[1]["error"] == "invalid_grant"


def test_a_code_of_another_side_or_provider_is_refused() -> None:
    with playing(platforms=[in_test(), in_live()]) as player:
        assert player.redeem(player.code(client_id="ca_live"))[1]["error"] == "invalid_grant"
        assert player.redeem(player.sandbox.code("acct_1SandboxRiverside1"))[1]["error"] == "invalid_grant"


def test_the_answer_is_of_the_declared_shape() -> None:
    answer = {
        "access_token": "credentials.accessToken", "refresh_token": "credentials.tokens.0.value", "token_type": None,
        "scope": "credentials.scope", "scope_separator": ",", "account": "merchant.id", "publishable_key": "public",
        "mode": {"path": "live_mode"}, "expires": "credentials.expiresAt", "expiry": "iso",
    }  # fmt: skip
    with playing(token={"answer": answer}, platforms=[in_test(), in_live()]) as player:
        found = player.redeem()[1]
        (grant,) = player.grants()
        assert found == {
            "credentials": {
                "accessToken": grant["access_token"],
                "tokens": [{"value": grant["refresh_token"]}],
                "scope": "pay,read",
                "expiresAt": "2027-01-15T09:00:00Z",
            },
            "merchant": {"id": grant["external_id"]},
            "public": "pk_test_plain",
            "live_mode": False,
        }
        code = player.code(client_id="ca_live")
        assert player.redeem(code, client_id="ca_live", client_secret="secret_live")[1]["live_mode"] is True


@pytest.mark.parametrize(
    ("expiry", "value"),
    [("seconds", 3600), ("milliseconds", 3_600_000), ("iso", "2027-01-15T09:00:00Z"), ("epoch", 1_800_003_600)],
)
def test_expiry_is_told_in_its_style_and_kept(expiry: str, value: Any) -> None:
    with playing(token={"answer": {"expiry": expiry, "expires": "ends"}}) as player:
        answer = player.redeem()[1]
        assert answer["ends"] == value
        assert player.me(answer["access_token"])[0] == 200
        player.clock.now += 3600
        assert player.me(answer["access_token"])[0] == 401


def test_what_never_expires_says_nothing_of_it() -> None:
    with playing(token={"answer": {"expiry": "never"}}, refresh={"rule": "never"}) as player:
        answer = player.redeem()[1]
        assert sorted(answer) == ["access_token", "scope", "token_type"]
        player.clock.now += 10**9
        assert player.me(answer["access_token"])[0] == 200


def test_a_lifetime_that_is_declared_is_kept_and_not_told() -> None:
    with playing(token={"answer": {"lifetime": 60}}) as player:
        answer = player.redeem()[1]
        assert "expires_in" not in answer
        assert player.me(answer["access_token"])[0] == 200
        player.clock.now += 60
        assert player.me(answer["access_token"])[0] == 401


def test_whoever_refreshes_days_ahead_has_days() -> None:
    with playing(refresh={"days_ahead": 7}) as player:
        assert player.redeem()[1]["expires_in"] == 14 * 86400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("errors.0.code", {"errors": [{"code": "invalid_grant", "description": "the code does not exist"}]}),
        ("error.code", {"error": {"code": "invalid_grant", "description": "the code does not exist"}}),
        ("error_code", {"error_code": "invalid_grant", "description": "the code does not exist"}),
    ],
)
def test_errors_are_told_as_declared(path: str, body: Any) -> None:
    with playing(errors={"code": [path, "message"]}) as player:
        assert player.redeem("ac_other") == (400, body)


def test_faults_have_the_name_of_the_provider() -> None:
    with playing() as player:
        player.sandbox.fault(endpoint="plain.token", status=503)
        assert player.redeem()[0] == 503
        assert player.redeem()[0] == 200
        player.sandbox.fault(endpoint="stripe.revoke", status=500)
        assert player.ask("POST", "https://connect.stripe.com/oauth/deauthorize")[0] == 500
