"""ST: the state is bound to browser session, user and provider, and is used once."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.rows import EITHER_DATABASE
from tests.support.sandbox import path_and_query
from tests.support.site import Browser, Site


def state_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["state"][0]


def untouched(site: Site, *, redemptions: int = 0) -> None:
    assert site.sandbox.redemptions() == redemptions
    assert site.accounts() == []


@pytest.mark.row("ST-01")
def test_only_a_post_with_a_token_begins(site: Site, browser: Browser) -> None:
    browser.get("/connect/stripe", status=200)
    browser.get("/connect/stripe/authorize", status=405)
    browser.post("/connect/stripe/authorize", {"target": "accounts"}, status=400)
    mallory = site.signed_in("mallory")
    browser.post("/connect/stripe/authorize", {"csrf_token": mallory.token()}, status=400)
    for header in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.test"}, {"Origin": "null"}):
        browser.post("/connect/stripe/authorize", {"csrf_token": browser.token()}, headers=header, status=403)
    assert site.attempts() == []
    assert site.sandbox.ledger()["requests"] == []


@pytest.mark.row("ST-02")
def test_states_are_random_and_say_nothing(make_site) -> None:
    site = make_site(attempt__max_open="1000", attempt__max_per_hour="1000")
    browser = site.signed_in()
    token = browser.token()
    states = []
    for _ in range(200):
        page = browser.post("/connect/stripe/authorize", {"csrf_token": token})
        states.append(re.search(r"state=([^&\"]+)", page.text)[1])
    assert len(set(states)) == 200
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", state) for state in states)
    assert len({state[:2] for state in states}) > 150
    stored = site.rows("SELECT state_hash FROM attempt")
    assert not {row[0] for row in stored} & set(states)


@EITHER_DATABASE
@pytest.mark.row("ST-03")
@pytest.mark.parametrize("query", ["code=ac_x", "code=ac_x&state=", "code=ac_x&state", "", "code=ac_x&state=None"])
def test_a_missing_state_is_refused(site: Site, browser: Browser, query: str) -> None:
    browser.leave()
    left = Browser(site)
    left.sign_in("olga@example.test")
    left.submit("/signout")
    for who in (Browser(site), browser, left):
        page = who.get(f"/connect/stripe/callback?{query}", status=303).follow(expect_errors=True)
        assert page.status_int == 400
    untouched(site)
    assert [a.status for a in site.attempts()] == ["pending"]


@pytest.mark.row("ST-04")
def test_another_browser_cannot_finish(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    mallory = site.signed_in("mallory")
    page = mallory.get(url, status=303).follow(expect_errors=True)
    assert page.status_int == 403
    untouched(site)
    assert "attempt.foreign_session" in site.audit()
    # The owner is not harmed by it.
    assert "Connected" in browser.get(url, status=303).follow().text


@pytest.mark.row("ST-04")
def test_the_same_user_in_another_browser_cannot_finish(site: Site) -> None:
    olga = site.person("olga")
    one, other = site.browser(olga), site.browser(olga)
    url = one.callback_url()
    assert other.get(url, status=303).follow(expect_errors=True).status_int == 403
    untouched(site)


@pytest.mark.row("ST-05", "SE-04")
def test_the_next_user_of_the_browser_cannot_finish(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    browser.submit("/signout", status=303)
    piet = site.person("piet")
    browser.sign_in(piet.email)
    assert browser.get(url, status=303).follow(expect_errors=True).status_int == 403
    untouched(site)


@pytest.mark.row("ST-06")
def test_without_a_session_nothing_is_finished(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    response = Browser(site).get(url, status=303)
    assert "Set-Cookie" not in response.headers
    page = response.follow(expect_errors=True)
    assert page.status_int == 403
    assert "signed out" in page.text
    untouched(site)
    assert "attempt.signed_out" in site.audit()


@pytest.mark.row("ST-08")
def test_a_state_is_burned_by_its_first_answer(site: Site, browser: Browser) -> None:
    denied = browser.callback_url("deny")
    state = state_of(denied)
    assert "did not connect" in browser.get(denied, status=303).follow().text
    code = site.sandbox.code("acct_1SandboxRiverside1")
    page = browser.get(f"/connect/stripe/callback?code={code}&state={state}", status=303).follow()
    assert "did not connect" in page.text
    untouched(site)
    assert [a.status for a in site.attempts()] == ["denied"]


@pytest.mark.row("ST-09")
def test_old_cookies_do_not_revive_a_state(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    saved = list(browser.cookiejar)
    browser.get(url, status=303)
    for cookie in saved:
        browser.cookiejar.set_cookie(cookie)
    browser.get(url, status=303)
    code = site.sandbox.code("acct_1SandboxRiverside1")
    browser.get(f"/connect/stripe/callback?code={code}&state={state_of(url)}", status=303)
    assert site.sandbox.redemptions() == 1
    assert len(site.accounts()) == 1


@pytest.mark.row("ST-10")
def test_attempts_run_out(site: Site, browser: Browser) -> None:
    late, early = browser.callback_url(), browser.callback_url(business_name="Early")
    first, _second = site.attempts()
    site.change("UPDATE attempt SET expires_at = created_at WHERE id = :id", id=first.id)
    page = browser.get(late, status=303).follow(expect_errors=True)
    assert page.status_int == 400
    assert "too long" in page.text
    assert site.sandbox.redemptions() == 0
    assert [(a.status, a.reason) for a in site.attempts()] == [("refused", "expired"), ("pending", None)]
    assert "Connected" in browser.get(early, status=303).follow().text


@pytest.mark.row("ST-11")
def test_two_tabs_do_not_disturb_each_other(site: Site, browser: Browser) -> None:
    one = browser.callback_url(business_name="One")
    two = browser.callback_url(business_name="Two")
    assert "Two" in browser.get(two, status=303).follow().text
    assert "One" in browser.get(one, status=303).follow().text
    assert sorted(a.display_name for a in site.accounts()) == ["One", "Two"]


@pytest.mark.row("ST-12", "AZ-04")
def test_the_target_comes_from_the_attempt_alone(site: Site, browser: Browser) -> None:
    piet = site.person("piet")
    foreign = {"target": "accounts", "organizer": piet.organizer_id}
    browser.submit("/connect/stripe/authorize", foreign, status=409)
    assert site.attempts() == []
    injected = {"organizer_id": piet.organizer_id, "status": "linked", "mode": "live"}
    back = site.sandbox.decide(browser.leave(**injected))
    extra = f"&organizer_id={piet.organizer_id}&account=acct_x&target=evil&mode=live"
    browser.get(path_and_query(back) + extra, status=303)
    (account,) = site.accounts()
    (olga,) = site.rows(
        "SELECT organizer_id FROM membership m JOIN \"user\" u ON u.id = m.user_id WHERE email LIKE 'olga%'"
    )
    assert (account.organizer_id, account.mode) == (olga[0], "test")


@pytest.mark.row("ST-13", "AZ-06")
def test_the_role_is_checked_again_at_the_callback(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    site.change("UPDATE membership SET role = 'member'")
    page = browser.get(url, status=303).follow(expect_errors=True)
    assert page.status_int == 403
    untouched(site)


@pytest.mark.row("ST-13")
def test_the_role_is_checked_again_before_it_is_stored(site: Site, browser: Browser) -> None:
    import threading

    url = browser.callback_url()
    site.sandbox.fault(endpoint="account", hold="account")
    thread = threading.Thread(target=lambda: browser.get(url, status=303))
    thread.start()
    site.sandbox.wait_for_hold("account")
    site.change("UPDATE membership SET role = 'member'")
    site.sandbox.release("account")
    thread.join()
    assert [(a.status, a.reason) for a in site.attempts()] == [("refused", "role_lost")]
    assert site.accounts() == []
    assert site.sandbox.live_grants() == []


@pytest.mark.row("ST-18")
def test_an_account_of_another_organizer_is_refused_and_not_cut_off(site: Site, browser: Browser) -> None:
    browser.connect()
    (account,) = site.accounts()
    page = site.signed_in("piet").connect(account=account.external_id)
    assert page.status_int == 409
    assert "another organizer" in page.text
    assert [(a.id, a.status) for a in site.accounts()] == [(account.id, "active")]
    assert site.sandbox.requests("/oauth/deauthorize") == []
    assert all(grant["live"] for grant in site.sandbox.ledger()["grants"])


@pytest.mark.row("ST-19")
def test_open_attempts_are_bounded(make_site) -> None:
    site = make_site(attempt__max_open="3")
    browser = site.signed_in()
    for _ in range(3):
        browser.leave()
    page = browser.submit("/connect/stripe/authorize", {"target": "accounts"}, status=429)
    assert "Too many" in page.text
    assert len(site.attempts()) == 3
