"""Countries (ISO 3166-1 alpha-2): their names, their currencies, and which one a time zone is in. As CLDR has them."""

from babel import Locale
from babel.core import get_global
from babel.numbers import get_territory_currencies


def name(code: str | None) -> str | None:
    """In English; None for what is none."""
    found: str | None = Locale.parse("en").territories.get(code or "")
    return found


def of_time_zone(zone: str | None) -> str | None:
    """The country of a place of the tz database; None where it is in none."""
    found: str | None = get_global("zone_territories").get(zone or "")
    return found if name(found) and found != "001" else None  # 001 is the world


def currencies(code: str | None) -> frozenset[str]:
    """What people pay with there (ISO 4217, lower case)."""
    return frozenset(one.lower() for one in get_territory_currencies(code)) if code else frozenset()
