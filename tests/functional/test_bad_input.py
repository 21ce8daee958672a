"""Whatever is sent: a 4xx page with a plain sentence and a reference id that the log has too, and nothing changed."""

import logging
from typing import Any

import pytest
from webob import Request

from tests.support.site import Browser, Site

HOSTILE = [
    "\x00",
    "a\r\nX-Injected: 1",
    "\x1b[31m\u202e",
    "x" * 60_000,
    "' OR 1=1 --",
    "{{7*7}}${7*7}<script>alert(1)</script>",
]
FIELDS = [
    ("/signin", "email"),
    ("/signin", "password"),
    ("/signin", "csrf_token"),
    ("/connect/stripe/authorize", "target"),
    ("/connect/stripe/authorize", "replaces"),
    ("/connect/stripe/authorize", "csrf_token"),
    ("/connect/stripe/confirm", "attempt"),
    ("/connect/stripe/confirm", "decision"),
]
GOOD = {
    "/signin": {"email": "olga@example.test", "password": "wrong password"},
    "/connect/stripe/authorize": {"target": "accounts"},
    "/connect/stripe/confirm": {"attempt": "0192f0c0-0000-7000-8000-000000000000", "decision": "keep"},
}


def state(site: Site) -> Any:
    """Everything that a request could have changed."""
    tables = ("attempt", "connected_account", "provider_account", "session", "user", "organizer", "membership")
    return [site.rows(f'SELECT * FROM "{table}" ORDER BY 1') for table in tables], site.audit()


def refused(browser: Browser, before: Any, response: Any) -> None:
    assert 400 <= response.status_int < 500, response.status
    assert "text/html" in response.content_type
    reference = response.headers["X-Reference"]
    assert reference in response.text
    assert "Traceback" not in response.text
    assert "<script>" not in response.text
    assert state(browser.site) == before


@pytest.mark.parametrize(("path", "field"), FIELDS)
def test_a_hostile_field_changes_nothing(browser: Browser, path: str, field: str) -> None:
    before = state(browser.site)
    for value in HOSTILE:
        fields = {"csrf_token": browser.token(), **GOOD[path], field: value}
        refused(browser, before, browser.post(path, fields, expect_errors=True))
    assert browser.site.sandbox.ledger()["requests"] == []


@pytest.mark.parametrize(("path", "field"), FIELDS)
def test_a_doubled_or_missing_field_or_a_file(browser: Browser, path: str, field: str) -> None:
    good = {"csrf_token": browser.token(), **GOOD[path]}
    before = state(browser.site)
    if field != "csrf_token":
        doubled = [*good.items(), (field, "one"), (field, "two")]
        refused(browser, before, browser.post(path, doubled, expect_errors=True))
        upload = [(field, "file.txt", b"content")]
        others = {name: value for name, value in good.items() if name != field}
        refused(browser, before, browser.post(path, others, upload_files=upload, expect_errors=True))
    if field not in {"target", "replaces"}:
        missing = {name: value for name, value in good.items() if name != field}
        refused(browser, before, browser.post(path, missing, expect_errors=True))


def test_a_body_of_one_mebibyte(browser: Browser) -> None:
    before = state(browser.site)
    fields = {"csrf_token": browser.token(), "email": "x" * 2**20, "password": "x"}
    response = browser.post("/signin", fields, expect_errors=True)
    assert response.status_int == 413
    refused(browser, before, response)


@pytest.mark.parametrize("path", ["/accounts/", "/connect/", "/connect/stripe/", "/"])
def test_a_hostile_path(browser: Browser, path: str) -> None:
    before = state(browser.site)
    for segment in ("\0", "../../etc", "x" * 5000, "x" * 9000, "\r\nSet-Cookie:a=b", "'--", "\xff".encode("latin-1")):
        raw = segment if isinstance(segment, bytes) else segment.encode()
        # WebTest cannot send bytes that are not UTF-8; WebOb can.
        request = Request.blank("/", base_url="https://app.test")
        request.environ["PATH_INFO"] = path + raw.decode("latin-1")
        request.host = "app.test"  # without the port that WebOb puts there
        request.headers["Cookie"] = "; ".join(f"{c.name}={c.value}" for c in browser.cookiejar)
        refused(browser, before, request.get_response(browser.site.app))


@pytest.mark.parametrize("name", ["attempt", "problem", "reference"])
def test_a_hostile_result_address(browser: Browser, name: str) -> None:
    before = state(browser.site)
    for value in ("", "%00", "%ff", "x" * 5000, "%3Cscript%3Ealert(1)%3C/script%3E"):
        query = f"problem=unknown_state&reference={value}" if name == "reference" else f"{name}={value}"
        response = browser.get(f"/connect/stripe/result?{query}", expect_errors=True)
        assert "alert" not in response.text
        refused(browser, before, response)


HOSTILE_COOKIES = [
    "__Host-session=",
    "__Host-session=x",
    "__Host-session=" + "x" * 8000,
    "__Host-session=a; __Host-session=b",
    '__Host-session="\\000"',
    "__Host-session=\xff\xfe",
    "=; ;;;=",
    "__Host-csrf=" + "y" * 3000,
]


@pytest.mark.row("SE-10")
def test_a_hostile_cookie_is_an_anonymous_visitor(site: Site) -> None:
    for cookie in HOSTILE_COOKIES:
        response = Browser(site).get("/accounts", headers={"Cookie": cookie}, expect_errors=True)
        assert response.status_int == 303, cookie
        assert response.headers["Location"] == "https://app.test/signin"
    assert site.rows("SELECT * FROM session") == []


HOSTILE_HEADERS = [
    ("Host", "evil.test"),
    ("Host", "app.test:443@evil.test"),
    ("Origin", "https://evil.test"),
    ("Origin", "null"),
    ("Sec-Fetch-Site", "cross-site"),
    ("Sec-Fetch-Site", "same-site"),
    ("X-Long", "x" * 9000),
]


def test_a_hostile_header(browser: Browser) -> None:
    fields = {"csrf_token": browser.token(), "target": "accounts"}
    before = state(browser.site)
    for header, value in HOSTILE_HEADERS:
        response = browser.post("/connect/stripe/authorize", fields, headers={header: value}, expect_errors=True)
        refused(browser, before, response)


def test_the_log_has_the_reference_of_the_page(site: Site, browser: Browser, caplog) -> None:
    from connectapp.logs import Formatter

    lines: list[str] = []
    handler = logging.Handler()
    handler.setFormatter(Formatter("%(reference)s %(message)s"))
    handler.emit = lambda record: lines.append(handler.format(record))  # type: ignore[method-assign]
    logging.getLogger("connectapp").addHandler(handler)
    logging.getLogger("connectapp").setLevel(logging.INFO)
    try:
        page = browser.get("/nothing", status=404)
    finally:
        logging.getLogger("connectapp").removeHandler(handler)
        logging.getLogger("connectapp").setLevel(logging.NOTSET)
    assert [line for line in lines if line.startswith(page.headers["X-Reference"])]


def test_a_failed_attempt_shows_the_reference_of_its_callback(site: Site, browser: Browser) -> None:
    site.sandbox.fault(endpoint="token", status=500)
    callback = browser.get(browser.callback_url(), status=303)
    for _ in range(2):
        assert callback.headers["X-Reference"] in callback.follow().text
    assert site.rows("SELECT reference FROM audit_record WHERE action = 'attempt.outcome_unknown'") == [
        (callback.headers["X-Reference"],)
    ]
