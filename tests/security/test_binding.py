"""ST: what an attempt is for is decided when it begins; who may finish it is decided again when the answer comes."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from connectapp.connect.attempts import Attempt
from connectapp.db import utcnow
from tests.support.rows import SQLITE_ONLY, ago, answer_page, callback, params, set_times, statuses
from tests.support.site import Browser, Site


def back(site: Site, url: str, **fields: str) -> str:
    """Approve at the provider; the path that the browser is sent back to."""
    return site.sandbox.decide(url, **fields).removeprefix("https://app.test")


@pytest.mark.row("ST-11")
def test_two_tabs_do_not_disturb_each_other(site: Site, browser: Browser) -> None:
    browser.connect(business_name="Old Mill")
    (old,) = site.accounts()
    first, second = browser.leave(), browser.leave(replaces=old.id)
    answers = [back(site, second, business_name="New Mill"), back(site, first, business_name="Harbour")]
    pages = [answer_page(browser, url) for url in answers]
    assert "Replace the account?" in pages[0].text
    assert "Connected" in pages[1].text
    assert statuses(site)[1:] == [("linked", None), ("awaiting_confirmation", None)]
    assert sorted(account.display_name for account in site.accounts()) == ["Harbour", "Old Mill"]
    assert site.sandbox.redemptions() == 3


@pytest.mark.row("ST-05")
def test_the_user_counts_on_its_own(site: Site, browser: Browser) -> None:
    """Also where the session would be the right one."""
    url = browser.callback_url()
    browser.submit("/signout", status=303)
    browser.sign_in(site.person("piet").email)
    site.change("UPDATE attempt SET session_hash = (SELECT token_hash FROM session)")
    assert answer_page(browser, url).status_int == 403
    assert statuses(site) == [("pending", None)]
    assert site.sandbox.redemptions() == 0


@pytest.mark.row("ST-13", "AZ-06")
@pytest.mark.parametrize(
    "change",
    ["UPDATE membership SET role = 'member'", "DELETE FROM membership", "UPDATE session SET organizer_id = NULL"],
)
def test_a_lost_role_is_lost_at_the_callback_too(site: Site, browser: Browser, change: str) -> None:
    url = browser.callback_url()
    site.change(change)
    page = answer_page(browser, url)
    assert page.status_int in {403, 404}
    assert statuses(site) == [("refused", "role_lost")]
    assert site.accounts() == []
    assert site.sandbox.redemptions() == 0


@pytest.mark.row("ST-13")
@pytest.mark.parametrize(
    "change",
    ["UPDATE membership SET role = 'member'", "DELETE FROM membership", 'UPDATE "user" SET disabled_at = :now'],
)
def test_a_role_lost_during_the_exchange_gives_the_grant_back(site: Site, browser: Browser, change: str) -> None:
    import threading

    url = browser.callback_url()
    site.sandbox.fault(endpoint="token", after=True, hold="token")
    thread = threading.Thread(target=lambda: browser.get(url, status=303))
    thread.start()
    try:
        site.sandbox.wait_for_hold("token")
        if ":now" in change:
            set_times(site, "user", disabled_at=utcnow())
        else:
            site.change(change)
    finally:
        site.sandbox.release("token")
        thread.join()
    assert statuses(site) == [("refused", "role_lost")]
    assert site.accounts() == []
    assert site.sandbox.live_grants() == []


@pytest.mark.row("ST-16", "ST-03", "ST-04", "ST-08")
def test_a_provider_cannot_do_without_the_state(make_two, evil) -> None:
    site = make_two("careless")
    browser, mallory = site.signed_in(), site.signed_in("mallory")
    url = browser.leave("careless")
    assert "state" not in params(url)
    returned = params(evil.back(url))
    assert "state" not in returned
    for query in ({}, {"state": ""}, {"state": "x" * 43}):
        page = answer_page(browser, callback(provider="careless", code=returned["code"][0], **query))
        assert page.status_int == 400
    assert evil.redemptions() == 0
    assert statuses(site) == [("pending", None)]
    # A state that core made is still bound to its browser, whatever the provider thinks.
    honest = browser.callback_url()
    value = params(honest)["state"][0]
    assert answer_page(mallory, callback(code="x", state=value, provider="careless")).status_int == 403
    answer_page(browser, callback(error="access_denied", state=value))
    answer_page(browser, honest)
    assert statuses(site) == [("pending", None), ("denied", "access_denied")]
    assert site.sandbox.redemptions() == 0


@pytest.mark.row("ST-15", "ST-03", "ST-04", "ST-08")
def test_pkce_takes_the_place_of_nothing(make_two, evil) -> None:
    """The same as with a provider that knows no PKCE, with one that does."""
    site = make_two()
    browser, mallory = site.signed_in(), site.signed_in("mallory")
    url = evil.back(browser.leave("evil"))
    code, value = params(url)["code"][0], params(url)["state"][0]
    for query in ({}, {"state": ""}, {"state": "x" * 43}):
        assert answer_page(browser, callback(provider="evil", code=code, **query)).status_int == 400
    assert answer_page(mallory, url).status_int == 403
    assert evil.redemptions() == 0
    answer_page(browser, callback(provider="evil", error="access_denied", state=value))
    answer_page(browser, url)
    assert statuses(site) == [("denied", "access_denied")]
    assert evil.redemptions() == 0


@pytest.mark.inside("it does not even start")
@pytest.mark.row("ST-16")
def test_no_setting_switches_the_state_off(make_site) -> None:
    for name in ("use_state", "state", "pkce", "verify", "retries"):
        with pytest.raises(SystemExit, match=f"connectapp.provider.stripe.{name} is not a setting"):
            make_site(**{f"provider__stripe__{name}": "false"})


@pytest.mark.row("ST-18")
def test_a_replacement_by_another_organizers_account_is_refused(site: Site, browser: Browser) -> None:
    browser.connect(business_name="Olga's")
    piet = site.signed_in("piet")
    piet.connect(business_name="Piet's")
    mine, theirs = sorted(site.accounts(), key=lambda account: account.display_name)
    url = back(site, piet.leave(replaces=theirs.id), account=mine.external_id)
    assert answer_page(piet, url).status_int == 409
    assert statuses(site)[-1] == ("refused", "account_elsewhere")
    assert [account.status for account in site.accounts()] == ["active", "active"]


@pytest.mark.row("ST-10")
@pytest.mark.parametrize(("left", "works"), [(30, True), (-1, False)])
def test_an_attempt_runs_out_on_our_clock(site: Site, browser: Browser, left: int, works: bool) -> None:
    url = browser.callback_url()
    set_times(site, "attempt", expires_at=ago(seconds=-left))
    assert ("Connected" in answer_page(browser, url).text) is works
    assert site.sandbox.redemptions() == works
    assert statuses(site) == [("linked", None) if works else ("refused", "expired")]


@SQLITE_ONLY
@pytest.mark.row("ST-10")
@pytest.mark.parametrize("minutes", [5, 60, 1440])
def test_how_long_an_attempt_lives_is_a_setting(make_site, minutes: int) -> None:
    settings = {} if minutes == 60 else {"attempt__minutes": str(minutes), "session__idle_minutes": "1440"}
    site = make_site(**settings)
    site.signed_in().leave()
    with Session(site.engine) as session:
        attempt = session.scalars(select(Attempt)).one()
        lifetime = attempt.expires_at - attempt.created_at
    assert abs(lifetime - timedelta(minutes=minutes)) < timedelta(seconds=10)
