"""SE: sessions live on the server. SE-01 is in test_headers.py, SE-12 in test_one_redemption.py."""

import re
from copy import deepcopy

import pytest

from connectapp.db import utcnow
from tests.support.rows import EITHER_DATABASE, SQLITE_ONLY, ago, answer_page, params, raw_request, set_times, statuses
from tests.support.site import PASSWORD, Browser, Site

SESSION = "__Host-session"


def session_of(browser: Browser) -> str:
    (value,) = [cookie.value for cookie in browser.cookiejar if cookie.name == SESSION]
    return value


def twin(browser: Browser) -> Browser:
    """Somebody who copied the cookies."""
    copy = Browser(browser.site)
    for cookie in deepcopy(list(browser.cookiejar)):
        copy.cookiejar.set_cookie(cookie)
    return copy


def signed_in(browser: Browser) -> bool:
    response = browser.get("/accounts", expect_errors=True)
    assert response.status_int in {200, 303}
    return response.status_int == 200


@pytest.mark.row("SE-03")
def test_an_answer_by_form_post_is_refused_and_nothing_is_lost(site: Site, browser: Browser) -> None:
    """As `response_mode=form_post` would send it: a cross-site POST, with or without the cookie."""
    url = browser.callback_url()
    form = {name: values[0] for name, values in params(url).items()}
    foreign = {"Origin": "https://connect.stripe.com", "Sec-Fetch-Site": "cross-site"}
    for who in (browser, site.browser()):
        page = who.post("/connect/stripe/callback", form, headers=foreign, status=403)
        assert "Set-Cookie" not in page.headers
        who.post("/connect/stripe/callback", form, status=405)
    assert statuses(site) == [("pending", None)]
    assert site.sandbox.redemptions() == 0
    assert "Connected" in answer_page(browser, url).text


@pytest.mark.row("SE-04")
def test_signing_in_begins_a_new_session(site: Site) -> None:
    olga, piet = site.person("olga"), site.person("piet")
    browser = site.browser()
    browser.set_cookie(SESSION, "A" * 43)
    anonymous_token = browser.token()
    browser.sign_in(olga.email)
    first = session_of(browser)
    assert first != "A" * 43
    assert browser.token() != anonymous_token
    old = twin(browser)
    url = browser.callback_url()
    browser.sign_in(piet.email)
    assert session_of(browser) != first
    assert not signed_in(old)
    # The attempt does not come along.
    assert answer_page(browser, url).status_int == 403
    assert site.sandbox.redemptions() == 0
    assert len(site.rows("SELECT * FROM session")) == 1


@pytest.mark.row("SE-05")
def test_signing_out_ends_every_copy(site: Site, browser: Browser) -> None:
    copy = twin(browser)
    url = browser.callback_url()
    assert signed_in(copy)
    browser.submit("/signout", status=303)
    assert not signed_in(copy)
    assert answer_page(copy, url).status_int == 403
    assert site.rows("SELECT * FROM session") == []
    assert site.sandbox.redemptions() == 0


@pytest.mark.row("SE-06")
@pytest.mark.parametrize(
    ("moments", "lives"),
    [
        ({"seen_at": {"minutes": 119}}, True),
        ({"seen_at": {"minutes": 121}}, False),
        ({"created_at": {"hours": 11.9}}, True),
        ({"created_at": {"hours": 12.1}}, False),
    ],
    ids=["idle", "too_idle", "old", "too_old"],
)
def test_sessions_end_by_themselves(site: Site, browser: Browser, moments, lives: bool) -> None:
    set_times(site, "session", **{name: ago(**delta) for name, delta in moments.items()})
    assert signed_in(browser) is lives
    if not lives:  # and what is sent does nothing
        browser.submit("/connect/stripe/authorize", {"target": "accounts"}, status=403)
        assert site.attempts() == []


@pytest.mark.row("SE-06")
def test_use_keeps_a_session_but_not_beyond_its_age(site: Site, browser: Browser) -> None:
    set_times(site, "session", seen_at=ago(minutes=100))
    assert signed_in(browser)
    (before,) = site.rows("SELECT seen_at FROM session")
    assert signed_in(browser)
    assert site.rows("SELECT seen_at FROM session") == [before]  # at most every five minutes
    set_times(site, "session", created_at=ago(hours=13))
    assert not signed_in(browser)


@pytest.mark.row("SE-07")
def test_disabling_a_user_ends_everything_of_theirs(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    browser.connect()
    set_times(site, "user", disabled_at=utcnow())
    assert not signed_in(browser)
    assert answer_page(browser, url).status_int == 403
    site.browser().submit("/signin", {"email": "olga@example.test", "password": PASSWORD}, status=403)
    assert site.sandbox.redemptions() == 1
    assert statuses(site) == [("pending", None), ("linked", None)]


COOKIES = [
    "{name}={value}; {name}={value}",
    "{name}={value}x",
    "{name}={half}",
    "{name}=" + "A" * 43,
    "{name}=" + "A" * 5000,
    "{name}=",
    "{name}",
    '{name}="{value}',
    "{name}={value},{name}=x",
    "{name}=%00{value}",
    "{name}=\xff\xfe",
    "__host-session={value}",
    "session={value}",
    "{name}={hash}",
    "a=1;" * 300,
    ";;;=;=",
]


@EITHER_DATABASE
@pytest.mark.row("SE-10")
@pytest.mark.parametrize("template", COOKIES)
def test_a_cookie_that_is_not_ours_is_nobodys(site: Site, browser: Browser, template: str) -> None:
    value = session_of(browser)
    (row,) = site.rows("SELECT token_hash FROM session")
    cookie = template.format(name=SESSION, value=value, half=value[:20], hash=row[0])
    response = raw_request(Browser(site), "/accounts", Cookie=cookie)
    assert (response.status_int, response.headers["Location"]) == (303, "https://app.test/signin")
    assert len(site.rows("SELECT * FROM session")) == 1
    assert signed_in(browser)


@SQLITE_ONLY
@pytest.mark.row("SE-11")
def test_session_ids_are_random_and_taken_from_the_cookie_alone(site: Site) -> None:
    olga = site.person("olga")
    values = [session_of(site.browser(olga)) for _ in range(20)]
    assert len(set(values)) == 20
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", value) for value in values)  # 256 bits
    assert len({value[:2] for value in values}) > 15
    stored = {row[0] for row in site.rows("SELECT token_hash FROM session")}
    assert not stored & set(values)
    stranger, one = site.browser(), values[0]
    for path in (f"/accounts?{SESSION}={one}", f"/accounts;{SESSION}={one}", f"/accounts?session={one}&sid={one}"):
        assert stranger.get(path, expect_errors=True).status_int in {303, 404}
    for header in ("Authorization", "X-Session", "X-Auth-Token", SESSION):
        response = stranger.get("/accounts", headers={header: f"Bearer {one}"})
        assert response.headers["Location"] == "https://app.test/signin"
