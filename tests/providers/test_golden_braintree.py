"""Braintree's OAuth, as its documents and SDKs describe it.

braintree/braintree_python and braintree/braintree_node; braintree/graphql-api `schema.graphql`;
developer.paypal.com/braintree/docs/guides/extend/oauth, /guides/braintree-auth and /reference/general/webhooks/oauth.
"""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from connectapp.errors import GrantRefusedError, MalformedAnswerError, ProviderError
from connectapp.providers.interfaces import Identity, Notice
from tests.providers.golden import (
    ACCESS,
    CODE,
    FORM,
    REDIRECT_URI,
    REFRESH,
    STATE,
    Asked,
    Wire,
    authorize,
    basic,
    grant_of,
    notice,
    redeem,
    refresh,
    refused,
    revoke,
    tokens,
)

# braintree_python: braintree/environment.py. It writes the port down, which is the usual one.
HOSTS = {"live": "https://api.braintreegateway.com", "test": "https://api.sandbox.braintreegateway.com"}
GRAPHQL = {
    "live": "https://payments.braintree-api.com/graphql",
    "test": "https://payments.sandbox.braintree-api.com/graphql",
}
MODES = pytest.mark.parametrize("mode", HOSTS)
# braintree/credentials_parser.py: the environment is a part of each credential.
NAMES = {"live": "production", "test": "sandbox"}
MERCHANT = "g8cnjbnz83htzgm4"


def credentials(mode: str) -> tuple[str, str]:
    return f"client_id${NAMES[mode]}$golden", f"client_secret${NAMES[mode]}$golden0123456789"


def make(wire: Wire, mode: str = "test", **settings: Any) -> Any:
    client_id, client_secret = credentials(mode)
    return wire.make_provider("braintree", mode, client_id=client_id, client_secret=client_secret, **settings)


def answer(wire: Wire, xml: str, status: int = 200) -> None:
    """Queue an answer as the server gives it (lib/braintree/http.js, parseResponse)."""
    content = f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}\n'.encode()
    wire.answers.append((status, content, {"Content-Type": "application/xml; charset=utf-8"}))


# The attributes that the SDKs' OAuthCredentials have; access tokens are good for 24 hours (/guides/extend/oauth).
TOKENS = f"""<credentials>
  <access-token>access_token$sandbox${MERCHANT}$fb27c79dd</access-token>
  <refresh-token>refresh_token$sandbox${MERCHANT}$aa11bb22</refresh-token>
  <expires-at type="datetime">2027-11-26T21:16:52Z</expires-at>
  <token-type>bearer</token-type>
  <scope>read_write</scope>
</credentials>"""
PAIR = (f"access_token$sandbox${MERCHANT}$fb27c79dd", f"refresh_token$sandbox${MERCHANT}$aa11bb22")


def proven(asked: Asked, mode: str) -> dict[str, Any]:
    """The fields of a request in the platform's name: JSON and version as in lib/braintree/http.js, with HTTP Basic.

    The Python SDK has the fields of a token request below `credentials`, the Node SDK has not.
    """
    assert asked.headers["authorization"] == basic(*credentials(mode))
    assert asked.headers["x-apiversion"] == "6"
    assert "xml" in asked.headers.get("accept", "*/xml") or "*/*" in asked.headers["accept"]
    found: dict[str, Any] = asked.json.get("credentials", asked.json)
    return found


@MODES
def test_the_browser_is_sent_to_the_connect_page(wire: Wire, mode: str) -> None:
    # oauth_gateway.py: connect_url, and its test for landing_page and login_only. PKCE is unknown there.
    provider = make(wire, mode)
    sent = authorize(provider)
    query = sent.query
    assert sent.address.replace(":443/", "/") == f"{HOSTS[mode]}/oauth/connect"
    assert not provider.uses_pkce
    assert query.pop("response_type", "code") == "code"
    assert query.pop("landing_page", "login") in {"login", "signup"}
    assert query.pop("login_only", "true") in {"true", "false"}
    assert query.pop("scope")
    assert query == {"client_id": credentials(mode)[0], "redirect_uri": REDIRECT_URI, "state": STATE}


