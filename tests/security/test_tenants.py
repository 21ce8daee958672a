"""Tenants and signed callbacks: what organizers type leads nowhere else, and a store's answer counts for it alone."""

import json
import time

import pytest

from tests.support.rows import answer_page, everything, statuses
from tests.support.shopify import (
    AUTHORIZE,
    ELSEWHERE,
    SECRET,
    SETTINGS,
    connect,
    go,
    host,
    redemptions,
    said,
    seen,
    signed,
)
from tests.support.site import Browser, Site


@pytest.fixture
def site(make_site) -> Site:
    return make_site(**SETTINGS)


@pytest.mark.row("MX-08")
def test_a_store_that_is_none_is_never_asked(site: Site, browser: Browser) -> None:
    for typed in ELSEWHERE:
        page = browser.submit(AUTHORIZE, {"tenant_shop": typed}, status=400)
        assert "Refresh" not in page.headers
        assert 'href="http' not in page.text
    assert (statuses(site), seen(site)) == ([], [])
    assert site.sandbox.ledger()["requests"] == []


@pytest.mark.row("MX-08")
@pytest.mark.parametrize("stored", [{}, {"shop": "evil.example/"}, {"shop": "other", "host": "x"}, {"host": "mystore"}])
def test_what_is_stored_is_not_believed_either(site: Site, browser: Browser, stored: dict[str, str]) -> None:
    url = go(browser)
    site.change("UPDATE attempt SET tenant = :tenant", tenant=json.dumps(stored))
    page = answer_page(browser, url)
    assert page.status_int == 400
    assert statuses(site) == [("refused", "unknown_tenant")]
    assert redemptions(site) == 0


@pytest.mark.row("MX-08")
def test_an_account_with_a_forged_store_is_not_asked_about(site: Site, browser: Browser) -> None:
    connect(browser)
    site.change("UPDATE connected_account SET tenant = :tenant", tenant=json.dumps({"shop": "evil.example/"}))
    before = len(site.sandbox.ledger()["requests"])
    (account,) = site.accounts()
    assert browser.get(f"/accounts/{account.id}").status_int == 200
    browser.submit(f"/accounts/{account.id}/disconnect", status=503)
    assert len(site.sandbox.ledger()["requests"]) == before
    assert [one.status for one in site.accounts()] == ["active"]


@pytest.mark.row("MX-06")
def test_the_secret_goes_to_the_stores_alone_and_only_to_the_named_one(site: Site, browser: Browser) -> None:
    connect(browser, "mystore")
    connect(browser, "other")
    browser.connect()
    for account in site.accounts():
        browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    requests = site.sandbox.ledger()["requests"]
    told = [one for one in requests if SECRET in str(one)]
    assert {one["host"] for one in told} == {host("mystore"), host("other")}
    assert len(told) == 2
    assert {one["path"] for one in told} == {"/admin/oauth/access_token"}
    tokens = {
        grant["access_token"]: host(**grant["tenant"]) for grant in site.sandbox.ledger()["grants"] if grant["tenant"]
    }
    for request in requests:
        for token, place in tokens.items():
            assert token not in str(request) or request["host"] == place


@pytest.mark.row("MX-02")
def test_an_attempt_uses_the_addresses_of_its_own_store(site: Site, browser: Browser) -> None:
    first, second = go(browser, "mystore"), go(browser, "other")
    assert "Connected" in answer_page(browser, second).text
    assert "Connected" in answer_page(browser, first).text
    for shop in ("mystore", "other"):
        (grant,) = [one for one in site.sandbox.live_grants() if one["tenant"] == {"shop": shop}]
        sent = [one for one in site.sandbox.ledger()["requests"] if grant["code"] in one["body"]]
        assert [one["host"] for one in sent] == [host(shop)]


@pytest.mark.row("MX-01", "MX-02")
def test_an_attempt_of_one_store_is_not_finished_with_anothers_answer(site: Site, browser: Browser) -> None:
    """Signed as Shopify would, since both stores' answers are Shopify's."""
    mine, theirs = said(go(browser, "mystore")), said(go(browser, "other"))
    page = answer_page(browser, signed(theirs | {"state": mine["state"]}))
    assert page.status_int == 400
    assert "not the one that you named" in page.text
    assert statuses(site) == [("refused", "other_tenant"), ("pending", None)]
    assert redemptions(site) == 0
    # The code of the other store, as if it were of this one: the store itself does not know it.
    browser.get(signed(theirs | {"shop": host("mystore")}), status=303)
    assert (statuses(site)[1], redemptions(site)) == (("refused", "other_tenant"), 0)


@pytest.mark.row("MX-01")
@pytest.mark.parametrize(
    "shop",
    ["other.myshopify.com", "mystore", "MYSTORE.myshopify.com", "mystore.myshopify.com.", "mystore.evil.example", ""],
)
def test_an_answer_for_another_store_is_refused(site: Site, browser: Browser, shop: str) -> None:
    page = answer_page(browser, signed(said(go(browser)) | {"shop": shop}))
    assert page.status_int == 400
    assert statuses(site) == [("refused", "other_tenant")]
    assert (redemptions(site), site.accounts()) == (0, [])


