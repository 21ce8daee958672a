"""Amounts of money: whole numbers of minor units (ISO 4217), written and read as people do.

How many digits a currency has is ISO 4217's, which is what payment providers count in. CLDR, and so Babel, has other
numbers for about twenty currencies (none for the Serbian dinar, say), which are right for a price tag and wrong by a
factor of a hundred here; so Babel is told the pattern.
"""

import re
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.core import get_global
from babel.numbers import (
    NumberFormatError,
    format_currency,
    get_currency_name,
    get_currency_symbol,
    get_territory_currencies,
    parse_decimal,
)

LOCALE = "en"
MOST = 10**10  # minor units: a hundred million euro is no ticket
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"


@cache
def currencies() -> dict[str, str]:
    """The currencies that are in use somewhere today, by code in capitals, with their English names."""
    codes = {code for territory in get_global("territory_currencies") for code in get_territory_currencies(territory)}
    return {code: get_currency_name(code, locale=LOCALE) for code in sorted(codes)}


def digits(currency: str) -> int:
    """How many digits the minor unit has (ISO 4217 table A.1): 2 for EUR, 0 for JPY, 3 for KWD."""
    code = currency.upper()
    return 0 if code in _NO_DIGITS.split() else 3 if code in _THREE_DIGITS.split() else 2


def shown(amount: int, currency: str) -> str:
    """An amount of minor units as people write it: ``€12.50``, ``¥1,200``, ``CHF 12.50``."""
    code = currency.upper()
    gap = "\N{NO-BREAK SPACE}" if get_currency_symbol(code, locale=LOCALE).isalpha() else ""
    pattern = f"¤{gap}#,##0{_fraction(code)}"
    value = Decimal(amount).scaleb(-digits(code))
    return format_currency(value, code, pattern, locale=LOCALE, currency_digits=False)


def typed(amount: int, currency: str) -> str:
    """An amount as a form's field has it: ``12.50``."""
    return f"{Decimal(amount).scaleb(-digits(currency)):.{digits(currency)}f}"


def _fraction(currency: str) -> str:
    return f".{'0' * digits(currency)}" if digits(currency) else ""


def parse(text: str, currency: str) -> int:
    """Minor units from what somebody typed: ``12``, ``12.5``, ``1,250.00``.

    :raises ValueError: with a sentence for whoever typed it.
    """
    if text.startswith("-"):
        raise ValueError("A price cannot be negative.")
    if not re.fullmatch(r"[0-9,]{1,20}(\.[0-9]{0,10})?|\.[0-9]{1,10}", text):
        raise ValueError("Write the price as a number, such as 12 or 12.50.")
    try:
        value = parse_decimal(text, locale=Locale.parse(LOCALE), strict=True)
    except NumberFormatError:
        raise ValueError("Use a dot before the cents, and commas only between thousands: 1,250.50.") from None
    minor = value.scaleb(digits(currency))
    if minor != minor.to_integral_value():
        raise ValueError(_too_fine(currency))
    if minor > MOST:
        raise ValueError("This price is too high.")
    return int(minor)


def _too_fine(currency: str) -> str:
    count = digits(currency)
    if count == 0:
        return f"{currency.upper()} has no smaller unit: write a whole number."
    return f"{currency.upper()} has {count} digits after the dot."
