"""What Authlib's client leaves open, and this one closes; docs/authlib-pyramid.md has the same list."""

import logging
from typing import Any

import pytest
from pyramid.request import Request

from connectapp.oauth.errors import AnswerError, MismatchingStateError, OAuthError
from connectapp.oauth.integration import PyramidIntegration
from connectapp.oauth.transport import DeadlineExceeded, RedirectRefused, Transport
from tests.unit.oauth.conftest import TOKEN, TOKEN_PATH, Register, callback, leave
from tests.unit.oauth.test_apps import ISSUER, query
from tests.unit.oauth.wire import Server, http, raw_server

METADATA_URL = "https://provider.test/.well-known/oauth-authorization-server"
METADATA_PATH = "/provider.test/.well-known/oauth-authorization-server"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://provider.test/found/authorize",
    "token_endpoint": "https://provider.test/token",
}


@pytest.mark.parametrize("cached", [False, True])
def test_gap_the_expiry_of_a_state_is_enforced(cached: bool) -> None:
    class Cache(dict[str, Any]):
        def set(self, key: str, value: str, expires: int) -> None:
            self[key] = value

        def delete(self, key: str) -> None:
            self.pop(key, None)

    now = 1000.0
    store = PyramidIntegration("example", Cache() if cached else None, clock=lambda: now)  # type: ignore[arg-type]
    request = Request.blank("/")
    request.session = {}
    store.set_state_data(request, "s", {"a": 1})
    now += 3599
    assert store.get_state_data(request, "s") == {"a": 1}
    now += 1
    assert store.get_state_data(request, "s") is None
    store.set_state_data(request, "later", {})
    assert len(request.session) == 1, "what is over is forgotten"


@pytest.mark.parametrize("extra", ["error=access_denied", "error=access_denied&code=1", "code=1"])
def test_gap_the_state_is_checked_and_used_up_before_an_error_is_believed(
    register: Register, server: Server, extra: str
) -> None:
    app = register()
    session: dict[str, Any] = {}
    state = leave(app, session)
    for wrong in ("", "&state=", "&state=wrong", f"&state={state}&state={state}"):
        with pytest.raises(MismatchingStateError):
            app.authorize_access_token(callback(session, extra + wrong))
    if "error" in extra:
        with pytest.raises(OAuthError) as caught:
            app.authorize_access_token(callback(session, f"{extra}&state={state}"))
        assert caught.value.error == "access_denied"
    else:
        app.authorize_access_token(callback(session, f"{extra}&state={state}"))
    with pytest.raises(MismatchingStateError):
        app.authorize_access_token(callback(session, f"code=2&state={state}"))
    assert len(server.seen) == ("error" not in extra)


@pytest.mark.parametrize("announced", [False, True])
@pytest.mark.parametrize(
    "iss", [f"{ISSUER}/", ISSUER.upper(), f"{ISSUER}:443", "https://evil.test", "", None, "twice", ISSUER]
)
@pytest.mark.parametrize("outcome", ["code=1", "error=access_denied"])
def test_gap_the_issuer_of_a_callback_is_checked(
    register: Register, server: Server, announced: bool, iss: str | None, outcome: str
) -> None:
    app = register(issuer=ISSUER, authorization_response_iss_parameter_supported=announced)
    session: dict[str, Any] = {}
    told = {None: "", "twice": f"&iss={ISSUER}&iss={ISSUER}"}.get(iss, f"&iss={iss}")
    request = callback(session, f"{outcome}&state={leave(app, session)}{told}")
    if iss == ISSUER or (iss is None and not announced):
        expected = "access_denied"
    else:
        expected = "repeated_parameter" if iss == "twice" else "mismatching_issuer"
    if expected == "access_denied" and outcome == "code=1":
        assert app.authorize_access_token(request)["access_token"] == "at-1"
    else:
        with pytest.raises(OAuthError) as caught:
            app.authorize_access_token(request)
        assert caught.value.error == expected
        assert not server.seen


@pytest.mark.parametrize("doubled", ["code=1&code=1", "code=1&code=2", "error=a&error=a"])
def test_gap_repeated_parameters_of_a_callback_are_refused(register: Register, server: Server, doubled: str) -> None:
    app = register()
    session: dict[str, Any] = {}
    with pytest.raises(OAuthError) as caught:
        app.authorize_access_token(callback(session, f"{doubled}&state={leave(app, session)}"))
    assert caught.value.error == "repeated_parameter"
    assert not session
    assert not server.seen


def test_gap_a_name_in_the_endpoints_own_query_is_not_sent_twice(register: Register) -> None:
    app = register(authorize_url="https://provider.test/authorize?scope=all&client_id=x&version=2")
    found = query(app.create_authorization_url()["url"])
    assert (found["scope"], found["client_id"], found["version"]) == ("pay", "me", "2")


def test_gap_authorize_params_do_not_beat_the_call(register: Register) -> None:
    app = register(authorize_params={"scope": "fixed", "prompt": "login"})
    found = query(app.create_authorization_url(scope="per-call")["url"])
    assert (found["scope"], found["prompt"]) == ("per-call", "login")


