"""The pages in their states, with hostile strings in place of every value: what `test_templates` renders."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from connectapp.accounts.store import AccountView
from connectapp.accounts.uses import Use
from connectapp.layout import ProviderLink, Site
from connectapp.offers import Offers, Place
from connectapp.organizers.switching import Choice
from connectapp.payments.cashier import PaymentView

HOSTILE = "\"'><script>alert(1)</script><p onclick=x style=y>{{ 7*7 }} {% raw %}"
AWAY = 'https://connect.stripe.com/oauth/authorize?state=a&scope="><script>'
MAILS = "http://127.0.0.1:6544/mail"  # the sandbox's, in development
AT = datetime(2026, 11, 23, 9, 5, tzinfo=UTC)

PROVIDER = ProviderLink(HOSTILE, HOSTILE, HOSTILE, f"/connect/{HOSTILE}", f"/connect/{HOSTILE}/authorize", HOSTILE)
SIGNED_IN = Site(HOSTILE, HOSTILE, HOSTILE, "development", HOSTILE, HOSTILE, HOSTILE)
SIGNED_OUT = Site(None, None, HOSTILE, "production", None, HOSTILE)
NEW = {"display_name": HOSTILE, "masked_id": HOSTILE, "country": HOSTILE, "mode": "test"}


def account(status: str = "active", *, charges: bool | None = True) -> AccountView:
    return AccountView(
        HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, status, HOSTILE, HOSTILE, charges, HOSTILE, HOSTILE, AT, HOSTILE
    )


ACCOUNTS = [
    account(),
    account(charges=False),
    account(charges=None),
    account("disconnecting"),
    account("disconnected"),
    account(HOSTILE),
]
REPLACEMENT = {"attempt_id": HOSTILE, "path": f"/connect/{HOSTILE}/confirm", "old": account(), "new": NEW}
HISTORY = [{"at": AT, "text": HOSTILE, "who": HOSTILE}, {"at": AT, "text": HOSTILE, "who": None}]
ERROR = {"status": 404, "heading": HOSTILE, "sentence": HOSTILE, "next_steps": [HOSTILE], "reference": HOSTILE}
ERROR |= {"badge": HOSTILE, "typed": [(HOSTILE, HOSTILE)]}
RESULT = ERROR | {
    "provider": PROVIDER,
    "account": None,
    "back": "/accounts",
    "back_name": HOSTILE,
    "retry_path": "/connect/stripe",
    "refresh_seconds": None,
    "replacement": None,
    "choice": None,
}
LEAVE = {"provider_title": HOSTILE, "organizer_name": HOSTILE, "target_name": HOSTILE, "back": "/accounts"} | {
    "url": AWAY,
    "host": HOSTILE,
}
WHICH = {
    "attempt_id": HOSTILE,
    "path": "/connect/stripe/confirm",
    "mode": "test",
    "accounts": [{"display_name": HOSTILE, "masked_id": HOSTILE}] * 2,
}
OUTCOMES = ["linked", "denied", "refused", "failed", "outcome_unknown", "exchanging", "pending_verification", HOSTILE]


FIELDS = [(HOSTILE, HOSTILE), ("organizer", HOSTILE)]
CHOICES = [Choice("1", HOSTILE, "owner"), Choice(HOSTILE, HOSTILE, "member")]
PLACE = Place("FR", "eur")
PAYMENTS = [PaymentView(HOSTILE, HOSTILE, status, None, HOSTILE, AT) for status in ("succeeded", "pending", "failed")]
PAYMENT = {"account": account(), "provider_title": HOSTILE, "heading": HOSTILE, "sentence": HOSTILE}


def pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """The pages in their states: the template's name and its variables."""
    for site in (SIGNED_IN, SIGNED_OUT):
        frame = {"site": site}
        for outcome in OUTCOMES:
            yield "result", RESULT | frame | {"outcome": outcome}
        yield "result", RESULT | frame | {"outcome": "linked", "retry_path": None, "account": account()}
        yield "result", RESULT | frame | {"outcome": "exchanging", "refresh_seconds": 3, "next_steps": []}
        for names in ([], [HOSTILE], [HOSTILE, HOSTILE]):
            yield "home", frame | {"providers": names, "may_sign_up": not names}
        offers = {"may_sign_up": True, "may_reset": True}
        yield "signin", frame | offers | {"error": None, "email": "", "demo": True}
        yield (
            "signin",
            frame | {"error": HOSTILE, "email": HOSTILE, "demo": False, "may_sign_up": False, "may_reset": False},
        )
    frame = {"site": SIGNED_IN}
    yield (
        "result",
        RESULT | frame | {"outcome": "awaiting_confirmation", "retry_path": None, "replacement": REPLACEMENT},
    )
    yield "result", RESULT | frame | {"outcome": "awaiting_confirmation", "retry_path": None, "choice": WHICH}
    for may in (True, False):
        for providers in ([PROVIDER], []):
            yield from _accounts_pages(frame | {"providers": providers, "may_connect": may}, providers)
        yield from _account_pages(frame, may=may)
    for scope in ("read_only", "read_write", HOSTILE, ""):
        page = frame | {"provider": PROVIDER, "scope": scope, "replaces": None, "attempt_id": None, "back": "/accounts"}
        yield "connect", page | {"fields": []}
        for problem in (None, HOSTILE):
            asked = {"name": "tenant_x", "label": HOSTILE, "example": HOSTILE, "text": HOSTILE, "problem": problem}
            yield "connect", page | {"fields": [asked], "attempt_id": HOSTILE}
    for auto in (True, False):
        yield "leave", frame | LEAVE | {"auto": auto}
    yield "error", ERROR
    yield "error", ERROR | {"next_steps": [], "badge": None, "typed": []}


def _accounts_pages(frame: dict[str, Any], providers: list[ProviderLink]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The list of accounts, with few providers to connect with, with many, and with those that were searched for."""
    for offers in (Offers(providers, [], [], Place()), Offers(providers, providers, providers, PLACE)):
        yield "accounts", frame | {"accounts": ACCOUNTS, "offers": offers}
    for found in (providers, []):
        yield "accounts", frame | {"accounts": [], "offers": Offers(found, [], [], PLACE, HOSTILE)}


def _account_pages(frame: dict[str, Any], *, may: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """One account, and one test payment."""
    for one in ACCOUNTS:
        page = frame | {
            "account": one,
            "history": HISTORY,
            "uses": [Use(HOSTILE, "/events/1", live=True), Use(HOSTILE, "/events/2", live=False)],
            "payments": PAYMENTS,
            "may_disconnect": may,
            "may_pay": may,
        }
        yield "account", page | {"provider": PROVIDER}
        yield "account", page | {"provider": None, "history": [], "payments": [], "uses": []}
    for one in PAYMENTS:
        yield "payment", frame | PAYMENT | {"payment": one, "may_pay": may}


def organizer_pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Those of people and organizers."""
    frame = {"site": SIGNED_IN}
    for error in (None, HOSTILE):
        yield "prove", frame | {"path": "/events/new", "fields": FIELDS, "error": error, "field": "prove_password"}
        for may in (True, False):
            page = frame | {"choices": CHOICES, "may_create": may, "name": HOSTILE, "error": error}
            yield "organizers", page
            yield "organizers", page | {"choices": []}
    for name in (HOSTILE, None):
        page = {"form_organizer": name, "path": "/events/new", "fields": FIELDS, "switch_field": "switch_organizer"}
        yield "other_organizer", frame | page