@pytest.mark.row("MX-03")
@pytest.mark.parametrize(
    "change",
    [
        {"hmac": None},
        {"hmac": ""},
        {"hmac": "0" * 64},
        {"code": "another"},
        {"timestamp": None},
        {"added": "1"},
        {"host": "YWRtaW4"},
    ],
    ids=str,
)
def test_an_answer_that_is_not_signed_is_not_redeemed(site: Site, browser: Browser, change) -> None:
    answer = {name: value for name, value in (said(go(browser)) | change).items() if value is not None}
    kept = signed({name: value for name, value in answer.items() if name != "hmac"}).partition("&hmac=")[0]
    page = answer_page(browser, kept + (f"&hmac={answer['hmac']}" if "hmac" in answer else ""))
    assert page.status_int == 400
    assert "could not be proven" in page.text
    assert statuses(site) == [("refused", "callback_unproven")]
    assert (redemptions(site), site.accounts(), site.sandbox.live_grants()) == (0, [], [])


@pytest.mark.row("MX-03")
def test_the_signature_of_somebody_else_proves_nothing(site: Site, browser: Browser) -> None:
    answer_page(browser, signed(said(go(browser)), "sk_test_of_somebody_else"))
    proven = said(go(browser))["hmac"]
    answer_page(browser, signed(said(go(browser))).replace("&hmac=", "&hmac=0"))
    other = go(browser)
    answer_page(browser, other.partition("&hmac=")[0] + f"&hmac={proven}")
    assert statuses(site).count(("refused", "callback_unproven")) == 3
    assert redemptions(site) == 0


@pytest.mark.row("MX-03")
@pytest.mark.parametrize("seconds", [-301, 301, -86400, 10**9])
def test_an_old_answer_is_refused_though_it_is_signed(site: Site, browser: Browser, seconds: int) -> None:
    stamp = str(int(time.time()) + seconds)
    answer_page(browser, signed(said(go(browser)) | {"timestamp": stamp}))
    assert statuses(site) == [("refused", "callback_unproven")]
    assert redemptions(site) == 0


@pytest.mark.row("RD-10")
@pytest.mark.parametrize("again", ["shop=other.myshopify.com", "timestamp=1", "added=1&added=1"])
def test_to_say_something_twice_proves_nothing(site: Site, browser: Browser, again: str) -> None:
    answer_page(browser, f"{go(browser)}&{again}")
    assert statuses(site) == [("refused", "callback_unproven")]
    assert redemptions(site) == 0


@pytest.mark.row("ST-04")
def test_an_unsigned_answer_of_somebody_else_ends_nothing(site: Site, browser: Browser) -> None:
    url = go(browser)
    other = site.signed_in("piet")
    assert answer_page(other, url.partition("&hmac=")[0]).status_int == 403
    assert statuses(site) == [("pending", None)]
    assert "Connected" in answer_page(browser, url).text


@pytest.mark.row("MX-03", "ER-01")
def test_a_signed_no_is_a_no_and_an_unsigned_one_is_not_believed(site: Site, browser: Browser) -> None:
    answer_page(browser, go(browser, action="deny"))
    answer_page(browser, go(browser, action="deny").partition("&hmac=")[0])
    assert statuses(site) == [("denied", "access_denied"), ("refused", "callback_unproven")]


@pytest.mark.row("MX-02")
@pytest.mark.parametrize("named", ["other.myshopify.com", "", None, 7, ["mystore.myshopify.com"]])
def test_a_store_that_says_that_it_is_another_is_not_linked(site: Site, browser: Browser, named) -> None:
    site.sandbox.fault(endpoint="shopify.account", after=True, json_merge={"shop": {"myshopify_domain": named}})
    page = connect(browser)
    assert page.status_int == 400
    assert statuses(site) == [("refused", "identity_mismatch")]
    assert (site.accounts(), site.sandbox.live_grants()) == ([], [])


@pytest.mark.row("MX-10")
def test_the_same_number_at_another_store_is_not_the_same_account(site: Site, browser: Browser) -> None:
    """Whoever is paid by the first one must not find the money at the second one."""
    account = "acct_1SandboxRiverside1"
    connect(browser, "mystore", account=account)
    before = site.accounts()
    number = before[0].external_id
    site.sandbox.fault(endpoint="shopify.account", after=True, json_merge={"shop": {"id": number}}, times=1)
    page = connect(browser, "other", account=account)
    assert page.status_int == 400
    assert statuses(site) == [("linked", None), ("refused", "other_tenant")]
    assert site.accounts() == before
    assert [grant["tenant"] for grant in site.sandbox.live_grants()] == [
        {"shop": "mystore"}
    ]  # the other's is given back
    connect(browser, "mystore", account=account)  # the account itself may be connected again
    assert statuses(site)[-1] == ("linked", None)


@pytest.mark.row("SR-01")
def test_no_secret_of_a_store_is_written_down(site: Site, browser: Browser) -> None:
    connect(browser)
    (grant,) = site.sandbox.live_grants()
    rows = everything(site)
    for secret in (SECRET, grant["access_token"], grant["refresh_token"], grant["code"]):
        assert secret not in rows
