"""The official SDK takes the sandbox for Stripe: what it sends is understood, what it gets it can read."""

from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import stripe
from stripe import oauth_error

from connectapp.sandbox.app import make_app
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.serve import SandboxServer

RIVERSIDE = "acct_1SandboxRiverside1"
BACK = "http://localhost:6543/connect/stripe/callback"
PLATFORMS = (
    Platform(),
    Platform("ca_sandbox_live", "sk_live_sandbox", mode="live", redirect_uris=("https://tickets.example/back",)),
    Platform("ca_other", "sk_test_other", name="Another platform", account="acct_1SandboxOther00000"),
)


@pytest.fixture
def url() -> Iterator[str]:
    with SandboxServer(make_app(platforms=PLATFORMS)) as server:
        yield server.url


def sdk(url: str, platform: Platform = PLATFORMS[0], **more: Any) -> stripe.StripeClient:
    return stripe.StripeClient(
        platform.secret_key,
        client_id=platform.client_id,
        base_addresses={"api": f"{url}/api.stripe.com", "connect": f"{url}/connect.stripe.com"},
        max_network_retries=0,
        **more,
    )


@pytest.fixture
def client(url: str) -> stripe.StripeClient:
    return sdk(url)


def approve(authorize_url: str, **fields: str) -> dict[str, str]:
    """Send the page's form as a browser would, and give the parameters of the redirect."""
    parts = urlsplit(authorize_url)
    kept = {name: values[0] for name, values in parse_qs(parts.query).items()}
    connection = HTTPConnection(parts.netloc, timeout=10)
    try:
        body = urlencode(kept | {"action": "approve", "account": RIVERSIDE} | fields)
        connection.request("POST", parts.path, body, {"Content-Type": "application/x-www-form-urlencoded"})
        response = connection.getresponse()
        assert response.status == 303, response.read()
        location = urlsplit(response.headers["Location"])
    finally:
        connection.close()
    return {name: values[0] for name, values in parse_qs(location.query).items()}


def code_for(client: stripe.StripeClient, scope: str = "read_write", redirect_uri: str = BACK) -> str:
    params: Any = {"scope": scope, "state": "s", "redirect_uri": redirect_uri}
    return approve(client.oauth.authorize_url(params))["code"]


def redeem(client: stripe.StripeClient, code: str) -> Any:
    return client.oauth.token({"grant_type": "authorization_code", "code": code})


def test_the_whole_dance(client: stripe.StripeClient, url: str) -> None:
    params: Any = {"scope": "read_write", "state": "a state/+&", "redirect_uri": BACK}
    back = approve(client.oauth.authorize_url(params))
    assert back["state"] == "a state/+&"
    assert back["scope"] == "read_write"

    token = redeem(client, back["code"])
    assert token.token_type == "bearer"
    assert token.scope == "read_write"
    assert token.livemode is False
    assert token.stripe_user_id == RIVERSIDE
    assert token.access_token.startswith("sk_test_")
    assert token.refresh_token.startswith("rt_")
    assert token.stripe_publishable_key.startswith("pk_test_")

    account = client.v1.accounts.retrieve(RIVERSIDE)
    assert account.settings is not None
    assert account.settings.dashboard is not None
    assert account.settings.dashboard.display_name == "Riverside Concerts"
    assert (account.id, account.country, account.default_currency) == (RIVERSIDE, "GB", "gbp")
    assert account.charges_enabled is True

    theirs = sdk(url, Platform(secret_key=token.access_token))
    assert theirs.v1.accounts.retrieve_current().id == RIVERSIDE
    assert client.v1.accounts.retrieve_current(options={"stripe_account": RIVERSIDE}).id == RIVERSIDE

    assert client.oauth.deauthorize({"stripe_user_id": RIVERSIDE}).stripe_user_id == RIVERSIDE
    with pytest.raises(stripe.PermissionError) as refused:
        client.v1.accounts.retrieve(RIVERSIDE)
    assert refused.value.error is not None
    assert refused.value.error.code == "account_invalid"
    with pytest.raises(stripe.AuthenticationError):
        theirs.v1.accounts.retrieve_current()


def test_a_second_redemption_revokes_the_connection(client: stripe.StripeClient, url: str) -> None:
    code = code_for(client)
    token = redeem(client, code)
    with pytest.raises(oauth_error.InvalidGrantError):
        redeem(client, code)
    with pytest.raises(stripe.AuthenticationError):
        sdk(url, Platform(secret_key=token.access_token)).v1.accounts.retrieve_current()
    with pytest.raises(stripe.PermissionError):
        client.v1.accounts.retrieve(RIVERSIDE)
    with pytest.raises(oauth_error.InvalidGrantError):
        client.oauth.token({"grant_type": "refresh_token", "refresh_token": token.refresh_token})


