"""Messages as a declared provider signs them, made from the declaration alone: the other side verifies by itself."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectapp.providers.endpoints import Webhook
from connectapp.sandbox.declared_dialect import Dialect, conditioned, placed
from connectapp.sandbox.faults import merge_patch
from connectapp.sandbox.ledger import new_token
from connectapp.sandbox.routing import World

_PLACE = re.compile(r"\{([^{}]+)\}")
_TEXTS = ("provider", "account", "type", "url", "secret")


@dataclass
class Message:
    """A message on its way: what belongs into which part of it."""

    url: str
    body: Any
    time: int
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    query: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The body as it is sent."""
        return json.dumps(self.body, separators=(",", ":"))

    def report(self) -> dict[str, Any]:
        """As JSON values."""
        return {"headers": self.headers, "body": self.text, "query": self.query, "url": self.url}


def message(world: World, order: Mapping[str, Any]) -> dict[str, Any]:
    """The message that a provider would send now; nobody sends it.

    :param order: ``provider``, ``account`` (as the ledger or as the provider calls it), ``url`` (where messages are
        taken), ``secret`` (that signs), and optionally ``type``, ``livemode`` and ``body`` (merged into the body).
    :raises ValueError: if the provider is unknown or sends none, or the order is wrong.
    """
    if unfit := [key for key in _TEXTS if not isinstance(order.get(key, "" if key == "type" else None), str)]:
        raise ValueError(f"{unfit[0]} is missing, or no text")
    declaration = world.declarations.get(order["provider"])
    webhook = None if declaration is None else declaration.webhook
    if declaration is None or webhook is None:
        raise ValueError(f"no webhook of {order['provider']} is declared here")
    kind = order.get("type") or next(iter(webhook.disconnected), None)
    if kind is None:
        raise ValueError("type is missing: the provider has none that means the end of access")
    dialect = Dialect(declaration)
    known = dialect.account(world, order["account"])
    account = order["account"] if known is None else dialect.id_of(known)
    time = int(world.ledger.clock())
    body = merge_patch(_body(webhook, account, kind, time, order.get("livemode") is True), order.get("body", {}))
    made = Message(order["url"], body, time)
    _sign(webhook, made, order["secret"])
    return made.report()


def _body(webhook: Webhook, account: str, kind: str, time: int, livemode: bool) -> Any:
    values = {webhook.id: new_token("evt_", 24), webhook.type: kind, webhook.account: account, webhook.created: time}
    body: Any = {}
    for path, value in values.items():
        if path is not None:
            body = placed(body, path, value)
    return conditioned(body, webhook.mode, holds=livemode, account=account) if webhook.mode else body


def _sign(webhook: Webhook, made: Message, secret: str) -> None:
    """Add the signature, and whatever else the signed text speaks of."""
    if webhook.header is None:
        return
    signature = secret if webhook.algorithm == "token" else _hmac(webhook, _signed(webhook.signed, made), secret)
    elements = {webhook.timestamp_element: str(made.time), webhook.signature_element: webhook.prefix + signature}
    shown = ",".join(f"{name}={value}" for name, value in elements.items() if name is not None)
    made.headers[webhook.header] = shown if webhook.signature_element is not None else webhook.prefix + signature


def _hmac(webhook: Webhook, signed: bytes, secret: str) -> str:
    digest = hmac.new(secret.encode(), signed, hashlib.sha1 if webhook.algorithm == "hmac-sha1" else hashlib.sha256)
    return digest.hexdigest() if webhook.encoding == "hex" else base64.b64encode(digest.digest()).decode()


def _signed(template: str, made: Message) -> bytes:
    return _PLACE.sub(lambda place: _said(place[1], made), template).encode()


def _said(name: str, made: Message) -> str:
    """What a place of the signed text stands for; a header or a parameter that is not there yet is made up."""
    if name.startswith("query."):
        key = name.removeprefix("query.")
        return made.query.setdefault(key, str(_at(made.body, key) or new_token("", 20)))
    if name.startswith("header."):
        return made.headers.setdefault(name.removeprefix("header."), new_token("", 20))
    return {"body": made.text, "t": str(made.time), "url": made.url}[name]


def _at(body: Any, path: str) -> Any:
    """A parameter such as ``data.id`` tells the same as the body does there."""
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body
