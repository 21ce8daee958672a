"""Many providers on one page: a few that fit the organizer at once, the rest behind one click or found by search."""

import re

import pytest

from connectapp.countries import of_time_zone
from connectapp.offers import AT_ONCE, Offers, Place, arrange
from connectapp.providers.registry import get_providers
from tests.support.events import CONCERT, edit_form, fill, make_event, opened, texts_of
from tests.support.site import Browser, Site

PARTNER = {"provider__paypal__variable__partner_id": "PARTNER12345X"}
MANY = "stripe square mollie paypal mercadopago razorpay helloasso clover"


@pytest.fixture
def database_url(sqlite, tmp_path) -> str:
    """What is offered has nothing to do with the database."""
    return sqlite.create(tmp_path)


@pytest.fixture
def site(make_site) -> Site:
    return make_site(providers=MANY, **PARTNER)


def names(links: list) -> list[str]:
    return [link.name for link in links]


def offered(site: Site, *place: str, text: str = "") -> Offers:
    return arrange(get_providers(site.registry).values(), Place(*place), text)


def shown(page) -> list[str]:
    """The providers whose buttons can be seen without a click."""
    at_once = page.text.partition("<details")[0]
    return re.findall(r'action="/connect/(\w+)/authorize"', at_once)


def connectable(page, *, at_once: bool = False) -> list[str]:
    """The providers that an event form connects with."""
    text = page.text.partition("<details")[0] if at_once else page.text
    return re.findall(r'name="connect" value="(\w+)"', text)


def test_those_of_the_country_come_first_in_the_order_of_the_ini(site: Site) -> None:
    offers = offered(site, "IN", "inr")
    assert names(offers.first) == ["stripe", "paypal", "razorpay", "clover"]
    assert offers.fitting == []
    assert names(offers.others) == ["helloasso", "mercadopago", "mollie", "square"]


def test_where_nothing_is_known_a_few_are_shown(site: Site) -> None:
    offers = offered(site)
    assert names(offers.first) == MANY.split()[:AT_ONCE]
    assert names(offers.fitting) == ["clover", "helloasso"]
    assert offers.others == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("helloasso", ["helloasso"]),
        (" SQUARE ", ["square"]),
        ("mercado p", ["mercadopago"]),
        ("India", ["razorpay"]),
        ("br", ["mercadopago"]),
        ("nobody", []),
    ],
)
def test_a_search_finds_names_and_countries(site: Site, text: str, found: list[str]) -> None:
    offers = offered(site, "FR", text=text)
    assert set(found) <= set(names(offers.first))
    assert len(offers.first) < len(MANY.split())
    assert (offers.rest, bool(offers.first)) == (0, bool(found))


def test_those_that_take_no_tickets_come_last(make_site) -> None:
    offers = offered(make_site(providers="xero wise coinbase stripe square mollie clover"), "US", "usd")
    assert names(offers.first) == ["stripe", "square", "clover", "xero", "wise", "coinbase"]


def test_few_providers_need_no_order(make_site) -> None:
    offers = offered(make_site(providers="helloasso stripe razorpay"), "US", "usd")
    assert (names(offers.first), offers.rest) == (["helloasso", "stripe", "razorpay"], 0)


@pytest.mark.parametrize(
    ("zone", "country"), [("Europe/Vienna", "AT"), ("America/New_York", "US"), ("UTC", None), (None, None), ("x", None)]
)
def test_a_time_zone_tells_its_country(zone: str | None, country: str | None) -> None:
    assert of_time_zone(zone) == country


