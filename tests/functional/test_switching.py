"""One user, several organizers: switched on purpose, never by a form of another tab."""

from typing import Any

import pytest

from tests.functional.test_stepup import hidden
from tests.support.site import Browser, Person, Site


@pytest.fixture
def olga(site: Site) -> Person:
    return site.person("olga")


@pytest.fixture
def second(site: Site, olga: Person) -> str:
    """A second organizer that Olga belongs to."""
    piet = site.person("piet")
    site.join(olga, piet.organizer_id)
    return piet.organizer_id


def acting_for(site: Site) -> list[Any]:
    return [row[0] for row in site.rows("SELECT organizer_id FROM session")]


def test_switch(site: Site, olga: Person, second: str) -> None:
    browser = site.browser(olga)
    page = browser.get("/organizers")
    assert "Olga Events" in page.text
    assert "Piet Events" in page.text
    browser.submit("/organizers/switch", {"to": second}, status=303)
    assert acting_for(site) == [second]
    assert site.audit()[-1] == "user.switched"
    assert "Piet Events" in browser.get("/accounts").text


@pytest.mark.row("AZ-03")
@pytest.mark.parametrize("to", ["foreign", "nonsense", "0192f0c0-0000-7000-8000-000000000000", "' OR 1=1"])
def test_nobody_switches_to_what_is_not_theirs(site: Site, olga: Person, to: str) -> None:
    foreign = site.person("piet").organizer_id
    browser = site.browser(olga)
    browser.submit("/organizers/switch", {"to": foreign if to == "foreign" else to}, status=404)
    assert acting_for(site) == [olga.organizer_id]


@pytest.mark.row("ST-13", "AZ-03")
def test_a_form_of_another_tab_does_nothing_for_the_wrong_organizer(site: Site, olga: Person, second: str) -> None:
    browser = site.browser(olga)
    form = {"csrf_token": browser.token("/accounts"), "organizer": olga.organizer_id, "target": "accounts"}
    browser.submit("/organizers/switch", {"to": second}, status=303)
    page = browser.post("/connect/stripe/authorize", form, status=409)
    assert "Olga Events" in page.text
    assert "Piet Events" in page.text
    assert site.attempts() == []
    assert hidden(page)["target"] == "accounts"
    # Switch back and go on, with what was typed.
    again = browser.post(page.request.path_qs, hidden(page), status=307)
    assert acting_for(site) == [olga.organizer_id]
    assert again.location == "https://app.test/connect/stripe/authorize"
    browser.post("/connect/stripe/authorize", hidden(page), status=200)
    (attempt,) = site.attempts()
    assert attempt.organizer_id == olga.organizer_id


@pytest.mark.row("ST-13")
def test_an_object_of_the_other_organizer_is_kept_from_it_too(site: Site, olga: Person, second: str) -> None:
    browser = site.browser(olga)
    browser.connect()
    (account,) = site.accounts()
    form = {"csrf_token": browser.token(), "organizer": olga.organizer_id}
    browser.submit("/organizers/switch", {"to": second}, status=303)
    browser.post(f"/accounts/{account.id}/disconnect", form, status=409)
    assert site.accounts() == [account]
    assert site.sandbox.requests("/oauth/deauthorize") == []


def test_a_form_of_an_organizer_that_was_left(site: Site, olga: Person, second: str) -> None:
    browser = site.browser(olga)
    browser.submit("/organizers/switch", {"to": second}, status=303)
    site.change("DELETE FROM membership WHERE organizer_id = :id", id=olga.organizer_id)
    fields = {"organizer": olga.organizer_id, "switch_organizer": "yes"}
    page = browser.submit("/connect/stripe/authorize", fields, status=409)
    assert "cannot act for any more" in page.text
    assert "Olga Events" not in page.text
    assert acting_for(site) == [second]


@pytest.mark.parametrize("claimed", ["nonsense", "", "' OR 1=1", "<script>"])
def test_odd_organizers_in_a_form(site: Site, browser: Browser, claimed: str) -> None:
    page = browser.submit("/connect/stripe/authorize", {"organizer": claimed}, status=409)
    assert "<script>" not in page.text
    assert site.attempts() == []


def test_a_doubled_organizer_is_not_believed(site: Site, olga: Person, second: str) -> None:
    browser = site.browser(olga)
    fields = [("csrf_token", browser.token()), ("organizer", olga.organizer_id), ("organizer", second)]
    browser.post("/connect/stripe/authorize", fields, status=409)
    assert site.attempts() == []


def test_switching_back_needs_the_anti_forgery_token(site: Site, olga: Person, second: str) -> None:
    browser = site.browser(olga)
    fields = {"organizer": second, "switch_organizer": "yes", "csrf_token": "wrong"}
    browser.post("/connect/stripe/authorize", fields, expect_errors=True)
    assert acting_for(site) == [olga.organizer_id]


def test_make_a_further_organizer(make_site) -> None:
    site = make_site(signup="open", mail__server="http://127.0.0.1:1/mail", mail__from="a@b.test")
    browser = site.signed_in()
    browser.submit("/organizers/create", {"name": "  Harbour Jazz "}, status=303)
    assert "Harbour Jazz" in browser.get("/accounts").text
    rows = site.rows("SELECT o.name, m.role FROM organizer o JOIN membership m ON m.organizer_id = o.id ORDER BY o.id")
    assert rows == [("Olga Events", "owner"), ("Harbour Jazz", "owner")]
    assert site.audit()[-2:] == ["organizer.added", "user.switched"]
    for name in ("", "   ", "x" * 101, "a\nb"):
        page = browser.submit("/organizers/create", {"name": name}, status=400)
        assert 'aria-invalid="true"' in page.text
    assert len(site.rows("SELECT id FROM organizer")) == 2


def test_where_sign_up_is_closed_the_admin_makes_organizers(make_site) -> None:
    site = make_site(signup="closed")
    browser = site.signed_in()
    assert "Make it" not in browser.get("/organizers").text
    browser.submit("/organizers/create", {"name": "Harbour Jazz"}, status=404)
    assert len(site.rows("SELECT id FROM organizer")) == 1
