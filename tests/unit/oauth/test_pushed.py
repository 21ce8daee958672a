"""Pushed authorization requests (RFC 9126): what is sent, what the browser is left with, and answers that are none."""

import base64
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from connectapp.oauth.apps import PyramidOAuth2App
from connectapp.oauth.errors import AnswerError, OAuthError
from connectapp.oauth.pushed import push
from connectapp.oauth.shapes import PLAIN
from connectapp.oauth.transport import TransportError
from tests.unit.oauth.conftest import Register
from tests.unit.oauth.wire import Server

PATH, ENDPOINT = "/provider.test/par", "https://provider.test/par"
URN = "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c"  # RFC 9126 section 2.2
ANSWER = {"request_uri": URN, "expires_in": 60}


def pushed(app: PyramidOAuth2App, auth_method: str = "client_secret_basic", **params: Any) -> dict[str, list[str]]:
    """What the browser is left with."""
    url = app.create_authorization_url("https://app.test/cb", state="the-state", **params)["url"]
    found = urlsplit(push(app, url, endpoint=ENDPOINT, auth_method=auth_method))
    assert found._replace(query="").geturl() == "https://provider.test/authorize"
    return parse_qs(found.query, keep_blank_values=True)


def test_the_browser_carries_two_parameters_and_the_server_has_all(register: Register, server: Server) -> None:
    server.answer(PATH, ANSWER, 201)
    assert pushed(register(), email="a&b=c@d.test") == {"client_id": ["me"], "request_uri": [URN]}
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("POST", PATH)
    assert seen.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert seen.headers["Authorization"] == f"Basic {base64.b64encode(b'me:client-secret').decode()}"
    form = dict(parse_qsl(seen.body))
    assert form.pop("code_challenge")
    assert form == {
        "response_type": "code",
        "client_id": "me",
        "redirect_uri": "https://app.test/cb",
        "scope": "pay",
        "state": "the-state",
        "code_challenge_method": "S256",
        "email": "a&b=c@d.test",
    }


def test_the_endpoints_own_query_is_pushed_too(register: Register, server: Server) -> None:
    server.answer(PATH, ANSWER, 201)
    app = register(authorize_url="https://provider.test/authorize?tenant=1")
    assert pushed(app).keys() == {"client_id", "request_uri"}
    assert server.seen[0].form["tenant"] == ["1"]


@pytest.mark.parametrize("method", ["client_secret_post", "none"])
def test_nothing_is_said_twice(register: Register, server: Server, method: str) -> None:
    server.answer(PATH, ANSWER, 201)
    pushed(register(), method)
    form = server.seen[0].form
    assert form["client_id"] == ["me"]
    assert form.get("client_secret") == (["client-secret"] if method == "client_secret_post" else None)
    assert all(len(values) == 1 for values in form.values())
    assert "Authorization" not in server.seen[0].headers


def test_what_is_meant_to_be_there_twice_is(register: Register, server: Server) -> None:
    server.answer(PATH, ANSWER, 201)
    app = register()
    app.ask("POST", ENDPOINT, PLAIN, auth_method="none", data=[("scope[]", "a"), ("scope[]", "b"), ("left", None)])
    assert server.seen[0].form["scope[]"] == ["a", "b"]
    assert "left" not in server.seen[0].form


@pytest.mark.parametrize(
    ("content", "status", "error"),
    [
        ({"error": "invalid_request"}, 400, OAuthError),
        ({"error": "invalid_client"}, 401, OAuthError),
        ({"error": {"code": 1}}, 200, OAuthError),
        (ANSWER, 500, AnswerError),
        (ANSWER, 429, AnswerError),
        (ANSWER, 400, AnswerError),
        ({"expires_in": 60}, 201, AnswerError),
        (ANSWER | {"request_uri": ""}, 201, AnswerError),
        (ANSWER | {"request_uri": [URN]}, 201, AnswerError),
        (ANSWER | {"request_uri": f"{URN}\r\nX: y"}, 201, AnswerError),
        (ANSWER | {"request_uri": "u" * 2001}, 201, AnswerError),
        (ANSWER | {"expires_in": "soon"}, 201, AnswerError),
        ([], 201, AnswerError),
        (b"<html>", 201, AnswerError),
    ],
)
def test_an_answer_that_is_none_leads_nowhere(
    register: Register, server: Server, content: Any, status: int, error: type[Exception]
) -> None:
    server.answer(PATH, content, status)
    with pytest.raises(error) as caught:
        pushed(register())
    assert len(server.seen) == 1
    assert "urn:" not in str(caught.value)


def test_a_redirect_is_not_followed(register: Register, server: Server) -> None:
    server.answer(PATH, ANSWER, 307)
    with pytest.raises(TransportError):
        pushed(register())
    assert len(server.seen) == 1