@pytest.mark.parametrize(
    ("language", "first"),
    [
        ("fr-FR,fr;q=0.9", ["stripe", "square", "mollie", "paypal", "helloasso", "clover"]),
        ("en-IN", ["stripe", "paypal", "razorpay", "clover"]),
        ("zh-Hant-TW", None),
        ("de", MANY.split()[:AT_ONCE]),
        ("en-ZX, \"'<script>", MANY.split()[:AT_ONCE]),
    ],
)
def test_the_page_goes_by_the_browser_until_an_account_tells_more(
    site: Site, language: str, first: list[str] | None
) -> None:
    browser = site.signed_in()
    page = browser.get("/accounts", headers={"Accept-Language": language})
    if first is not None:
        assert shown(page) == first
    everywhere = set(re.findall(r'action="/connect/(\w+)/authorize"', page.text))
    assert everywhere == set(MANY.split())
    assert "<script" not in page.text


def test_an_account_tells_the_country(site: Site) -> None:
    browser = site.signed_in()
    browser.connect(business_name="Old Mill", country="FR")
    page = browser.get("/accounts", headers={"Accept-Language": "en-IN"})
    assert "helloasso" in shown(page)
    assert "razorpay" not in shown(page)


def test_the_page_is_searched_and_leads_back(site: Site) -> None:
    browser = site.signed_in()
    search = browser.get("/accounts").forms
    (form,) = [form for form in search.values() if "find" in form.fields]
    form["find"] = "razor"
    page = form.submit()
    assert shown(page) == ["razorpay"]
    assert "<details" not in page.text
    assert len(shown(page.click("All providers"))) == AT_ONCE
    nothing = browser.get("/accounts", {"find": "<b>nobody</b>"})
    assert shown(nothing) == []
    assert "No provider of this platform" in nothing.text
    assert "<b>nobody" not in nothing.text


def test_the_event_form_is_searched_and_keeps_what_was_typed(make_site) -> None:
    site = make_site(providers=f"{MANY} xero", **PARTNER)
    browser = site.signed_in()
    for button in ("search", "enter"):  # the key Enter presses the second
        form = fill(opened(browser), **CONCERT)
        form["find"] = "mercado"
        page = form.submit(button)
        assert connectable(page) == ["mercadopago"]
        assert texts_of(edit_form(page)) == CONCERT | {"payee": ""}
        assert page.status_int == 200
        form = edit_form(page)
        form["find"] = ""
        assert len(connectable(form.submit("search", status=200))) == len(MANY.split()), "all of them again"
    assert site.rows("SELECT * FROM event") == []
    assert "xero" not in connectable(browser.get("/events/new")), "it takes no tickets"


def test_the_event_tells_where_it_is(site: Site) -> None:
    browser = site.signed_in()
    fields = CONCERT | {"time_zone": "Asia/Kolkata", "currency": "INR"}
    path = make_event(browser, **fields)
    page = browser.get(f"{path}/edit", headers={"Accept-Language": "fr-FR"})
    assert connectable(page, at_once=True) == ["stripe", "paypal", "razorpay", "clover"]
    assert set(connectable(page)) == set(MANY.split())


def test_enter_saves_where_nothing_is_searched_for(site: Site) -> None:
    fill(opened(site.signed_in()), **CONCERT).submit("enter", status=303)
    assert [row.title for row in site.rows("SELECT title FROM event")] == [CONCERT["title"]]


def test_one_page_has_no_search(make_site) -> None:
    site = make_site()
    assert 'name="find"' not in site.signed_in().get("/accounts").text


def test_buttons_have_the_colours_that_are_declared(site: Site, make_site) -> None:
    browser: Browser = site.browser()
    address = re.search(r'href="([^"]*/colours\.css\?[^"]+)"', browser.get("/signin").text)
    assert address
    sheet = browser.get(address[1])
    assert sheet.content_type == "text/css"
    assert "max-age=31536000" in sheet.headers["Cache-Control"]
    assert "Set-Cookie" not in sheet.headers
    assert sheet.text.splitlines()[0] == ".provider-stripe { --provider: #635bff; }"
    assert len(sheet.text.splitlines()) == len(MANY.split())
    other = make_site(providers="stripe square").browser().get("/signin").text
    assert address[1] not in other, "another sheet has another address"
