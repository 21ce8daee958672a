"""A registered client: what may be registered, where the browser is sent, refreshing, ID tokens."""

import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from connectapp.oauth.errors import OAuthError
from tests.unit.oauth.conftest import TOKEN, TOKEN_PATH, Register, callback, leave
from tests.unit.oauth.wire import Server

ISSUER = "https://provider.test"


def query(url: str) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs), "a parameter occurs twice"
    return dict(pairs)


def test_the_authorization_url(register: Register, server: Server) -> None:
    made = register().create_authorization_url(
        "https://app.test/cb?a=b&c", **{"stripe_user[email]": "a&scope=x@b.test", "left_out": None}
    )
    assert made["url"].startswith("https://provider.test/authorize?")
    assert query(made["url"]) == {
        "response_type": "code",
        "client_id": "me",
        "redirect_uri": "https://app.test/cb?a=b&c",
        "scope": "pay",
        "state": made["state"],
        "code_challenge": create_s256_code_challenge(made["code_verifier"]),
        "code_challenge_method": "S256",
        "stripe_user[email]": "a&scope=x@b.test",
    }
    assert not server.seen


def test_state_and_verifier_are_new_each_time_or_as_given(register: Register) -> None:
    app = register()
    made = [app.create_authorization_url() for _ in range(50)]
    assert len({one["state"] for one in made} | {one["code_verifier"] for one in made}) == 100
    assert all(len(one["state"]) >= 22 and 43 <= len(one["code_verifier"]) <= 128 for one in made)
    given = app.create_authorization_url(state="s", code_verifier="v" * 43, scope=["a", "b"])
    assert (given["state"], given["code_verifier"]) == ("s", "v" * 43)
    assert query(given["url"])["scope"] == "a b"


@pytest.mark.parametrize(
    "params",
    [{"state": ""}, {"code_verifier": "short"}, {"code_verifier": "v" * 129}, {"response_type": "token"}],
)
def test_parameters_that_would_weaken_the_request(register: Register, params: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"state|verifier|response_type"):
        register().create_authorization_url(**params)


def test_a_verifier_without_pkce_would_be_ignored(register: Register) -> None:
    app = register(client_kwargs={})
    assert "code_challenge" not in query(app.create_authorization_url()["url"])
    with pytest.raises(ValueError, match="would be ignored"):
        app.create_authorization_url(code_verifier="v" * 43)


def test_params_of_the_registration_are_defaults(register: Register, server: Server) -> None:
    app = register(access_token_params={"audience": "a", "tenant": "t"}, refresh_token_params={"tenant": "t"})
    app.fetch_access_token(code="1", audience="b")
    app.refresh_token("rt-0", tenant="u")
    assert (server.seen[0].form["audience"], server.seen[0].form["tenant"]) == (["b"], ["t"])
    assert server.seen[1].form["tenant"] == ["u"]


def test_refreshing_keeps_the_old_refresh_token_if_no_new_one_comes(register: Register, server: Server) -> None:
    server.answer(TOKEN_PATH, {"access_token": "at-2", "token_type": "bearer"})
    updates: list[Any] = []
    app = register(update_token=lambda *args, **kwargs: updates.append(args))
    assert app.refresh_token("rt-0") == {"access_token": "at-2", "token_type": "bearer", "refresh_token": "rt-0"}
    assert server.seen[0].form["grant_type"] == ["refresh_token"]
    assert server.seen[0].form["refresh_token"] == ["rt-0"]
    assert not updates, "whoever asked has the answer"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"autorize_url": "https://provider.test"}, TypeError),
        ({"client_kwargs": {"verify": False}}, TypeError),
        ({"client_kwargs": {"timeout": 1}}, TypeError),
        ({"client_kwargs": {"token_placement": "uri"}}, ValueError),
        ({"client_kwargs": {"code_challenge_method": "plain"}}, ValueError),
        ({"client_kwargs": {"token_endpoint_auth_method": "client_secret_post"}, "client_secret": ""}, ValueError),
        ({"client_kwargs": {"token_endpoint_auth_method": "bearer_secret"}, "client_secret": None}, ValueError),
        ({"client_id": None}, ValueError),
        ({"server_metadata_url": "https://provider.test/.well-known/openid-configuration"}, ValueError),
        ({"request_token_url": "https://provider.test/oauth1"}, ValueError),
    ],
)
def test_registrations_that_are_refused(register: Register, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match="example"):
        register(**options)


