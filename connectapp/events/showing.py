"""An event in words: when, what it costs, where the money can go, and whether tickets are sold."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from connectapp import countries, money
from connectapp.accounts.store import AccountView
from connectapp.events import payees
from connectapp.events.fields import Values
from connectapp.events.models import PUBLISHED
from connectapp.events.payees import Providers
from connectapp.events.store import EventView
from connectapp.providers.interfaces import title_of

DAY_AND_TIME = "EEE d MMM y, HH:mm"
NONE_WORKS = "None of the accounts can take the money at present. Below is why, and what to do."


@dataclass(frozen=True)
class ShownPayee:
    """A way to pay.

    :param provider: its name for people. :param payout: who is paid, in words: name, last digits, country.
    :param problem: why buyers are not offered it at present, for the organizer; None if they are.
    """

    provider: str
    payout: str
    problem: str | None


@dataclass(frozen=True)
class ShownEvent:
    """An event as pages show it.

    :param when: with its time zone, or None. :param price: ``€12.50``, ``Free``, or None while it is not decided.
    :param payees: where the money can go, as buyers are offered it; nowhere, if it is free of charge.
    :param paused: why no tickets are sold although it is published, for its own people; None if they are.
    """

    id: str
    path: str
    status: str
    title: str
    description: str
    place: str
    organizer: str
    when: str | None
    price: str | None
    payees: tuple[ShownPayee, ...]
    paused: str | None
    unsaved: bool


def shown(event: EventView, providers: Providers) -> ShownEvent:
    """See `ShownEvent`."""
    values = event.values
    ways = tuple(_payee(account, values, providers) for account in event.payees)
    return ShownEvent(
        id=event.id,
        path=event.path,
        status=event.status,
        title=values.title,
        description=values.description,
        place=values.place,
        organizer=event.organizer_name,
        when=_when(values),
        price=_price(values),
        payees=ways if values.price != 0 else (),
        paused=_paused(values, ways) if event.status == PUBLISHED else None,
        unsaved=event.draft is not None,
    )


def _payee(account: AccountView, values: Values, providers: Providers) -> ShownPayee:
    word = payees.problem(values.price, values.currency, account, providers)
    problem = payees.sentence(word, values.currency, account, providers) if word else None
    return ShownPayee(title_of(account.provider_name, providers), payout(account), problem)


def _paused(values: Values, ways: tuple[ShownPayee, ...]) -> str | None:
    if not ways:
        return payees.SENTENCES["missing"] if values.price else None
    if any(way.problem is None for way in ways):
        return None
    return ways[0].problem if len(ways) == 1 else NONE_WORKS


def payout(account: AccountView) -> str:
    """Enough to know the account by, and not more: ``Riverside, ••••1234, United Kingdom``."""
    country = countries.name(account.country) or account.country
    return ", ".join(filter(None, [account.display_name, f"••••{account.masked_id[-4:]}", country]))


def _price(values: Values) -> str | None:
    if values.price is None:
        return None
    return money.shown(values.price, values.currency) if values.price and values.currency else "Free"


def _when(values: Values) -> str | None:
    if values.starts_at is None or values.time_zone is None:
        return None
    zone = ZoneInfo(values.time_zone)
    starts = values.starts_at.astimezone(zone)
    text = format_datetime(starts, DAY_AND_TIME, tzinfo=zone, locale="en")
    if values.ends_at is not None:
        ends = values.ends_at.astimezone(zone)
        pattern = "HH:mm" if ends.date() == starts.date() else DAY_AND_TIME
        text += f" \N{EN DASH} {format_datetime(ends, pattern, tzinfo=zone, locale='en')}"
    return f"{text} ({starts:%Z}, {values.time_zone})"
