"""What is thrown away, when, and what is kept."""

from typing import Any

import pytest

from tests.support.rows import ago, set_times, state
from tests.support.site import Browser, Site


def counts(site: Site) -> dict[str, int]:
    tables = ("session", "recent_try", "outgoing_mail", "mailed_link")
    return {table: site.rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


@pytest.fixture
def used(site: Site) -> Site:
    """Somebody signed in, another one mistyped a password and asks for a new one, and gets the mail."""
    site.signed_in()
    browser = Browser(site)
    browser.submit("/signin", {"email": "olga@example.test", "password": "wrong"}, expect_errors=True)
    browser.submit("/reset", {"email": "olga@example.test"}, status="*")
    assert len(site.mails()) == 1
    set_times(site, "recent_try", at=ago(hours=23))
    return site


def test_nothing_is_thrown_away_too_early(used: Site) -> None:
    set_times(used, "outgoing_mail", created_at=ago(days=29))
    set_times(used, "mailed_link", expires_at=ago(days=29))
    before = state(used) | {"job": None}
    assert used.do_jobs("purge") == 1
    assert state(used) | {"job": None} == before
    assert min(counts(used).values()) >= 1


@pytest.mark.parametrize(
    ("table", "moments"),
    [
        ("session", {"seen_at": ago(minutes=121)}),
        ("session", {"created_at": ago(hours=13)}),
        ("recent_try", {"at": ago(hours=25)}),
        ("outgoing_mail", {"created_at": ago(days=31)}),
        ("mailed_link", {"expires_at": ago(days=31)}),
    ],
)
def test_what_is_of_no_use_is_thrown_away(used: Site, table: str, moments: dict[str, Any]) -> None:
    before = counts(used)
    set_times(used, table, **moments)
    used.do_jobs("purge")
    assert counts(used) == before | {table: 0}


def test_a_mail_that_waits_is_kept_however_old(site: Site) -> None:
    site.person()
    Browser(site).submit("/reset", {"email": "olga@example.test"}, status="*")
    set_times(site, "outgoing_mail", created_at=ago(days=400))
    site.do_jobs("purge")
    assert counts(site)["outgoing_mail"] == 1
