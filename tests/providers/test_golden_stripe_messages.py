"""Stripe's webhook messages, signed by its own SDK."""

import json
from typing import Any

import pytest
import stripe

from tests.providers.golden import NOW, Wire, notice, refused

SECRET = "whsec_golden0123456789"
ACCOUNT = "acct_1032D82eZvKYlo2C"
# stripe/stripe-python: stripe/_event.py; docs.stripe.com/connect/webhooks: the account is at the top only, and what
# data.object is, is the application.
LEFT = {
    "id": "evt_1CsTk42eZvKYlo2C",
    "object": "event",
    "account": ACCOUNT,
    "api_version": "2025-06-30.basil",
    "created": int(NOW),
    "data": {"object": {"id": "ca_GoldenTest", "object": "application", "name": "connectapp"}},
    "livemode": False,
    "pending_webhooks": 1,
    "request": {"id": None, "idempotency_key": None},
    "type": "account.application.deauthorized",
}
BODY = json.dumps(LEFT).encode()


def signed(body: bytes = BODY, secret: str = SECRET, at: float = NOW) -> str:
    """By the SDK, which takes it back."""
    header: str = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, int(at))
    assert stripe.WebhookSignature.verify_header(body.decode(), header, secret)
    return header


def v1(header: str) -> str:
    return header.rpartition("v1=")[2]


def told(wire: Wire, body: bytes, header: str | None, late: float = 0, mode: str = "test", **settings: Any) -> Any:
    own = {"client_id": "ca_Golden", "client_secret": f"sk_{mode}_golden0123456789", "webhook_secrets": [SECRET]}
    provider = wire.make_provider("stripe", mode, **(own | settings))
    return notice(provider, body, {} if header is None else {"Stripe-Signature": header}, late=late)


# Stripe Apps: docs.stripe.com/stripe-apps/events, the same kind of address, for connected accounts; and
# docs.stripe.com/api/events/types: the message is for whatever application a user takes the access from.
@pytest.mark.parametrize("variant", [None, "apps"])
def test_a_message_tells_that_the_organizer_left(wire: Wire, variant: str | None) -> None:
    found = told(wire, BODY, signed(), variant=variant)
    assert (found.disconnected, found.proven, found.external_id) == (True, True, ACCOUNT)
    assert (found.id, found.type) == (LEFT["id"], LEFT["type"])


@pytest.mark.parametrize("kind", ["account.application.authorized", "account.updated"])
def test_another_message_is_no_disconnection(wire: Wire, kind: str) -> None:
    body = json.dumps({**LEFT, "type": kind}).encode()
    assert not told(wire, body, signed(body)).disconnected


def test_one_good_signature_among_several_is_enough(wire: Wire) -> None:
    # stripe/stripe-python: stripe/_webhook.py: two secrets are in use while one is rolled.
    header = f"t={int(NOW)},v1={'0' * 64},v1={v1(signed())},v0={'1' * 64}"
    assert stripe.WebhookSignature.verify_header(BODY.decode(), header, SECRET)
    assert told(wire, BODY, header).disconnected


def test_our_old_secret_is_good_while_it_is_rolled(wire: Wire) -> None:
    assert told(wire, BODY, signed(), webhook_secrets=["whsec_another0123456789", SECRET]).disconnected


@pytest.mark.parametrize(
    "header",
    [
        signed(secret="whsec_another0123456789"),
        signed(secret=SECRET.removeprefix("whsec_")),
        signed(body=BODY + b" "),
        f"t={int(NOW)},v0={v1(signed())}",
        f"t={int(NOW) + 1},v1={v1(signed())}",
        f"v1={v1(signed())}",
        "",
        None,
    ],
)
def test_a_message_with_another_signature_is_refused(wire: Wire, header: str | None) -> None:
    with refused("webhook_refused"):
        told(wire, BODY, header)


def test_a_message_is_good_for_five_minutes(wire: Wire) -> None:
    # stripe/stripe-python: stripe/_webhook.py, Webhook.DEFAULT_TOLERANCE
    assert stripe.Webhook.DEFAULT_TOLERANCE == 300
    assert told(wire, BODY, signed(), late=299).disconnected
    with refused("webhook_refused"):
        told(wire, BODY, signed(), late=301)


def test_a_live_address_gets_test_messages_too_and_does_not_believe_them(wire: Wire) -> None:
    # docs.stripe.com/connect/webhooks: look at livemode.
    with refused("webhook_refused"):
        told(wire, BODY, signed(), mode="live")
    body = json.dumps({**LEFT, "livemode": True}).encode()
    assert told(wire, body, signed(body), mode="live").disconnected
