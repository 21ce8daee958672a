"""GoCardless for partners, as its documents and its SDK describe it."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from tests.providers.golden import (
    ACCESS,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    JSON,
    REDIRECT_URI,
    STATE,
    Asked,
    Wire,
    authorize,
    grant_of,
    notice,
    notices,
    redeem,
    refresh,
    refused,
    revoke,
    tokens,
)

# developer.gocardless.com/partners/connecting-your-users; gocardless/gocardless-pro-python: gocardless_pro/client.py.
# The sandbox has hosts of its own, for OAuth and for the API.
CONNECT = {"live": "https://connect.gocardless.com", "test": "https://connect-sandbox.gocardless.com"}
API = {"live": "https://api.gocardless.com", "test": "https://api-sandbox.gocardless.com"}
MODES = pytest.mark.parametrize("mode", ["live", "test"])
ORGANISATION, CREDITOR = "OR0000123", "CR123"
# The same page; invoiceninja/invoiceninja: app/Http/Controllers/Gateways/GoCardlessOAuthController.php reads these. The
# token does not expire, and there is none to refresh it.
TOKENS = {
    "access_token": "live_pMK0m7sAeiZbqL1xtoc1vXPNbDo3hXEDjT_jjIAT",
    "scope": "read_write",
    "token_type": "bearer",
    "organisation_id": ORGANISATION,
    "email": "owner@acme.example",
    "active": True,
}
KEY = "gocardless-webhook-secret-0123456789"


def fields_of(asked: Asked) -> dict[str, Any]:
    """A form, as the guide's OAuth libraries send; Invoice Ninja sends the same as JSON."""
    return asked.json if asked.media_type == JSON else asked.form


@MODES
@pytest.mark.parametrize("scope", ["read_write", "read_only"])
def test_the_browser_is_sent_to_the_page_that_connects(wire: Wire, mode: str, scope: str) -> None:
    provider = wire.make_provider("gocardless", mode, scope=None if scope == "read_write" else scope)
    sent = authorize(provider)
    query = sent.query
    assert sent.address == f"{CONNECT[mode]}/oauth/authorize"
    assert query.pop("initial_view", "login") in {"login", "signup"}
    assert query == {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "scope": scope,
        "state": STATE,
    }


def test_what_is_known_goes_into_parameters_of_its_own(wire: Wire) -> None:
    # developer.gocardless.com/partners/connecting-your-users; the controller above sends these three.
    known = {"email": "owner@acme.example", "business_name": "Acme", "country": "GB"}
    query = authorize(wire.make_provider("gocardless"), **known).query
    theirs = {"prefill[email]": known["email"], "prefill[organisation_name]": "Acme", "prefill[country_code]": "GB"}
    assert {name: value for name, value in query.items() if name.startswith("prefill")}.items() <= theirs.items()
    assert query["prefill[email]"] == known["email"]


@MODES
def test_a_code_is_redeemed_where_the_path_says_access_token(wire: Wire, mode: str) -> None:
    wire.answer(TOKENS)
    redeem(wire.make_provider("gocardless", mode))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{CONNECT[mode]}/oauth/access_token")
    assert "authorization" not in asked.headers
    assert fields_of(asked) == {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": REDIRECT_URI,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }


def test_a_token_lasts_and_names_the_organisation(wire: Wire) -> None:
    wire.answer(TOKENS)
    grant = redeem(wire.make_provider("gocardless"))
    assert tokens(grant) == (TOKENS["access_token"], None)
    assert (grant.expires_at, grant.scope, grant.token_type) == (None, "read_write", "bearer")
    assert grant.external_id in {None, ORGANISATION}


def test_there_is_nothing_to_refresh(wire: Wire) -> None:
    with refused("refresh_impossible"):
        refresh(wire.make_provider("gocardless"))
    assert wire.asked == []


# gocardless/gocardless-pro-python: tests/fixtures/creditors.json, shortened; gocardless_pro/api_client.py: the version.
def creditors(status: str = "successful") -> dict[str, Any]:
    creditor = {
        "id": CREDITOR,
        "name": "Acme",
        "country_code": "GB",
        "creditor_type": "company",
        "city": "London",
        "fx_payout_currency": "EUR",
        "created_at": "2014-01-01T12:00:00.000Z",
        "verification_status": status,
        "links": {"default_gbp_payout_account": "BA123"},
        "scheme_identifiers": [],
    }
    return {"creditors": [creditor], "meta": {"cursors": {"after": None, "before": None}, "limit": 50}}


@MODES
def test_the_creditor_tells_its_name(wire: Wire, mode: str) -> None:
    provider = wire.make_provider("gocardless", mode)
    wire.answer({**TOKENS, "access_token": ACCESS})
    grant = redeem(provider)
    wire.answer(creditors())
    identity = provider.identify(grant)
    asked = wire.asked[-1]
    assert (asked.method, asked.address) == ("GET", f"{API[mode]}/creditors")
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert asked.headers["gocardless-version"] == "2015-07-06"
    assert identity.external_id in {ORGANISATION, CREDITOR}
    assert (identity.display_name, identity.country, identity.proof) == ("Acme", "GB", "token")


@pytest.mark.parametrize("status", ["successful", "in_review", "action_required"])
def test_only_who_is_verified_can_take_money(wire: Wire, status: str) -> None:
    # developer.gocardless.com/partners, Getting your users verified: what is missing is given at verify.gocardless.com,
    # or verify-sandbox.gocardless.com.
    provider = wire.make_provider("gocardless")
    wire.answer(creditors(status))
    ready = provider.readiness(CREDITOR, grant_of(provider, CREDITOR).access_token)
    assert wire.only.address == f"{API['test']}/creditors"
    assert wire.only.headers["gocardless-version"] == "2015-07-06"
    assert ready.ready is (status == "successful")
    assert ready.onboarding_url in {None, "https://verify.gocardless.com", "https://verify-sandbox.gocardless.com"}


@MODES
def test_revoking_ends_a_token_if_it_is_done_at_all(wire: Wire, mode: str) -> None:
    # The guide has the merchant take the access back, Settings, Connected apps. Integrations of 2026 send what RFC 7009
    # has to /oauth/revoke, with the client's id and secret beside the token.
    provider = wire.make_provider("gocardless", mode)
    if not provider.revocable:
        with refused("revocation_impossible"):
            revoke(provider, ORGANISATION)
        assert wire.asked == []
        return
    wire.answer({})
    revoke(provider, ORGANISATION)
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{CONNECT[mode]}/oauth/revoke")
    assert fields_of(asked) == {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "token": ACCESS}


# developer.gocardless.com/partners/connecting-your-users: errors are as in RFC 6749.
@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, "invalid_grant", "code_refused"),
        (400, "invalid_request", "request_refused"),
        (401, "invalid_client", "platform_refused"),
    ],
)
def test_documented_errors_have_reasons(wire: Wire, status: int, code: str, reason: str) -> None:
    wire.answer({"error": code, "error_description": "The provided authorization grant is invalid"}, status)
    with refused(reason):
        redeem(wire.make_provider("gocardless"))


