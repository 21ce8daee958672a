"""Messages as declared providers sign them, checked here by hand."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from tests.unit.sandbox.conftest import RIVERSIDE, Driver
from tests.unit.sandbox.declaring import declaration, playing

HOOK, SECRET = "https://app.test/connect/plain/webhook", "whsec_plain"
FIELDS = {"id": "event.id", "type": "type", "account": "data.account", "created": "created"}
GONE = {"disconnected": ["app.removed", "app.gone"], **FIELDS}


def message(webhook: dict[str, Any], **order: Any) -> Any:
    with playing(webhook=webhook) as player:
        told = {"provider": "plain", "account": RIVERSIDE, "url": HOOK, "secret": SECRET, **order}
        return player.sandbox._control("POST", "webhooks", told)


def mac(signed: str, algorithm: Any = hashlib.sha256) -> bytes:
    return hmac.new(SECRET.encode(), signed.encode(), algorithm).digest()


def test_time_and_signature_in_a_list() -> None:
    webhook = {
        "header": "Plain-Signature", "algorithm": "hmac-sha256", "signed": "{t}.{body}", "timestamp_element": "t",
        "signature_element": "v1", "tolerance": 300, "mode": {"path": "livemode"}, **GONE,
    }  # fmt: skip
    made = message(webhook)
    assert made["headers"]["Plain-Signature"] == f"t=1800000000,v1={mac('1800000000.' + made['body']).hex()}"
    body = json.loads(made["body"])
    assert (body["type"], body["created"], body["livemode"]) == ("app.removed", 1_800_000_000, False)
    assert body["event"]["id"].startswith("evt_")
    assert body["data"]["account"].startswith("org_")
    assert (made["url"], made["query"]) == (HOOK, {})
    other = message(webhook, type="paid", livemode=True, body={"data": {"amount": 1, "account": None}})
    assert json.loads(other["body"])["data"] == {"amount": 1}
    assert (json.loads(other["body"])["type"], json.loads(other["body"])["livemode"]) == ("paid", True)


def test_the_address_is_signed_too() -> None:
    webhook = {"header": "X-Sign", "algorithm": "hmac-sha1", "encoding": "base64", "signed": "{url}{body}", **GONE}
    made = message(webhook)
    assert made["headers"]["X-Sign"] == base64.b64encode(mac(HOOK + made["body"], hashlib.sha1)).decode()


def test_a_signature_with_a_prefix() -> None:
    made = message({"header": "X-Sign", "algorithm": "hmac-sha256", "prefix": "sha256=", **GONE})
    assert made["headers"]["X-Sign"] == f"sha256={mac(made['body']).hex()}"


def test_parameters_and_headers_are_signed_in_place_of_the_body() -> None:
    signed = "id:{query.data.id};request-id:{header.x-request-id};ts:{t};"
    webhook = {
        "header": "x-signature", "algorithm": "hmac-sha256", "signed": signed, "timestamp_element": "ts",
        "signature_element": "v1", "tolerance": 60, **GONE,
    }  # fmt: skip
    made = message(webhook, body={"data": {"id": "123"}})
    assert made["query"] == {"data.id": "123"}
    text = f"id:123;request-id:{made['headers']['x-request-id']};ts:1800000000;"
    assert made["headers"]["x-signature"] == f"ts=1800000000,v1={mac(text).hex()}"


def test_a_token_and_nothing_at_all() -> None:
    assert message({"header": "X-Auth", "algorithm": "token", **GONE})["headers"]["X-Auth"] == SECRET
    assert list(message({"algorithm": "reread", **GONE})["headers"]) == ["Content-Type"]


def test_several_events_in_one_message() -> None:
    webhook = {"algorithm": "reread", "events": "data.events", "mode": {"path": "livemode"}, **GONE}
    events = [{}, {"account": "org_unknown1", "type": "paid", "body": {"amount": 1, "data": None}}]
    body = json.loads(message(webhook, events=events, livemode=True, body={"meta": {"id": "m"}})["body"])
    assert (body["meta"], body["livemode"]) == ({"id": "m"}, True)
    first, second = body["data"]["events"]
    assert (first["type"], first["created"], second["type"], second["amount"]) == (
        "app.removed",
        1_800_000_000,
        "paid",
        1,
    )
    assert first["data"]["account"].startswith("org_")
    assert "data" not in second
    assert first["event"]["id"] != second["event"]["id"]


@pytest.mark.parametrize("events", [{}, {"events": ""}])
def test_a_message_that_is_a_list_stays_one(events: dict[str, str]) -> None:
    """A merge patch of nothing would make an object of it (RFC 7396)."""
    paths = FIELDS if events else {name: f"0.{path}" for name, path in FIELDS.items()}
    webhook = {"algorithm": "reread", "disconnected": ["app.removed"], **paths, **events}
    (only,) = json.loads(message(webhook)["body"])
    assert (only["type"], only["created"]) == ("app.removed", 1_800_000_000)
    assert json.loads(message(webhook, body=[1])["body"]) == [1]


@pytest.mark.parametrize(
    ("events", "told", "problem"),
    [
        ({}, [{}], "a message of plain is one event"),
        ({"events": "all"}, {}, "events is a list of objects"),
        ({"events": "all"}, ["paid"], "events is a list of objects"),
        ({"events": "all"}, [{"account": 5}], "account and type of an event are texts"),
        ({"events": "all"}, [{"type": None}], "account and type of an event are texts"),
    ],
)
def test_wrong_events(events: dict[str, str], told: Any, problem: str) -> None:
    with playing(webhook={"algorithm": "reread", **GONE, **events}) as player:
        order = {"provider": "plain", "account": "a", "url": HOOK, "secret": SECRET, "events": told}
        answer = player.sandbox.http.request("POST", player.url("_sandbox/webhooks"), json=order)
        assert (answer.status, answer.json()) == (400, {"error": problem})


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ({"provider": "other"}, "no webhook of other"),
        ({"secret": None}, "secret is missing"),
        ({"type": 1}, "type is missing"),
        ({}, "type is missing"),
    ],
)
def test_a_wrong_order(order: dict[str, Any], problem: str) -> None:
    with playing(webhook={"algorithm": "reread"}) as player:
        told = {"provider": "plain", "account": "a", "url": HOOK, "secret": SECRET, **order}
        answer = player.sandbox.http.request("POST", player.url("_sandbox/webhooks"), json=told)
        assert (answer.status, problem in answer.json()["error"]) == (400, True)


def test_a_provider_without_webhooks_or_without_a_declaration_sends_none(sandbox: Driver) -> None:
    order = {"provider": "stripe", "account": "a", "url": HOOK, "secret": SECRET}
    assert "no webhook" in sandbox.control("webhooks", order, 400)["error"]
    assert declaration().webhook is None


def test_an_account_that_nobody_knows_is_named_as_it_is() -> None:
    made = message({"algorithm": "reread", **GONE}, account="org_unknown1")
    assert json.loads(made["body"])["data"]["account"] == "org_unknown1"