def test_gap_metadata_overrides_nothing(register: Register, server: Server) -> None:
    evil = {
        "verify": False,
        "proxies": {"https": "http://evil.test"},
        "scope": "everything",
        "token_endpoint_auth_method": "client_secret_post",
        "jwks": {"keys": []},
        "jwks_uri": "https://evil.test/jwks",
    }
    server.answer(METADATA_PATH, METADATA | evil | {"token_endpoint": "https://evil.test/token"})
    mine = {"jwks_uri": "https://provider.test/jwks"}
    app = register(issuer=ISSUER, server_metadata_url=METADATA_URL, authorize_url=None, **mine)
    found = app.create_authorization_url()["url"]
    assert found.startswith("https://provider.test/found/authorize?")
    assert query(found)["scope"] == "pay"
    app.fetch_access_token(code="1")
    app.fetch_access_token(code="2")
    assert [seen.path for seen in server.seen] == [METADATA_PATH, TOKEN_PATH, TOKEN_PATH]
    assert "client_secret" not in server.seen[1].form
    assert app.load_server_metadata().items() >= mine.items()
    assert not (evil.keys() - mine.keys()) & app.load_server_metadata().keys()


@pytest.mark.parametrize(
    "document",
    [
        METADATA | {"issuer": f"{ISSUER}/"},
        {key: value for key, value in METADATA.items() if key != "issuer"},
        METADATA | {"token_endpoint": 5},
        METADATA | {"token_endpoint": "javascript:alert(1)"},
        METADATA | {"token_endpoint": "https://[broken"},
        METADATA | {"authorization_response_iss_parameter_supported": "yes"},
        METADATA | {"id_token_signing_alg_values_supported": "none"},
    ],
)
def test_gap_metadata_of_another_issuer_or_form_is_refused(
    register: Register, server: Server, document: dict[str, Any]
) -> None:
    server.answer(METADATA_PATH, document)
    app = register(issuer=ISSUER, server_metadata_url=METADATA_URL, access_token_url=None)
    with pytest.raises(OAuthError) as caught:
        app.fetch_access_token(code="secret")
    assert caught.value.error == "invalid_metadata"
    assert [seen.path for seen in server.seen] == [METADATA_PATH]


def test_gap_metadata_cannot_offer_weak_signatures(register: Register, server: Server) -> None:
    server.answer(METADATA_PATH, METADATA | {"id_token_signing_alg_values_supported": ["none", "HS256", "ES256"]})
    app = register(issuer=ISSUER, server_metadata_url=METADATA_URL)
    assert app.load_server_metadata()["id_token_signing_alg_values_supported"] == ["ES256"]


@pytest.mark.parametrize(("status", "content"), [(404, {}), (500, {}), (200, []), (200, b"<html>")])
def test_metadata_that_is_not_there_is_asked_for_again(
    register: Register, server: Server, status: int, content: Any
) -> None:
    server.answer(METADATA_PATH, content, status)
    app = register(issuer=ISSUER, server_metadata_url=METADATA_URL, authorize_url=None)
    with pytest.raises(AnswerError):
        app.create_authorization_url()
    server.answer(METADATA_PATH, METADATA)
    assert "/found/" in app.create_authorization_url()["url"]


def test_gap_the_verifier_is_not_logged(register: Register, caplog: pytest.LogCaptureFixture) -> None:
    app = register()
    session: dict[str, Any] = {}
    with caplog.at_level(logging.DEBUG):
        state = leave(app, session)
        (pending,) = session.values()
        app.authorize_access_token(callback(session, f"code=the-code&state={state}"))
    secrets = (pending["data"]["code_verifier"], state, "the-code", "at-1", "rt-1", "client-secret")
    assert not any(secret in caplog.text for secret in secrets)


def test_gap_an_answer_without_required_fields_is_refused(register: Register, server: Server) -> None:
    server.answer(TOKEN_PATH, {"token_type": "bearer"})
    with pytest.raises(AnswerError, match="without access_token"):
        register().fetch_access_token(code="1")
    server.answer(TOKEN_PATH, {"stripe_user_id": "acct_1"})
    assert register(required_fields=["stripe_user_id"]).fetch_access_token(code="1") == {"stripe_user_id": "acct_1"}


def test_gap_there_is_a_default_time_out() -> None:
    assert Transport().deadline == 15.0
    with raw_server(lambda peer: peer.recv(1 << 20) and peer.recv(1 << 20)) as host:
        transport = http(host, deadline=0.2)
        with pytest.raises(DeadlineExceeded):
            transport.request("GET", "https://provider.test/")
        transport.close()


def test_gap_the_refresh_token_url_is_used(register: Register, server: Server) -> None:
    server.answer("/provider.test/refresh", TOKEN)
    app = register(refresh_token_url="https://provider.test/refresh")
    app.refresh_token("rt-0")
    app.get("https://provider.test/api", token={"access_token": "a", "refresh_token": "rt-0", "expires_at": 1})
    assert [seen.path for seen in server.seen] == [
        *("/provider.test/refresh", "/provider.test/refresh", "/provider.test/api"),
    ]


def test_gap_redirects_are_not_followed(register: Register, server: Server) -> None:
    server.answer(TOKEN_PATH, {}, 307)
    with pytest.raises(RedirectRefused):
        register().fetch_access_token(code="1")
    assert len(server.seen) == 1


def test_gap_error_descriptions_are_neither_checked_nor_kept(register: Register, server: Server) -> None:
    server.answer(TOKEN_PATH, {"error": "invalid_grant", "error_description": 'No "ac_123"\n'}, 400)
    with pytest.raises(OAuthError) as caught:
        register().fetch_access_token(code="ac_123")
    assert caught.value.error == "invalid_grant"
    assert "ac_123" not in str(caught.value)
