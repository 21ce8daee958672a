"""Accounts at a provider with an address for each of them, which organizers say before they leave."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.support.events import CONCERT, chosen, fill, opened, problems
from tests.support.rows import SQLITE_ONLY, ago, answer_page, set_times, statuses
from tests.support.shopify import AUTHORIZE, SETTINGS, connect, go, host, redemptions, seen, selling
from tests.support.site import Browser, Site, path_and_query


@pytest.fixture
def site(make_site) -> Site:
    return make_site(**SETTINGS)


def tenants(site: Site, table: str = "connected_account") -> list[Any]:
    """What was stored, the oldest first."""
    found = [row.tenant for row in site.rows(f"SELECT tenant FROM {table} ORDER BY id")]
    return [json.loads(one) if isinstance(one, str) else one for one in found]


def asking(page: Any) -> Any:
    """The form that asks which store."""
    return next(one for one in page.forms.values() if one.action == AUTHORIZE)


def field_of(page: Any) -> str:
    return unescape(re.search(r'<input id="tenant_shop"[^>]* value="([^"]*)"', page.text)[1])


def test_an_organizer_says_which_store_and_connects_it(site: Site, browser: Browser) -> None:
    page = browser.get("/connect/shopify")
    assert "The address of your store" in page.text
    assert "For example mystore.myshopify.com" in page.text

    form = asking(page)
    form["tenant_shop"] = "riverside"
    leaving = form.submit(status=200)

    assert "riverside.myshopify.com" in leaving.text
    url = unescape(re.search(r'href="(http[^"]+)"', leaving.text)[1])
    page = answer_page(browser, path_and_query(site.sandbox.decide(url, business_name="Riverside")))
    assert "Connected" in page.text
    assert "No ticket money goes there" in page.text
    assert "Riverside" in page.text
    (account,) = site.accounts()
    assert (account.provider, account.status, account.proof) == ("shopify", "active", "token")
    assert account.scope == "read_orders write_orders"
    assert tenants(site) == tenants(site, "attempt") == [{"shop": "riverside"}]
    assert seen(site) == seen(site, "riverside")
    assert ("GET", "/admin/api/2026-10/shop.json") in seen(site)


@SQLITE_ONLY
@pytest.mark.parametrize("typed", ["riverside", " riverside ", "RiverSide", "riverside.myshopify.com"])
def test_a_store_may_be_written_in_other_ways(site: Site, browser: Browser, typed: str) -> None:
    assert host("riverside") in browser.leave("shopify", tenant_shop=typed)
    assert tenants(site, "attempt") == [{"shop": "riverside"}]


@SQLITE_ONLY
@pytest.mark.parametrize("typed", ["", "my store", "my.store", "https://riverside.myshopify.com", '"><b>x'])
def test_what_is_no_store_is_said_and_kept(site: Site, browser: Browser, typed: str) -> None:
    page = browser.submit(AUTHORIZE, {"target": "accounts", "tenant_shop": typed}, status=400)
    assert "This does not look right. Write it as in mystore.myshopify.com" in page.text
    assert "<title>Error: Connect with Shopify" in page.text
    assert field_of(page) == typed
    assert (site.attempts(), seen(site)) == ([], [])
    form = asking(page)
    form["tenant_shop"] = "mystore"
    assert host("mystore") in form.submit(status=200).text


@SQLITE_ONLY
def test_a_button_elsewhere_leads_to_the_question(site: Site, browser: Browser) -> None:
    connect(browser)
    (account,) = site.accounts()
    for path, replaces in (("/accounts", None), (f"/accounts/{account.id}", account.id)):
        forms = [one for one in browser.get(path).forms.values() if one.action == AUTHORIZE]
        page = forms[0].submit(status=303).follow()
        assert field_of(page) == ""
        carried = asking(page).fields.get("replaces", [])
        assert [one.value for one in carried] == ([replaces] if replaces else [])
    assert len(site.attempts()) == 1


def test_an_account_is_disconnected_at_its_own_store(site: Site, browser: Browser) -> None:
    connect(browser, "mystore")
    connect(browser, "other")
    mine, _ = site.accounts()
    site.sandbox.fault(endpoint="shopify.revoke", status=503, times=1)
    browser.submit(f"/accounts/{mine.id}/disconnect", status=303)
    assert [one.status for one in site.accounts()] == ["disconnecting", "active"]

    site.let_pass(minutes=2)
    site.do_jobs("revoke")

    assert [one.status for one in site.accounts()] == ["disconnected", "active"]
    revoked = ("DELETE", "/admin/api_permissions/current.json")
    assert seen(site, "mystore").count(revoked) == 2
    assert revoked not in seen(site, "other")
    assert [one["tenant"] for one in site.sandbox.live_grants()] == [{"shop": "other"}]


def test_what_is_left_behind_is_finished_at_its_own_store(site: Site, browser: Browser) -> None:
    site.sandbox.fault(endpoint="shopify.account", status=503, times=1)
    connect(browser)
    assert statuses(site) == [("exchanging", "pending_verification")]
    site.recover()
    assert statuses(site) == [("linked", None)]
    assert tenants(site) == [{"shop": "mystore"}]
    assert (seen(site), redemptions(site)) == (seen(site, "mystore"), 1)


@SQLITE_ONLY
def test_what_cannot_be_kept_is_given_back_at_its_own_store(site: Site, browser: Browser) -> None:
    site.sandbox.fault(endpoint="shopify.account", status=403, times=1)
    connect(browser)
    assert statuses(site) == [("refused", "identity_refused")]
    assert ("DELETE", "/admin/api_permissions/current.json") in seen(site, "mystore")
    assert site.sandbox.live_grants() == []


@SQLITE_ONLY
def test_one_store_takes_the_place_of_another(site: Site, browser: Browser) -> None:
    connect(browser, "mystore")
    (old,) = site.accounts()
    url = browser.leave("shopify", tenant_shop="other", replaces=old.id)
    page = answer_page(browser, path_and_query(site.sandbox.decide(url)))
    attempt = re.search(r'name="attempt" value="([^"]+)"', page.text)[1]
    browser.submit("/connect/shopify/confirm", {"attempt": attempt, "decision": "replace"}, status=303)
    assert {one.id: one.status for one in site.accounts()}[old.id] == "disconnected"
    assert tenants(site) == [{"shop": "mystore"}, {"shop": "other"}]
    assert [one["tenant"] for one in site.sandbox.live_grants()] == [{"shop": "other"}]


@SQLITE_ONLY
def test_a_link_can_be_asked_about_after_it_was_made(site: Site, browser: Browser) -> None:
    """What nobody asks by a page yet: a refresh, at the store, by the grant that came."""
    from connectapp.providers.registry import get_providers
    from connectapp.secret import Secret

    connect(browser)
    (grant,) = site.sandbox.live_grants()
    provider = get_providers(site.registry)["shopify"].at(tenants(site)[0])
    callback = "https://app.test/connect/shopify/callback"
    renewed = provider.refresh(refresh_token=Secret(grant["refresh_token"]), redirect_uri=callback)
    assert renewed.refresh_token.reveal() != grant["refresh_token"]
    assert seen(site) == seen(site, "mystore")


# From the event form: Connect is pressed there, and the question comes before the provider.


def begin_in_form(browser: Browser, **texts: str) -> Any:
    """Press Connect in a new event's form; gives the page that asks."""
    form = fill(opened(browser), **CONCERT | texts)
    return form.submit("connect", value="shopify", status=303).follow()


