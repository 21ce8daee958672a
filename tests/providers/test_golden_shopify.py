"""Shopify, as its documentation and its libraries describe it."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from connectapp.errors import GrantRefusedError
from connectapp.providers.callbacks import sorted_query
from tests.providers.golden import (
    ACCESS,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    REDIRECT_URI,
    REFRESH,
    STATE,
    Wire,
    authorize,
    grant_of,
    lasts,
    notice,
    redeem,
    refresh,
    refused,
    revoke,
    tokens,
)

SHOP, SITE = "some-shop", "https://some-shop.myshopify.com"
# shopify.dev/docs/api/admin-rest/latest/resources/shop: the example's number.
NUMBER = "548380009"
# Shopify/shopify-app-js: packages/apps/shopify-api/lib/auth/oauth/__tests__/refresh-token.test.ts. It has neither a
# type nor an account. shopify.dev/changelog/offline-access-tokens-now-support-expiry-and-refresh: 3600 seconds.
TOKENS = {
    "access_token": "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",
    "scope": "write_orders,read_customers",
    "expires_in": 3600,
    "refresh_token": "shprt_f85632530bf277ec9ac6f649fc327f17",
    "refresh_token_expires_in": 7776000,
}


def shopify(wire: Wire, shop: str = SHOP, **settings: Any) -> Any:
    return wire.make_provider("shopify", **settings).at({"shop": shop})


def test_the_browser_is_sent_to_the_store_itself(wire: Wire) -> None:
    # shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant, step 2:
    # https://{shop}.myshopify.com/admin/oauth/authorize?client_id=&scope=&redirect_uri=&state=&grant_options[]=; the
    # last one is left out for offline tokens. Scopes are separated by commas. There is no PKCE.
    sent = authorize(shopify(wire))
    query = sent.query
    assert sent.address == f"{SITE}/admin/oauth/authorize"
    assert set(query.pop("scope").split(",")) == {"read_orders", "write_orders"}
    assert query == {"client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI, "state": STATE}


def test_the_organizer_is_asked_for_the_store(wire: Wire) -> None:
    (question,) = wire.make_provider("shopify").questions
    assert question.example + question.suffix == "mystore.myshopify.com"
    # The same page, step 3: "contains letters (a-z), numbers (0-9), periods, and hyphens", and ends with myshopify.com;
    # its expression is /^[a-zA-Z0-9][a-zA-Z0-9\-]*\.myshopify\.com/.
    for name in ("some-shop", "1st-shop", "x"):
        assert question.read(name) == question.read(f"{name}.myshopify.com") == question.read(name.upper()) == name
    for name in ("-shop", "some.shop", "some_shop", "some-shop.myshopify.io", "some-shop.shopify.com", ""):
        assert question.read(name) is None


# The example of Shopify's documents, with the secret "hush"; the older one is in Shopify/shopify_python_api:
# test/session_test.py, too.
EXAMPLES = [
    (
        "code=0907a61c0c8d55e99db179b68161bc00&hmac=700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf"
        "&shop=some-shop.myshopify.com&state=0.6784241404160823&timestamp=1337178173"
    ),
    (
        "code=a94a110d86d2452eb3e2af4cfb8a3828&hmac=2cb1a277650a659f1b11e92a4a64275b128e037f2c3390e3c8fd2d8721dac9e2"
        "&shop=some-shop.myshopify.com&timestamp=1337178173"
    ),
]
THEN = 1337178173


@pytest.mark.parametrize("query", EXAMPLES)
def test_the_documents_example_is_proven(wire: Wire, query: str) -> None:
    provider = shopify(wire, client_secret="hush")
    pairs = parse_qsl(query)
    provider.check_callback(pairs, THEN)
    provider.check_callback(pairs[::-1], THEN + 60)  # in whatever order they come
    with refused("callback_unproven"):
        shopify(wire, client_secret="hush-hush").check_callback(pairs, THEN)
    for changed in (pairs[1:], [*pairs, ("added", "1")], [*pairs, pairs[0]], [(n, v.upper()) for n, v in pairs]):
        with refused("callback_unproven"):
            provider.check_callback(changed, THEN)
    with refused("callback_unproven"):
        provider.check_callback(pairs, THEN + 86400)
    with refused("other_tenant"):
        shopify(wire, "another-shop", client_secret="hush").check_callback(pairs, THEN)


def test_signs_that_separate_are_escaped(wire: Wire) -> None:
    # Shopify/shopify_python_api: test/session_test.py, test_hmac_calculation_with_ampersand_and_equal_sign_characters
    assert sorted_query({"a": "1&b=2", "c=3&d": "4"}) == "a=1%26b=2&c%3D3%26d=4"


def test_a_code_is_redeemed_at_the_store_for_a_token_that_expires(wire: Wire) -> None:
    # The same page, step 4: POST https://{shop}.myshopify.com/admin/oauth/access_token with client_id, client_secret,
    # code; expiring=1 (/offline-access-tokens). Shopify/shopify-app-js: oauth.ts sends JSON.
    wire.answer(TOKENS)
    redeem(shopify(wire))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{SITE}/admin/oauth/access_token")
    sent = asked.json
    assert str(sent.pop("expiring")) == "1"
    assert sent == {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "code": CODE}
    assert "authorization" not in asked.headers


def test_a_token_answer_is_read(wire: Wire) -> None:
    wire.answer(TOKENS)
    grant = redeem(shopify(wire))
    assert (grant.external_id, grant.token_type, grant.mode) == (None, "bearer", "test")
    assert grant.scope == "write_orders read_customers"
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])
    assert lasts(grant) == pytest.approx(3600 / 86400, abs=0.001)


def test_an_answer_without_an_end_is_a_token_that_has_none(wire: Wire) -> None:
    # The same page, step 4: {"access_token": …, "scope": "write_orders,read_customers"}, for custom apps.
    wire.answer({"access_token": "f85632530bf277ec9ac6f649fc327f17", "scope": "write_orders,read_customers"})
    grant = redeem(shopify(wire))
    assert (grant.expires_at, grant.refresh_token) == (None, None)


def test_a_refresh_goes_to_the_same_address(wire: Wire) -> None:
    # Shopify/shopify-app-js: refresh-token.ts
    wire.answer(TOKENS)
    grant = refresh(shopify(wire))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{SITE}/admin/oauth/access_token")
    assert asked.json == {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "grant_type": "refresh_token",
        "refresh_token": REFRESH,
    }
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])


def test_an_error_is_a_refusal(wire: Wire) -> None:
    # Shopify/shopify-app-js: refresh-token.test.ts
    wire.answer({"error": "invalid_grant", "error_description": "The refresh token is invalid or expired"}, 400)
    with refused("code_refused"):
        refresh(shopify(wire))


# shopify.dev/docs/api/admin-rest/latest/resources/shop, from its example.
STORE = {
    "id": int(NUMBER),
    "name": "John Smith Test Store",
    "email": "j.smith@example.com",
    "domain": "shop.apple.com",
    "country_code": "US",
    "currency": "USD",
    "myshopify_domain": "some-shop.myshopify.com",
}


def test_the_store_tells_who_it_is(wire: Wire) -> None:
    wire.answer({"shop": STORE})
    provider = shopify(wire)
    identity = provider.identify(grant_of(provider, None))
    asked = wire.only
    assert asked.method == "GET"
    assert asked.address.startswith(f"{SITE}/admin/api/20")
    assert asked.address.endswith("/shop.json")
    # The same page: -H "X-Shopify-Access-Token: {access_token}"
    assert asked.headers["x-shopify-access-token"] == ACCESS
    assert "authorization" not in asked.headers
    assert (identity.external_id, identity.display_name, identity.proof) == (NUMBER, STORE["name"], "token")
    assert (identity.country, identity.currency, identity.tenant) == ("US", "usd", {"shop": SHOP})


@pytest.mark.parametrize("domain", ["another-shop.myshopify.com", "Some-Shop.myshopify.com", None, ""])
def test_another_store_is_refused(wire: Wire, domain: str | None) -> None:
    wire.answer({"shop": STORE | {"myshopify_domain": domain}})
    provider = shopify(wire)
    with refused("identity_mismatch"):
        provider.identify(grant_of(provider, None))


def test_a_token_that_is_over_is_refused(wire: Wire) -> None:
    # shopify.dev/docs/api/usage/response-codes; the text is what the API sends.
    wire.answer({"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}, 401)
    provider = shopify(wire)
    with refused("identity_refused"):
        provider.identify(grant_of(provider, None))


@pytest.mark.parametrize("body", [None, {}])
def test_the_app_is_uninstalled_with_the_stores_token(wire: Wire, body: Any) -> None:
    # shopify.dev/api/examples/app-uninstall: DELETE, 200 for success
    wire.answer(body)
    revoke(shopify(wire), NUMBER)
    asked = wire.only
    assert (asked.method, asked.url) == ("DELETE", f"{SITE}/admin/api_permissions/current.json")
    assert asked.headers["x-shopify-access-token"] == ACCESS
    assert asked.body == b""


def test_an_uninstallation_that_is_refused_is_none(wire: Wire) -> None:
    wire.answer({"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}, 401)
    with pytest.raises(GrantRefusedError):
        revoke(shopify(wire), NUMBER)


# shopify.dev/docs/api/webhooks: topics app/uninstalled and shop/update have the store itself as their content.
BODY = json.dumps({"id": int(NUMBER), "name": "Super Toys", "domain": None, "myshopify_domain": None}).encode()
KEY = "hush-client-secret-0123456789"


def signed(body: bytes = BODY, topic: str = "app/uninstalled", key: str = KEY) -> dict[str, str]:
    # shopify.dev/docs/apps/build/webhooks/subscribe/https, "Validate the origin": base64, of the raw body.
    made = hmac.new(key.encode(), body, hashlib.sha256).digest()
    return {
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": base64.b64encode(made).decode(),
        "X-Shopify-Shop-Domain": "some-shop.myshopify.com",
        "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
    }


def test_a_message_tells_that_the_app_was_uninstalled(wire: Wire) -> None:
    found = notice(wire.make_provider("shopify", webhook_secrets=[KEY]), BODY, signed())
    assert (found.disconnected, found.proven, found.external_id) == (True, True, NUMBER)
    assert (found.id, found.type) == ("b54557e4-bdd9-4b37-8a5f-bf7d70bcd043", "app/uninstalled")


@pytest.mark.parametrize("topic", ["shop/update", "", "APP/UNINSTALLED"])
def test_another_message_is_no_disconnection(wire: Wire, topic: str) -> None:
    provider = wire.make_provider("shopify", webhook_secrets=[KEY])
    assert not notice(provider, BODY, signed(topic=topic)).disconnected


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY + b" ", signed()),
        (BODY, signed(key="another-client-secret")),
        (BODY, signed() | {"X-Shopify-Hmac-Sha256": hmac.new(KEY.encode(), BODY, hashlib.sha256).hexdigest()}),
        (BODY, {}),
    ],
)
def test_a_message_with_another_signature_is_refused(wire: Wire, body: bytes, headers: dict[str, str]) -> None:
    with refused("webhook_refused"):
        notice(wire.make_provider("shopify", webhook_secrets=[KEY]), body, headers)


def test_no_ticket_is_paid_into_a_store(wire: Wire) -> None:
    # A store's payments are its own: an app can take none in its name.
    assert wire.make_provider("shopify").charges is False


def test_nothing_is_asked_without_a_store(wire: Wire) -> None:
    provider = wire.make_provider("shopify")
    with pytest.raises(ValueError, match=r"nothing is known for \{shop\}"):
        provider.identify(grant_of(provider, NUMBER))
    with pytest.raises(RuntimeError, match="has no token_endpoint"):
        redeem(provider)
    with refused("revocation_impossible"):
        revoke(provider, NUMBER)
    assert wire.asked == []
