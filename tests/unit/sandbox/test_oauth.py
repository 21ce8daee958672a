"""The token, deauthorize and account endpoints, where the SDK cannot reach (see tests/providers)."""

import base64

import pytest

from .conftest import KEY, NORTHERN, RIVERSIDE, Clock, Driver

TOKEN = "/connect.stripe.com/oauth/token"
DEAUTHORIZE = "/connect.stripe.com/oauth/deauthorize"
ACCOUNT = "/api.stripe.com/v1/account"


def basic(user: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:".encode()).decode()}


@pytest.mark.parametrize("how", ["bearer", "basic", "form"])
def test_the_secret_key_is_accepted_in_three_places(sandbox: Driver, how: str) -> None:
    headers = {"bearer": KEY, "basic": basic("sk_test_sandbox"), "form": {}}[how]
    secret = {"client_secret": "sk_test_sandbox"} if how == "form" else {}
    fields = {"grant_type": "authorization_code", "code": sandbox.code()} | secret
    assert sandbox.form(TOKEN, fields, **headers).json["stripe_user_id"] == RIVERSIDE
    ended = sandbox.form(DEAUTHORIZE, {"client_id": "ca_sandbox", "stripe_user_id": RIVERSIDE} | secret, **headers)
    assert ended.json == {"stripe_user_id": RIVERSIDE}


@pytest.mark.parametrize("headers", [{}, basic("sk_test_no"), {"Authorization": "Basic ***"}, {"Authorization": "x"}])
def test_a_bad_key_is_the_error_object_of_the_api(sandbox: Driver, headers: dict[str, str]) -> None:
    response = sandbox.form(TOKEN, {"grant_type": "authorization_code", "code": sandbox.code()}, **headers)
    assert response.status_code == 401
    assert response.json["error"]["type"] == "invalid_request_error"
    assert sandbox.ledger()["grants"] == []


def test_a_code_is_good_for_five_minutes(sandbox: Driver, clock: Clock) -> None:
    in_time, too_late = sandbox.code(), sandbox.code()
    clock.now += 299.9
    assert sandbox.redeem(in_time).status_code == 200
    clock.now += 0.1
    assert sandbox.redeem(too_late).json["error"] == "invalid_grant"


def test_the_second_redemption_is_counted_and_ends_every_token_of_the_connection(sandbox: Driver) -> None:
    first, second = sandbox.code(), sandbox.code()
    elsewhere = sandbox.code(NORTHERN)
    for code in (first, second, elsewhere):
        assert sandbox.redeem(code).status_code == 200
    assert sandbox.redeem(first).json["error"] == "invalid_grant"
    ledger = sandbox.ledger()
    assert [code["redemptions"] for code in ledger["codes"]] == [2, 1, 1]
    assert [grant["live"] for grant in ledger["grants"]] == [False, False, True]
    assert [grant["reason"] for grant in ledger["grants"]] == ["code_reused", "code_reused", None]
    [revocation] = ledger["revocations"]
    assert (revocation["account"], revocation["reason"], revocation["tokens"]) == (RIVERSIDE, "code_reused", 2)


def test_another_platform_cannot_end_a_connection_with_its_code(sandbox: Driver) -> None:
    code = sandbox.code()
    sandbox.redeem(code)
    fields = {"grant_type": "authorization_code", "code": code}
    refused = sandbox.form(TOKEN, fields, Authorization="Bearer sk_test_other")
    assert refused.json["error"] == "invalid_grant"
    assert sandbox.ledger()["grants"][0]["live"] is True


def test_a_json_body_is_no_form(sandbox: Driver) -> None:
    body = b'{"grant_type": "authorization_code"}'
    response = sandbox.send("POST", TOKEN, body, Content_Type="application/json", **KEY)
    assert response.json["error"] == "invalid_request"


def test_bytes_that_are_not_utf8_break_nothing(sandbox: Driver) -> None:
    body = b"grant_type=authorization_code&code=\xff%ff"
    response = sandbox.send("POST", TOKEN, body, Content_Type="application/x-www-form-urlencoded", **KEY)
    assert response.json["error"] == "invalid_grant"


def test_deauthorize_ends_the_connection_of_this_platform_only(sandbox: Driver) -> None:
    sandbox.redeem(sandbox.code())
    other = {"grant_type": "authorization_code", "code": sandbox.code(client_id="ca_other")}
    assert sandbox.form(TOKEN, other, Authorization="Bearer sk_test_other").status_code == 200
    fields = {"client_id": "ca_sandbox", "stripe_user_id": RIVERSIDE}
    assert sandbox.form(DEAUTHORIZE, fields, **KEY).status_code == 200
    assert [(one["client_id"], one["live"]) for one in sandbox.ledger()["grants"]] == [
        ("ca_sandbox", False),
        ("ca_other", True),
    ]
    again = sandbox.form(DEAUTHORIZE, fields, **KEY)
    assert (again.status_code, again.json["error"]) == (400, "invalid_client")


def test_the_platform_reads_only_accounts_that_are_connected(sandbox: Driver) -> None:
    one = f"/api.stripe.com/v1/accounts/{NORTHERN}"
    assert sandbox.get(one, **KEY).status_code == 403
    sandbox.redeem(sandbox.code(NORTHERN))
    account = sandbox.get(one, **KEY).json
    assert account["business_profile"]["name"] == "Northern Lights Festival"
    assert account["charges_enabled"] is False
    assert account["requirements"]["currently_due"]
    assert sandbox.get(ACCOUNT, **KEY, Stripe_Account=NORTHERN).json == account
    assert sandbox.get(one, Authorization="Bearer sk_test_other").status_code == 403


def test_an_access_token_reads_its_own_account_only(sandbox: Driver) -> None:
    token = sandbox.redeem(sandbox.code()).json["access_token"]
    theirs = {"Authorization": f"Bearer {token}"}
    assert sandbox.get(ACCOUNT, **theirs).json["id"] == RIVERSIDE
    assert sandbox.get(ACCOUNT, **theirs, Stripe_Account=NORTHERN).status_code == 403
    assert sandbox.get(f"/api.stripe.com/v1/accounts/{RIVERSIDE}", **theirs).status_code == 401
    assert sandbox.get(f"/api.stripe.com/v1/accounts/{RIVERSIDE}", **KEY, Stripe_Account=NORTHERN).status_code == 403


def test_a_test_key_reads_what_is_connected_live_but_not_the_reverse(sandbox: Driver) -> None:
    one = f"/api.stripe.com/v1/accounts/{RIVERSIDE}"
    sandbox.redeem(sandbox.code())
    assert sandbox.get(one, Authorization="Bearer sk_live_sandbox").status_code == 403
    fields = {"grant_type": "authorization_code", "code": sandbox.code(NORTHERN, client_id="ca_live")}
    sandbox.form(TOKEN, fields, Authorization="Bearer sk_live_sandbox")
    assert sandbox.get(f"/api.stripe.com/v1/accounts/{NORTHERN}", **KEY).status_code == 200


def test_unknown_endpoints_and_methods(sandbox: Driver) -> None:
    assert sandbox.get("/connect.stripe.com/nothing").status_code == 404
    assert sandbox.get("/other.example/oauth/token").status_code == 404
    assert sandbox.get(TOKEN).status_code == 405
