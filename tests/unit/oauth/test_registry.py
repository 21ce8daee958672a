"""The registry in a Pyramid application: directives, `request.oauth`, where state and configuration live."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationConflictError, ConfigurationExecutionError
from pyramid.request import Request

from connectapp.oauth.integration import TokenUpdated
from connectapp.oauth.registry import OAuth, get_oauth
from connectapp.oauth.transport import Transport
from tests.unit.oauth.conftest import REGISTRATION, configured, make_request
from tests.unit.oauth.wire import Server


def test_a_view_uses_the_client_without_naming_the_request(transport: Transport, server: Server) -> None:
    with configured(transport) as config:
        config.register_oauth_client("example", **REGISTRATION)
    session: dict[str, Any] = {}
    away = make_request(config, "/connect", session).oauth.example.authorize_redirect("https://app.test/cb")
    assert (away.status_int, away.headers["Cache-Control"]) == (303, "no-store")
    assert away.location.startswith(f"{server.url}/provider.test/authorize?"), "hosts are mapped for the browser too"
    state = Request.blank(away.location).GET["state"]
    back = make_request(config, f"/cb?code=1&state={state}", session)
    assert back.oauth.example.authorize_access_token()["access_token"] == "at-1"
    assert server.seen[0].form["redirect_uri"] == ["https://app.test/cb"]
    assert not session


def test_a_bound_client_makes_requests_with_the_token_of_the_request(transport: Transport, server: Server) -> None:
    with configured(transport) as config:
        tokens = {"example": {"access_token": "of the user", "token_type": "bearer"}}
        config.register_oauth_client(
            "example",
            **REGISTRATION,
            api_base_url="https://provider.test/api/",
            fetch_token=lambda request: tokens["example"] if request.path == "/me" else None,
        )
    client = make_request(config, "/me").oauth.example
    client.get("accounts")
    client.post("accounts", token={"access_token": "given"}, json={})
    assert [seen.headers["Authorization"] for seen in server.seen] == ["Bearer of the user", "Bearer given"]
    assert {seen.path for seen in server.seen} == {"/provider.test/api/accounts"}
    assert client.client_id == "me"


def test_data_of_an_authorization_that_was_begun_elsewhere(transport: Transport, server: Server) -> None:
    with configured(transport) as config:
        config.register_oauth_client("example", **REGISTRATION)
    session: dict[str, Any] = {}
    make_request(config, "/", session).oauth.example.save_authorize_data(state="s", code_verifier="v" * 43)
    make_request(config, "/cb?code=1&state=s", session).oauth.example.authorize_access_token()
    assert server.seen[0].form["code_verifier"] == ["v" * 43]


def test_unknown_clients(transport: Transport) -> None:
    with configured(transport) as config:
        pass
    oauth = make_request(config).oauth
    assert oauth.create_client("nobody") is None
    with pytest.raises(AttributeError, match="No such client: nobody"):
        oauth.nobody  # noqa: B018
    with pytest.raises(AttributeError):
        get_oauth(config.registry).nobody  # noqa: B018


def test_two_registrations_of_one_name_are_a_conflict(transport: Transport) -> None:
    config = Configurator()
    config.include("connectapp.oauth")
    config.register_oauth_client("example", **REGISTRATION)
    config.register_oauth_client("example", **REGISTRATION)
    with pytest.raises(ConfigurationConflictError):
        config.commit()


def test_a_wrong_registration_stops_the_start() -> None:
    config = Configurator()
    config.include("connectapp.oauth")
    config.register_oauth_client("example", **REGISTRATION, verify=False)
    with pytest.raises(ConfigurationExecutionError, match="unknown options: verify"):
        config.commit()
    assert get_oauth(config.registry).create_client("example") is None


def test_introspection_shows_no_secret(transport: Transport) -> None:
    with configured(transport) as config:
        config.register_oauth_client("example", **REGISTRATION, access_token_params={"assertion": "also-secret"})
    (entry,) = config.introspector.get_category("oauth clients")
    shown = repr(dict(entry["introspectable"]))
    assert "https://provider.test/authorize" in shown
    assert "secret" not in shown


def test_settings_may_be_python_values(transport: Transport) -> None:
    oauth = OAuth(transport=transport, settings={"oauth.example.client_kwargs": {"scope": "pay"}})
    assert oauth.register("example", client_id="me").client_kwargs == {"scope": "pay"}


def test_clients_from_the_settings(transport: Transport) -> None:
    settings = {
        "oauth.example.client_id": "from the ini",
        "oauth.example.client_secret": "s",
        "oauth.example.authorize_params": '{"prompt": "login"}',
        "oauth.sure.client_id": "from the ini",
    }
    with configured(transport, settings) as config:
        config.register_oauth_client("example", authorize_url="https://provider.test/authorize")
        config.register_oauth_client("sure", overwrite=True, client_id="from the code")
        config.register_oauth_client("code", client_id="from the code")
    app = get_oauth(config.registry).create_client("example")
    assert (app.client_id, app.client_secret) == ("from the ini", "s")
    assert "prompt=login" in app.create_authorization_url()["url"]
    assert get_oauth(config.registry).sure.client_id == "from the ini"
    assert get_oauth(config.registry).code.client_id == "from the code"


@pytest.mark.parametrize("text", ["prompt=login", "[]", "5"])
def test_a_mapping_in_the_settings_is_json(text: str) -> None:
    with pytest.raises(ValueError, match=r"oauth\.example\.client_kwargs must be a JSON object"):
        OAuth(settings={"oauth.example.client_kwargs": text}).register("example", client_id="me")


@pytest.mark.parametrize("name", ["register", "transport", "cache", "_registry", "two words", "taken", ""])
def test_names_that_could_not_be_attributes(transport: Transport, name: str) -> None:
    oauth = OAuth(transport=transport)
    oauth.register("taken", **REGISTRATION)
    with pytest.raises(ValueError, match="cannot be named"):
        oauth.register(name, **REGISTRATION)


def test_the_registry_works_without_pyramid_and_has_a_transport() -> None:
    oauth = OAuth()
    app = oauth.register("example", **REGISTRATION)
    assert oauth.example is app is oauth.create_client("example")
    assert app.transport.deadline == 15.0
    app.transport.close()


def test_gap_many_threads_get_one_client(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """Authlib makes clients late and without a lock; half-made ones were seen by other threads."""
    oauth = OAuth(transport=transport)
    start = threading.Barrier(8)

    def work(number: int) -> list[Any]:
        start.wait(10)
        mine = oauth.register(f"client_{number}", **REGISTRATION)
        return [mine is oauth.create_client(f"client_{number}"), *(oauth.create_client("client_0") for _ in range(50))]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(work, range(8)))
    assert all(first for first, *_ in found)
    assert len({id(client) for _, *clients in found for client in clients if client is not None}) == 1


def test_a_refreshed_token_is_an_event(transport: Transport, server: Server) -> None:
    events: list[TokenUpdated] = []
    with configured(transport) as config:
        config.add_subscriber(events.append, TokenUpdated)
        config.register_oauth_client("example", **REGISTRATION)
    stale = {"access_token": "at-0", "refresh_token": "rt-0", "expires_at": 1}
    make_request(config).oauth.example.get("https://provider.test/api", token=stale)
    (event,) = events
    assert (event.name, event.refresh_token, event.token["access_token"]) == ("example", "rt-0", "at-1")
