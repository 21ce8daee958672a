"""ER: what a person sees when something goes wrong, and what the log has of it."""

import logging
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from pyramid.config import Configurator
from webob import Request

from tests.security.payloads import PAYLOADS
from tests.security.routes import ROUTES, Cast
from tests.support.rows import EITHER_DATABASE, SQLITE_ONLY, answer_page, callback, logged, params, state, statuses
from tests.support.site import Browser, Site

DETAILS = re.compile(r"Traceback|SELECT |\.py|sqlite|postgres|psycopg|Pyramid|waitress|/site-packages|line \d+", re.I)


OUR_TAGS = frozenset(
    re.findall(
        r"\w+",
        "html head meta title link body a header p div img nav b span form input button main h1 h2 article section "
        "dl dt dd code time ol ul li footer bdi",
    )
)


class Tags(HTMLParser):
    """The tags of a page, and the values of their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.values: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.values += [f"{name}={value}" for name, value in attrs]


@EITHER_DATABASE
@pytest.mark.row("ER-01")
def test_a_denial_is_an_answer(site: Site, browser: Browser) -> None:
    page = browser.connect("deny")
    assert page.status_int == 200
    assert "You did not connect" in page.text
    assert statuses(site) == [("denied", "access_denied")]
    assert site.accounts() == []
    assert site.sandbox.ledger()["grants"] == []
    assert site.audit()[-1] == "attempt.denied"


@EITHER_DATABASE
@pytest.mark.row("ER-02", "ST-03")
@pytest.mark.parametrize("query", ["error=x&error_description=canary", "error=access_denied", "error=x&state=canary"])
def test_an_error_without_our_state_changes_nothing(site: Site, browser: Browser, query: str) -> None:
    browser.leave()
    before = state(site) | {"recent_try": []}, site.audit()
    page = answer_page(browser, f"/connect/stripe/callback?{query}")
    assert page.status_int == 400
    assert "do not know this answer" in page.text
    assert "canary" not in page.text
    assert len(state(site)["recent_try"]) == 1  # it is counted, and that is all
    assert (state(site) | {"recent_try": []}, site.audit()) == before
    assert site.sandbox.redemptions() == 0


@SQLITE_ONLY
@pytest.mark.row("ER-03", "ER-04", "ER-05")
def test_no_text_from_outside_is_shown(site: Site, browser: Browser) -> None:
    """With a state of ours, so that the error is really read; and without."""
    for payload in PAYLOADS:
        value = params(browser.leave())["state"][0]
        texts = dict.fromkeys(("error", "error_description", "error_uri", "scope", "x"), payload)
        with logged(site) as lines:
            pages = [
                answer_page(browser, callback(**texts, code=payload, state=value)),
                answer_page(browser, callback(**texts, state=payload)),
                answer_page(browser, callback(code=payload, state=params(browser.leave())["state"][0])),
            ]
        for page in pages:
            assert 200 <= page.status_int < 500
            assert "canary" not in page.text, payload
            assert "49" not in re.sub(r"<code>\w+</code>|\?x=\w+", "", page.text.partition("<main")[2])
            assert "canary" not in page.headers["Set-Cookie"] if "Set-Cookie" in page.headers else True
        assert not [line for line in lines if "\r" in line or "\0" in line or "\u202e" in line]
        site.change("DELETE FROM attempt WHERE status = 'pending'")
    assert site.accounts() == []


@SQLITE_ONLY
@pytest.mark.row("ER-03", "SR-13")
def test_names_from_outside_are_escaped_where_they_are_shown(site: Site) -> None:
    """The names of organizers, users and accounts are shown; as text, whatever they hold."""
    shown = [payload for payload in PAYLOADS if payload.isprintable() and len(payload) < 200]
    for number, payload in enumerate(shown):
        name = f"u{number}"
        browser = site.browser(site.person(name, organizer=f"{payload} {name}"))
        page = browser.connect(business_name=payload)
        assert "Connected" in page.text, payload
        account = site.rows("SELECT id FROM connected_account ORDER BY id DESC LIMIT 1")[0][0]
        pages = [page, browser.get("/accounts"), browser.get(f"/accounts/{account}")]
        pages += [browser.get(f"/accounts/{account}/disconnect")]
        for one in pages:
            tags = Tags(one.text)
            assert tags.names <= OUR_TAGS, payload
            assert not [value for value in tags.values if "canary" in value or "script" in value], payload
            assert "49canary" not in one.text


@EITHER_DATABASE
@pytest.mark.row("ER-04")
def test_the_providers_prose_is_never_shown(site: Site, browser: Browser) -> None:
    prose = "Call +1 555 0100 to fix your account"
    for error in ("invalid_scope", "server_error", "temporarily_unavailable", "unheard_of", ""):
        value = params(browser.leave())["state"][0]
        query = {"error": error, "error_description": prose, "error_uri": "https://evil.test/help"}
        page = answer_page(browser, callback(**query, state=value))
        assert "reported a problem" in page.text
        assert "555" not in page.text
        assert "evil.test" not in page.text
        assert statuses(site)[-1] == ("failed", "provider_error")
        assert "unheard_of" not in page.text
    assert site.sandbox.redemptions() == 0


LINES = ["a\r\nERROR [-] connectapp: forged", "\x1b[2J\x1b[31mred", "\u202egnp.exe", "\x00\x07\x08", "\u2028\u2029\x85"]


@SQLITE_ONLY
@pytest.mark.row("ER-05")
def test_nothing_from_outside_makes_a_line_in_the_log(site: Site, browser: Browser) -> None:
    with logged(site) as lines:
        for text in [*LINES, "x" * 7000]:
            request = Request.blank("/", base_url="https://app.test")
            request.host = "app.test"
            request.environ["PATH_INFO"] = "/" + text.encode().decode("latin-1")
            request.get_response(site.app)
            browser.get(callback(code=text, state=text, error=text), expect_errors=True)
            browser.submit("/signin", {"email": text, "password": text}, expect_errors=True)
            agent = text.encode().decode("latin-1").replace("\r\n", " ")
            browser.get("/", headers={"User-Agent": agent}, expect_errors=True)
    assert lines
    for line in lines:
        assert all(character.isprintable() for character in line), line
        assert len(line) < 9000
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s", ("y" * 2**20,), None)
    from connectapp.logs import Formatter

    assert len(Formatter().format(record)) < 9000


@EITHER_DATABASE
@pytest.mark.row("ER-06")
@pytest.mark.parametrize("error", ["access_denied", "server_error", "", "x"])
def test_a_code_beside_an_error_is_not_used(site: Site, browser: Browser, error: str) -> None:
    url = browser.callback_url()
    answer_page(browser, f"{url}&error={error}")
    assert statuses(site)[0][0] in {"denied", "failed"}
    answer_page(browser, url)
    assert site.sandbox.redemptions() == 0
    assert site.accounts() == []


@pytest.mark.row("ER-07")
def test_a_failure_shows_its_reference_and_nothing_else(make_site) -> None:
    site = make_site(demo="true")
    cast = Cast(site)
    owner = cast.browsers["owner"]
    token = owner.token()
    site.change('ALTER TABLE "user" RENAME TO gone')
    failed = set()
    for route in ROUTES:
        with logged(site) as lines:
            if route.method == "GET":
                page = owner.get(cast.fill(route.path), expect_errors=True)
            else:
                fields = {"csrf_token": token, **{name: cast.fill(value) for name, value in route.fields}}
                page = owner.post(cast.fill(route.path), fields, expect_errors=True)
        assert page.status_int in {500, 503}, route
        failed.add(route.view)
        reference = page.headers["X-Reference"]
        assert reference in page.text
        assert not DETAILS.search(page.text), route
        assert [line for line in lines if reference in line and "Traceback" in line]
    assert failed == {route.view for route in ROUTES}


@pytest.mark.row("ER-08")
def test_who_never_comes_back_locks_nothing(site: Site, browser: Browser) -> None:
    browser.leave()
    (waiting,) = site.attempts()
    page = browser.get(f"/connect/stripe/result?attempt={waiting.id}")
    assert "Not finished yet" in page.text
    assert "Connected" in browser.connect().text
    assert statuses(site) == [("pending", None), ("linked", None)]
    assert "Not finished yet" not in browser.get("/accounts").text


def failing_tween_factory(handler: Any, registry: Any) -> Any:
    def tween(request: Any) -> Any:
        if "tween" in request.GET:
            raise ZeroDivisionError("canary in the tween")
        return handler(request)

    return tween


class FailingSession:
    def __init__(self, request: Any) -> None:
        raise ZeroDivisionError("canary in the session factory")


class FailingRenderer:
    def __init__(self, info: Any) -> None:
        pass

    def __call__(self, value: Any, system: Any) -> str:
        raise ZeroDivisionError("canary in the renderer")


@pytest.mark.row("ER-09", "ER-07")
@pytest.mark.parametrize("place", ["tween", "session", "renderer", "view", "response"])
def test_the_last_resort_answers_and_the_process_goes_on(site: Site, place: str) -> None:
    """A host application with a part that fails, around connectapp as it is."""
    with Configurator(settings=site.settings) as config:
        config.include("connectapp")
        config.add_renderer("failing", FailingRenderer)
        config.set_session_factory(FailingSession)
        config.add_tween("tests.security.test_errors.failing_tween_factory", under="connectapp.http.tween_factory")
        config.add_view(lambda request: request.session["x"], name="session", permission="public")
        config.add_view(lambda request: {}, name="renderer", renderer="failing", permission="public")
        config.add_view(lambda request: [][0], name="view", permission="public")
        config.add_view(lambda request: "no response", name="response", permission="public")
        app = config.make_wsgi_app()
    try:
        browser = Browser(site)
        browser.app = app
        with logged(site) as lines:
            page = browser.get("/?tween=1" if place == "tween" else f"/{place}", status=500)
        assert page.headers["X-Reference"] in page.text
        assert "canary" not in page.text
        assert not DETAILS.search(page.text)
        assert "Content-Security-Policy" in page.headers
        assert [line for line in lines if "Traceback" in line and page.headers["X-Reference"] in line]
        browser.get("/signin", status=200)
    finally:
        app.registry["connectapp.engine"].dispose()
        app.registry["oauth.registry"].transport.close()
