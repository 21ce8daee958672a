"""A new password by mail: asked for by anybody, chosen by whoever reads the mail."""

from typing import Any

import pytest

from tests.functional.test_signup import GOOD
from tests.support.rows import ago, set_times
from tests.support.site import PASSWORD, Browser, Site


def ask(browser: Browser, email: str = "olga@example.test", **kwargs: Any) -> Any:
    return browser.submit("/reset", {"email": email}, **kwargs)


def link(site: Site) -> str:
    return site.mails(to="olga@example.test")[-1].link("/reset")


def choose(browser: Browser, path: str, password: str = GOOD, **kwargs: Any) -> Any:
    return browser.submit("/reset", {"token": path.partition("token=")[2], "password": password}, **kwargs)


@pytest.mark.row("SE-05")
def test_a_new_password_ends_every_session(site: Site, browser: Browser) -> None:
    elsewhere = site.browser()
    ask(elsewhere, "Olga@Example.test")
    path = site.mails(to="olga@example.test")[0].link("/reset")
    elsewhere.get(path, status=200)
    assert browser.get("/events").status_int == 200
    choose(elsewhere, path, status=303)
    assert elsewhere.get("/events").status_int == 200
    assert browser.get("/events", status=303).location.endswith("/signin")
    assert len(site.rows("SELECT id FROM session")) == 1
    assert site.audit()[-3:] == ["user.password_asked", "user.password_changed", "user.signed_in"]
    fresh = site.browser()
    fresh.submit("/signin", {"email": "olga@example.test", "password": PASSWORD}, status=403)
    fresh.sign_in("olga@example.test", GOOD)
    assert site.mails(to="olga@example.test")[-1].subject == "Your password was changed"


@pytest.mark.row("AD-04")
def test_an_unknown_address_hears_the_same_and_gets_no_mail(site: Site) -> None:
    site.person("olga")
    known, unknown = ask(site.browser(), status=200), ask(site.browser(), "nobody@example.test", status=200)
    assert "If we know" in known.text
    assert "If we know" in unknown.text
    assert [mail.to for mail in site.mails()] == ["olga@example.test"]


def test_a_link_works_once_and_the_newest_counts(site: Site) -> None:
    site.person("olga")
    browser = site.browser()
    ask(browser)
    old = link(site)
    ask(browser)
    new = link(site)
    choose(browser, old, status=410)
    choose(browser, new, status=303)
    browser.get(new, status=410)
    choose(site.browser(), new, "eleven other quiet otters", status=410)
    site.browser().sign_in("olga@example.test", GOOD)


def test_a_link_runs_out(site: Site) -> None:
    site.person("olga")
    ask(site.browser())
    path = link(site)
    set_times(site, "mailed_link", expires_at=ago(minutes=0))
    choose(site.browser(), path, status=410)
    site.browser().sign_in("olga@example.test")


@pytest.mark.row("SE-07")
def test_a_disabled_user_gets_no_new_password(site: Site) -> None:
    site.person("olga")
    ask(site.browser())
    path = link(site)
    site.change('UPDATE "user" SET disabled_at = created_at')
    browser = site.browser()
    choose(browser, path, status=410)
    assert browser.get("/events", status=303).location.endswith("/signin")
    ask(browser, status=200)
    assert len(site.mails()) == 1


def test_a_weak_password_is_refused_and_the_link_still_works(site: Site) -> None:
    site.person("olga")
    ask(site.browser())
    path = link(site)
    browser = site.browser()
    page = choose(browser, path, "olga@example.test", status=400)
    assert "easy to guess" in page.text
    choose(browser, path, status=303)


def test_without_mail_there_is_nothing_to_ask_for(make_site) -> None:
    site = make_site(signup="closed", mail__server="", mail__from="")
    site.person("olga")
    browser = site.browser()
    assert "admin" in browser.get("/reset", status=200).text
    assert "/reset" not in browser.get("/signin").text
    ask(browser, status=403)
    assert site.rows("SELECT * FROM mailed_link") == []


def test_five_mails_an_hour(site: Site) -> None:
    site.person("olga")
    for _ in range(6):
        ask(site.browser(), status=200)
    assert len(site.mails()) == 5
