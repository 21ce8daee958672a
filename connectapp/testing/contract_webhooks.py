"""The contract of messages: the provider's own are believed, forged, late and repeated ones are told from them."""

import json
import re
import time
from dataclasses import replace
from typing import Any

import pytest

from connectapp.errors import GrantRefusedError
from connectapp.providers.endpoints import Webhook
from connectapp.providers.interfaces import Notice, WebhookMessage
from connectapp.testing.asking import each, found, needs
from connectapp.testing.bench import URL, WEBHOOK_SECRET, Bench
from connectapp.testing.contract_life import held

NO_WEBHOOKS = "no webhooks"
FORGED = ["no signature", "another secret", "another body", "old", "from the future"]


class WebhookContract:
    """See `connectapp.testing.contract.ProviderContract`."""

    def test_a_message_of_the_provider_is_believed(self, bench: Bench) -> None:
        needs(bench.declaration.webhook, NO_WEBHOOKS)
        message, webhook = _message(bench), bench.declaration.webhook
        assert webhook is not None
        notice, event = _notice(bench, message), _event(webhook, message)
        assert notice.disconnected == bool(webhook.disconnected and notice.proven)
        assert notice.external_id == (held(bench).external_id if webhook.account else None)
        assert notice.created == (str(found(event, webhook.created)) if webhook.created else None)
        assert webhook.type is None or notice.type == found(event, webhook.type)

    def test_a_message_about_something_else_disconnects_nobody(self, bench: Bench) -> None:
        needs(bench.declaration.webhook, NO_WEBHOOKS)
        needs(bench.declaration.webhook.disconnected, "no message about disconnecting")  # type: ignore[union-attr]
        assert not _notice(bench, _message(bench, type="something.else")).disconnected

    def test_a_message_that_comes_again_is_known_by_its_id(self, bench: Bench) -> None:
        needs(bench.declaration.webhook, NO_WEBHOOKS)
        webhook: Any = bench.declaration.webhook
        needs(webhook.id or webhook.id_header, "messages have no ids")
        first, second = _message(bench), _message(bench)
        ids = [_notice(bench, one).id for one in (first, first, second)]
        assert ids[0]
        assert ids[0] == ids[1] != ids[2]

    def test_a_message_of_the_other_mode_is_refused(self, bench: Bench) -> None:
        needs(bench.declaration.webhook, NO_WEBHOOKS)
        needs(bench.declaration.webhook.mode, "messages do not tell the mode")  # type: ignore[union-attr]
        with pytest.raises(GrantRefusedError, match="webhook_refused"):
            bench.provider.verify_webhook(_message(bench, livemode=True))

    def test_a_forged_or_late_message_is_refused(self, bench: Bench) -> None:
        webhook = bench.declaration.webhook
        needs(webhook, NO_WEBHOOKS)
        needs(webhook.algorithm != "reread", "messages prove nothing")  # type: ignore[union-attr]
        each(bench, FORGED, lambda how: _is_refused(bench, how))


def _forged(bench: Bench, message: WebhookMessage, how: str) -> WebhookMessage | None:
    """The message made untrue; None if the scheme has no such thing."""
    webhook: Any = bench.declaration.webhook
    if how == "no signature":
        return replace(message, headers={k: v for k, v in message.headers.items() if k != webhook.header.lower()})
    if how == "another secret":
        return _message(bench, secret="whsec_of_somebody_else")  # noqa: S106 - forged
    if how == "another body":
        signs_it = webhook.algorithm != "token" and "{body}" in webhook.signed
        return replace(message, body=message.body + b" ") if signs_it else None
    if webhook.tolerance is None:
        return None
    off = webhook.tolerance + 1
    return replace(message, received_at=message.received_at + (off if how == "old" else -off))


def _is_refused(bench: Bench, how: str) -> None:
    changed = _forged(bench, _message(bench), how)
    if changed is not None:
        with pytest.raises(GrantRefusedError, match="webhook_refused"):
            bench.provider.verify_webhook(changed)


def _notice(bench: Bench, message: WebhookMessage) -> Notice:
    """What a message says that tells of one thing."""
    notices: tuple[Notice, ...] = tuple(bench.provider.verify_webhook(message))
    (notice,) = notices
    return notice


def _event(webhook: Webhook, message: WebhookMessage) -> Any:
    """The same, as the provider wrote it."""
    body = json.loads(message.body)
    if webhook.events is None:
        return body
    (event,) = found(body, webhook.events) if webhook.events else body
    return event


def _message(bench: Bench, **order: Any) -> WebhookMessage:
    """A message as the provider sends it."""
    if not bench.sandbox.live_grants():
        bench.visitor().link()
    webhook: Any = bench.declaration.webhook
    told: dict[str, Any] = {"provider": bench.name, "account": held(bench).external_id, "secret": WEBHOOK_SECRET}
    told |= {"url": f"{URL}/connect/{bench.name}/webhook", "livemode": False}
    if not webhook.disconnected:
        told["type"] = "something.else"
    made = bench.sandbox.control("POST", "webhooks", told | order)
    headers = {name.lower(): value for name, value in made["headers"].items()}
    said = re.search(rf"\b{webhook.timestamp_element}=(\d+)", " ".join(headers.values()))
    at = float(said[1]) if said else time.time()  # to the second, so that the tolerance can be told from one more
    return WebhookMessage(made["body"].encode(), headers, made["query"], made["url"], at)
