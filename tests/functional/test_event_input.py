"""Bad input to events: a sentence beside the field, what was typed is still there, nothing changed."""

from typing import Any

import pytest

from tests.support.events import CONCERT, boxes, connected, fill, make_event, opened, payees, problems, texts_of
from tests.support.rows import SQLITE_ONLY, state
from tests.support.site import Browser, Site

WRONG = [
    ("title", "", "Give the event a title"),
    ("title", "   ", "Give the event a title"),
    ("title", "x" * 201, "too long: 201 characters, and at most 200 fit"),
    ("title", "Jazz\x07", "cannot be shown"),
    ("title", "Jazz\u202egnp", "cannot be shown"),
    ("description", "x" * 5001, "too long"),
    ("description", "bell\x07", "cannot be shown"),
    ("place", "y" * 5000, "too long"),
    ("starts", "tomorrow", "Write a date"),
    ("starts", "2031-02-30T10:00", "Write a date"),
    ("starts", "2031-05-30", "Write a date"),
    ("starts", "1999-05-30T10:00", "Write a date"),
    ("starts", "99999-05-30T10:00", "Write a date"),
    ("starts", "2031-03-30T02:30", "There is no such time"),
    ("ends", "2031-05-30T19:30", "The end must come after the start"),
    ("ends", "2031-05-30T18:00", "The end must come after the start"),
    ("time_zone", "Mars/Olympus", "Choose a time zone"),
    ("time_zone", "../../etc/passwd", "Choose a time zone"),
    ("time_zone", "", "Choose the time zone that the times are in"),
    ("price", "-1", "cannot be negative"),
    ("price", "12.505", "2 digits after the dot"),
    ("price", "12,50", "Use a dot"),
    ("price", "a lot", "as a number"),
    ("price", "1" * 33, "too long"),
    ("price", "99999999999", "too high"),
    ("currency", "XXX", "Choose a currency"),
    ("currency", "euro", "too long"),
    ("currency", "", "Choose the currency of the price"),
    ("payee", "nonsense", "Choose one of your connected accounts"),
    ("payee", "0192f0c0-0000-7000-8000-000000000000", "Choose one of your connected accounts"),
    ("payee", "' OR 1=1 --", "Choose one of your connected accounts"),
    ("payee", "x" * 100, "too long"),
]


@SQLITE_ONLY
@pytest.mark.parametrize(("name", "text", "sentence"), WRONG, ids=lambda value: repr(value)[:25])
def test_a_wrong_field_of_a_new_event(site: Site, browser: Browser, name: str, text: str, sentence: str) -> None:
    page = fill(opened(browser), **CONCERT | {name: text}).submit(status=400)
    assert sentence in problems(page)[name]
    assert len(problems(page)) == 1
    shown = {} if name == "payee" else {name: text}  # a list cannot show what it does not have
    assert texts_of(page.forms[1]) == CONCERT | {"payee": ""} | shown
    assert f'href="#{name}"' in page.text
    assert site.rows("SELECT id FROM event") == []


@pytest.mark.parametrize(("name", "text"), [("title", "nul\0"), ("description", "x" * 5001), ("price", "-1")])
def test_a_wrong_field_of_a_stored_event(site: Site, browser: Browser, name: str, text: str) -> None:
    path = make_event(browser)
    before = state(site)
    page = fill(opened(browser, f"{path}/edit"), **{name: text}).submit(status=400)
    assert set(problems(page)) == {name}
    assert state(site) == before


@pytest.mark.parametrize("text", ["nul\0 in it", "x" * 20000, "\u202e", "\x1b[31m"])
def test_whatever_was_typed_is_kept_while_connecting(site: Site, browser: Browser, text: str) -> None:
    form = fill(opened(browser), **CONCERT | {"title": text, "description": text})
    form.submit("connect", value="stripe", status=200)
    (event,) = site.rows("SELECT id FROM event")
    kept = texts_of(opened(browser, f"/events/{event.id}/edit"))
    assert kept["title"] == kept["description"] == text.replace("\0", "\ufffd")


@SQLITE_ONLY
@pytest.mark.parametrize("name", [*CONCERT, "payee"])
def test_a_missing_field_is_an_empty_one_and_a_doubled_one_is_asked_again(
    site: Site, browser: Browser, name: str
) -> None:
    fields = [(key, value) for key, value in opened(browser).submit_fields() if key not in CONCERT]
    full = [*fields, *CONCERT.items()]
    page = browser.post("/events/new", [*full, (name, "again"), (name, "more")], status=400)
    assert "came twice" in problems(page)[name]
    without = [pair for pair in full if pair[0] != name]
    page = browser.post("/events/new", without, expect_errors=True)
    needed = {"title": {"title"}, "time_zone": {"time_zone"}, "currency": {"currency"}}.get(name, set())
    assert set(problems(page)) == needed
    assert len(site.rows("SELECT id FROM event")) == (0 if needed else 1)


