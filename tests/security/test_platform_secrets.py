"""A platform's further secrets: at their provider alone, in no address, and nowhere that we leave anything."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.canaries import found, on_disk
from tests.support.rows import EITHER_DATABASE, answer_page, logged, statuses
from tests.support.sandbox import more_secrets, path_and_query, settings_of
from tests.support.site import Browser, Site

SETTINGS = settings_of("pagbank")
(TOKEN,) = more_secrets("pagbank").values()
HOST = "sandbox.api.pagseguro.com"


@pytest.fixture
def site(make_site) -> Site:
    return make_site(**SETTINGS)


def back(browser: Browser, action: str = "approve") -> str:
    return path_and_query(browser.site.sandbox.decide(browser.leave("pagbank"), action))


def told(site: Site) -> list[Any]:
    """The requests that anybody saw with the secret anywhere in them."""
    return [one for one in site.sandbox.ledger()["requests"] if TOKEN in str(one)]


@EITHER_DATABASE
@pytest.mark.row("MX-06")
def test_a_further_secret_goes_to_its_provider_alone(site: Site, browser: Browser) -> None:
    browser.connect()
    assert "Connected" in answer_page(browser, back(browser)).text
    for account in site.accounts():
        browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    assert site.sandbox.live_grants() == []
    hosts = {one["host"] for one in site.sandbox.ledger()["requests"]}
    assert {"connect.stripe.com", "api.stripe.com", "connect.sandbox.pagbank.com.br"} < hosts
    asked = told(site)
    assert [(one["host"], one["path"].split("/")[-1], one["status"]) for one in asked] == [
        (HOST, "token", 200),
        (HOST, site.accounts()[1].external_id, 200),
        (HOST, "revoke", 200),
    ]
    for one in asked:
        assert one["headers"]["Authorization"] == f"Bearer {TOKEN}"
        assert TOKEN not in one["path"] + one["query"] + one["body"]


@pytest.mark.row("SR-01", "SR-11", "SR-13")
def test_a_further_secret_is_on_no_disk_in_no_log_and_on_no_page(site: Site, browser: Browser, tmp_path: Path) -> None:
    leaving = browser.submit("/connect/pagbank/authorize", {"target": "accounts"}, status=200)
    faults = ({"endpoint": "pagbank.token", "status": 500}, {"endpoint": "pagbank.account", "close_after": 0}, None)
    with logged(site) as log:
        pages = [leaving]
        for fault in faults:
            url = back(browser)
            if fault:
                site.sandbox.fault(**fault)
            pages.append(answer_page(browser, url))
        pages.append(browser.get("/accounts"))
    assert "Connected" in pages[-2].text
    assert len(told(site)) > len(faults)  # so that we know that it was in use
    left = [
        *on_disk(site, tmp_path),
        "\n".join(log).encode(),
        *(page.body + str(page.headers).encode() for page in pages),
    ]
    assert found([TOKEN], left) == []


@EITHER_DATABASE
@pytest.mark.row("MX-02")
def test_a_further_secret_may_be_rolled_while_somebody_is_there(site: Site, browser: Browser) -> None:
    url = back(browser)
    later = site.restarted(provider__pagbank__secret__platform_token="rolled_meanwhile_canary")
    try:
        again = Browser(later)
        again.cookiejar = browser.cookiejar
        answer_page(again, url)
    finally:
        later.close()
    (asked,) = site.sandbox.requests("/oauth2/token", HOST)  # whether the provider knows the new one is its affair
    assert asked["headers"]["Authorization"] == "Bearer rolled_meanwhile_canary"
    assert (asked["status"], statuses(site)) == (401, [("failed", "platform_refused")])
