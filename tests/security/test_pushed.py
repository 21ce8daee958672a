"""MX-11: the browser carries a reference alone, which is good once; the parameters come from us, authenticated."""

import base64
import re
import threading
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.support.events import CONCERT, fill, opened
from tests.support.rows import answer_page, params, statuses
from tests.support.sandbox import Other, path_and_query
from tests.support.site import Browser, Site

AUTHORIZE = "/connect/par/authorize"


@pytest.fixture
def site(make_two) -> Site:
    return make_two("par")


@pytest.fixture
def par(site: Site) -> Other:
    return Other(site.sandbox, "par")


@pytest.mark.row("MX-11")
def test_the_browser_carries_a_reference_and_nothing_else(site: Site, browser: Browser, par: Other) -> None:
    page = browser.submit(AUTHORIZE, {"target": "accounts"}, status=200)
    url = unescape(re.search(r'href="(http[^"]+)"', page.text)[1])
    assert params(url).keys() == {"client_id", "request_uri"}
    (pushed,) = par.requests("/oauth/par")
    assert (pushed["method"], pushed["status"], pushed["query"]) == ("POST", 201, "")
    pair = base64.b64encode(b"ca_par:sk_test_par_canary").decode()
    assert pushed["headers"]["Authorization"] == f"Basic {pair}"
    told = dict(parse_qsl(pushed["body"]))
    assert told["redirect_uri"] == "https://app.test/connect/par/callback"
    assert (told["scope"], told["login_hint"]) == ("payments profile", "olga@example.test")
    assert len(told["state"]) == len(told["code_challenge"]) == 43
    for kept in (told["state"], told["code_challenge"], "olga%40", "sk_test_par_canary"):
        assert kept not in url
    assert told["state"] not in page.text
    assert told["state"] not in page.headers["Refresh"]

    assert "Connected" in answer_page(browser, par.back(url)).text
    opened_by = [one for one in par.requests("/oauth/authorize") if one["method"] == "GET"]
    assert [dict(parse_qsl(one["query"])).keys() for one in opened_by] == [{"client_id", "request_uri"}]
    (kept,) = site.sandbox.ledger()["pushed"]
    assert (kept["request_uri"], kept["opened"], kept["decided"]) == (params(url)["request_uri"][0], True, True)
    assert par.redemptions() == 1
    assert statuses(site) == [("linked", None)]


@pytest.mark.row("MX-11")
def test_a_reference_is_good_once(site: Site, browser: Browser, par: Other) -> None:
    url = browser.leave("par")
    back = par.back(url)
    for _ in range(2):
        again = site.sandbox.http.request("GET", url)
        assert (again.status, b"invalid_request_uri" in again.data) == (400, True)
    assert "Connected" in answer_page(browser, back).text
    assert len(site.sandbox.ledger()["codes"]) == 1


@pytest.mark.row("MX-11")
def test_whose_reference_is_over_begins_anew(site: Site, browser: Browser, par: Other) -> None:
    old = browser.leave("par")
    site.sandbox.expire()
    assert site.sandbox.http.request("GET", old).status == 400
    new = browser.leave("par")
    assert params(new)["request_uri"] != params(old)["request_uri"]
    states = [dict(parse_qsl(one["body"]))["state"] for one in par.requests("/oauth/par")]
    assert len(set(states)) == 2
    assert "Connected" in answer_page(browser, par.back(new)).text
    assert sorted(statuses(site)) == [("linked", None), ("pending", None)]
    assert par.redemptions() == 1


@pytest.mark.row("MX-11")
def test_what_was_not_pushed_is_not_taken(site: Site, browser: Browser, par: Other) -> None:
    """The sandbox is as strict as the RFC, so that the tests here mean something."""
    url = browser.leave("par")
    (pushed,) = par.requests("/oauth/par")
    address = url.partition("?")[0]
    for query in (pushed["body"], f"{url.partition('?')[2]}&scope=everything", "client_id=ca_par&request_uri=urn:x"):
        assert site.sandbox.http.request("GET", f"{address}?{query}").status == 400
    for headers in ({}, {"Authorization": "Basic Y2FfcGFyOndyb25n"}):
        content = {"Content-Type": "application/x-www-form-urlencoded"} | headers
        target = f"{par.url}/oauth/par"
        assert site.sandbox.http.request("POST", target, body=pushed["body"], headers=content).status == 401
    assert "Connected" in answer_page(browser, par.back(url)).text


