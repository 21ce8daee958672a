"""The OAuth client: how it proves itself, how it attaches tokens, what leaves."""

import base64
from typing import Any

import pytest

from connectapp.oauth.client import PyramidOAuth2Client
from connectapp.oauth.errors import (
    AnswerError,
    InvalidTokenError,
    MissingTokenError,
    OAuthError,
    UnsupportedTokenTypeError,
)
from connectapp.oauth.transport import Transport
from tests.unit.oauth.conftest import TOKEN, TOKEN_PATH, Register
from tests.unit.oauth.wire import Server

TOKEN_URL = "https://provider.test/token"
API = "https://api.provider.test/v1/account"


def methods(name: str | None) -> dict[str, Any]:
    return {"client_kwargs": {"token_endpoint_auth_method": name} if name else {}}


def test_redeeming_a_code(register: Register, server: Server) -> None:
    token = register().fetch_access_token("https://app.test/cb", code="ac_1", code_verifier="v" * 43)
    assert token["access_token"] == "at-1"
    assert isinstance(token["expires_at"], int)
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("POST", TOKEN_PATH)
    assert seen.form == {
        "grant_type": ["authorization_code"],
        "code": ["ac_1"],
        "redirect_uri": ["https://app.test/cb"],
        "code_verifier": ["v" * 43],
    }
    assert seen.headers["Accept"] == "application/json"
    assert seen.headers["User-Agent"].startswith("Authlib/")


@pytest.mark.parametrize("method", [None, "client_secret_basic"])
def test_basic_authentication_is_form_encoded_first(register: Register, server: Server, method: str | None) -> None:
    register(client_id="a:b", client_secret="ü%/ +", **methods(method)).fetch_access_token(code="1")
    pair = base64.b64decode(server.seen[0].headers["Authorization"].removeprefix("Basic ")).decode()
    assert pair == "a%3Ab:%C3%BC%25%2F+%2B"


def test_the_secret_in_the_body(register: Register, server: Server) -> None:
    register(**methods("client_secret_post")).fetch_access_token(code="1")
    assert server.seen[0].form["client_secret"] == ["client-secret"]
    assert "Authorization" not in server.seen[0].headers


def test_the_secret_as_a_bearer_token(register: Register, server: Server) -> None:
    register(**methods("bearer_secret")).fetch_access_token(code="1")
    assert server.seen[0].headers["Authorization"] == "Bearer client-secret"
    assert "client-secret" not in server.seen[0].body


@pytest.mark.parametrize("secret", [None, ""])
def test_a_public_client(register: Register, server: Server, secret: str | None) -> None:
    register(client_secret=secret).fetch_access_token(code="1")
    assert server.seen[0].form["client_id"] == ["me"]
    assert "Authorization" not in server.seen[0].headers
    assert "client_secret" not in server.seen[0].form


def test_a_private_method_of_authentication(register: Register, server: Server) -> None:
    def signed(auth: Any, method: str, url: str, headers: dict[str, str], body: str) -> Any:
        headers["X-Client"] = auth.client_id
        return url, headers, body

    register(client_auth_methods=[("signed", signed)], **methods("signed")).fetch_access_token(code="1")
    assert server.seen[0].headers["X-Client"] == "me"


def test_no_secret_reaches_another_provider(register: Register, server: Server) -> None:
    """Authlib gives all clients one mapping of default headers, and authentication writes into it."""
    register().fetch_access_token(code="1")
    register(client_id="other", client_secret=None).fetch_access_token(code="2")
    assert "Authorization" in server.seen[0].headers
    assert "Authorization" not in server.seen[1].headers


def test_a_code_is_sent_once_whatever_comes(register: Register, server: Server) -> None:
    app = register()
    for status, error in ((500, AnswerError), (503, AnswerError), (429, AnswerError), (400, OAuthError)):
        server.seen.clear()
        server.answer(TOKEN_PATH, {"error": "invalid_grant"}, status)
        with pytest.raises(error):
            app.fetch_access_token(code="1")
        assert len(server.seen) == 1


