"""HD: the headers of every answer, at every route, for every actor, and of every error that can be forced."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.security.routes import ROUTES, Cast
from tests.support.processes import ROOT, app_processes
from tests.support.rows import SQLITE_ONLY, database_gone, raw_request
from tests.support.site import Browser, Site

pytestmark = SQLITE_ONLY

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND")


def errors(site: Site, browser: Browser) -> Iterator[tuple[int, Any]]:
    """Every error that can be forced, with its status."""
    token = browser.token()
    form = {"csrf_token": token, "target": "accounts"}
    get: Any = lambda path, **kw: browser.get(path, expect_errors=True, **kw)  # noqa: E731
    post: Any = lambda path, fields, **kw: browser.post(path, fields, expect_errors=True, **kw)  # noqa: E731
    yield 404, get("/nothing")
    yield 404, raw_request(browser, "/\0")
    yield 400, raw_request(browser, "/\xff")
    yield 405, get("/connect/stripe/authorize")
    yield 400, get("/", headers={"Host": "evil.test"})
    yield 414, get(f"/?{'x' * 9000}")
    yield 413, post("/signin", {"email": "x" * 2**17})
    yield 403, post("/signin", form, headers={"Origin": "https://evil.test"})
    yield 400, post("/signin", {})
    yield 400, post("/connect/stripe/authorize", {**form, "target": "/evil"})
    yield 400, get("/connect/stripe/result?problem=unknown_state")
    yield 204, get("/connect/stripe/callback?code=x&state=y", headers={"Sec-Purpose": "prefetch"})
    site.change("ALTER TABLE membership RENAME TO gone")
    yield 503, get("/accounts")
    site.change("ALTER TABLE gone RENAME TO membership")


@pytest.fixture
def answers(make_site) -> list[tuple[str, Any]]:
    """Every answer of a tour, with where it was given."""
    site = make_site(demo="true")
    cast = Cast(site)
    found = [
        (f"{status} {number}", response)
        for number, (status, response) in enumerate(errors(site, cast.browsers["owner"]))
        if response.status_int == status or pytest.fail(f"{status} expected, not {response.status}")
    ]
    return [*found, *((f"{route.method} {route.path} {actor}", answer) for actor, route, answer in cast.tour())]


def directives(policy: str) -> dict[str, str]:
    return dict(part.strip().partition(" ")[::2] for part in policy.split(";"))


def check_headers(where: str, headers: Any) -> None:
    policy = directives(headers["Content-Security-Policy"])
    for name in ("default-src", "script-src", "object-src", "base-uri", "frame-ancestors"):
        assert policy[name] == "'none'", where
    assert policy["form-action"] == "'self'", where
    assert "unsafe" not in headers["Content-Security-Policy"]
    seconds = re.search(r"max-age=(\d+); includeSubDomains", headers["Strict-Transport-Security"])
    assert seconds
    assert int(seconds[1]) >= 365 * 24 * 3600, where
    assert headers["X-Content-Type-Options"] == "nosniff", where
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin", where
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin", where
    assert not [name for name in headers if name.lower().startswith("access-control-")], where
    assert not {"server", "via", "x-powered-by"} & {name.lower() for name in headers}, where
    for cookie in headers.getall("Set-Cookie"):
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert cookie.startswith("__Host-"), where
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= attributes, where
        assert not [one for one in attributes if one.startswith("domain")], where
        assert len(cookie) < 4096


@pytest.mark.row("HD-01", "HD-02", "HD-05", "HD-06", "HD-15", "SE-01")
def test_every_answer_has_the_headers_of_the_house(answers) -> None:
    for where, answer in answers:
        check_headers(where, answer.headers)
    cookies = {value.partition("=")[0] for _, answer in answers for value in answer.headers.getall("Set-Cookie")}
    assert cookies == {"__Host-session", "__Host-csrf"}


@pytest.mark.inside("on SQLite, only this process can be made to lose its connections")
@pytest.mark.row("HD-01", "HD-02", "HD-04")
def test_an_outage_has_them_too(site: Site, browser: Browser) -> None:
    with database_gone(site):
        answer = browser.get("/accounts", status=503)
    check_headers("an outage", answer.headers)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.row("HD-03")
def test_forms_have_an_origin_and_nothing_else_a_referrer(answers) -> None:
    for where, answer in answers:
        has_form = "<form" in (answer.text if answer.content_type == "text/html" else "")
        policy = answer.headers["Referrer-Policy"]
        silent = re.search(r"(callback|result|authorize)", where) or answer.status_int >= 400
        assert policy == ("no-referrer" if silent and not has_form else "same-origin"), where
    # The page that goes to the provider carries the state in its link.
    leave = [answer for where, answer in answers if where == "POST /connect/stripe/authorize owner"]
    assert [answer.headers["Referrer-Policy"] for answer in leave] == ["no-referrer"]


@pytest.mark.row("HD-04", "HD-08")
def test_nothing_is_kept_and_everything_says_what_it_is(answers) -> None:
    for where, answer in answers:
        assert answer.headers["Cache-Control"] == "no-store", where
        if answer.body:
            kind = "plain" if answer.status_int == 303 else "html"
            assert answer.headers["Content-Type"] == f"text/{kind}; charset=UTF-8", where


@pytest.mark.row("HD-06")
def test_other_origins_get_no_permission(site: Site, browser: Browser) -> None:
    for path in ("/", "/accounts", "/connect/stripe/authorize", "/connect/stripe/callback", "/static/site.css"):
        preflight = {"Origin": "https://evil.test", "Access-Control-Request-Method": "POST"}
        for response in (
            browser.options(path, headers=preflight, expect_errors=True),
            browser.get(f"{path}?callback=x", headers={"Origin": "https://evil.test"}, expect_errors=True),
        ):
            assert not [name for name in response.headers if name.lower().startswith("access-control-")]
            assert not response.text.startswith("x(")


@pytest.mark.row("HD-09")
def test_only_the_listed_methods_do_anything(site: Site) -> None:
    cast = Cast(site)
    routes = [(route.path.partition("?")[0], route.method) for route in ROUTES]
    listed = {*routes, *((path, "HEAD") for path, method in routes if method == "GET")}
    before = site.audit()
    for path in {path for path, _method in routes}:
        for method in METHODS:
            if (path, method) in listed:
                continue
            response = raw_request(cast.browsers["owner"], cast.fill(path), method)
            assert response.status_int in {404, 405}, (method, path)
    assert site.audit() == before
    assert site.accounts() == [cast.account]


@pytest.mark.row("HD-12")
@pytest.mark.parametrize(
    "host", ["evil.test", "app.test:8443", "app.test.evil.test", "app.test@evil.test", "", "APP_TEST"]
)
def test_another_host_is_refused(site: Site, browser: Browser, host: str) -> None:
    for method in ("GET", "POST"):
        response = raw_request(browser, "/signin", method, Host=host)
        assert response.status_int == 400
        assert "evil" not in response.text
    assert site.audit().count("user.signed_in") == 1


@pytest.mark.row("HD-12")
def test_another_host_may_be_allowed(make_site) -> None:
    site = make_site(allowed_hosts="other.test")
    site.browser().get("/signin", headers={"Host": "other.test"}, status=200)


@pytest.mark.row("HD-14")
@pytest.mark.parametrize(
    "path",
    [
        "/static/../http.py",
        "/static/%2e%2e/http.py",
        "/static/..%2fhttp.py",
        "/static/\0/../http.py",
        "/static/\0",
        "/static//etc/passwd",
        "/static/vendor/../../settings.py",
        "/static/.git/config",
        "/static/",
        "/static",
        "/.git/config",
        "/production.ini",
        "/development.ini",
        "/.env",
        "/static/site.css.map",
        "/static/..\\http.py",
    ],
)
def test_files_outside_of_static_are_not_there(site: Site, path: str) -> None:
    response = raw_request(site.browser(), path)
    assert response.status_int in {400, 403, 404}
    assert "import" not in response.text
    assert "connectapp." not in response.text


@pytest.mark.row("HD-15")
def test_no_banner_with_the_server_settings_of_production(site: Site) -> None:
    from configparser import RawConfigParser

    ini = RawConfigParser()
    ini.read(ROOT / "production.ini")
    with app_processes(site.settings, server={"ident": ini["server:main"]["ident"]}) as (process,):
        head = process.raw(b"GET /nothing HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n").partition(
            b"\r\n\r\n"
        )[0]
    assert head.startswith(b"HTTP/1.1 404")
    names = {line.partition(b":")[0].lower() for line in head.splitlines()[1:]}
    assert not names & {b"server", b"via", b"x-powered-by"}
    assert b"content-security-policy" in names


@pytest.mark.row("HD-16", "SE-05")
def test_signing_out_clears_what_the_site_left(site: Site, browser: Browser) -> None:
    response = browser.submit("/signout", status=303)
    assert {'"cache"', '"storage"'} <= set(response.headers["Clear-Site-Data"].split(", "))
    assert site.rows("SELECT * FROM session") == []
