"""Generated requests at every route and field: never a 5xx, and nothing changes without the anti-forgery token.

Ten thousand requests and more in each run (2 databases, 2 tests, batches of 25).
"""

import random
import string
from collections import Counter
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from webob import Request

from connectapp.events.fields import FIELDS as EVENT_FIELDS
from tests.security.payloads import PAYLOADS
from tests.security.routes import ROUTES, Cast
from tests.support.rows import EITHER_DATABASE, state
from tests.support.site import Browser, Site

OURS = ["csrf_token", "event", "version", "organizer", "target", "replaces", "attempt", "decision", "token", "connect"]
OURS += ["invitation", "user", "to", "role", "discard", "switch_organizer", "prove_password", "state", "code", "error"]
FIELDS = ["email", "password", "name", *EVENT_FIELDS, *OURS]
HEADERS = ["Cookie", "Referer", "Accept", "Content-Type", "Sec-Purpose", "X-Forwarded-For", "Origin", "Range"]
FORM = "application/x-www-form-urlencoded"
TYPES = [FORM, "multipart/form-data; boundary=x", "application/json", "text/plain", "\xff"]
ODD = ["", "\0", "\u202e", "a" * 5000, "-1", "1e309", "9" * 21, "..", "%00", "\r\nX-Injected: 1", "\U0001f600"]
KNOWN = ["{account}", "{event}", "{payment}", "{attempt}", "owner", "member", "2030-01-01T10:00", "EUR", "stripe"]
METHODS = ["GET", "POST", "POST", "PUT"]
SEEDS = settings(
    max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)


class Requests:
    """Makes requests from one seed, so that a failure is repeated by its number."""

    def __init__(self, cast: Cast, seed: int) -> None:
        self.cast = cast
        self.random = random.Random(seed)

    def text(self) -> str:
        kind = self.random.randrange(4)
        if kind == 0:
            return self.random.choice(ODD)
        if kind == 1:
            return self.random.choice(PAYLOADS)
        if kind == 2:
            return self.cast.fill(self.random.choice(KNOWN))
        return "".join(self.random.choices(string.printable + "äß漢\u00a0", k=self.random.randrange(40)))

    def path(self) -> str:
        path = self.cast.fill(self.random.choice(ROUTES).path).partition("?")[0]
        if self.random.random() < 0.2:
            path += "/" + self.text()
        elif self.random.random() < 0.1:
            path = path.replace("/", self.random.choice(["//", "/./", "/../", ";/", "/%2e%2e/"]), 1)
        return path

    def pairs(self) -> list[tuple[str, str]]:
        count = self.random.randrange(8)
        return [(self.random.choice(FIELDS), self.text()) for _ in range(count)]

    def make(self, browser: Browser, token: str | None) -> Request:
        query = urlencode(self.pairs()) if self.random.random() < 0.5 else quote(self.text(), safe="=&%")
        request = Request.blank("/", base_url="https://app.test", method=self.random.choice(METHODS))
        request.environ |= {"PATH_INFO": self.path().encode().decode("latin-1"), "QUERY_STRING": query}
        request.host = "app.test"
        request.headers["Cookie"] = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookiejar)
        body = urlencode([*self.pairs(), *([("csrf_token", token)] if token else [])]).encode()
        if self.random.random() < 0.1:
            body = self.random.randbytes(self.random.randrange(300))
        if request.method != "GET":
            request.body = body
            request.headers["Content-Type"] = self.random.choice(TYPES) if self.random.random() < 0.2 else FORM
        if self.random.random() < 0.2:
            text = self.text().encode().decode("latin-1").replace("\r", "").replace("\n", "")
            request.headers[self.random.choice(HEADERS)] = text
        return request


@pytest.fixture
def cast(make_site) -> Cast:
    return Cast(make_site(attempt__max_open="1000", attempt__max_per_hour="10000"))


def answered(site: Site, request: Request) -> int:
    response = request.get_response(site.app)
    status: int = response.status_int
    assert status < 500, f"{request}\n\n{response.text[:3000]}"
    return status


@EITHER_DATABASE
def test_without_the_token_nothing_changes(cast: Cast) -> None:
    site = cast.site
    browsers = list(cast.browsers.values())
    # What anybody may leave behind: that they tried, and that a session was used.
    before = {name: rows for name, rows in state(site).items() if name not in {"recent_try", "session"}}

    @SEEDS
    @given(st.integers(0, 2**32))
    def ask(seed: int) -> None:
        requests = Requests(cast, seed)
        for _ in range(25):
            answered(site, requests.make(requests.random.choice(browsers), None))

    ask()
    assert {name: rows for name, rows in state(site).items() if name in before} == before


def test_with_the_token_nothing_breaks(cast: Cast) -> None:
    site, browser = cast.site, cast.browsers["owner"]
    seen: Counter[int] = Counter()

    @SEEDS
    @given(st.integers(0, 2**32))
    def ask(seed: int) -> None:
        requests = Requests(cast, seed)
        if browser.get("/organizers").status_int != 200:  # a request has signed the owner out
            browser.sign_in("olga@example.test")
        token = browser.token("/organizers")
        for _ in range(25):
            seen[answered(site, requests.make(browser, token))] += 1

    ask()
    assert {200, 303, 400, 404, 405} <= set(seen), seen  # they get behind the door
    roles = site.rows("SELECT role FROM membership WHERE organizer_id = :id", id=cast.account.organizer_id)
    assert "owner" in {row.role for row in roles}
