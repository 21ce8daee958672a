"""An organizer's events: made, changed, published, cancelled; what was typed is never lost."""

from typing import Any

import pytest

from tests.support.events import CONCERT, fill, make_event, opened, payees, problems, publish, texts_of
from tests.support.site import Browser, Site


def stored(site: Site) -> Any:
    (row,) = site.rows("SELECT * FROM event")
    return row


def account_of(browser: Browser, country: str = "DE", **fields: str) -> str:
    browser.connect(business_name="Old Mill", country=country, **fields)
    account_id: str = browser.site.accounts()[-1].id
    return account_id


def test_an_event_is_made_and_shown(site: Site, browser: Browser) -> None:
    assert "No events yet" in browser.get("/events").text
    path = make_event(browser)
    row = stored(site)
    assert (row.title, row.price, row.currency, row.status, row.version) == ("Harbour Jazz", 1250, "EUR", "draft", 1)
    page = browser.get(path)
    assert "€12.50" in page.text
    assert "Fri 30 May 2031, 19:30 \N{EN DASH} 23:00 (CEST, Europe/Berlin)" in page.text
    assert "Doors at six." in page.text
    assert "TEST MODE" in page.text
    assert "Harbour Jazz" in browser.get("/events").text
    assert site.audit()[-2:] == ["event.added", "event.saved"]


def test_what_is_stored_comes_back_into_the_form(site: Site, browser: Browser) -> None:
    path = make_event(browser)
    form = opened(browser, f"{path}/edit")
    assert texts_of(form) == CONCERT | {"payee": ""}
    fill(form, title="Harbour Jazz 2").submit(status=303)
    assert (stored(site).title, stored(site).version) == ("Harbour Jazz 2", 2)


@pytest.mark.parametrize(
    ("price", "currency", "minor", "shown"),
    [("1200", "JPY", 1200, "¥1,200"), ("5.125", "KWD", 5125, "KWD\xa05.125"), ("12.5", "RSD", 1250, "RSD\xa012.50")],
)
def test_currencies_have_their_own_digits(
    site: Site, browser: Browser, price: str, currency: str, minor: int, shown: str
) -> None:
    path = make_event(browser, price=price, currency=currency)
    assert stored(site).price == minor
    assert shown in browser.get(path).text


def test_a_form_that_is_sent_twice_makes_one_event(site: Site, browser: Browser) -> None:
    form = fill(opened(browser), **CONCERT)
    first = form.submit(status=303)
    second = form.submit(status=303)
    assert first.location == second.location
    assert len(site.rows("SELECT id FROM event")) == 1
    # Gone back and changed: not dropped in silence.
    page = fill(form, title="Another title").submit(status=409)
    assert texts_of(page.forms[1])["title"] == "Another title"
    assert stored(site).title == "Harbour Jazz"
    page.forms[1].submit(status=303)
    assert stored(site).title == "Another title"


def test_somebody_else_saved_meanwhile(site: Site, browser: Browser) -> None:
    path = make_event(browser)
    mia = site.browser(site.person("mia", organizer="Olga Events", role="member"))
    late = opened(browser, f"{path}/edit")
    fill(opened(mia, f"{path}/edit"), place="The New Mill").submit(status=303)
    page = fill(late, title="Mine").submit(status=409)
    assert "Somebody saved this event" in page.text
    assert stored(site).place == "The New Mill"
    form = next(one for one in page.forms.values() if "title" in one.fields)
    assert texts_of(form)["title"] == "Mine"
    form.submit(status=303)
    assert (stored(site).title, stored(site).place) == ("Mine", "The Old Mill")


def test_a_paid_event_is_published_with_an_account_only(site: Site, browser: Browser) -> None:
    path = make_event(browser)
    page = publish(browser, path, status=400)
    assert problems(page) == {"payee": "Choose the account that the ticket money goes to."}
    assert stored(site).status == "draft"
    account_id = account_of(browser)
    fill(opened(browser, f"{path}/edit"), payee=account_id).submit(status=303)
    publish(browser, path, status=303)
    assert stored(site).status == "published"
    assert site.audit()[-1] == "event.published"
    page = site.browser().get(path)  # everybody sees it, and where the money goes
    (account,) = site.accounts()
    assert f"Payouts go to <bdi>Old Mill, ••••{account.external_id[-4:]}, Germany</bdi>" in page.text
    assert account.external_id not in page.text
    assert "Sales are paused" not in page.text


def test_a_free_event_needs_no_account(site: Site, browser: Browser) -> None:
    path = make_event(browser, price="0", currency="")
    publish(browser, path, status=303)
    page = site.browser().get(path)
    assert "Free" in page.text
    assert "Payouts" not in page.text


def test_what_is_missing_is_said_before_publishing(site: Site, browser: Browser) -> None:
    path = make_event(browser, place="", starts="", ends="", price="", currency="")
    page = publish(browser, path, status=400)
    assert set(problems(page)) == {"place", "starts", "ends", "price"}
    past = make_event(browser, starts="2020-01-01T10:00", ends="2020-01-01T11:00", price="0")
    assert problems(publish(browser, past, status=400)) == {"ends": "This is over already."}
    assert {row.status for row in site.rows("SELECT status FROM event")} == {"draft"}


