"""The boxes of the event form for accounts: how many, who may choose what, and what is said beside each."""

from collections.abc import Callable

import pytest

from tests.support.events import (
    PAYEES,
    boxes,
    chosen,
    connected,
    disconnect,
    fill,
    in_order,
    make_event,
    opened,
    payees,
    problems,
    published,
)
from tests.support.rows import SQLITE_ONLY
from tests.support.site import Browser, Site

ACME = {
    "providers": "stripe acme",
    "provider__acme__authorize_url": "https://acme.example/authorize",
    "provider__acme__token_url": "https://acme.example/token",
    "provider__acme__account_url": "https://acme.example/me",
    "provider__acme__client_id": "ca_acme",
    "provider__acme__client_secret": "sk_test_acme_canary",
    "provider__acme__mode": "test",
}


@SQLITE_ONLY
@pytest.mark.parametrize(("accounts", "shown"), [(0, 1), (1, 1), (2, 2), (6, 5)])
def test_there_are_as_many_boxes_as_accounts(site: Site, browser: Browser, accounts: int, shown: int) -> None:
    connected(browser, *(f"Mill {number}" for number in range(accounts)))
    page = browser.get("/events/new")
    form = opened(browser)
    assert [name for name in PAYEES if name in form.fields] == [*PAYEES[:shown]]
    assert ("Account</label>" in page.text) is (shown == 1)
    assert ("in this order" in page.text) is (shown > 1)


def test_gaps_close_up(site: Site, browser: Browser) -> None:
    one, two, _three = connected(browser, "Mill One", "Mill Two", "Mill Three")
    path = make_event(browser, **boxes("", two, one))
    assert payees(site) == [two, one]
    assert chosen(opened(browser, f"{path}/edit")) == [two, one, ""]


@SQLITE_ONLY
def test_what_was_chosen_stays_where_it_was_while_something_is_wrong(site: Site, browser: Browser) -> None:
    one, two, _three = connected(browser, "Mill One", "Mill Two", "Mill Three")
    page = fill(opened(browser), title="", **boxes("", two, one)).submit(status=400)
    assert chosen(page.forms[1]) == ["", two, one]


@SQLITE_ONLY
def test_the_same_account_twice(site: Site, browser: Browser) -> None:
    one, two, _three = connected(browser, "Mill One", "Mill Two", "Mill Three")
    page = fill(opened(browser), title="Jazz", **boxes(one, two, one)).submit(status=400)
    assert list(problems(page)) == ["payee_3"]
    assert "chosen above already" in problems(page)["payee_3"]
    assert '<a href="#payee_3">Offered third</a>' in page.text
    assert chosen(page.forms[1]) == [one, two, one]
    assert payees(site) == []


@SQLITE_ONLY
@pytest.mark.parametrize("text", ["nonsense", "x" * 100, "0192f0c0-0000-7000-8000-000000000000"])
def test_what_is_no_account_of_theirs_is_said_beside_its_box(site: Site, browser: Browser, text: str) -> None:
    one, _two = connected(browser, "Mill One", "Mill Two")
    form = fill(opened(browser), title="Jazz", **boxes(one, text))
    assert list(problems(form.submit(status=400))) == ["payee_2"]
    hidden_box = [*form.submit_fields(), ("payee_5", text)]
    page = browser.post("/events/new", hidden_box, status=400)
    assert "payee_5" in problems(page)
    assert site.rows("SELECT id FROM event") == []


@SQLITE_ONLY
def test_an_account_that_is_lost_meanwhile_shifts_nothing(site: Site, browser: Browser) -> None:
    one, two, three = connected(browser, "Mill One", "Mill Two", "Mill Three")
    form = fill(opened(browser), title="Jazz", **boxes(one, two, three))
    disconnect(browser, two)
    page = form.submit(status=400)
    assert problems(page) == {"payee_2": "Choose one of your connected accounts."}
    assert chosen(page.forms[1]) == [one, "", three]


def test_a_member_sees_them_and_chooses_none(site: Site, browser: Browser) -> None:
    one, two = connected(browser, "Mill One", "Mill Two")
    path = published(browser, two, one)
    mia = site.browser(site.person("mia", organizer="Olga Events", role="member"))
    page = mia.get(f"{path}/edit")
    assert in_order(page.text, "Mill Two", "Mill One")
    assert 'name="payee' not in page.text
    form = opened(mia, f"{path}/edit")
    for forged in (boxes(one, two), boxes(two), boxes("nonsense", "x" * 100, one)):
        page = mia.post(f"{path}/edit", [*form.submit_fields(), *forged.items()], status=400)
        assert problems(page) == {"payee": "Only an owner of the organizer chooses where the money goes."}
    page = fill(form, currency="KPW").submit(status=400)
    assert set(problems(page)) == {"payee", "payee_2"}
    fill(opened(mia, f"{path}/edit"), title="Mia's title").submit(status=303)
    assert payees(site) == [two, one]


@SQLITE_ONLY
def test_only_accounts_that_can_take_ticket_money_are_offered(make_site: Callable[..., Site]) -> None:
    site = make_site(**ACME)
    browser = site.signed_in()
    one, other = connected(browser, "Mill One", "Mill Two")
    site.change(
        "UPDATE provider_account SET provider = 'acme' WHERE id = "
        "(SELECT provider_account_id FROM connected_account WHERE id = :id)",
        id=other,
    )
    assert "Acme" in browser.get("/accounts").text
    page = browser.get("/events/new")
    assert "Connect with Acme" not in page.text
    assert "Mill Two" not in page.text
    assert chosen(opened(browser)) == [one]
    fill(opened(browser), title="Jazz", payee=other).submit(status=400)
    page = opened(browser).submit("connect", value="acme", status=400)
    assert site.rows("SELECT id FROM event") == []