def test_an_error_of_the_api_is_an_object(wire: Wire) -> None:
    # gocardless/gocardless-pro-python: tests/fixtures/insufficient_permission.json
    errors = [{"reason": "insufficient_permissions", "message": "Token does not have the required permissions"}]
    wire.answer({"error": {"message": "Forbidden", "errors": errors, "code": 403, "type": "invalid_api_usage"}}, 403)
    provider = wire.make_provider("gocardless")
    with refused("identity_refused"):
        provider.identify(grant_of(provider, None))


def test_a_merchant_who_says_no_is_known(wire: Wire) -> None:
    assert "access_denied" in wire.make_provider("gocardless").denied


# github.com/gocardless/gocardless-pro-java/issues/74: a message as it came, and that its event has no id.
DISCONNECTED = {
    "events": [
        {
            "id": None,
            "created_at": "2021-07-02T11:04:23.357Z",
            "resource_type": "organisations",
            "action": "disconnected",
            "links": {"organisation": ORGANISATION},
            "details": {
                "origin": "gocardless",
                "cause": "app_disconnected",
                "description": "Your app has been has disconnected from this organisation",
            },
            "metadata": {},
        }
    ],
    "meta": {"webhook_id": "WB000123"},
}
BODY = json.dumps(DISCONNECTED).encode()


def signed(body: bytes, key: str = KEY) -> dict[str, str]:
    """gocardless/gocardless-pro-python: gocardless_pro/webhooks.py."""
    return {"Webhook-Signature": hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}


def test_a_message_tells_that_the_merchant_left(wire: Wire) -> None:
    found = notice(wire.make_provider("gocardless", webhook_secrets=[KEY]), BODY, signed(BODY))
    assert (found.disconnected, found.proven, found.external_id) == (True, True, ORGANISATION)
    assert (found.type, found.id) == ("disconnected", None)  # WB000123 is the id of the message


def test_a_disconnection_behind_other_events_is_seen(wire: Wire) -> None:
    # developer.gocardless.com/partners/webhooks-for-partners: "A webhook can contain multiple events".
    links = {"payment": "PM123", "organisation": "OR000ANOTHER1"}
    paid = {"id": "EV123", "resource_type": "payments", "action": "confirmed", "links": links}
    body = json.dumps({"events": [paid, *DISCONNECTED["events"]], "meta": DISCONNECTED["meta"]}).encode()
    found = notices(wire.make_provider("gocardless", webhook_secrets=[KEY]), body, signed(body))
    told = [(one.id, one.external_id, one.disconnected, one.proven) for one in found]
    assert told == [("EV123", "OR000ANOTHER1", False, True), (None, ORGANISATION, True, True)]


def test_another_message_is_no_disconnection(wire: Wire) -> None:
    # developer.gocardless.com/partners/webhooks-for-partners
    event = {"id": "EV123", "resource_type": "payments", "action": "failed"}
    links = {"payment": "PM123", "organisation": ORGANISATION}
    body = json.dumps({"events": [event | {"links": links}], "meta": {"webhook_id": "WB000124"}}).encode()
    found = notice(wire.make_provider("gocardless", webhook_secrets=[KEY]), body, signed(body))
    assert (found.disconnected, found.external_id) == (False, ORGANISATION)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY + b" ", signed(BODY)),
        (BODY, signed(BODY, "another-webhook-secret-0123456789")),
        (BODY, {"Webhook-Signature": signed(BODY)["Webhook-Signature"].upper()}),
        (BODY, {}),
    ],
)
def test_a_message_with_another_signature_is_refused(wire: Wire, body: bytes, headers: dict[str, str]) -> None:
    with refused("webhook_refused"):
        notice(wire.make_provider("gocardless", webhook_secrets=[KEY]), body, headers)
