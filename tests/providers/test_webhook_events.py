"""Messages that tell of several events at once, as the sandbox writes them and as they are read."""

import json
from typing import Any

import pytest

from connectapp.errors import GrantRefusedError, SettingsError
from connectapp.providers.endpoints import Webhook
from connectapp.providers.interfaces import Notice, WebhookMessage
from connectapp.providers.sources import checked
from connectapp.providers.webhooks import MOST_EVENTS, verified
from connectapp.secret import Secret
from tests.providers.test_identify import with_
from tests.unit.sandbox.conftest import NORTHERN, RIVERSIDE
from tests.unit.sandbox.declaring import playing

HOOK, SECRET, NOW = "https://app.test/connect/plain/webhook", "whsec_of_plain", 1_790_000_000.0
WEBHOOK: dict[str, Any] = {
    "header": "X-Signature", "algorithm": "token", "events": "data.events", "id": "id", "type": "what.type",
    "account": "links.account", "created": "at", "disconnected": ["gone"],
}  # fmt: skip
IN_A_LIST = WEBHOOK | {"events": ""}


def notices(webhook: dict[str, Any], body: Any, mode: Any = "test", secret: str = SECRET) -> list[Notice]:
    """What a message of this body says."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    message = WebhookMessage(content, {"x-signature": secret}, {}, HOOK, NOW)
    return list(verified(Webhook.model_validate(webhook), (Secret(SECRET),), message, mode))


def event(number: int = 1, kind: str = "paid") -> dict[str, Any]:
    return {"id": f"EV{number}", "what": {"type": kind}, "links": {"account": f"org_{number}"}, "at": number}


def around(webhook: dict[str, Any], events: Any) -> Any:
    return events if webhook["events"] == "" else {"data": {"events": events}, "meta": {"id": "WB1"}}


@pytest.mark.parametrize("webhook", [WEBHOOK, IN_A_LIST])
def test_each_event_has_its_notice(webhook: dict[str, Any]) -> None:
    found = notices(webhook, around(webhook, [event(1), event(2, "gone"), event(3)]))
    assert found == [
        Notice("EV1", "paid", "org_1", disconnected=False, created="1"),
        Notice("EV2", "gone", "org_2", disconnected=True, created="2"),
        Notice("EV3", "paid", "org_3", disconnected=False, created="3"),
    ]


@pytest.mark.parametrize("webhook", [WEBHOOK, IN_A_LIST])
def test_a_list_may_be_empty_and_has_an_end(webhook: dict[str, Any]) -> None:
    assert notices(webhook, around(webhook, [])) == []
    assert len(notices(webhook, around(webhook, [event()] * MOST_EVENTS))) == MOST_EVENTS == 500
    with pytest.raises(GrantRefusedError, match="webhook_refused"):
        notices(webhook, around(webhook, [event()] * (MOST_EVENTS + 1)))


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {"events": event()}}, {"data": {"events": "all"}}, []])
def test_a_message_without_its_list_is_refused(body: Any) -> None:
    with pytest.raises(GrantRefusedError, match="webhook_refused"):
        notices(WEBHOOK, body)


def test_a_list_is_refused_like_anything_else_that_is_not_signed() -> None:
    for body, secret in (([event()], "whsec_of_somebody"), (b"[{]", SECRET), (b'[{"id": 1, "id": 2}]', SECRET)):
        with pytest.raises(GrantRefusedError, match="webhook_refused"):
            notices(IN_A_LIST, body, secret=secret)


@pytest.mark.parametrize("odd", [None, 5, "gone", [], ["gone"], {}, {"what": "gone"}, {"what": {"type": ["gone"]}}])
def test_an_event_that_is_none_says_nothing(odd: Any) -> None:
    nothing = Notice(None, None, None, disconnected=False)
    assert notices(IN_A_LIST, [odd, event(2, "gone")]) == [
        nothing,
        Notice("EV2", "gone", "org_2", disconnected=True, created="2"),
    ]


def test_the_mode_is_of_the_whole_message() -> None:
    webhook = WEBHOOK | {"mode": {"path": "livemode"}}
    body = around(webhook, [event(1), event(2)]) | {"livemode": True}
    assert len(notices(webhook, body, "live")) == 2
    with pytest.raises(GrantRefusedError, match="webhook_refused"):
        notices(webhook, body, "test")


def test_what_proves_nothing_are_hints() -> None:
    webhook = {key: value for key, value in WEBHOOK.items() if key != "header"} | {"algorithm": "reread"}
    found = notices(webhook, around(webhook, [event(1, "gone"), event(2)]))
    assert [(one.external_id, one.proven, one.disconnected) for one in found] == [
        ("org_1", False, False),
        ("org_2", False, False),
    ]


def test_one_id_for_all_events_is_none() -> None:
    declared = with_("identify", id="id") | {"webhook": WEBHOOK | {"id_header": "X-Id"}}
    with pytest.raises(SettingsError, match="the same id"):
        checked(declared, "desk.toml")


@pytest.mark.parametrize("webhook", [WEBHOOK, IN_A_LIST])
def test_what_the_sandbox_writes_is_read(webhook: dict[str, Any]) -> None:
    order = {"provider": "plain", "account": RIVERSIDE, "url": HOOK, "secret": SECRET}
    with playing(webhook=webhook) as player:

        def told(**more: Any) -> list[tuple[Any, ...]]:
            made = player.sandbox._control("POST", "webhooks", order | more)
            found = notices(webhook, made["body"].encode(), secret=made["headers"]["X-Signature"])
            return [(one.type, one.external_id, one.disconnected) for one in found]

        (gone,) = told()
        several = told(type="paid", events=[{}, {"account": NORTHERN, "type": "gone"}])
        assert (gone[0], gone[2]) == ("gone", True)
        assert several == [("paid", gone[1], False), ("gone", several[1][1], True)]
        assert several[1][1] not in {gone[1], NORTHERN}
        assert told(events=[]) == []
