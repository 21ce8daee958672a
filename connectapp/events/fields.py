"""The event form: what was typed, what it means, and a sentence beside each field that is wrong.

What was typed is kept as it came, valid or not, so that it can always be shown again.
"""

import re
import unicodedata
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import zip_longest
from typing import Any

from connectapp import money

Problems = dict[str, str]

LONGEST = {"title": 200, "description": 5000, "place": 200, "starts": 25, "ends": 25, "time_zone": 64, "price": 32}
PAYEES = ("payee", "payee_2", "payee_3", "payee_4", "payee_5")  # a box each, in the order in which buyers see them
LONGEST |= {"currency": 3} | dict.fromkeys(PAYEES, 36)
FIELDS = tuple(LONGEST)
DATE = re.compile(r"(20\d\d)-\d\d-\d\dT\d\d:\d\d(:\d\d)?")
_TWICE = "This field came twice. Nothing was changed; please send the form once more."
_UNPRINTABLE = "This has characters that cannot be shown. Please type it again."


@dataclass
class Values:
    """What a form means. Missing is None, or an empty text.

    :param price: in minor units of `currency`; 0 is free of charge.
    :param payee_ids: connected accounts, in the order in which buyers are offered them.
    """

    title: str = ""
    description: str = ""
    place: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    time_zone: str | None = None
    price: int | None = None
    currency: str | None = None
    payee_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Typed:
    """What came from the browser: a text for every field, and what was wrong with how it came."""

    texts: Mapping[str, str]
    problems: Problems = field(default_factory=dict)


def read(request: Any) -> Typed:
    """Take the fields as they came. Only NUL is not kept: PostgreSQL cannot."""
    texts, problems = {}, {}
    for name in FIELDS:
        values = [value for value in request.POST.getall(name) if isinstance(value, str)]
        texts[name] = values[0].replace("\0", "\N{REPLACEMENT CHARACTER}").replace("\r\n", "\n") if values else ""
        if len(values) > 1:
            problems[name] = _TWICE
        elif values and "\0" in values[0]:
            problems[name] = _UNPRINTABLE
    return Typed(texts, problems)


@cache
def time_zones() -> list[str]:
    """The places that have a time zone, as the tz database names them, and UTC."""
    places = [name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/")]
    return ["UTC", *sorted(places)]


def check(typed: Typed) -> tuple[Values, Problems]:
    """What the form means, as far as it can be told without the database.

    :return: the values, and a sentence for each field that is wrong; a wrong field's value is missing.
    """
    texts = {name: text.strip() for name, text in typed.texts.items()}
    shapes = {name: _shape_problem(name, text) for name, text in texts.items()}
    problems = {name: sentence for name, sentence in shapes.items() if sentence} | dict(typed.problems)
    texts = {name: "" if name in problems else text for name, text in texts.items()}
    values = Values(texts["title"], texts["description"], texts["place"])
    if not values.title:
        problems.setdefault("title", "Give the event a title.")
    _check_times(values, texts, problems)
    _check_price(values, texts, problems)
    _check_payees(values, texts, problems)
    return values, problems


def _shape_problem(name: str, text: str) -> str | None:
    if len(text) > LONGEST[name]:
        return f"This is too long: {len(text):,} characters, and at most {LONGEST[name]:,} fit."
    allowed = "\n\t" if name == "description" else ""
    bad = [c for c in text if c not in allowed and (unicodedata.category(c) in {"Cc", "Cs"} or c in "\u202d\u202e")]
    return _UNPRINTABLE if bad else None


def _check_times(values: Values, texts: Mapping[str, str], problems: Problems) -> None:
    zone = texts["time_zone"]
    if zone and zone not in time_zones():
        problems["time_zone"] = "Choose a time zone of the list."
        return
    values.time_zone = zone or None
    if not zone and (texts["starts"] or texts["ends"]):
        problems.setdefault("time_zone", "Choose the time zone that the times are in.")
        return
    values.starts_at = _moment("starts", texts, problems)
    values.ends_at = _moment("ends", texts, problems)
    if values.starts_at and values.ends_at and values.ends_at <= values.starts_at:
        problems["ends"] = "The end must come after the start."


def _moment(name: str, texts: Mapping[str, str], problems: Problems) -> datetime | None:
    """A local time as a point in time. Of a time that comes twice when clocks go back, the first is meant."""
    text = texts[name]
    if not text:
        return None
    try:
        local = datetime.fromisoformat(text) if DATE.fullmatch(text) else None
    except ValueError:
        local = None
    if local is None:
        problems[name] = "Write a date from 2000 to 2099 and a time, such as 2027-05-31 19:30."
        return None
    zone = zoneinfo.ZoneInfo(texts["time_zone"])
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local:
        problems[name] = "There is no such time: clocks go forward then. Choose another one."
        return None
    return moment


def _check_price(values: Values, texts: Mapping[str, str], problems: Problems) -> None:
    currency = texts["currency"].upper()
    if currency and currency not in money.currencies():
        problems["currency"] = "Choose a currency of the list."
        return
    values.currency = currency or None
    if not texts["price"]:
        return
    try:
        price = money.parse(texts["price"], currency or "KWD")  # without one: the most digits that any has
    except ValueError as error:
        problems["price"] = str(error)
        return
    if price and not currency:
        problems.setdefault("currency", "Choose the currency of the price.")
        return
    values.price = price


def boxes(texts: Mapping[str, str]) -> dict[str, str]:
    """In which box each account is chosen, in the order of the boxes; in the first one, if it is in several."""
    found: dict[str, str] = {}
    for name in PAYEES:
        if account_id := texts[name].strip():
            found.setdefault(account_id, name)
    return found


def _check_payees(values: Values, texts: Mapping[str, str], problems: Problems) -> None:
    chosen = boxes(texts)
    values.payee_ids = tuple(chosen)
    for name in PAYEES:
        if texts[name] and chosen[texts[name]] != name:
            problems[name] = "This account is chosen above already. Choose another one here, or none."


def complete(values: Values, now: datetime | None) -> Problems:
    """What is missing before the event can be published.

    :param now: its end must be later; None if it is published already.
    """
    problems = {}
    if not values.place:
        problems["place"] = "Say where it is; for an event without a place write Online."
    if values.starts_at is None:
        problems["starts"] = "Say when it begins."
    if values.ends_at is None:
        problems["ends"] = "Say when it ends."
    elif now is not None and values.ends_at <= now:
        problems["ends"] = "This is over already."
    if values.price is None:
        problems["price"] = "Say what a ticket costs; 0 if it is free of charge."
    return problems


def texts_of(values: Values) -> dict[str, str]:
    """The fields as the form shows stored values."""
    return {
        "title": values.title,
        "description": values.description,
        "place": values.place,
        "starts": _local(values.starts_at, values.time_zone),
        "ends": _local(values.ends_at, values.time_zone),
        "time_zone": values.time_zone or "",
        "price": "" if values.price is None else money.typed(values.price, values.currency or "EUR"),
        "currency": values.currency or "",
    } | dict(zip_longest(PAYEES, values.payee_ids, fillvalue=""))


def _local(moment: datetime | None, zone: str | None) -> str:
    if moment is None:
        return ""
    return f"{moment.astimezone(zoneinfo.ZoneInfo(zone or 'UTC')):%Y-%m-%dT%H:%M}"
