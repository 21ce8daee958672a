"""Signing up: ask for a mail, open its link, choose a password. Nothing tells which addresses are known."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.rows import ago, set_times
from tests.support.site import Browser, Site

EMAIL = "nora@example.test"
GOOD = "seven quiet otters sing"


def ask(browser: Browser, email: str = EMAIL, **kwargs: Any) -> Any:
    return browser.submit("/signup", {"email": email}, **kwargs)


def link(site: Site, email: str = EMAIL) -> str:
    """The newest link that was mailed."""
    return site.mails(to=email)[-1].link("/verify")


def finish(browser: Browser, path: str, name: str = "Nora Nights", password: str = GOOD, **kwargs: Any) -> Any:
    fields = {"token": path.partition("token=")[2], "name": name, "password": password}
    return browser.submit("/verify", fields, **kwargs)


def users(site: Site) -> list[str]:
    return [row[0] for row in site.rows('SELECT email FROM "user" ORDER BY email')]


def test_from_the_address_to_the_events(site: Site) -> None:
    browser = site.browser()
    page = ask(browser, " Nora@Example.TEST ", status=200)
    assert "Look into your mail" in page.text
    assert EMAIL in page.text
    assert users(site) == []
    (mail,) = site.mails()
    assert (mail.to, mail.subject) == (EMAIL, "Finish signing up")
    path = mail.link("/verify")
    for _ in range(2):  # a mail scanner opens it too
        page = browser.get(path, status=200)
    assert users(site) == []
    assert EMAIL in page.text
    finish(browser, path, status=303)
    page = browser.get("/", status=303).follow()
    assert page.request.path == "/events"
    assert "Nora Nights" in page.text
    assert users(site) == [EMAIL]
    assert site.audit() == ["user.signed_up", "user.signed_in"]
    again = site.browser()
    again.sign_in("NORA@example.test ", GOOD)
    assert again.get("/events").status_int == 200


@pytest.mark.row("SR-01")
def test_the_database_has_the_links_hash_alone(site: Site) -> None:
    ask(site.browser())
    token = link(site).partition("token=")[2]
    assert len(token) == 43
    for table in ("mailed_link", "outgoing_mail", "recent_try", "audit_record"):
        assert token not in str(site.rows(f"SELECT * FROM {table}"))


@pytest.mark.row("AD-04")
def test_a_known_address_hears_the_same_and_is_told_by_mail(site: Site) -> None:
    olga = site.person("olga")
    known, unknown = ask(site.browser(), olga.email), ask(site.browser())
    assert known.status_int == unknown.status_int == 200
    reference = known.headers["X-Reference"], unknown.headers["X-Reference"]
    text = [known.text.replace(olga.email, EMAIL), unknown.text.replace(reference[1], reference[0])]
    assert [line for line in text[0].splitlines() if "csrf" not in line] == [
        line for line in text[1].splitlines() if "csrf" not in line
    ]
    (mail,) = site.mails(to=olga.email)
    assert mail.subject == "You are signed up already"
    assert mail.link("/signin")
    assert mail.link("/reset")
    site.change('UPDATE "user" SET disabled_at = created_at')
    ask(site.browser(), olga.email, status=200)
    assert len(site.mails(to=olga.email)) == 1


def test_a_stranger_does_not_join_an_organizer_by_its_name(site: Site) -> None:
    olga = site.person("olga")
    browser = site.browser()
    ask(browser)
    finish(browser, link(site), name="Olga Events", status=303)
    members = site.rows("SELECT user_id FROM membership WHERE organizer_id = :id", id=olga.organizer_id)
    assert [row[0] for row in members] == [olga.user_id]
    assert len(site.rows("SELECT id FROM organizer WHERE name = 'Olga Events'")) == 2


def test_the_newest_link_counts_and_works_once(site: Site) -> None:
    browser = site.browser()
    ask(browser)
    old = link(site)
    ask(browser)
    new = link(site)
    assert "does not work any more" in browser.get(old, status=410).text
    finish(browser, old, status=410)
    assert users(site) == []
    finish(browser, new, status=303)
    other = site.browser()
    other.get(new, status=410)
    finish(other, new, password="another quiet password", status=410)
    assert len(site.rows("SELECT id FROM organizer")) == 1


def test_links_run_out(site: Site) -> None:
    ask(site.browser())
    path = link(site)
    set_times(site, "mailed_link", expires_at=ago(minutes=0))
    site.browser().get(path, status=410)
    finish(site.browser(), path, status=410)
    assert users(site) == []


@pytest.mark.parametrize(
    "query", ["", "token=", "token=x", "token=%00", "token={token}&token={token}", "token=" + "A" * 43]
)
def test_forged_and_doubled_tokens(site: Site, query: str) -> None:
    ask(site.browser())
    token = link(site).partition("token=")[2]
    page = site.browser().get(f"/verify?{query.format(token=token)}", status=410)
    assert page.headers["X-Reference"] in page.text
    assert len(site.rows("SELECT id FROM mailed_link WHERE used_at IS NULL")) == 1


def test_links_of_one_kind_are_not_of_another(site: Site) -> None:
    olga = site.person("olga")
    site.browser().submit("/reset", {"email": olga.email}, status=200)
    token = site.mails(to=olga.email)[0].link("/reset").partition("token=")[2]
    site.browser().get(f"/verify?token={token}", status=410)
    finish(site.browser(), f"/verify?token={token}", status=410)
    assert users(site) == [olga.email]


def test_an_address_that_was_taken_meanwhile(site: Site) -> None:
    browser = site.browser()
    ask(browser)
    path = link(site)
    site.person("nora")
    finish(browser, path, status=410)
    assert users(site) == [EMAIL]
    assert browser.get("/events", status=303).location.endswith("/signin")


def test_two_at_once_make_one_user(site: Site) -> None:
    ask(site.browser())
    path = link(site)
    browsers = [site.browser() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda browser: finish(browser, path, expect_errors=True).status_int, browsers))
    assert sorted(answers) == [303, 410, 410, 410]
    assert users(site) == [EMAIL]
    assert len(site.rows("SELECT id FROM organizer")) == 1


NO_ADDRESSES = ["", " ", "nora", "nora@", "@example.test", "a@b@c.test", "no ra@example.test", "<nora@example.test>"]
NO_ADDRESSES += ["nora@example.test\r\nBcc: x@y.test", "nora@example.test, piet@example.test", "\0@example.test"]
NO_ADDRESSES += ["x" * 250 + "@example.test"]


@pytest.mark.parametrize("email", NO_ADDRESSES)
def test_what_is_no_address(site: Site, email: str) -> None:
    page = ask(site.browser(), email, status=400)
    assert "not an e-mail address" in page.text
    assert 'aria-invalid="true"' in page.text
    assert site.mails() == []


@pytest.mark.parametrize(
    ("name", "password", "says"),
    [
        ("Nora Nights", "short", "at least 12"),
        ("Nora Nights", EMAIL, "easy to guess"),
        ("Nora Nights", "x" * 257, "at most 256"),
        (" ", GOOD, "1 to 100"),
        ("N" * 101, GOOD, "1 to 100"),
        ("No\x00ra", GOOD, "1 to 100"),
        ("No\nra", GOOD, "1 to 100"),
    ],
)
def test_what_cannot_be_chosen(site: Site, name: str, password: str, says: str) -> None:
    browser = site.browser()
    ask(browser)
    path = link(site)
    page = finish(browser, path, name, password, status=400)
    assert says in page.text
    assert name.strip() in page.text or "\x00" in name or "\n" in name
    assert password not in page.text.replace(EMAIL, "") or password == EMAIL
    assert users(site) == []
    finish(browser, path, status=303)


def test_doubled_fields_change_nothing(site: Site) -> None:
    browser = site.browser()
    ask(browser)
    token = link(site).partition("token=")[2]
    good = [("csrf_token", browser.token()), ("token", token), ("name", "Nora Nights"), ("password", GOOD)]
    for field in ("token", "name", "password"):
        browser.post("/verify", [*good, (field, "another one")], status=400)
        browser.post("/verify", [pair for pair in good if pair[0] != field], status=400)
    browser.post("/signup", [good[0], ("email", EMAIL), ("email", EMAIL)], status=400)
    assert users(site) == []


@pytest.mark.row("AD-04")
def test_one_address_gets_five_mails_an_hour_and_the_answer_stays_the_same(site: Site) -> None:
    for _ in range(7):
        assert "Look into your mail" in ask(site.browser(), status=200).text
    assert len(site.mails(to=EMAIL)) == 5
    set_times(site, "recent_try", at=ago(minutes=61))
    ask(site.browser(), status=200)
    assert len(site.mails(to=EMAIL)) == 6


def test_one_place_cannot_mail_the_world(site: Site) -> None:
    for number in range(30):
        ask(site.browser(), f"nora{number}@example.test", status=200)
    page = ask(site.browser(), "one.more@example.test", status=429)
    assert "Too many mails" in page.text
    assert len(site.mails()) == 30
    elsewhere = site.browser()
    elsewhere.extra_environ["REMOTE_ADDR"] = "198.51.100.7"
    ask(elsewhere, "one.more@example.test", status=200)


@pytest.mark.parametrize(("policy", "says"), [("invite", "by invitation"), ("closed", "admin makes the users")])
def test_where_not_everybody_may_sign_up(make_site, policy: str, says: str) -> None:
    site = make_site(signup=policy)
    browser = site.browser()
    page = browser.get("/signup", status=200)
    assert says in page.text
    assert 'name="email"' not in page.text
    assert "/signup" not in browser.get("/signin").text
    ask(browser, status=403)
    assert site.mails() == []
    assert site.rows("SELECT * FROM mailed_link") == []


def test_who_is_signed_in_does_not_sign_up(browser: Browser) -> None:
    assert browser.get("/signup", status=303).location == "https://app.test/"


def test_without_the_anti_forgery_token_nothing_happens(site: Site) -> None:
    site.browser().post("/signup", {"email": EMAIL}, status=400)
    assert site.mails() == []
