"""The control surface ``/_sandbox/…``: how tests look into the sandbox and make it misbehave. JSON in and out."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from webob import Request, Response

from connectapp.sandbox.declared_authorize import Ask, issue_code
from connectapp.sandbox.declared_dialect import Dialect
from connectapp.sandbox.declared_webhooks import message
from connectapp.sandbox.faults import Fault, FaultBook
from connectapp.sandbox.holds import Holds
from connectapp.sandbox.records import Mail
from connectapp.sandbox.routing import Refusal, World, json_answer, query
from connectapp.sandbox.stripe import ALIASES
from connectapp.sandbox.stripe_answers import SCOPES
from connectapp.sandbox.stripe_authorize import create_account
from connectapp.sandbox.wire import LINE_KEY, Wire

PREFIX = "/_sandbox/"
_LONGEST_WAIT = 60  # seconds


class Control:
    """Answers the control requests.

    :param endpoints: the names that faults may mean.
    """

    def __init__(self, world: World, faults: FaultBook, holds: Holds, endpoints: frozenset[str]) -> None:
        self._world, self._faults, self._holds, self._endpoints = world, faults, holds, endpoints
        self._handlers: dict[tuple[str, str], Callable[[Request], Any]] = {
            ("GET", "ledger"): self._read_ledger,
            ("DELETE", "ledger"): self._reset,
            ("POST", "accounts"): self._create_account,
            ("POST", "codes"): self._issue_code,
            ("POST", "expire"): self._expire,
            ("POST", "webhooks"): self._make_message,
            ("GET", "mail"): self._read_mail,
            ("POST", "mail"): self._take_mail,
            ("GET", "faults"): lambda _: {"faults": self._faults.report()},
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "holds"): self._read_holds,
            ("POST", "release"): lambda request: {"released": self._holds.release(_text(_json(request), "hold"))},
        }

    def answer(self, request: Request) -> Response:
        """The answer to a request under ``/_sandbox/``; 400 with ``{"error": …}`` where it is wrong."""
        handler = self._handlers.get((request.method, request.path_info.removeprefix(PREFIX)))
        if handler is None:
            return json_answer({"error": "no such control"}, 404)
        try:
            return json_answer(handler(request))
        except ValueError as error:
            return json_answer({"error": str(error)}, 400)
        except Refusal as refusal:
            return refusal.response()

    def _read_ledger(self, request: Request) -> dict[str, Any]:
        return self._world.ledger.report(int(query(request).get("since", "0")))

    def _reset(self, _: Request) -> dict[str, Any]:
        self._clear_faults(_)
        with self._world.ledger.transaction():
            self._world.ledger.reset()
        return {}

    def _create_account(self, request: Request) -> dict[str, Any]:
        order = _json(request)
        with self._world.ledger.transaction():
            return asdict(create_account(self._world, **order))

    def _issue_code(self, request: Request) -> dict[str, Any]:
        order = _json(request)
        if order.get("provider", "stripe") != "stripe":
            return self._issue_declared_code(order)
        ledger, platforms = self._world.ledger, self._world.platforms
        account = _text(order, "account")
        platform = platforms.by_client(_text(order, "client_id", platforms.all[0].client_id))
        if platform is None or account not in ledger.accounts:
            raise ValueError("client_id or account is unknown")
        scope, livemode = order.get("scope", "read_write"), order.get("livemode", platform.livemode)
        if scope not in SCOPES or not isinstance(livemode, bool):
            raise ValueError("scope must be read_write or read_only, livemode true or false")
        ttl = order.get("ttl", self._world.code_ttl)
        if not isinstance(ttl, int | float):
            raise ValueError("ttl must be a number of seconds")
        with ledger.transaction():
            return asdict(ledger.issue_code(account, platform.client_id, scope, livemode, ttl))

    def _issue_declared_code(self, order: dict[str, Any]) -> dict[str, Any]:
        """As its authorize page would; the order says what the platform asked for."""
        declaration = self._world.declarations.get(_text(order, "provider"))
        registered = self._world.platforms.at(_text(order, "provider"))
        wanted = _text(order, "client_id", registered[0].client_id if registered else "")
        platform = next((one for one in registered if one.client_id == wanted), None)
        if declaration is None or platform is None:
            raise ValueError("provider or client_id is unknown")
        dialect = Dialect(declaration)
        account = dialect.account(self._world, _text(order, "account"))
        if account is None:
            raise ValueError("account is unknown")
        scope, redirect_uri = _text(order, "scope", ""), _text(order, "redirect_uri", "")
        challenge = _text(order, "code_challenge") if "code_challenge" in order else None
        ask = Ask(platform, redirect_uri, tuple(scope.split()), "", challenge, order.get("tenant", {}))
        with self._world.ledger.transaction():
            return asdict(issue_code(dialect, self._world, ask, account, order.get("ttl")))

    def _expire(self, _: Request) -> dict[str, Any]:
        with self._world.ledger.transaction():
            self._world.ledger.expire()
        return {}

    def _make_message(self, request: Request) -> dict[str, Any]:
        order = _json(request)
        with self._world.ledger.lock:
            return message(self._world, order)

    def _read_mail(self, _: Request) -> dict[str, Any]:
        with self._world.ledger.lock:
            return {"mails": [asdict(one) for one in self._world.ledger.mails]}

    def _take_mail(self, request: Request) -> dict[str, Any]:
        order = _json(request)
        to, sender, subject, body = (_text(order, name) for name in ("to", "from", "subject", "body"))
        ledger = self._world.ledger
        with ledger.transaction():
            ledger.mails.append(Mail(to, sender, subject, body, ledger.clock()))
        return {}

    def _add_fault(self, request: Request) -> dict[str, Any]:
        order = _json(request)
        endpoint = order.get("endpoint")
        if endpoint in ALIASES.keys() - self._endpoints:
            order["endpoint"] = ALIASES[endpoint]
        fault = Fault.parse(order, self._endpoints)
        if fault.wire != Wire() and LINE_KEY not in request.environ:
            raise ValueError("this server does not let the sandbox at its sockets; use SandboxServer")
        self._faults.add(fault)
        return fault.report()

    def _clear_faults(self, _: Request) -> dict[str, Any]:
        self._faults.clear()
        self._holds.release_all()
        return {}

    def _read_holds(self, request: Request) -> dict[str, Any]:
        asked = query(request)
        timeout = min(float(asked.get("timeout", "0")), _LONGEST_WAIT)
        return {"holds": self._holds.waiting(asked.get("hold"), int(asked.get("count", "1")), timeout)}


def _json(request: Request) -> dict[str, Any]:
    """Only with the JSON content type: a page of another site cannot send that without asking first."""
    order = json.loads(request.body) if request.content_type == "application/json" else None
    if not isinstance(order, dict):
        raise ValueError("send a JSON object with the content type application/json")
    return order


def _text(order: dict[str, Any], name: str, default: str | None = None) -> str:
    value = order.get(name, default)
    if not isinstance(value, str):
        raise ValueError(f"{name} is missing, or no text")
    return value
