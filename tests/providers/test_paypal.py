"""PayPal's Partner Referrals, as its documents describe them: the platform's token, and a link for a seller."""

from typing import Any

import pytest

from connectapp.errors import GrantRefusedError, MalformedAnswerError, OutcomeUnknownError, ProviderError
from connectapp.providers.capabilities import IOnboards, Onboarding
from connectapp.providers.registry import problems
from connectapp.secret import Secret
from connectapp.settings import ProviderSettings, Settings
from tests.providers.golden import (
    CLIENT_ID,
    CLIENT_SECRET,
    REDIRECT_URI,
    STATE,
    Wire,
    basic,
    refused,
)
from tests.providers.paypal import (
    ACTION,
    AGAIN,
    BEARER,
    HOSTS,
    PARTNER,
    REFERRED,
    TOKEN,
    onboard,
    paypal_of,
    with_token,
)


@pytest.fixture
def provider(wire: Wire) -> Any:
    return with_token(wire)


def test_what_it_is(provider: Any) -> None:
    # The return has merchantId, which is the tracking id, and merchantIdInPayPal; no code, and no signature.
    assert isinstance(provider, IOnboards)
    names = provider.callback_names
    assert (names.state, names.code, names.account) == ("merchantId", "", "merchantIdInPayPal")
    assert (provider.title, provider.uses_pkce, provider.revocable) == ("PayPal", False, False)


@pytest.mark.parametrize("mode", ["test", "live"])
def test_the_platform_gets_a_token_for_itself(wire: Wire, mode: str) -> None:
    wire.answer(TOKEN)
    wire.answer(REFERRED, 201)
    onboard(paypal_of(wire, mode))
    first, second = wire.asked
    assert (first.method, first.url) == ("POST", f"https://{HOSTS[mode]}/v1/oauth2/token")
    assert first.headers["authorization"] == basic(CLIENT_ID, CLIENT_SECRET)
    assert first.form == {"grant_type": "client_credentials"}
    assert second.url.startswith(f"https://{HOSTS[mode]}/")


def test_a_link_for_one_seller(wire: Wire, provider: Any) -> None:
    wire.answer(REFERRED, 201)
    made = onboard(provider, email="box@riverside.example", business_name="Riverside")
    assert made == Onboarding(ACTION)
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"https://{HOSTS['test']}/v2/customer/partner-referrals")
    assert asked.headers["authorization"] == BEARER
    # operations and legal_consents are required; tracking_id and return_url have 127 characters at most.
    assert asked.json == {
        "tracking_id": STATE,
        "email": "box@riverside.example",
        "partner_config_override": {"return_url": REDIRECT_URI, "action_renewal_url": AGAIN},
        "operations": [
            {
                "operation": "API_INTEGRATION",
                "api_integration_preference": {
                    "rest_api_integration": {
                        "integration_method": "PAYPAL",
                        "integration_type": "THIRD_PARTY",
                        "third_party_details": {"features": ["PAYMENT", "REFUND"]},
                    }
                },
            }
        ],
        "products": ["EXPRESS_CHECKOUT"],
        "legal_consents": [{"type": "SHARE_DATA_CONSENT", "granted": True}],
    }


def test_what_is_asked_for_is_configured(wire: Wire) -> None:
    wire.answer(TOKEN)
    wire.answer(REFERRED, 201)
    onboard(paypal_of(wire, scope="charge_with_fee", variable={"product": "PPCP"}))
    sent = wire.asked[1].json
    rest = sent["operations"][0]["api_integration_preference"]["rest_api_integration"]
    assert rest["third_party_details"]["features"] == ["PAYMENT", "REFUND", "PARTNER_FEE"]
    assert sent["products"] == ["PPCP"]
    assert "email" not in sent


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (400, {"name": "INVALID_REQUEST"}, GrantRefusedError, "request_refused"),
        (422, {"name": "UNPROCESSABLE_ENTITY"}, GrantRefusedError, "request_refused"),
        (403, {"name": "NOT_AUTHORIZED"}, GrantRefusedError, "platform_refused"),
        (404, {"name": "RESOURCE_NOT_FOUND"}, GrantRefusedError, "request_refused"),
        (500, {"name": "INTERNAL_SERVER_ERROR"}, OutcomeUnknownError, "no_answer"),
        (201, {"links": [REFERRED["links"][0]]}, MalformedAnswerError, "malformed_answer"),
        (201, {"links": "none"}, MalformedAnswerError, "malformed_answer"),
        (201, {"links": [{"rel": "action_url", "href": "https://evil.example/"}]}, MalformedAnswerError, None),
        (201, {"links": [{"rel": "action_url", "href": "https://paypal.com:444/"}]}, MalformedAnswerError, None),
    ],
)
def test_no_link(
    wire: Wire, provider: Any, status: int, body: Any, error: type[ProviderError], code: str | None
) -> None:
    wire.answer(body, status)
    with pytest.raises(error) as caught:
        onboard(provider)
    assert caught.value.code == (code or "malformed_answer")
    assert len(wire.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"error": "invalid_client", "error_description": "Client Authentication failed"}, GrantRefusedError),
        (200, {"token_type": "Bearer"}, MalformedAnswerError),
        (503, None, OutcomeUnknownError),
    ],
)
def test_no_token(wire: Wire, status: int, body: Any, error: type[ProviderError]) -> None:
    wire.answer(body, status)
    with pytest.raises(error):
        onboard(paypal_of(wire))
    assert len(wire.asked) == 1


def test_a_token_that_is_nearly_over_is_not_used(wire: Wire) -> None:
    provider = paypal_of(wire)
    for _ in range(2):
        wire.answer(TOKEN | {"expires_in": 59})
        wire.answer(REFERRED, 201)
        onboard(provider)
    assert [asked.url.rpartition("/")[2] for asked in wire.asked] == ["token", "partner-referrals"] * 2


def test_a_token_that_was_ended_early_is_replaced_once(wire: Wire, provider: Any) -> None:
    wire.answer({"error": "invalid_token"}, 401)
    wire.answer(TOKEN | {"access_token": "A21AAanother"})
    wire.answer(REFERRED, 201)
    onboard(provider)
    assert wire.asked[2].headers["authorization"] == "Bearer A21AAanother"

    wire.asked.clear()
    wire.answer({"error": "invalid_token"}, 401)
    wire.answer(TOKEN)
    wire.answer({"error": "invalid_token"}, 401)
    with refused("platform_refused"):
        onboard(provider)
    assert len(wire.asked) == 3


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ({}, "partner_id is missing"),
        ({"partner_id": "partner123456"}, "partner_id must be as in"),
        ({"partner_id": PARTNER, "product": "PPPLUS"}, "product must be as in"),
        ({"partner_id": PARTNER}, None),
    ],
)
def test_who_the_platform_is_must_be_said(variable: dict[str, str], told: str | None) -> None:
    own = {"client_id": CLIENT_ID, "client_secret": Secret(CLIENT_SECRET), "mode": "live", "variable": variable}
    found = list(problems(Settings(provider={"paypal": ProviderSettings("paypal", **own)})))
    assert len(found) == (0 if told is None else 1)
    assert told is None or told in found[0]
