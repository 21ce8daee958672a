"""AD-02 and AD-04: passwords at the sign-in, guessed by somebody who has time."""

from typing import Any

import pytest

from connectapp.db import utcnow, uuid7
from tests.support.rows import EITHER_DATABASE, ago, logged, set_times
from tests.support.site import PASSWORD, Browser, Site

WRONG = "not " + PASSWORD


def guess(browser: Browser, email: str, password: str = WRONG, **kwargs: Any) -> Any:
    return browser.submit("/signin", {"email": email, "password": password}, **kwargs)


@pytest.mark.row("AD-04")
def test_ten_wrong_passwords_stop_the_eleventh_even_if_it_is_right(site: Site) -> None:
    site.person("olga")
    spellings = ["olga@example.test", "Olga@Example.test", " OLGA@example.test ", "\uff4flga@example.test"]
    for number in range(10):
        guess(site.browser(), spellings[number % 4], status=403)
    page = guess(site.browser(), "olga@example.test", PASSWORD, status=429)
    assert page.headers["Retry-After"] == "900"
    assert "Wait a quarter of an hour" in page.text
    assert site.rows("SELECT id FROM session") == []
    set_times(site, "recent_try", at=ago(minutes=16))
    site.browser().sign_in("olga@example.test")


@pytest.mark.row("AD-04")
def test_unknown_addresses_are_counted_and_answered_alike(site: Site) -> None:
    site.person("olga")
    answers = []
    for email in ("olga@example.test", "nobody@example.test"):
        browser = site.browser()
        pages = [guess(browser, email, expect_errors=True) for _ in range(11)]
        answers.append([(page.status_int, "is wrong" in page.text, "too many" in page.text) for page in pages])
    assert answers[0] == answers[1]
    assert answers[0][-1] == (429, False, True)


@pytest.mark.row("AD-04")
def test_success_does_not_forgive_what_was_tried(site: Site) -> None:
    site.person("olga")
    for _ in range(9):
        guess(site.browser(), "olga@example.test", status=403)
    site.browser().sign_in("olga@example.test")
    guess(site.browser(), "olga@example.test", status=403)
    guess(site.browser(), "olga@example.test", PASSWORD, status=429)


@pytest.mark.row("AD-04")
def test_one_place_cannot_try_many_addresses(site: Site) -> None:
    person = site.person("olga")
    browser = site.browser()
    for number in range(2):
        guess(browser, f"nobody{number}@example.test", status=403)
    ((place, count),) = site.rows("SELECT key, count(*) FROM recent_try GROUP BY key HAVING count(*) > 1")
    assert count == 2
    for _ in range(97):  # a hundred real ones take half a minute
        site.change("INSERT INTO recent_try (id, key, at) VALUES (:id, :key, :at)", id=uuid7(), key=place, at=utcnow())
    guess(browser, "nobody@example.test", status=403)
    guess(browser, person.email, PASSWORD, status=429)
    elsewhere = site.browser()
    elsewhere.extra_environ["REMOTE_ADDR"] = "198.51.100.7"
    elsewhere.sign_in(person.email)


@EITHER_DATABASE
@pytest.mark.row("AD-04", "HD-13", "RL-02")
def test_a_claimed_address_changes_nothing(site: Site) -> None:
    site.person("olga")
    for number in range(10):
        browser = site.browser()
        browser.submit(
            "/signin",
            {"email": f"n{number}@example.test", "password": WRONG},
            headers={"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"},
            status=403,
        )
    keys = site.rows("SELECT key, count(*) FROM recent_try GROUP BY key ORDER BY 2 DESC")
    assert [count for _key, count in keys] == [10] + [1] * 10


@pytest.mark.row("AD-02")
def test_the_database_has_argon2id_and_takes_new_costs(site: Site) -> None:
    from argon2 import PasswordHasher

    site.person("olga")
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    site.change('UPDATE "user" SET password_hash = :old', old=old)
    guess(site.browser(), "olga@example.test", status=403)
    assert site.rows('SELECT password_hash FROM "user"') == [(old,)]
    site.browser().sign_in("olga@example.test")
    ((stored,),) = site.rows('SELECT password_hash FROM "user"')
    assert stored != old
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    site.browser().sign_in("olga@example.test")


@pytest.mark.row("AD-04")
def test_no_log_names_who_could_not_sign_in(site: Site) -> None:
    with logged(site) as lines:
        guess(site.browser(), "canary@example.test", "canary password", status=403)
    assert "a password was wrong" in "\n".join(lines)
    assert "canary" not in "\n".join(lines)
