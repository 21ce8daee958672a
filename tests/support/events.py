"""The event form as tests fill it in."""

import re
from html import unescape
from typing import Any

from connectapp.events.fields import PAYEES
from tests.support.site import Browser, Site

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
    return edit_form(browser.get(path, status=200))


def edit_form(page: Any) -> Any:
    """The event form of a page."""
    return next(one for one in page.forms.values() if "title" in one.fields)


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


def payees(site: Site) -> list[str]:
    """The accounts that events are paid into, event by event in the order in which buyers are offered them."""
    return [row.account_id for row in site.rows("SELECT account_id FROM event_payee ORDER BY event_id, position")]


def connected(browser: Browser, *names: str) -> list[str]:
    """Stripe accounts of the organizer with these names; gives their ids."""
    for name in names:
        browser.connect(business_name=name, country="DE")
    return [account.id for account in browser.site.accounts()][-len(names) :]


def boxes(*account_ids: str) -> dict[str, str]:
    """What is put into the boxes for accounts, the first one first."""
    return dict(zip(PAYEES, account_ids, strict=False))


def chosen(form: Any) -> list[str]:
    """What the boxes for accounts show, the first one first."""
    return [form[name].value for name in PAYEES if name in form.fields]


def problems(page: Any) -> dict[str, str]:
    """The sentences beside the fields."""
    found = re.findall(r'<p class="problem" id="([a-z_0-9]+)-problem">([^<]*)</p>', page.text)
    return {name: unescape(text) for name, text in found}


def charges(site: Site, account_id: str, *, enabled: bool) -> None:
    """The provider lets an account take payments, or does not."""
    site.change(
        "UPDATE provider_account SET charges_enabled = :enabled WHERE id = "
        "(SELECT provider_account_id FROM connected_account WHERE id = :id)",
        enabled=enabled,
        id=account_id,
    )


def disconnect(browser: Browser, account_id: str) -> None:
    browser.submit(f"/accounts/{account_id}/disconnect", status=303)


def in_order(text: str, *names: str) -> bool:
    """Whether a page has these names, each once, in this order."""
    places = [text.find(name) for name in names]
    return -1 not in places and places == sorted(places) and all(text.count(name) == 1 for name in names)


def publish(browser: Browser, path: str, **kwargs: Any) -> Any:
    return browser.submit(f"{path}/publish", **kwargs)


def published(browser: Browser, *account_ids: str) -> str:
    """A published event that is paid into these accounts; gives its path."""
    path = make_event(browser, **boxes(*account_ids))
    publish(browser, path, status=303)
    return path
