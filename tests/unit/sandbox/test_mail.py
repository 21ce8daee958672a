"""Mail in the sandbox: taken as JSON, kept, and shown as text."""

from pathlib import Path
from typing import Any

import pytest
from webtest import TestApp

from connectapp.sandbox.app import make_app

from .conftest import Clock, Driver

MAIL = {"to": "olga@example.test", "from": "Tickets <no-reply@app.test>", "subject": "Hello", "body": "One\nTwo"}
HOSTILE = "<script>alert(1)</script> \" onmouseover='x' {{ 7 * 7 }} &amp;"


def links(page: Any) -> list[str]:
    return [link["href"] for link in page.html.find(class_="mail").find_all("a")]


def shown(sandbox: Driver) -> Any:
    return TestApp(sandbox.app).get("/mail")


def test_mails_are_kept_oldest_first(sandbox: Driver, clock: Clock) -> None:
    sandbox.control("mail", MAIL)
    sandbox.control("mail", MAIL | {"subject": "Again"})
    first, second = sandbox.get("/_sandbox/mail").json["mails"]
    assert (first["to"], first["sender"]) == (MAIL["to"], MAIL["from"])
    assert (first["subject"], first["body"], first["at"]) == ("Hello", "One\nTwo", clock.now)
    assert second["subject"] == "Again"


@pytest.mark.parametrize("name", MAIL)
@pytest.mark.parametrize("value", [None, 7, ["a"]])
def test_a_mail_without_one_of_its_texts_is_refused(sandbox: Driver, name: str, value: object) -> None:
    assert name in sandbox.control("mail", MAIL | {name: value}, 400)["error"]
    assert sandbox.get("/_sandbox/mail").json == {"mails": []}


def test_another_content_type_is_refused(sandbox: Driver) -> None:
    assert sandbox.form("/_sandbox/mail", MAIL).status_code == 400


def test_a_reset_empties_the_mailbox(sandbox: Driver) -> None:
    sandbox.control("mail", MAIL)
    sandbox.send("DELETE", "/_sandbox/ledger")
    assert sandbox.get("/_sandbox/mail").json == {"mails": []}


def test_the_newest_survive_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    before = Driver(make_app(state_file=file))
    for number in range(102):
        before.control("mail", MAIL | {"subject": str(number)})
    after = Driver(make_app(state_file=file))
    assert [mail["subject"] for mail in after.get("/_sandbox/mail").json["mails"]] == [str(n) for n in range(2, 102)]


def test_a_state_file_from_before_there_was_mail_is_read(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text('{"accounts": [], "codes": [], "grants": [], "revocations": []}')
    assert Driver(make_app(state_file=file)).get("/_sandbox/mail").json == {"mails": []}


def test_the_page_shows_the_newest_first(sandbox: Driver) -> None:
    assert "No mail yet." in shown(sandbox).text
    for subject in ("Older", "Newer", ""):
        sandbox.control("mail", MAIL | {"subject": subject})
    page = shown(sandbox)
    assert [head.text for head in page.html.find_all("h2")] == ["(no subject)", "Newer", "Older"]
    assert "olga@example.test" in page.text
    assert "One\nTwo" in page.html.find(class_="letter").text


def test_what_a_mail_says_stays_text(sandbox: Driver) -> None:
    sandbox.control("mail", dict.fromkeys(MAIL, HOSTILE))
    page = shown(sandbox)
    assert page.html.find("script") is None
    assert page.html.find(class_="letter").text == HOSTILE
    assert page.html.find(class_="mail").h2.text == HOSTILE
    assert page.html.find(onmouseover=True) is None
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Go to https://app.test/verify?token=a-b_c&x=1.", ["https://app.test/verify?token=a-b_c&x=1"]),
        ("(http://localhost:6543/a) and <https://app.test/b>", ["http://localhost:6543/a", "https://app.test/b"]),
        ("https://app.test/\"onclick='x'", ["https://app.test/"]),
        ("javascript:alert(1) data:text/html,x //evil.test ftp://evil.test", []),
    ],
)
def test_only_web_addresses_can_be_followed(sandbox: Driver, body: str, expected: list[str]) -> None:
    sandbox.control("mail", MAIL | {"body": body})
    page = shown(sandbox)
    assert links(page) == expected
    assert page.html.find(class_="letter").text == body
    assert {link["rel"][0] for link in page.html.find(class_="mail").find_all("a")} <= {"noreferrer"}


def test_the_front_page_leads_there(sandbox: Driver) -> None:
    sandbox.control("mail", MAIL)
    page = sandbox.get("/").text
    assert 'href="mail"' in page
    assert "(1 so far)" in page
