"""Faults that change the answer itself; the ones on the wire are in test_wire.py."""

import base64
import gzip
import zlib
from typing import Any

import pytest

from connectapp.sandbox.faults import merge_patch

from .conftest import KEY, RIVERSIDE, Driver


def order(sandbox: Driver, **fields: Any) -> Any:
    return sandbox.control("faults", {"endpoint": "token"} | fields)


def test_a_fault_answers_in_place_of_the_work(sandbox: Driver) -> None:
    order(sandbox, status=503, body="busy", headers={"Content-Type": "text/plain", "Retry-After": "1"})
    code = sandbox.code()
    response = sandbox.redeem(code)
    assert (response.status_code, response.text, response.headers["Retry-After"]) == (503, "busy", "1")
    assert response.content_type == "text/plain"
    assert sandbox.ledger()["codes"][0]["redemptions"] == 0
    assert sandbox.ledger()["requests"][0]["status"] == 503
    assert sandbox.redeem(code).status_code == 200  # once, if not said otherwise


def test_after_does_the_work_first(sandbox: Driver) -> None:
    order(sandbox, status=500, body="{}", after=True)
    assert sandbox.redeem(sandbox.code()).status_code == 500
    ledger = sandbox.ledger()
    assert ledger["codes"][0]["redemptions"] == 1
    assert ledger["grants"][0]["live"] is True


def test_merge_changes_fields_of_the_real_answer(sandbox: Driver) -> None:
    order(sandbox, json_merge={"access_token": None, "scope": "read_only", "extra": {"a": 1}})
    answer = sandbox.redeem(sandbox.code())
    assert answer.status_code == 200
    assert "access_token" not in answer.json
    assert (answer.json["scope"], answer.json["extra"]) == ("read_only", {"a": 1})
    assert answer.json["stripe_user_id"] == RIVERSIDE


def test_merge_patch_is_that_of_rfc_7396() -> None:
    target = {"a": {"b": 1, "c": 2}, "d": [1]}
    assert merge_patch(target, {"a": {"b": None, "e": {"f": None, "g": 3}}, "d": 5}) == {
        "a": {"c": 2, "e": {"g": 3}},
        "d": 5,
    }
    assert target == {"a": {"b": 1, "c": 2}, "d": [1]}
    assert merge_patch([1], {"a": 1}) == {"a": 1}


def test_merge_leaves_what_is_not_json(sandbox: Driver) -> None:
    order(sandbox, endpoint="authorize", json_merge={"a": 1})
    ask = "response_type=code&client_id=ca_sandbox&redirect_uri=http://localhost/"
    assert sandbox.get(f"/connect.stripe.com/oauth/authorize?{ask}").content_type == "text/html"


def test_headers_alone_keep_the_real_answer(sandbox: Driver) -> None:
    order(sandbox, headers={"Content-Type": "text/html", "Cache-Control": None})
    response = sandbox.redeem(sandbox.code())
    assert response.content_type == "text/html"
    assert "Cache-Control" not in response.headers
    assert b"stripe_user_id" in response.body


@pytest.mark.parametrize("status", [None, 301, 307])
def test_redirects(sandbox: Driver, status: int | None) -> None:
    order(sandbox, redirect="http://evil.example/x", **({"status": status} if status else {}))
    response = sandbox.redeem(sandbox.code())
    assert response.status_code == (status or 302)
    assert response.headers["Location"] == "http://evil.example/x"


def test_any_bytes_can_be_the_body(sandbox: Driver) -> None:
    body = b"\xff\xfe{\x00}\x00"
    order(sandbox, status=200, body_base64=base64.b64encode(body).decode(), repeat=2)
    assert sandbox.redeem(sandbox.code()).body == body * 2


def test_a_small_answer_can_unpack_to_a_huge_one(sandbox: Driver) -> None:
    order(sandbox, status=200, body="[" * 1000 + "]", repeat=100_000, content_encoding="gzip")
    response = sandbox.redeem(sandbox.code())
    assert response.headers["Content-Encoding"] == "gzip"
    assert len(response.body) < 2**19
    assert gzip.decompress(response.body) == (b"[" * 1000 + b"]") * 100_000


def test_encodings_stack_on_the_real_answer_too(sandbox: Driver) -> None:
    order(sandbox, content_encoding="deflate, gzip")
    response = sandbox.redeem(sandbox.code())
    assert RIVERSIDE.encode() in zlib.decompress(gzip.decompress(response.body))


def test_faults_are_used_in_order_and_counted(sandbox: Driver) -> None:
    order(sandbox, status=501, times=2)
    order(sandbox, status=502, times=None)
    statuses = [sandbox.redeem("x").status_code for _ in range(4)]
    assert statuses == [501, 501, 502, 502]
    faults = sandbox.get("/_sandbox/faults").json["faults"]
    assert [(one["left"], one["hits"]) for one in faults] == [(0, 2), (None, 2)]
    assert sandbox.send("DELETE", "/_sandbox/faults").status_code == 200
    assert sandbox.redeem("x").status_code == 400


def test_a_fault_is_for_its_endpoint_and_method_only(sandbox: Driver) -> None:
    order(sandbox, endpoint="authorize", method="POST", status=500)
    assert sandbox.redeem("x").status_code == 400
    assert sandbox.get("/connect.stripe.com/oauth/authorize").status_code == 400
    assert sandbox.send("POST", "/connect.stripe.com/oauth/authorize").status_code == 500


def test_both_account_look_ups_are_one_endpoint(sandbox: Driver) -> None:
    order(sandbox, endpoint="account", json_merge={"id": "acct_other"}, times=2)
    sandbox.redeem(sandbox.code())
    assert sandbox.get(f"/api.stripe.com/v1/accounts/{RIVERSIDE}", **KEY).json["id"] == "acct_other"
    assert sandbox.get("/api.stripe.com/v1/account", **KEY).json["id"] == "acct_other"


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "nothing"},
        {"colour": "red"},
        {"times": "1"},
        {"times": True},
        {"status": "500"},
        {"status": 99},
        {"status": 1000},
        {"headers": {"A": 1}},
        {"headers": {"A": "b\r\nC: d"}},
        {"body_base64": "***"},
        {"close_after": "body"},
        {"drip_from": "body"},
        {"content_encoding": "br"},
        {"body": "x" * 2**20, "repeat": 65},
        {"delay": -1},
        {"repeat": -1},
    ],
)
def test_wrong_orders_are_refused(sandbox: Driver, wrong: dict[str, Any]) -> None:
    assert sandbox.control("faults", {"endpoint": "token"} | wrong, status=400)["error"]
    assert sandbox.get("/_sandbox/faults").json == {"faults": []}


def test_without_the_sandbox_server_the_wire_is_out_of_reach(sandbox: Driver) -> None:
    refused = sandbox.control("faults", {"endpoint": "token", "delay": 1}, status=400)
    assert "SandboxServer" in refused["error"]