@pytest.mark.parametrize(("chosen", "word"), [(None, "read_write"), ("read_only", "read_only")])
def test_the_scopes_are_words_between_commas(wire: Wire, chosen: str | None, word: str) -> None:
    # /guides/braintree-auth/reference: "read_write,oauth_app_receive_dispute_webhooks".
    provider = make(wire, **({"scope": chosen} if chosen else {}))
    words = authorize(provider).query["scope"].split(",")
    assert word in words
    assert len({"read_write", "read_only"} & set(words)) == 1
    assert " " not in "".join(words)


@MODES
def test_a_code_is_redeemed_with_json(wire: Wire, mode: str) -> None:
    # oauth_gateway.js: createTokenFromCode.
    answer(wire, TOKENS)
    redeem(make(wire, mode), MERCHANT)
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{HOSTS[mode]}/oauth/access_tokens")
    assert proven(asked, mode) == {"grant_type": "authorization_code", "code": CODE}


def test_a_token_answer_is_read_and_the_callback_names_the_merchant(wire: Wire) -> None:
    # /guides/extend/oauth/access-tokens: the redirect URI has `merchantId`.
    answer(wire, TOKENS)
    provider = make(wire)
    grant = redeem(provider, MERCHANT)
    assert provider.declaration.callback.account == "merchantId"
    assert (grant.external_id, grant.scope, tokens(grant)) == (MERCHANT, "read_write", PAIR)
    assert grant.expires_at == datetime(2027, 11, 26, 21, 16, 52, tzinfo=UTC)


@MODES
def test_a_refresh_brings_another_pair(wire: Wire, mode: str) -> None:
    # oauth_gateway.js: createTokenFromRefreshToken; both tokens are new (/guides/extend/oauth/access-tokens).
    answer(wire, TOKENS)
    grant = refresh(make(wire, mode))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{HOSTS[mode]}/oauth/access_tokens")
    assert proven(asked, mode) == {"grant_type": "refresh_token", "refresh_token": REFRESH}
    assert tokens(grant) == PAIR


@MODES
def test_the_access_token_is_taken_back(wire: Wire, mode: str) -> None:
    # oauth_gateway.js: revokeAccessToken; oauth_gateway.py looks at `result.success`.
    answer(wire, '<result><success type="boolean">true</success></result>')
    revoke(make(wire, mode), MERCHANT)
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{HOSTS[mode]}/oauth/revoke_access_token")
    assert proven(asked, mode) == {"token": ACCESS}


def test_revoking_without_success_is_not_done(wire: Wire) -> None:
    answer(wire, '<result><success type="boolean">false</success></result>')
    with pytest.raises(ProviderError):
        revoke(make(wire), MERCHANT)


# schema.graphql: Viewer.merchant, Merchant, MerchantAccount.
NODE = {"id": "riverside_usd", "currencyCode": "USD", "isDefault": True, "status": "ACTIVE"}
VIEWER = {
    "data": {
        "viewer": {
            "merchant": {
                "id": MERCHANT,
                "status": "ACTIVE",
                "companyName": "14 Ladders",
                "merchantAccounts": {"edges": [{"node": NODE}]},
            }
        }
    },
    "extensions": {"requestId": "b1946ac9-0001"},
}
# braintree/merchant_account_gateway.py: _fetch_merchant_accounts; the answer does not name the merchant.
ACCOUNTS = """<merchant-accounts type="collection">
  <current-page-number type="integer">1</current-page-number>
  <page-size type="integer">50</page-size>
  <total-items type="integer">1</total-items>
  <merchant-account>
    <id>riverside_usd</id>
    <currency-iso-code>USD</currency-iso-code>
    <default type="boolean">true</default>
    <status>active</status>
  </merchant-account>
</merchant-accounts>"""


