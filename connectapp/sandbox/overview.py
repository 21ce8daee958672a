"""The page at ``/``: what this is, and what it knows. Codes and tokens are shortened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from webob import Response

from connectapp.sandbox.declared import played
from connectapp.sandbox.declared_places import hosts
from connectapp.sandbox.pages import page
from connectapp.sandbox.routing import World

_SHOWN = 20


@dataclass(frozen=True)
class Table:
    """One table of the page."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[object]]


def overview(world: World) -> Response:
    """Render the page; of codes, grants and requests the newest."""
    with world.ledger.lock:
        tables = [_providers(world), _platforms(world), _accounts(world), *_newest(world)]
        return page("index.jinja2", tables=tables, mails=len(world.ledger.mails))


def _providers(world: World) -> Table:
    """Stripe, and those that are declared; the ones that only our tests use are not worth a line."""
    rows = [("Stripe", "stripe", "connect.stripe.com")]
    rows += [(one.title, one.name, ", ".join(hosts(one))) for one in played(world.declarations.values())]
    return Table("Providers that are played", ("Title", "Name", "Hosts"), rows)


def _platforms(world: World) -> Table:
    rows = [(one.name, one.provider, one.client_id, one.mode) for one in world.platforms.all]
    return Table("Platforms", ("Name", "Provider", "Client id", "Mode"), rows)


def _accounts(world: World) -> Table:
    rows = [
        (one.id, one.business_name, one.country, one.default_currency.upper(), "yes" if one.charges_enabled else "no")
        for one in world.ledger.accounts.values()
    ]
    return Table("Accounts", ("Id", "Business name", "Country", "Currency", "Takes charges"), rows)


def _newest(world: World) -> list[Table]:
    ledger = world.ledger
    codes = [
        (_short(one.code), one.provider, one.external_id, _moment(one.issued_at), one.redemptions)
        for one in islice(reversed(ledger.codes.values()), _SHOWN)
    ]
    grants = [
        (_short(one.access_token), one.provider, one.external_id, one.client_id, one.scope, one.reason or "live")
        for one in islice(reversed(ledger.grants), _SHOWN)
    ]
    payments = [
        (one.id, one.account, one.amount, one.currency.upper(), one.status, one.made_by)
        for one in islice(reversed(ledger.payments), _SHOWN)
    ]
    requests = [
        (one.n, _moment(one.at), one.method, one.host + one.path, one.status or "open")
        for one in islice(reversed(ledger.requests), _SHOWN)
    ]
    return [
        Table("Codes", ("Code", "Provider", "Account", "Issued", "Presented"), codes),
        Table("Grants", ("Token", "Provider", "Account", "Client id", "Scope", "State"), grants),
        Table("Payments", ("Id", "Account", "Minor units", "Currency", "Outcome", "Made with the key of"), payments),
        Table("Requests", ("No.", "When", "Method", "Endpoint", "Status"), requests),
    ]


def _short(secret: str) -> str:
    return secret[:12] + "…"


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