def test_a_token_endpoint_is_never_asked_by_get(register: Register, server: Server) -> None:
    with pytest.raises(ValueError, match="POST"):
        register().fetch_access_token(code="secret", method="GET")
    assert not server.seen


def test_the_implicit_grant_is_not_offered(register: Register) -> None:
    with pytest.raises(ValueError, match="implicit"):
        register().fetch_access_token(authorization_response="https://app.test/cb#access_token=at")


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER", None])
def test_a_token_is_attached(register: Register, server: Server, kind: str | None) -> None:
    server.answer("/api.provider.test/v1/account", {"id": "acct_1"})
    token = {"access_token": "at-1"} | ({"token_type": kind} if kind else {})
    assert register().get(API, token=token, params={"a": "b c"}).json() == {"id": "acct_1"}
    assert server.seen[0].headers["Authorization"] == "Bearer at-1"
    assert server.seen[0].path.endswith("/account?a=b+c")


def test_a_token_can_be_withheld(register: Register, server: Server) -> None:
    app = register()
    app.request("POST", API, withhold_token=True, data={"a": "b", "left out": None}, headers={"Authorization": "Own"})
    app.request("POST", API, withhold_token=True, json={"a": 1})
    app.request("POST", API, withhold_token=True, data="raw", headers={"Content-Type": "text/plain"})
    assert [seen.body for seen in server.seen] == ["a=b", '{"a": 1}', "raw"]
    kinds = [seen.headers["Content-Type"] for seen in server.seen]
    assert kinds == ["application/x-www-form-urlencoded", "application/json", "text/plain"]
    assert [seen.headers["Authorization"] for seen in server.seen] == ["Own", None, None]


def test_tokens_that_cannot_be_attached(register: Register, server: Server) -> None:
    app = register()
    with pytest.raises(MissingTokenError):
        app.get(API)
    with pytest.raises(UnsupportedTokenTypeError):
        app.get(API, token={"access_token": "at", "token_type": "mac"})
    with pytest.raises(InvalidTokenError):
        app.get(API, token={"access_token": "at", "token_type": "bearer", "expires_at": 1})
    assert not server.seen


def test_a_token_that_is_over_is_refreshed_on_the_way(register: Register, server: Server) -> None:
    server.answer(TOKEN_PATH, {**TOKEN, "access_token": "at-2"})
    updates: list[Any] = []
    app = register(update_token=lambda token, **old: updates.append((token["access_token"], old)))
    app.get(API, token={"access_token": "at-1", "refresh_token": "rt-0", "expires_at": 1})
    assert [seen.path for seen in server.seen] == [TOKEN_PATH, "/api.provider.test/v1/account"]
    assert server.seen[1].headers["Authorization"] == "Bearer at-2"
    assert updates == [("at-2", {"refresh_token": "rt-0", "access_token": None})]


def test_a_client_of_its_own(transport: Transport, server: Server) -> None:
    with PyramidOAuth2Client(transport, client_id="me", scope="pay") as client:
        with pytest.raises(MissingTokenError):
            client.request("GET", API)
        token = client.fetch_token(TOKEN_URL, grant_type="client_credentials")
    assert token["access_token"] == "at-1"
    assert server.seen[0].form["scope"] == ["pay"]


def test_hooks_see_the_answer_before_it_is_read(register: Register, server: Server) -> None:
    """Authlib's compliance hooks, for providers with an envelope."""
    server.answer(TOKEN_PATH, {"data": TOKEN})

    def unwrap(response: Any) -> Any:
        import dataclasses
        import json

        return dataclasses.replace(response, content=json.dumps(response.json()["data"]).encode())

    app = register(compliance_fix=lambda client: client.register_compliance_hook("access_token_response", unwrap))
    assert app.fetch_access_token(code="1")["access_token"] == "at-1"
