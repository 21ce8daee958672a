"""Stripe's PaymentIntents, as far as a payment with a test card goes: made at once, kept by account.

A request speaks for an account by the account's own token, or by the platform's key and ``Stripe-Account``; payments of
another account do not exist for it. An ``Idempotency-Key`` brings the first answer again, or an error if the fields
differ.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from webob import Request, Response

from connectapp.sandbox.records import Account, Payment, new_token
from connectapp.sandbox.routing import Refusal, World, form, json_answer
from connectapp.sandbox.stripe_account import require_account
from connectapp.sandbox.stripe_answers import api_error

# Test payment methods, and what comes of them (docs.stripe.com/testing).
CARDS = {"pm_card_visa": "succeeded", "pm_card_chargeDeclined": "declined"}


def create(world: World, request: Request) -> Response:
    """``POST /v1/payment_intents``, confirmed at once."""
    account = require_account(world, request)
    fields, key = form(request), request.headers.get("Idempotency-Key")
    before = world.ledger.payment(account.id, key) if key else None
    if before is not None and before.fields != fields:
        message = "Keys for idempotent requests can only be used with the same parameters they were first used with."
        raise Refusal(400, {"error": {"type": "idempotency_error", "message": message}})
    return _answer(before or _pay(world, request, account, fields, key))


def retrieve(world: World, request: Request, payment_id: str) -> Response:
    """``GET /v1/payment_intents/{id}``: of the request's own account."""
    account = require_account(world, request)
    for payment in world.ledger.payments:
        if (payment.id, payment.account) == (payment_id, account.id):
            return json_answer(_intent(payment))
    raise api_error(404, f"No such payment_intent: {payment_id!r}", code="resource_missing")


def _pay(world: World, request: Request, account: Account, fields: Mapping[str, str], key: str | None) -> Payment:
    _check(account, fields)
    payment = Payment(
        id=new_token("pi_", 24),
        account=account.id,
        amount=int(fields["amount"]),
        currency=fields["currency"].lower(),
        status=CARDS[fields["payment_method"]],
        made_by="platform" if "Stripe-Account" in request.headers else "account",
        idempotency_key=key,
        fields=dict(fields),
        at=world.ledger.clock(),
    )
    world.ledger.payments.append(payment)
    return payment


def _check(account: Account, fields: Mapping[str, str]) -> None:
    for name in ("amount", "currency"):
        if not fields.get(name):
            raise api_error(400, f"Missing required param: {name}.", code="parameter_missing")
    if not re.fullmatch(r"[1-9][0-9]{0,7}", fields["amount"]):
        raise api_error(400, f"Invalid integer: {fields['amount']}", code="parameter_invalid_integer")
    if not re.fullmatch(r"[A-Za-z]{3}", fields["currency"]):
        raise api_error(400, f"Invalid currency: {fields['currency']}")
    if int(fields["amount"]) < 50:
        raise api_error(400, "Amount must be at least the minimum of its currency.", code="amount_too_small")
    if fields.get("payment_method") not in CARDS or fields.get("confirm") != "true":
        raise api_error(400, "This sandbox takes test payment methods that are confirmed at once.")
    if not account.charges_enabled:
        raise api_error(400, "Your account cannot currently make charges.")


def _answer(payment: Payment) -> Response:
    if payment.status == "succeeded":
        return json_answer(_intent(payment))
    error = {"type": "card_error", "code": "card_declined", "message": "Your card was declined."}
    return json_answer({"error": error | {"payment_intent": _intent(payment)}}, 402)


def _intent(payment: Payment) -> dict[str, Any]:
    """The PaymentIntent object: the fields that platforms read."""
    shown = asdict(payment)
    succeeded = payment.status == "succeeded"
    return {
        "id": payment.id,
        "object": "payment_intent",
        "amount": payment.amount,
        "amount_received": payment.amount if succeeded else 0,
        "created": int(payment.at),
        "currency": payment.currency,
        "description": shown["fields"].get("description"),
        "livemode": False,
        "status": "succeeded" if succeeded else "requires_payment_method",
    }
