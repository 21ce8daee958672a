"""The application of docs/authlib-pyramid.md, taken out of the page and run; so the page cannot rot."""

import importlib
import re
import shutil
import sys
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import urllib3
from webtest import TestApp

from tests.functional.oauth_alone_app import AuthorizationServer, running

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/authlib-pyramid.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The page's first code block in this language."""
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    with running() as server:
        yield server


@pytest.fixture(params=["connectapp.oauth", "lifted_out"])
def site(
    request: pytest.FixtureRequest, server: AuthorizationServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """The page's application, also with a copy of the package on its own."""
    source = block("python").replace("connectapp.oauth", request.param)
    if request.param == "lifted_out":
        shutil.copytree(
            ROOT / "connectapp/oauth", tmp_path / "lifted_out", ignore=shutil.ignore_patterns("__pycache__")
        )
    monkeypatch.syspath_prepend(tmp_path)
    ini = RawConfigParser()
    ini.read_string(block("ini"))
    settings = dict(ini["app:main"]) | {
        "session.secret": "a test's own",
        "oauth.example.client_id": "me",
        "oauth.example.client_secret": "s3cret",
        "oauth.example.authorize_url": f"{server.url}/authorize",
        "oauth.example.access_token_url": f"{server.url}/token",
    }
    (tmp_path / "documented.py").write_text(source, encoding="utf-8")
    app = importlib.import_module("documented").main({}, **settings)
    yield app
    app.registry["oauth.registry"].transport.close()
    for name in [name for name in sys.modules if name.partition(".")[0] in {"documented", "lifted_out"}]:
        del sys.modules[name]


class Browser(TestApp):  # type: ignore[misc]
    """A browser with cookies, which follows to the authorization server by real HTTP."""

    __test__ = False

    def connect(self) -> str:
        """Press the button, approve or deny; returns where the authorization server sends the browser."""
        away = self.get("/").form.submit(status=303)
        with urllib3.PoolManager() as http:
            back = http.request("GET", away.location, redirect=False)
        assert back.status == 302
        return str(back.headers["Location"])


def test_connecting(site: Any, server: AuthorizationServer) -> None:
    browser = Browser(site)
    assert browser.get(browser.connect()).json == {"connected": True, "scope": "pay"}
    assert len(server.granted) == 1


def test_denying(site: Any, server: AuthorizationServer) -> None:
    server.denies = True
    browser = Browser(site)
    answer = browser.get(browser.connect()).json
    assert answer == {"connected": False, "why": "access_denied: the server refused"}
    assert not server.granted


def test_a_callback_works_once_and_in_its_own_browser_only(site: Any, server: AuthorizationServer) -> None:
    browser, attacker = Browser(site), Browser(site)
    location = browser.connect()
    attacker.connect()
    assert not attacker.get(location).json["connected"]
    cookies = dict(browser.cookies)
    assert browser.get(location).json["connected"]
    for name, value in cookies.items():
        browser.set_cookie(name, value.strip('"'))
    answer = browser.get(location).json
    assert "mismatching_state" in answer["why"]
    assert len(server.granted) == 1


def test_a_refused_code_is_named_by_its_error_alone(site: Any, server: AuthorizationServer) -> None:
    browser = Browser(site)
    location = re.sub(r"code=[^&]+", "code=stolen", browser.connect())
    assert browser.get(location).json["why"] == "invalid_grant: the server refused"


def test_leaving_needs_a_form_of_our_own(site: Any) -> None:
    Browser(site).post("/connect", status=400)
    Browser(site).get("/connect", status=404)


def test_the_page_names_every_gap_and_its_test() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests/unit/oauth").glob("test_*.py"))
    assert sorted(re.findall(r"`(test_gap_\w+)`", PAGE)) == sorted(re.findall(r"def (test_gap_\w+)", tests))
