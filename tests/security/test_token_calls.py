"""TE, CR-03: how the provider is called: once, with a deadline, never elsewhere. The database plays no part: SQLite."""

import socket
from time import monotonic
from typing import Any

import pytest

from tests.support.rows import SQLITE_ONLY, answer_page, logged, statuses
from tests.support.sandbox import SECRET_KEY
from tests.support.site import Browser, Site

pytestmark = SQLITE_ONLY

# The setting is 1 second here; the answer may take a second more on a calm machine, and this on a busy one.
PATIENCE = 10


@pytest.mark.row("TE-01", "CR-03", "CR-08")
@pytest.mark.parametrize(
    "wire",
    [
        {"hang": 60, "close_after": 0},
        {"hang": 60, "close_after": "headers"},
        {"delay": 60},
        {"delay_per_byte": 0.4},
        {"delay_per_byte": 0.4, "drip_from": "headers"},
    ],
    ids=lambda wire: "-".join(wire),
)
def test_a_silent_provider_is_left_at_the_deadline(make_site, wire: dict[str, Any]) -> None:
    site = make_site(transport__deadline="1")
    browser = site.signed_in()
    url = browser.callback_url()
    site.sandbox.fault(endpoint="token", after=True, **wire)
    started = monotonic()
    page = answer_page(browser, url)
    assert monotonic() - started < PATIENCE
    assert "cannot tell whether it worked" in page.text
    assert statuses(site) == [("outcome_unknown", "no_answer")]
    assert site.sandbox.redemptions() == 1
    # The way on is a new attempt with a new state; the old code is not sent again.
    page.click("Connect again")
    assert "state=" in browser.leave()
    assert site.sandbox.redemptions() == 1


@pytest.mark.row("TE-01")
def test_a_provider_that_never_accepts_is_left_too(make_site, sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, socket.socket() as first:
        first.connect(listener.getsockname())  # fills the queue, so that the next one waits for an answer to its SYN
        hole = f"connect.stripe.com http://127.0.0.1:{listener.getsockname()[1]}"
        site = make_site(transport__deadline="1", hosts=f"{hole}\n* {sandbox.url}")
        browser = site.signed_in()
        browser.leave()
        state = browser.leave().partition("state=")[2].partition("&")[0]
        started = monotonic()
        page = answer_page(browser, f"/connect/stripe/callback?code=ac_x&state={state}")
        assert monotonic() - started < PATIENCE
    assert page.status_int == 200
    assert statuses(site)[1][0] in {"failed", "outcome_unknown"}
    assert site.accounts() == []


@pytest.mark.row("TE-04", "CR-03")
@pytest.mark.parametrize("after", [True, False], ids=["redeemed", "not_redeemed"])
@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 599])
def test_no_status_makes_anyone_try_again(site: Site, browser: Browser, status: int, after: bool) -> None:
    url = browser.callback_url()
    headers = {"Retry-After": "0", "Content-Type": "application/json"}
    site.sandbox.fault(
        endpoint="token", after=after, status=status, headers=headers, body='{"error": "invalid_grant"}', times=None
    )
    page = answer_page(browser, url)
    assert "cannot tell whether it worked" in page.text
    for _ in range(3):
        answer_page(browser, url)
    assert site.sandbox.redemptions() == 1
    assert statuses(site) == [("outcome_unknown", "no_answer")]
    assert site.accounts() == []


@pytest.mark.row("CR-03")
def test_a_lost_connection_is_not_made_again(site: Site, browser: Browser) -> None:
    browser.connect()  # leaves a connection in the pool, which the next call takes and finds dead
    for wire in (
        {"close_after": 0},
        {"close_after": 0, "after": True},
        {"close_after": 9, "reset": True, "after": True},
    ):
        url = browser.callback_url()
        site.sandbox.fault(endpoint="token", times=None, **wire)
        before = site.sandbox.redemptions()
        answer_page(browser, url)
        assert site.sandbox.redemptions() == before + 1
        site.sandbox.clear_faults()
    assert len(site.accounts()) == 1


@pytest.mark.row("TE-07", "TE-20")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(make_two, evil, status: int) -> None:
    site = make_two()
    browser = site.signed_in()
    for endpoint in ("token", "account"):
        url = browser.callback_url()
        site.sandbox.fault(endpoint=endpoint, after=True, status=status, redirect=f"{evil.url}/oauth/token")
        answer_page(browser, url)
        site.sandbox.clear_faults()
    assert evil.requests() == []
    assert site.accounts() == []
    assert site.sandbox.redemptions() == 2


@pytest.mark.row("TE-20")
def test_addresses_in_answers_are_never_called(make_two, evil) -> None:
    site = make_two()
    browser = site.signed_in()
    urls = [evil.url, "http://169.254.169.254/latest/meta-data", f"{evil.url}/v1/account"]
    names = ("next", "href", "resource_path", "url", "api_base", "token_endpoint", "userinfo_endpoint", "jwks_uri")
    links = {name: urls[number % 3] for number, name in enumerate(names)}
    site.sandbox.fault(endpoint="token", json_merge={**links, "links": [links]})
    site.sandbox.fault(endpoint="account", json_merge={**links, "business_profile": {"url": evil.url}})
    with logged(site) as lines:
        assert "Connected" in browser.connect().text
    assert evil.requests() == []
    hosts = {request["host"] for request in site.sandbox.ledger()["requests"]}
    assert hosts == {"connect.stripe.com", "api.stripe.com"}
    assert not [line for line in lines if "169.254" in line]


@pytest.mark.row("TE-13")
def test_the_account_is_asked_for_and_compared(site: Site, browser: Browser) -> None:
    for identity in ({"id": "acct_1Somebody"}, {"id": None}, {"id": 5}, {"id": ""}):
        url = browser.callback_url()
        site.sandbox.fault(endpoint="account", json_merge=identity)
        page = answer_page(browser, url)
        assert page.status_int == 400 or "not understood" in page.text
        assert statuses(site)[-1][0] == "refused", identity
    for status in (401, 403, 404):
        url = browser.callback_url()
        site.sandbox.fault(endpoint="account", status=status)
        answer_page(browser, url)
        assert statuses(site)[-1] == ("refused", "identity_refused")
    assert site.accounts() == []
    assert site.sandbox.live_grants() == []
    assert len(site.sandbox.requests("/v1/account")) == 7


@pytest.mark.row("TE-14", "RD-09")
@pytest.mark.parametrize(("asked", "granted"), [("read_write", "read_only"), ("read_only", "read_write")])
def test_the_scope_is_kept_as_granted_and_shown(make_site, asked: str, granted: str) -> None:
    site = make_site(provider__stripe__scope=asked)
    browser = site.signed_in()
    site.sandbox.fault(endpoint="token", json_merge={"scope": granted})
    browser.connect()
    (account,) = site.accounts()
    assert account.scope == granted
    assert granted in browser.get(f"/accounts/{account.id}").text
    (record,) = site.rows("SELECT details FROM audit_record WHERE action = 'account.linked'")
    assert granted in str(record[0])


@pytest.mark.row("TE-15")
def test_the_platforms_key_goes_into_the_header_alone(site: Site, browser: Browser) -> None:
    with logged(site) as lines:
        browser.connect()
        (account,) = site.accounts()
        browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    seen = site.sandbox.ledger()["requests"]
    assert len([one for one in seen if one["headers"].get("Authorization") == f"Bearer {SECRET_KEY}"]) == 2
    assert not [one for one in seen if SECRET_KEY in one["query"] + one["path"] + one["body"]]
    assert SECRET_KEY not in "\n".join(lines)