def test_refresh_replaces_the_token_of_the_same_scope(client: stripe.StripeClient, url: str) -> None:
    first = redeem(client, code_for(client))
    second: Any = client.oauth.token({"grant_type": "refresh_token", "refresh_token": first.refresh_token})
    assert "refresh_token" not in second
    assert sdk(url, Platform(secret_key=second.access_token)).v1.accounts.retrieve_current().id == RIVERSIDE
    with pytest.raises(stripe.AuthenticationError):
        sdk(url, Platform(secret_key=first.access_token)).v1.accounts.retrieve_current()


def test_a_lesser_scope_leaves_the_greater_token_alone(client: stripe.StripeClient, url: str) -> None:
    first = redeem(client, code_for(client))
    lesser: Any = {"grant_type": "refresh_token", "refresh_token": first.refresh_token, "scope": "read_only"}
    assert client.oauth.token(lesser).scope == "read_only"
    assert sdk(url, Platform(secret_key=first.access_token)).v1.accounts.retrieve_current().id == RIVERSIDE


def test_a_live_connection_gives_test_tokens_to_the_test_key(client: stripe.StripeClient, url: str) -> None:
    live = sdk(url, PLATFORMS[1])
    granted = redeem(live, code_for(live, redirect_uri="https://tickets.example/back"))
    assert granted.livemode is True
    exchange: Any = {"grant_type": "refresh_token", "refresh_token": granted.refresh_token}
    exchanged = client.oauth.token(exchange)
    assert exchanged.livemode is False
    assert str(exchanged.stripe_publishable_key).startswith("pk_test_")
    assert sdk(url, Platform(secret_key=granted.access_token)).v1.accounts.retrieve_current().id == RIVERSIDE


@pytest.mark.parametrize("wrong", PLATFORMS[1:], ids=["other mode", "other platform"])
def test_a_code_is_good_for_its_platform_and_mode_only(client: stripe.StripeClient, url: str, wrong: Platform) -> None:
    code = code_for(client)
    with pytest.raises(oauth_error.InvalidGrantError):
        redeem(sdk(url, wrong), code)
    assert redeem(client, code).stripe_user_id == RIVERSIDE


def test_a_refresh_token_is_good_for_its_platform_only(client: stripe.StripeClient, url: str) -> None:
    token = redeem(client, code_for(client))
    with pytest.raises(oauth_error.InvalidGrantError):
        sdk(url, PLATFORMS[2]).oauth.token({"grant_type": "refresh_token", "refresh_token": token.refresh_token})


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"grant_type": "authorization_code", "code": "ac_unknown"}, oauth_error.InvalidGrantError),
        ({"grant_type": "authorization_code"}, oauth_error.InvalidRequestError),
        ({"grant_type": "refresh_token"}, oauth_error.InvalidRequestError),
        ({"grant_type": "refresh_token", "refresh_token": "rt_unknown"}, oauth_error.InvalidGrantError),
        ({"grant_type": "password"}, oauth_error.UnsupportedGrantTypeError),
        ({"code": "ac_unknown"}, oauth_error.InvalidRequestError),
        ({"grant_type": "authorization_code", "code": "x", "scope": "all"}, oauth_error.InvalidScopeError),
        (
            {"grant_type": "authorization_code", "code": "x", "response_type": "token"},
            oauth_error.UnsupportedResponseTypeError,
        ),
    ],
)
def test_token_errors_are_the_classes_of_the_sdk(client: stripe.StripeClient, params: Any, error: Any) -> None:
    with pytest.raises(error):
        client.oauth.token(params)


def test_a_greater_scope_cannot_be_refreshed_into_being(client: stripe.StripeClient) -> None:
    token = redeem(client, code_for(client, scope="read_only"))
    greater: Any = {"grant_type": "refresh_token", "refresh_token": token.refresh_token, "scope": "read_write"}
    with pytest.raises(oauth_error.InvalidScopeError):
        client.oauth.token(greater)


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"stripe_user_id": RIVERSIDE}, oauth_error.InvalidClientError),  # not connected
        ({"stripe_user_id": "acct_unknown"}, oauth_error.InvalidClientError),
        ({"stripe_user_id": RIVERSIDE, "client_id": "ca_other"}, oauth_error.InvalidClientError),
        ({}, oauth_error.InvalidRequestError),
    ],
)
def test_deauthorize_errors_are_the_classes_of_the_sdk(client: stripe.StripeClient, params: Any, error: Any) -> None:
    with pytest.raises(error):
        client.oauth.deauthorize(params)


def test_a_bad_key_gets_the_error_shape_of_the_api(url: str) -> None:
    stranger = sdk(url, Platform(secret_key="sk_test_nobodys_key"))
    with pytest.raises(stripe.AuthenticationError) as refused:
        redeem(stranger, "ac_unknown")
    assert "nobodys_key" not in str(refused.value)
    with pytest.raises(stripe.AuthenticationError):
        stranger.oauth.deauthorize({"stripe_user_id": RIVERSIDE})
    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.accounts.retrieve(RIVERSIDE)


def test_the_platform_has_an_account_of_its_own(client: stripe.StripeClient) -> None:
    assert client.v1.accounts.retrieve_current().id == PLATFORMS[0].account
