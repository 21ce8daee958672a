"""Messages as a declared provider signs them, made from the declaration alone: the other side verifies by itself."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectapp.providers.declaration import Declaration
from connectapp.providers.endpoints import Webhook
from connectapp.sandbox.declared_dialect import Dialect, conditioned, placed
from connectapp.sandbox.faults import merge_patch
from connectapp.sandbox.records import new_token
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
        taken), ``secret`` (that signs), and optionally ``type``, ``livemode``, ``body`` (merged into the body), and
        where a message may have several ``events`` these, each with an ``account``, ``type`` and ``body`` of its own.
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
    time = int(world.ledger.clock())
    events = [
        _event(webhook, _account(world, declaration, one["account"]), one["type"], time, one.get("body"))
        for one in _ordered(webhook, order, kind)
    ]
    body = events[0] if webhook.events is None else placed({}, webhook.events, events)
    if webhook.mode:
        account = _account(world, declaration, order["account"])
        body = conditioned(body, webhook.mode, holds=order.get("livemode") is True, account=account)
    made = Message(order["url"], _merged(body, order.get("body")), time)
    for header, value in ((webhook.type_header, kind), (webhook.id_header, new_token("", 24))):
        if header is not None:
            made.headers[header] = value
    _sign(webhook, made, order["secret"])
    return made.report()


def _ordered(webhook: Webhook, order: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """What is ordered of each event; what it does not say is as in the message."""
    common = {"account": order["account"], "type": kind}
    told = order.get("events")
    if told is None:
        return [common]
    if webhook.events is None:
        raise ValueError(f"a message of {order['provider']} is one event")
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise ValueError("events is a list of objects")
    events = [common | one for one in told]
    if not all(isinstance(one[key], str) for one in events for key in common):
        raise ValueError("account and type of an event are texts")
    return events


def _account(world: World, declaration: Declaration, told: str) -> str:
    """What the provider calls an account, however the order calls it."""
    dialect = Dialect(declaration)
    known = dialect.account(world, told)
    return told if known is None else dialect.id_of(known)


def _event(webhook: Webhook, account: str, kind: str, time: int, more: Any) -> Any:
    values = {webhook.id: new_token("evt_", 24), webhook.type: kind, webhook.account: account, webhook.created: time}
    event: Any = {}
    for path, value in values.items():
        if path is not None:
            event = placed(event, path, value)
    return _merged(event, more)


def _merged(body: Any, more: Any) -> Any:
    """With what the order says; a merge patch of nothing would make a list an object (RFC 7396)."""
    return body if more is None else merge_patch(body, more)


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