@pytest.mark.row("MX-11", "MX-06")
def test_the_secret_goes_to_that_provider_alone(site: Site, browser: Browser, par: Other) -> None:
    browser.connect()
    assert "Connected" in answer_page(browser, par.back(browser.leave("par"))).text
    pair = base64.b64encode(b"ca_par:sk_test_par_canary").decode()
    told = {one["host"] for one in site.sandbox.ledger()["requests"] if pair in str(one) or "par_canary" in str(one)}
    assert told == {par.host}
    assert "sk_test_platform_canary" not in str(par.requests())


@pytest.mark.row("MX-11", "CR-03")
@pytest.mark.parametrize(
    ("fault", "reason", "heading"),
    [
        ({"status": 500}, "provider_unreachable", "cannot be reached right now"),
        ({"close_after": 0}, "provider_unreachable", "cannot be reached right now"),
        ({"redirect": "https://evil.example/"}, "provider_unreachable", "cannot be reached right now"),
        ({"status": 400, "body": '{"error": "invalid_request"}'}, "request_refused", "did not let us begin"),
        ({"status": 401, "body": '{"error": "invalid_client"}'}, "platform_refused", "did not let us begin"),
        ({"after": True, "json_merge": {"request_uri": None}}, "malformed_answer", "did not let us begin"),
        ({"after": True, "json_merge": {"request_uri": "a\r\nb"}}, "malformed_answer", "did not let us begin"),
    ],
    ids=str,
)
def test_nobody_leaves_with_what_was_not_taken(
    site: Site, browser: Browser, par: Other, fault: Any, reason: str, heading: str
) -> None:
    site.sandbox.fault(endpoint="par.pushed", **fault)
    page = browser.submit(AUTHORIZE, {"target": "accounts"}, status=503)
    assert heading in page.text
    assert "Refresh" not in page.headers
    assert statuses(site) == [("failed", reason)]
    assert len(par.requests("/oauth/par")) == 1
    assert "Connected" in answer_page(browser, par.back(browser.leave("par"))).text


@pytest.mark.row("MX-11")
def test_a_form_that_was_filled_in_is_kept_when_it_cannot_be_left(site: Site, browser: Browser, par: Other) -> None:
    site.sandbox.fault(endpoint="par.pushed", status=503, times=1)
    form = fill(opened(browser), **CONCERT | {"price": "twelve"})
    page = form.submit("connect", value="par", status=503)
    assert "What you typed is still here" in page.text
    again = next(one for one in page.forms.values() if "title" in one.fields)
    assert again["price"].value == "twelve"
    leaving = again.submit("connect", value="par", status=200)
    url = unescape(re.search(r'href="(http[^"]+)"', leaving.text)[1])
    assert params(url).keys() == {"client_id", "request_uri"}
    assert "Connected" in answer_page(browser, path_and_query(site.sandbox.decide(url))).text


@pytest.mark.row("MX-11")
@pytest.mark.inside("it looks at the connections of the application's own engine")
def test_no_database_connection_is_held_while_it_is_pushed(site: Site, browser: Browser) -> None:
    site.sandbox.fault(endpoint="par.pushed", hold="push")
    fields = {"csrf_token": browser.token(), "target": "accounts"}
    thread = threading.Thread(target=browser.post, args=(AUTHORIZE, fields))
    thread.start()
    try:
        site.sandbox.wait_for_hold("push")
        assert site.registry["connectapp.engine"].pool.checkedout() == 0
        assert statuses(site) == [("pending", None)]
    finally:
        site.sandbox.release("push")
        thread.join()
    assert statuses(site) == [("pending", None)]