@pytest.fixture
def shop(make_site, tmp_path: Path) -> Browser:
    """A browser at a site whose events can be paid into Shopify."""
    return make_site(**selling(tmp_path)).signed_in()


def test_the_event_form_comes_back_as_it_was(shop: Browser) -> None:
    page = begin_in_form(shop, price="twelve")
    assert "Back to your event" in page.text
    assert statuses(shop.site) == [("pending", None)]

    wrong = asking(page)
    wrong["tenant_shop"] = "my store"
    form = asking(wrong.submit(status=400))
    form["tenant_shop"] = "mystore"
    leaving = form.submit(status=200)

    assert "Afterwards you come back to your event" in leaving.text
    url = unescape(re.search(r'href="(http[^"]+)"', leaving.text)[1])
    result = answer_page(shop, path_and_query(shop.site.sandbox.decide(url)))
    assert "Connected" in result.text
    edited = next(one for one in result.click("Back to your event").forms.values() if "title" in one.fields)
    (account,) = shop.site.accounts()
    assert edited["price"].value == "twelve"
    assert chosen(edited)[0] == account.id
    assert statuses(shop.site) == [("linked", None)]
    assert tenants(shop.site, "attempt") == [{"shop": "mystore"}]
    assert shop.site.audit().count("attempt.begun") == 1


