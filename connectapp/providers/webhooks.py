"""Whether a message is the provider's, by the scheme that its declaration names. Calls nobody."""

import re
from collections.abc import Mapping
from typing import Any

from connectapp.errors import GrantRefusedError
from connectapp.oauth.answers import at
from connectapp.oauth.strictjson import loads
from connectapp.providers.answers import holds
from connectapp.providers.endpoints import Webhook
from connectapp.providers.interfaces import Mode, Notice, WebhookMessage
from connectapp.providers.signatures import any_same, is_recent, signature
from connectapp.secret import Secret

MOST_SIGNATURES = 10
MOST_EVENTS = 500
LONGEST_HEADER = 4096
_NAME = re.compile(r"\{(body|t|url|query\.[A-Za-z0-9_.-]+|header\.[A-Za-z0-9-]+)\}")


def refused() -> GrantRefusedError:
    """Whatever is wrong, in one word: who forges messages learns nothing from us."""
    return GrantRefusedError("webhook_refused")


def verified(
    webhook: Webhook | None, secrets: tuple[Secret, ...], message: WebhookMessage, mode: Mode
) -> tuple[Notice, ...]:
    """Check a message, and say what it says of each event.

    :param secrets: any of them may have signed, since they overlap while one is rolled.
    :raises GrantRefusedError: ``webhook_refused``.
    """
    if webhook is None:
        raise refused()
    signed = webhook.algorithm != "reread"
    if signed:
        _check_signature(webhook, secrets, message)
    # Where something else than the body is signed, the body may be anybody's.
    proven = webhook.algorithm == "token" or (signed and "{body}" in webhook.signed)
    try:
        body = loads(message.body)
    except ValueError:
        if signed:
            raise refused() from None
        body = {}
    if webhook.mode and holds(body, webhook.mode) != (mode == "live"):
        raise refused()
    return tuple(_notice(webhook, message, event, proven) for event in _events(webhook, body))


def _events(webhook: Webhook, body: Any) -> list[Any]:
    found = [body] if webhook.events is None else at(body, webhook.events)
    if not isinstance(found, list) or len(found) > MOST_EVENTS:
        raise refused()
    return found


def _notice(webhook: Webhook, message: WebhookMessage, event: Any, proven: bool) -> Notice:
    kind = _named(message, webhook.type_header) or _text(event, webhook.type)
    return Notice(
        id=_named(message, webhook.id_header) or _text(event, webhook.id),
        type=kind,
        external_id=_text(event, webhook.account),
        disconnected=proven and kind in webhook.disconnected,
        created=_text(event, webhook.created),
        proven=proven,
    )


def _check_signature(webhook: Webhook, secrets: tuple[Secret, ...], message: WebhookMessage) -> None:
    header = message.headers.get((webhook.header or "").lower(), "")
    if not header or len(header) > LONGEST_HEADER or not any(secrets):
        raise refused()
    time, signatures = _elements(webhook, header)
    if webhook.tolerance is not None and not is_recent(time, message.received_at, webhook.tolerance):
        raise refused()
    wanted = [signature_of(webhook, secret, message, time) for secret in secrets if secret]
    given = [one.removeprefix(webhook.prefix) for one in signatures if one.startswith(webhook.prefix)]
    if not any_same(wanted, given):
        raise refused()


def _elements(webhook: Webhook, header: str) -> tuple[str | None, list[str]]:
    """The time and the signatures of a header."""
    if webhook.signature_element is None:
        return None, [header.strip()]
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == webhook.timestamp_element]
    signatures = [value for name, _, value in pairs if name == webhook.signature_element]
    if len(signatures) > MOST_SIGNATURES or len(times) != (webhook.timestamp_element is not None):
        raise refused()
    return next(iter(times), None), signatures


def signature_of(webhook: Webhook, secret: Secret, message: WebhookMessage, time: str | None) -> str:
    """The signature that a message must have, without its prefix."""
    if webhook.algorithm == "token":
        return secret.reveal()
    known: Mapping[str, bytes] = {"body": message.body, "url": message.url.encode(), "t": (time or "").encode()}

    def value(found: re.Match[str]) -> bytes:
        kind, _, name = found[1].partition(".")
        if name:
            source = message.query if kind == "query" else message.headers
            return source.get(name if kind == "query" else name.lower(), "").encode()
        return known[kind]

    pieces, end = [], 0
    for found in _NAME.finditer(webhook.signed):
        pieces += [webhook.signed[end : found.start()].encode(), value(found)]
        end = found.end()
    signed = b"".join([*pieces, webhook.signed[end:].encode()])
    return signature(webhook.algorithm, webhook.encoding, secret, signed)


def _named(message: WebhookMessage, header: str | None) -> str | None:
    return _short(message.headers.get(header.lower())) if header else None


def _text(body: Any, path: str | None) -> str | None:
    return _short(at(body, path)) if path else None


def _short(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and 0 < len(value) <= 255 else None
