"""Providers that onboard, when their API is down, says no, or is slow: at the start and at the return."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.functional.test_event_connect import press_connect, way_out
from tests.support.events import CONCERT, edit_form, fill, opened, texts_of
from tests.support.onboarding import BOTH, SETTINGS, accounts_made, connect, go
from tests.support.rows import answer_page, statuses
from tests.support.site import Browser, Site, path_and_query

# The endpoints of the sandbox that are asked first: for a link, and for what came of it.
FIRST = {"stripe": "new_account", "paypal": "paypal.referral"}
SECOND = {"stripe": "account", "paypal": "paypal.tracking"}


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site(**SETTINGS)


@BOTH
@pytest.mark.row("CR-03")
@pytest.mark.parametrize("fault", [{"status": 500}, {"close_after": 0}, {"status": 429}])
def test_a_provider_that_is_down_at_the_start(site: Site, browser: Browser, name: str, fault: dict[str, Any]) -> None:
    site.sandbox.fault(endpoint=FIRST[name], **fault)
    page = browser.submit(f"/connect/{name}/authorize", {"target": "accounts"}, status=503)
    assert "cannot be reached right now" in page.text
    assert "press Connect again" in page.text
    assert "Reference" in page.text
    assert page.headers["Retry-After"]
    assert statuses(site) == [("failed", "provider_unreachable")]
    assert site.audit()[-2:] == ["attempt.begun", "attempt.failed"]
    asked = [one for one in site.sandbox.ledger()["requests"] if one["method"] == "POST" and "token" not in one["path"]]
    assert len(asked) == 1
    assert "Connected" in connect(browser, name).text


def test_a_provider_that_says_no_at_the_start(make_site) -> None:
    site = make_site(**SETTINGS | {"provider__stripe__client_secret": "sk_test_of_somebody_else"})
    browser = site.signed_in()
    page = browser.submit("/connect/stripe/authorize", {"target": "accounts"}, status=503)
    assert "did not let us begin" in page.text
    assert "sk_test" not in page.text
    assert statuses(site) == [("failed", "platform_refused")]


def test_an_account_without_a_link_is_not_lost(site: Site, browser: Browser) -> None:
    site.sandbox.fault(endpoint="account_link", status=500)
    browser.submit("/connect/stripe/authorize", {"target": "accounts"}, status=503)
    (attempt,) = site.attempts()
    assert attempt.external_id in {one["id"] for one in site.sandbox.ledger()["accounts"]}
    assert "attempt.account_made" in site.audit()
    connect(browser)
    assert accounts_made(site) == 1
    assert [one.external_id for one in site.accounts()] == [attempt.external_id]


def test_an_account_that_the_platform_has_no_more_is_made_anew(site: Site, browser: Browser) -> None:
    connect(browser, action="leave")
    (attempt,) = site.attempts()
    site.sandbox.http.request(
        "POST",
        f"{site.sandbox.url}/connect.stripe.com/oauth/deauthorize",
        fields={"client_id": "ca_sandbox", "stripe_user_id": attempt.external_id},
        headers={"Authorization": "Bearer sk_test_platform_canary"},
        encode_multipart=False,
    )
    connect(browser)
    assert accounts_made(site) == 2
    assert [one.external_id for one in site.accounts()] != [attempt.external_id]


@pytest.mark.parametrize(
    "url", ["https://evil.test/", "http://connect.stripe.com/", "https://stripe.com.evil.test/", 7]
)
def test_a_link_to_somewhere_else_is_not_followed(site: Site, browser: Browser, url: Any) -> None:
    site.sandbox.fault(endpoint="account_link", json_merge={"url": url})
    page = browser.submit("/connect/stripe/authorize", {"target": "accounts"}, status=503)
    assert "evil" not in page.text
    assert statuses(site) == [("failed", "malformed_answer")]


def test_nobody_is_sent_to_a_provider_that_gave_no_link_five_times(site: Site, browser: Browser) -> None:
    site.sandbox.fault(endpoint="new_account", status=503, times=None)
    for _ in range(5):
        browser.submit("/connect/stripe/authorize", {"target": "accounts"}, status=503)
    page = browser.submit("/connect/stripe/authorize", {"target": "accounts"}, status=503)
    assert "does not answer at present" in page.text
    assert (len(site.attempts()), accounts_made(site)) == (5, 5)


def test_an_answer_in_between_keeps_the_way_open(site: Site, browser: Browser) -> None:
    for _ in range(2):
        site.sandbox.fault(endpoint="new_account", status=503, times=4)
        for _ in range(4):
            browser.submit("/connect/stripe/authorize", {"target": "accounts"}, status=503)
        link = browser.leave()
        site.sandbox.decide(link)
        site.change("UPDATE attempt SET external_id = NULL")  # so that the next one is made anew
    assert len(site.attempts()) == 10


@BOTH
def test_no_database_connection_is_held_while_the_link_is_asked_for(site: Site, browser: Browser, name: str) -> None:
    site.sandbox.fault(endpoint=FIRST[name], hold="link")
    pages: list[Any] = []
    fields = {"csrf_token": browser.token(), "target": "accounts"}
    thread = threading.Thread(target=lambda: pages.append(browser.post(f"/connect/{name}/authorize", fields)))
    thread.start()
    try:
        site.sandbox.wait_for_hold("link")
        assert site.registry["connectapp.engine"].pool.checkedout() == 0
        assert statuses(site) == [("pending", None)]
    finally:
        site.sandbox.release("link")
        thread.join()
    assert pages[0].status_code == 200


def test_too_many_who_wait_for_a_link_lose_nothing(make_site) -> None:
    site = make_site(**SETTINGS, attempt__max_waiting="1")
    browser, other = site.signed_in(), site.signed_in("piet")
    form = fill(opened(other), **CONCERT)
    site.sandbox.fault(endpoint="new_account", hold="link")
    fields = {"csrf_token": browser.token(), "target": "accounts"}
    thread = threading.Thread(target=lambda: browser.post("/connect/stripe/authorize", fields))
    thread.start()
    try:
        site.sandbox.wait_for_hold("link")
        page = press_connect(form, status=503)
        assert CONCERT["title"] in page.text
        assert (len(site.attempts()), site.rows("SELECT id FROM event")) == (1, [])
    finally:
        site.sandbox.release("link")
        thread.join()
    press_connect(form, status=200)


@BOTH
def test_a_provider_that_is_down_at_the_return(site: Site, browser: Browser, name: str) -> None:
    url = go(browser, name)
    site.sandbox.fault(endpoint=SECOND[name], status=500)
    page = answer_page(browser, url)
    assert "cannot tell whether it worked" in page.text
    assert statuses(site) == [("outcome_unknown", "no_answer")]
    assert "Connected" in connect(browser, name).text
    assert accounts_made(site) == (1 if name == "stripe" else 0)
    assert [one.status for one in site.accounts()] == ["active"]


def test_a_platform_token_that_paypal_ended_is_replaced(site: Site, browser: Browser) -> None:
    url = go(browser, "paypal")
    site.sandbox.fault(endpoint="paypal.tracking", status=401)
    assert "Connected" in answer_page(browser, url).text
    assert len(site.sandbox.requests("/v1/oauth2/token")) == 2


def test_a_link_that_is_used_leads_back_to_the_replacement(site: Site, browser: Browser) -> None:
    connect(browser)
    (old,) = site.accounts()
    link = browser.leave(replaces=old.id)
    site.sandbox.http.request("GET", link)
    used = site.sandbox.http.request("GET", link, redirect=False)
    assert used.headers["Location"] == f"https://app.test/connect/stripe?replaces={old.id}"
    assert old.id in browser.get(f"/connect/stripe?replaces={old.id}").text


def test_a_link_that_is_used_leads_back_to_the_event(site: Site, browser: Browser) -> None:
    link = way_out(press_connect(fill(opened(browser), **CONCERT), status=200))
    site.sandbox.http.request("GET", link)
    used = site.sandbox.http.request("GET", link, redirect=False)
    (event,) = site.rows("SELECT id FROM event")
    assert used.headers["Location"] == f"https://app.test/events/{event.id}/edit"
    assert texts_of(opened(browser, f"/events/{event.id}/edit")) == CONCERT | {"payee": ""}


@pytest.mark.parametrize("place", ["new", "stored"])
def test_the_event_form_loses_nothing_when_there_is_no_link(site: Site, browser: Browser, place: str) -> None:
    path = "/events/new"
    if place == "stored":
        fill(opened(browser), **CONCERT).submit(status=303)
        path = f"/events/{site.rows('SELECT id FROM event')[0].id}/edit"
    site.sandbox.fault(endpoint="new_account", status=500)
    typed = CONCERT | {"title": "Not saved", "price": "twelve"}
    page = press_connect(fill(opened(browser, path), **typed), status=503)
    assert "does not answer at present" in page.text
    assert texts_of(edit_form(page)) == typed | {"payee": ""}
    (event,) = site.rows("SELECT id FROM event")
    assert texts_of(opened(browser, f"/events/{event.id}/edit")) == typed | {"payee": ""}
    leaving = press_connect(edit_form(page), status=200)
    answer_page(browser, path_and_query(site.sandbox.decide(way_out(leaving))))
    assert len(site.rows("SELECT id FROM event")) == 1
    edit_form(page)["price"] = "12"
    fill(opened(browser, f"/events/{event.id}/edit"), price="12").submit(status=303)
    assert [row.title for row in site.rows("SELECT title FROM event")] == ["Not saved"]