@SQLITE_ONLY
def test_another_answer_makes_the_first_one_void(shop: Browser) -> None:
    """The person typed another store first, saw that it was none, and went back."""
    form = asking(begin_in_form(shop))
    back = []
    for name in ("mystor", "mystore"):
        form["tenant_shop"] = name
        url = unescape(re.search(r'href="(http[^"]+)"', form.submit(status=200).text)[1])
        back.append(path_and_query(shop.site.sandbox.decide(url)))
    assert answer_page(shop, back[0]).status_int == 400
    assert redemptions(shop.site) == 0
    assert "Connected" in answer_page(shop, back[1]).text
    assert tenants(shop.site) == [{"shop": "mystore"}]
    # What is finished is not asked again.
    (attempt,) = shop.site.attempts()
    assert shop.get(f"/connect/shopify?attempt={attempt.id}", status=303).location.endswith(f"?attempt={attempt.id}")
    form.submit(status=409)


@SQLITE_ONLY
def test_one_attempt_is_not_answered_for_ever(shop: Browser) -> None:
    form = asking(begin_in_form(shop))
    form["tenant_shop"] = "mystore"
    for _ in range(20):
        form.submit(status=200)
    assert "Too many connections were begun" in form.submit(status=429).text
    assert shop.site.audit().count("attempt.answered") == 20


@SQLITE_ONLY
def test_where_nothing_is_asked_nothing_is_answered(shop: Browser) -> None:
    url = shop.leave("stripe")
    (attempt,) = shop.site.attempts()
    assert "/result?" in shop.get(f"/connect/stripe?attempt={attempt.id}", status=303).location
    shop.submit("/connect/stripe/authorize", {"attempt": attempt.id}, status=409)
    assert "Connected" in answer_page(shop, path_and_query(shop.site.sandbox.decide(url))).text


@SQLITE_ONLY
def test_an_attempt_that_waited_too_long_is_not_gone_on_with(shop: Browser) -> None:
    form = asking(begin_in_form(shop))
    set_times(shop.site, "attempt", expires_at=ago(minutes=1))
    form["tenant_shop"] = "mystore"
    page = form.submit(status=409)
    assert "This connection does not wait any more" in page.text
    assert tenants(shop.site, "attempt") == [{}]


@SQLITE_ONLY
def test_nobody_else_goes_on_with_an_attempt(shop: Browser) -> None:
    begin_in_form(shop)
    (attempt,) = shop.site.attempts()
    colleague = shop.site.browser(shop.site.person("piet"))
    colleague.get(f"/connect/shopify?attempt={attempt.id}", status=404)
    colleague.submit(AUTHORIZE, {"attempt": attempt.id, "tenant_shop": "mystore"}, status=409)
    again = shop.site.browser()
    again.sign_in("olga@example.test")  # another browser of the same person's
    again.submit(AUTHORIZE, {"attempt": attempt.id, "tenant_shop": "mystore"}, status=409)
    shop.get(f"/connect/stripe?attempt={attempt.id}", status=404)
    assert tenants(shop.site, "attempt") == [{}]
    assert problems(shop.get(f"/connect/shopify?attempt={attempt.id}")) == {}


@SQLITE_ONLY
def test_a_store_is_asked_for_again_after_a_no(site: Site, browser: Browser) -> None:
    page = answer_page(browser, go(browser, action="deny"))
    assert statuses(site) == [("denied", "access_denied")]
    assert field_of(page.click("Connect again")) == ""