@SQLITE_ONLY
@pytest.mark.parametrize("name", ["event", "version"])
@pytest.mark.parametrize("text", ["", "nonsense", "-1", "1e3", "\u0663", "9" * 30, "' OR 1=1"])
def test_hidden_fields_are_not_trusted(site: Site, browser: Browser, name: str, text: str) -> None:
    form = fill(opened(browser), **CONCERT)
    form[name].force_value(text)
    form.submit(status=400)
    assert site.rows("SELECT id FROM event") == []


@pytest.mark.row("AZ-02", "AZ-03", "ST-18")
def test_what_is_another_organizers_cannot_be_used(site: Site, browser: Browser) -> None:
    piet = site.signed_in("piet")
    piet.connect(business_name="Piet's")
    (account,) = site.accounts()
    theirs = make_event(piet)
    before = site.rows("SELECT * FROM event")
    page = fill(opened(browser), **CONCERT, payee=account.id).submit(status=400)
    assert set(problems(page)) == {"payee"}
    for action in ("", "/edit", "/publish", "/cancel"):
        browser.get(f"{theirs}{action}", status=404)
        browser.submit(f"{theirs}{action}", CONCERT, status=404)
    # An id that is taken makes no event, changes none, and links nothing to it.
    form = fill(opened(browser), **CONCERT)
    form["event"].force_value(theirs.removeprefix("/events/"))
    form.submit(status=404)
    form.submit("connect", value="stripe", status=404)
    assert site.rows("SELECT * FROM event") == before
    assert [one.status for one in site.attempts()] == ["linked"]


@pytest.mark.row("AZ-04")
def test_what_a_form_does_not_ask_is_not_taken(site: Site, browser: Browser) -> None:
    piet = site.person("piet")
    wishes = {"status": "published", "organizer_id": piet.organizer_id, "created_by": piet.user_id}
    wishes |= {"payee_id": "x", "payee_ids": "x", "payee_6": "x"}
    fields: dict[str, Any] = dict(opened(browser).submit_fields()) | CONCERT | wishes
    browser.post("/events/new", fields, status=303)
    (event,) = site.rows("SELECT * FROM event")
    assert (event.status, event.version, payees(site)) == ("draft", 1, [])
    assert event.organizer_id != piet.organizer_id


@SQLITE_ONLY
@pytest.mark.parametrize("provider", ["", "nonsense", "square", "../stripe", "stripe\0"])
def test_there_is_no_such_provider(site: Site, browser: Browser, provider: str) -> None:
    form = fill(opened(browser), **CONCERT)
    fields = [*form.submit_fields(), ("connect", provider)]
    browser.post("/events/new", fields, status=400)
    assert site.attempts() == []
    assert site.rows("SELECT id FROM event") == []


@SQLITE_ONLY
def test_an_hour_that_comes_twice_is_its_first(site: Site, browser: Browser) -> None:
    path = make_event(browser, starts="2031-10-26T02:30", ends="2031-10-26T04:00")
    assert "02:30" in browser.get(path).text
    assert "CEST" in browser.get(path).text


@pytest.mark.parametrize("end", ["session", "token"])
def test_a_form_that_comes_too_late_is_shown_to_be_copied(site: Site, browser: Browser, end: str) -> None:
    ours = connected(browser, "Mill One", "Mill Two")
    form = fill(opened(browser), **CONCERT | {"description": "Two sets,\n<b>one</b> encore"} | boxes(*ours))
    if end == "session":
        site.change("DELETE FROM session")
    else:
        form["csrf_token"] = "0" * 32
    page = form.submit(expect_errors=True)
    assert page.status_int in {400, 403}
    assert "What you typed, to copy" in page.text
    assert "Two sets,\n&lt;b&gt;one&lt;/b&gt; encore" in page.text.replace("\r", "")
    assert CONCERT["title"] in page.text
    assert not [each for each in (form["event"].value, *ours) if each in page.text]
    assert site.rows("SELECT id FROM event") == []


def test_passwords_and_tokens_are_not_shown_to_be_copied(site: Site) -> None:
    fields = {
        "csrf_token": "0" * 32,
        "email": "olga@example.test",
        "password": "canary-1",
        "prove_password": "canary-2",
    }
    page = site.browser().post("/reset", fields | {"token": "canary-3", "organizer": "canary-4"}, status=400)
    assert "olga@example.test" in page.text
    assert "canary" not in page.text