def identified(wire: Wire, provider: Any) -> tuple[Asked, Identity]:
    """What is asked of the one API or the other, and the account as its answer tells it."""
    grant = grant_of(provider, MERCHANT)
    wire.answer(VIEWER)
    try:
        identity = provider.identify(grant)
    except MalformedAnswerError:  # it was not the one that answers in JSON
        answer(wire, ACCOUNTS)
        identity = provider.identify(grant)
    return wire.asked[-1], identity


@MODES
def test_the_token_tells_whose_it_is(wire: Wire, mode: str) -> None:
    # util/graphql_client.py: Braintree-Version; http.py: Bearer, where there is an access token.
    provider = make(wire, mode)
    asked, identity = identified(wire, provider)
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    if asked.url == GRAPHQL[mode]:
        assert asked.method == "POST"
        assert "viewer" in asked.json["query"]
        assert datetime.strptime(asked.headers["braintree-version"], "%Y-%m-%d").replace(tzinfo=UTC)
        assert identity.display_name == "14 Ladders"
    else:
        assert (asked.method, asked.address) == ("GET", f"{HOSTS[mode]}/merchants/{MERCHANT}/merchant_accounts/")
        assert asked.headers["x-apiversion"] == "6"
    assert (identity.external_id, identity.proof) == (MERCHANT, "token")
    assert (identity.country, identity.currency) in {(None, "usd"), (None, None)}


# braintree/error_codes.py, OAuth; tests/integration/test_oauth.py: errors of `credentials`; http.py: 422 has a body.
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("93801", "code_refused"),
        ("93802", "platform_refused"),
        ("93803", "scope_refused"),
        ("93804", "request_refused"),
        ("93805", "request_refused"),
    ],
)
def test_documented_errors_have_reasons(wire: Wire, code: str, reason: str) -> None:
    error = f"<error><code>{code}</code><attribute type='symbol'>code</attribute><message>in prose</message></error>"
    errors = f"<errors type='array'/><credentials><errors type='array'>{error}</errors></credentials>"
    answer(wire, f"<api-error-response><errors>{errors}</errors><message>in prose</message></api-error-response>", 422)
    with refused(reason):
        redeem(make(wire), MERCHANT)


# /reference/general/webhooks/oauth; braintree/webhook_testing_gateway.py and _notification_gateway.py, util/crypto.py.
PUBLIC_KEY, PRIVATE_KEY = "integration_public_key", "integration_private_key"
PAYLOAD = base64.encodebytes(
    f"""<notification>
  <timestamp type="datetime">2026-09-21T08:53:20Z</timestamp>
  <kind>oauth_access_revoked</kind>
  <subject>
    <oauth-application-revocation>
      <merchant-id>{MERCHANT}</merchant-id>
      <oauth-application-client-id>{credentials("test")[0]}</oauth-application-client-id>
    </oauth-application-revocation>
  </subject>
</notification>""".encode()
)


def told(wire: Wire, private_key: str) -> Notice | None:
    """What a message says that was signed with this key; None if it is not believed."""
    key = hashlib.sha1(private_key.encode()).digest()
    made = hmac.new(key, PAYLOAD, hashlib.sha1).hexdigest()
    body = urlencode({"bt_signature": f"{PUBLIC_KEY}|{made}", "bt_payload": PAYLOAD.decode()}).encode()
    try:
        return notice(make(wire, webhook_secrets=[PRIVATE_KEY]), body, {"Content-Type": FORM})
    except GrantRefusedError:
        return None


def test_a_message_that_the_merchant_left_is_read_rightly_if_at_all(wire: Wire) -> None:
    found = told(wire, PRIVATE_KEY)
    assert found is None or (found.type, found.external_id) == ("oauth_access_revoked", MERCHANT)


def test_a_forged_message_proves_nothing(wire: Wire) -> None:
    found = told(wire, "another_private_key")
    assert found is None or not (found.proven or found.disconnected)