@pytest.mark.parametrize(
    ("price", "currency", "sentence"),
    [
        ("0.10", "EUR", "does not take so small an amount"),
        ("12", "KPW", "cannot take KPW"),
        ("5.124", "KWD", "cannot charge this amount exactly"),
    ],
)
def test_the_account_must_take_the_price(
    site: Site, browser: Browser, price: str, currency: str, sentence: str
) -> None:
    path = make_event(browser, payee=account_of(browser), price=price, currency=currency)
    assert sentence in problems(publish(browser, path, status=400))["payee"]
    assert stored(site).status == "draft"


def test_an_account_that_cannot_take_payments_yet(site: Site, browser: Browser) -> None:
    path = make_event(browser, payee=account_of(browser))
    site.change("UPDATE provider_account SET charges_enabled = :no", no=False)
    assert "Finish its set-up at Stripe" in problems(publish(browser, path, status=400))["payee"]
    site.change("UPDATE provider_account SET charges_enabled = :yes", yes=True)
    publish(browser, path, status=303)
    site.change("UPDATE provider_account SET charges_enabled = :no", no=False)
    assert "Finish its set-up at Stripe" in browser.get(path).text
    assert "Sales are paused" in site.browser().get(path).text


def test_disconnecting_pauses_the_sales(site: Site, browser: Browser) -> None:
    account_id = account_of(browser)
    path = make_event(browser, payee=account_id)
    make_event(browser, title="Only a draft", payee=account_id)
    publish(browser, path, status=303)
    assert "Harbour Jazz" in browser.get(f"/accounts/{account_id}").text
    question = browser.get(f"/accounts/{account_id}/disconnect")
    assert "Ticket sales pause" in question.text
    assert "Harbour Jazz" in question.text
    assert "Only a draft" not in question.text
    browser.submit(f"/accounts/{account_id}/disconnect", status=303)
    assert stored_status(site) == {"Harbour Jazz": "published", "Only a draft": "draft"}
    page = browser.get(path)
    assert "Sales are paused" in page.text
    assert page.text.count("not connected any more") == 1
    assert "Tickets cannot be bought at the moment" in site.browser().get(path).text
    # Its text can still be mended, and a new account takes over.
    fill(opened(browser, f"{path}/edit"), title="Harbour Jazz!").submit(status=303)
    fill(opened(browser, f"{path}/edit"), payee=account_of(browser)).submit(status=303)
    assert "Sales are paused" not in site.browser().get(path).text


def stored_status(site: Site) -> dict[str, str]:
    return {row.title: row.status for row in site.rows("SELECT title, status FROM event")}


def test_a_published_event_cannot_lose_its_account(site: Site, browser: Browser) -> None:
    path = make_event(browser, payee=account_of(browser))
    publish(browser, path, status=303)
    before = stored(site)
    page = fill(opened(browser, f"{path}/edit"), payee="").submit(status=400)
    assert set(problems(page)) == {"payee"}
    page = fill(opened(browser, f"{path}/edit"), currency="KPW").submit(status=400)
    assert set(problems(page)) == {"payee"}
    assert stored(site) == before


def test_a_cancelled_event_stays_and_changes_no_more(site: Site, browser: Browser) -> None:
    path = make_event(browser, price="0")
    publish(browser, path, status=303)
    late = opened(browser, f"{path}/edit")
    assert "cannot be changed" in browser.get(f"{path}/cancel").text
    browser.submit(f"{path}/cancel", status=303)
    assert "This event is cancelled" in site.browser().get(path).text
    browser.get(f"{path}/edit", status=303)
    late.submit(status=409)
    publish(browser, path, status=409)
    assert stored(site).status == "cancelled"
    assert site.audit()[-1] == "event.cancelled"


def test_a_member_writes_and_an_owner_decides_about_money(site: Site, browser: Browser) -> None:
    account_id = account_of(browser)
    mia = site.browser(site.person("mia", organizer="Olga Events", role="member"))
    path = make_event(mia)
    assert "Connect with" not in mia.get(f"{path}/edit").text
    publish(mia, path, status=403)
    mia.get(f"{path}/cancel", status=403)
    mia.submit(f"{path}/cancel", status=403)
    form = opened(mia, f"{path}/edit")
    fields = dict(form.submit_fields()) | {"payee": account_id}
    page = mia.post(f"{path}/edit", fields, status=400)
    assert problems(page) == {"payee": "Only an owner of the organizer chooses where the money goes."}
    assert payees(site) == []
    fill(opened(browser, f"{path}/edit"), payee=account_id).submit(status=303)
    fill(opened(mia, f"{path}/edit"), title="Mia's title").submit(status=303)
    assert (stored(site).title, payees(site)) == ("Mia's title", [account_id])
