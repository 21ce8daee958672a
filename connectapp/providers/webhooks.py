"""Whether a message is the provider's, by the scheme that its declaration names. Calls nobody."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

from connectapp.errors import GrantRefusedError
from connectapp.oauth.answers import at
from connectapp.oauth.strictjson import loads
from connectapp.providers.answers import holds
from connectapp.providers.endpoints import Webhook
from connectapp.providers.interfaces import Mode, Notice, WebhookMessage
from connectapp.secret import Secret

MOST_SIGNATURES = 10
LONGEST_HEADER = 4096
_HASHES = {"hmac-sha256": hashlib.sha256, "hmac-sha1": hashlib.sha1}
_NAME = re.compile(r"\{(body|t|url|query\.[A-Za-z0-9_.-]+|header\.[A-Za-z0-9-]+)\}")


def refused() -> GrantRefusedError:
    """Whatever is wrong, in one word: who forges messages learns nothing from us."""
    return GrantRefusedError("webhook_refused")


def verified(webhook: Webhook | None, secrets: tuple[Secret, ...], message: WebhookMessage, mode: Mode) -> Notice:
    """Check a message, and say what it says.

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
    kind = _text(body, webhook.type)
    return Notice(
        id=_text(body, webhook.id),
        type=kind,
        external_id=_text(body, webhook.account),
        disconnected=proven and kind in webhook.disconnected,
        created=_text(body, webhook.created),
        proven=proven,
    )


def _check_signature(webhook: Webhook, secrets: tuple[Secret, ...], message: WebhookMessage) -> None:
    header = message.headers.get((webhook.header or "").lower(), "")
    if not header or len(header) > LONGEST_HEADER or not any(secrets):
        raise refused()
    time, signatures = _elements(webhook, header)
    if webhook.tolerance is not None and not _is_recent(time, message.received_at, webhook.tolerance):
        raise refused()
    wanted = [signature_of(webhook, secret, message, time) for secret in secrets if secret]
    given = [one.removeprefix(webhook.prefix) for one in signatures if one.startswith(webhook.prefix)]
    # Every pair is compared, so that the time taken says nothing of which one fits.
    if not sum(hmac.compare_digest(one.encode(), other.encode()) for one in wanted for other in given):
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


def _is_recent(time: str | None, now: float, tolerance: int) -> bool:
    if time is None or not re.fullmatch(r"[0-9]{1,15}", time):
        return False
    seconds = int(time) / (1000 if len(time) > 12 else 1)  # some count milliseconds
    return abs(now - seconds) <= tolerance


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
    made = hmac.new(secret.reveal().encode(), signed, _HASHES[webhook.algorithm]).digest()
    return made.hex() if webhook.encoding == "hex" else base64.b64encode(made).decode()


def _text(body: Any, path: str | None) -> str | None:
    value = at(body, path) if path else None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and 0 < len(value) <= 255 else None
