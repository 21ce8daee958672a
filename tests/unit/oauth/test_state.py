"""Where pending authorizations are kept, and that each can be used once by its own browser."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pyramid.request import Request
from pyramid.session import JSONSerializer, SignedCookieSessionFactory

from connectapp.oauth.apps import PyramidOAuth2App
from connectapp.oauth.errors import MismatchingStateError
from connectapp.oauth.integration import PyramidIntegration
from connectapp.oauth.transport import Transport
from tests.unit.oauth.conftest import REGISTRATION, TOKEN, TOKEN_PATH, callback, configured, leave, make_request
from tests.unit.oauth.wire import Server


class Cache:
    """As in a cache server: what is kept are texts."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        return self.kept.get(key)

    def set(self, key: str, value: str, expires: int) -> None:
        self.kept[key] = value

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)


def test_gap_cookie_sessions_are_refused_since_they_cannot_forget(transport: Transport) -> None:
    with configured(transport) as config:
        config.set_session_factory(SignedCookieSessionFactory("seekrit", serializer=JSONSerializer()))
        config.register_oauth_client("example", **REGISTRATION)
    with pytest.raises(RuntimeError, match=r"server-side session factory, or call config.set_oauth_state_store"):
        make_request(config).oauth.example.authorize_redirect("https://app.test/cb")
    with pytest.raises(RuntimeError, match="cannot forget"):
        make_request(config, "/cb?state=a&code=b").oauth.example.authorize_access_token()


def test_a_cache_makes_cookie_sessions_good_enough(transport: Transport, server: Server) -> None:
    """The old cookie comes back, but what it points to is gone; and the cache alone is not enough either."""
    cache = Cache()
    with configured(transport) as config:
        config.set_session_factory(SignedCookieSessionFactory("seekrit", serializer=JSONSerializer()))
        config.set_oauth_state_store(cache=cache)
        config.register_oauth_client("example", **REGISTRATION)
    request = make_request(config)
    away = request.oauth.example.authorize_redirect("https://app.test/cb")
    old_cookie = dict(request.session)
    assert "code_verifier" not in json.dumps(old_cookie)
    path = f"/cb?code=1&state={Request.blank(away.location).GET['state']}"
    with pytest.raises(MismatchingStateError):
        make_request(config, path, {}).oauth.example.authorize_access_token()
    make_request(config, path, dict(old_cookie)).oauth.example.authorize_access_token()
    with pytest.raises(MismatchingStateError):
        make_request(config, path, dict(old_cookie)).oauth.example.authorize_access_token()
    assert not cache.kept
    assert len(server.seen) == 1


def test_a_state_store_of_ones_own(transport: Transport) -> None:
    table: dict[str, Any] = {}

    class Table(PyramidIntegration):
        def set_state_data(self, request: Request, state: str, data: Any) -> None:
            table[state] = (request.remote_addr, data)

        def get_state_data(self, request: Request, state: str) -> Any:
            return table.get(state, (None, None))[1]

        def clear_state_data(self, request: Request, state: str) -> None:
            table.pop(state, None)

    with configured(transport) as config:
        config.set_oauth_state_store(integration=Table)
        config.register_oauth_client("example", **REGISTRATION)
    make_request(config).oauth.example.authorize_redirect("https://app.test/cb")
    (state,) = table
    make_request(config, f"/cb?code=1&state={state}").oauth.example.authorize_access_token()
    assert not table


@pytest.fixture
def app(register: Callable[..., PyramidOAuth2App]) -> PyramidOAuth2App:
    return register()


def test_the_store_holds_a_hash_of_the_state(app: PyramidOAuth2App) -> None:
    session: dict[str, Any] = {}
    state = leave(app, session)
    assert state not in json.dumps(session)


def test_several_tabs_finish_in_any_order(app: PyramidOAuth2App, server: Server) -> None:
    session: dict[str, Any] = {}
    first, second = leave(app, session), leave(app, session)
    for state in (first, second):
        app.authorize_access_token(callback(session, f"code={state}&state={state}"))
    assert [seen.form["code"] for seen in server.seen] == [[first], [second]]


def test_another_browser_cannot_finish_and_does_not_disturb(app: PyramidOAuth2App, server: Server) -> None:
    session: dict[str, Any] = {}
    state = leave(app, session)
    for other in ({}, {"_oauth:another:x": {"exp": 1}}):
        with pytest.raises(MismatchingStateError):
            app.authorize_access_token(callback(dict(other), f"code=1&state={state}"))
    assert app.authorize_access_token(callback(session, f"code=1&state={state}"))


def test_a_failed_redemption_has_used_the_state_up(app: PyramidOAuth2App, server: Server) -> None:
    server.answer(TOKEN_PATH, {}, 500)
    session: dict[str, Any] = {}
    path = f"code=1&state={leave(app, session)}"
    for _ in range(2):
        with pytest.raises(Exception, match=r"HTTP 500|mismatching_state"):
            app.authorize_access_token(callback(session, path))
    assert len(server.seen) == 1


def test_a_callback_by_form_post(app: PyramidOAuth2App) -> None:
    session: dict[str, Any] = {}
    request = Request.blank("/cb?code=ignored&state=ignored", POST={"code": "1", "state": leave(app, session)})
    request.session = session
    assert app.authorize_access_token(request)["access_token"] == TOKEN["access_token"]


def test_the_caller_may_add_and_replace_token_parameters(app: PyramidOAuth2App, server: Server) -> None:
    session: dict[str, Any] = {}
    request = callback(session, f"code=1&state={leave(app, session)}")
    app.authorize_access_token(request, redirect_uri="https://app.test/other", audience="a")
    assert server.seen[0].form["redirect_uri"] == ["https://app.test/other"]
    assert server.seen[0].form["audience"] == ["a"]


@pytest.mark.parametrize("query", ["", "code=", "code[]=1", "Code=1"])
def test_a_callback_without_a_code(app: PyramidOAuth2App, server: Server, query: str) -> None:
    session: dict[str, Any] = {}
    with pytest.raises(Exception, match="missing_code"):
        app.authorize_access_token(callback(session, f"{query}&state={leave(app, session)}"))
    assert not server.seen