@pytest.mark.parametrize("step", ["authorize_url", "access_token_url"])
def test_an_endpoint_that_nobody_told(register: Register, step: str) -> None:
    app = register(**{step: None})
    with pytest.raises(RuntimeError, match="has no"):
        app.create_authorization_url() if step == "authorize_url" else app.fetch_access_token(code="1")


KEY = RSAKey.generate_key(2048, parameters={"kid": "k1"})


def id_token(nonce: str, header: dict[str, str] | None = None, key: Any = KEY, **changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": "42", "aud": "me", "exp": now + 60, "iat": now, "nonce": nonce} | changes
    head = header or {"alg": "RS256", "kid": "k1"}
    return jwt.encode(head, claims, key, algorithms=[head["alg"]])


@pytest.fixture
def openid(register: Register, server: Server) -> Any:
    server.answer("/provider.test/jwks", {"keys": [KEY.as_dict(private=False)]})
    return register(
        issuer=ISSUER, jwks_uri="https://provider.test/jwks", client_kwargs={"scope": "openid", "nonce": "fixed"}
    )


def finish(app: Any, server: Server, make: Any) -> dict[str, Any]:
    session: dict[str, Any] = {}
    state = leave(app, session)
    (pending,) = session.values()
    server.answer(TOKEN_PATH, TOKEN | {"id_token": make(pending["data"]["nonce"])})
    token: dict[str, Any] = app.authorize_access_token(callback(session, f"code=1&state={state}"))
    return token


def test_an_id_token_is_checked(openid: Any, server: Server) -> None:
    assert finish(openid, server, id_token)["userinfo"]["sub"] == "42"


@pytest.mark.parametrize(
    "make",
    [
        lambda nonce: id_token("another"),
        lambda nonce: id_token(nonce, iss="https://evil.test"),
        lambda nonce: id_token(nonce, aud="other"),
        lambda nonce: id_token(nonce, exp=1),
        lambda nonce: id_token(nonce, key=RSAKey.generate_key(2048)),
        lambda nonce: id_token(nonce, {"alg": "none"}, key=None),
        lambda nonce: id_token(nonce, {"alg": "HS256", "kid": "k1"}, OctKey.import_key("client-secret")),
        lambda nonce: "not.a.token",
        lambda nonce: 5,
    ],
    ids=["nonce", "issuer", "audience", "expired", "key", "none", "shared secret", "garbage", "number"],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_id_tokens_that_are_refused(openid: Any, server: Server, make: Any) -> None:
    with pytest.raises(OAuthError) as caught:
        finish(openid, server, make)
    assert caught.value.error == "invalid_id_token"


def test_an_id_token_needs_an_issuer(register: Register) -> None:
    with pytest.raises(RuntimeError, match="needs an issuer"):
        register().parse_id_token({"id_token": "x"}, "nonce")


def test_a_sibling_is_the_same_client_at_another_address(register: Register, server: Server) -> None:
    app = register()
    server.answer("/shop.provider.test/token", TOKEN | {"access_token": "at-shop"})
    there = app.sibling(
        client_id="me",
        client_secret="client-secret",
        authorize_url="https://shop.provider.test/authorize",
        access_token_url="https://shop.provider.test/token",
    )
    assert (there.name, there.transport) == (app.name, app.transport)
    assert there.create_authorization_url()["url"].startswith("https://shop.provider.test/authorize?")
    assert there.fetch_access_token(code="c")["access_token"] == "at-shop"
    assert app.create_authorization_url()["url"].startswith("https://provider.test/authorize?")
    assert app.fetch_access_token(code="c")["access_token"] == "at-1"
    with pytest.raises(ValueError, match="has no client_id"):
        app.sibling(client_id="")
