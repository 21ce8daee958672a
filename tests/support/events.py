"""The event form as tests fill it in."""

import re
from html import unescape
from typing import Any

from tests.support.site import Browser

CONCERT = {
    "title": "Harbour Jazz",
    "description": "Three bands.\n\nDoors at six.",
    "place": "The Old Mill",
    "starts": "2031-05-30T19:30",
    "ends": "2031-05-30T23:00",
    "time_zone": "Europe/Berlin",
    "price": "12.50",
    "currency": "EUR",
}


def opened(browser: Browser, path: str = "/events/new") -> Any:
    """The form of a page, as WebTest reads it: with every field's value."""
    form = browser.get(path, status=200).forms
    return next(one for one in form.values() if "title" in one.fields)


def fill(form: Any, **texts: str) -> Any:
    """Put texts into the fields; selects take what their list does not have, as a forged form would."""
    for name, text in texts.items():
        field = form[name]
        if hasattr(field, "force_value"):
            field.force_value(text)
        else:
            field.value = text
    return form


def make_event(browser: Browser, **texts: str) -> str:
    """A saved event; gives its path."""
    page = fill(opened(browser), **CONCERT | texts).submit(status=303)
    return str(page.location).removeprefix("https://app.test")


def texts_of(form: Any) -> dict[str, str]:
    """What the fields show."""
    return {name: form[name].value for name in (*CONCERT, "payee") if name in form.fields}


def problems(page: Any) -> dict[str, str]:
    """The sentences beside the fields."""
    found = re.findall(r'<p class="problem" id="([a-z_]+)-problem">([^<]*)</p>', page.text)
    return {name: unescape(text) for name, text in found}
