"""Money: minor units in, what people write out, and back; wrong by no factor of a hundred anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectapp import money


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1250, "EUR", "€12.50"),
        (1250, "eur", "€12.50"),
        (0, "EUR", "€0.00"),
        (123456789, "USD", "$1,234,567.89"),
        (1200, "JPY", "¥1,200"),
        (5124, "KWD", "KWD\xa05.124"),
        (1250, "CHF", "CHF\xa012.50"),
        (1250, "CAD", "CA$12.50"),
        # CLDR shows these without digits, and ISO 4217 counts in hundredths.
        (1250, "RSD", "RSD\xa012.50"),
        (1250, "ALL", "ALL\xa012.50"),
    ],
)
def test_shown_as_people_write_it(amount: int, currency: str, text: str) -> None:
    assert money.shown(amount, currency) == text


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("12", "EUR", 1200),
        ("12.5", "EUR", 1250),
        ("12.50", "EUR", 1250),
        ("12.500", "EUR", 1250),
        (".5", "EUR", 50),
        ("1,250.00", "EUR", 125000),
        ("1200", "JPY", 1200),
        ("1,200.00", "JPY", 1200),
        ("5.124", "KWD", 5124),
        ("0", "EUR", 0),
    ],
)
def test_read_as_people_write_it(text: str, currency: str, amount: int) -> None:
    assert money.parse(text, currency) == amount


@pytest.mark.parametrize(
    ("text", "currency", "sentence"),
    [
        ("-1", "EUR", "cannot be negative"),
        ("12,50", "EUR", "Use a dot before the cents"),
        ("1,2,3", "EUR", "Use a dot before the cents"),
        ("12.505", "EUR", "2 digits after the dot"),
        ("12.5", "JPY", "no smaller unit"),
        ("5.1245", "KWD", "3 digits after the dot"),
        ("100000000.01", "EUR", "too high"),
        *(
            (odd, "EUR", "as a number")
            for odd in ("", " ", "12 €", "1e5", "NaN", "Infinity", "٣", "1_0", "+1", "0x10", "1.2.3")
        ),
    ],
)
def test_what_is_no_price_gets_a_sentence(text: str, currency: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        money.parse(text, currency)


@given(st.integers(0, money.MOST), st.sampled_from(sorted(money.currencies())))
def test_what_a_form_shows_is_read_back(amount: int, currency: str) -> None:
    assert money.parse(money.typed(amount, currency), currency) == amount


def test_currencies_of_today() -> None:
    known = money.currencies()
    assert {"EUR", "USD", "JPY", "KWD", "CHF"} <= set(known)
    assert not {"DEM", "XXX", "XAU", "eur"} & set(known)
    assert known["JPY"] == "Japanese Yen"
