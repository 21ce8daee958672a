"""What PayPal answers, and the provider as the tests of it use it.

Sources: paypal/paypal-rest-api-specifications, openapi/customer_partner_referrals_v2.json (referrals) and _v1.json
(merchant-integrations); developer.paypal.com/docs/multiparty/seller-onboarding/before-payment;
developer.paypal.com/api/rest/authentication.
"""

from typing import Any

from connectapp.providers.capabilities import Onboarding
from connectapp.providers.interfaces import Prefill
from tests.providers.golden import CLIENT_ID, CODE, REDIRECT_URI, STATE, Wire

PARTNER, SELLER = "PARTNER123456", "5NS8DHQCFGT84"
AGAIN = "https://tickets.example/connect/paypal"
HOSTS = {"test": "api-m.sandbox.paypal.com", "live": "api-m.paypal.com"}
SELLERS = f"https://{HOSTS['test']}/v1/customer/partners/{PARTNER}/merchant-integrations"
# developer.paypal.com/api/rest/authentication, the sample answer, shortened.
TOKEN = {
    "scope": "https://uri.paypal.com/services/customer/partner-referrals/readwrite openid",
    "access_token": "A21AAFEpH4PsADK7qSS7pSRsgz",
    "token_type": "Bearer",
    "app_id": "APP-80W284485P519543T",
    "expires_in": 31668,
    "nonce": "2020-04-03T15:35:36ZaYZlGvEkV4yVSz8g6bAKFoGSEzuy3CQcz3ljhibkOHg",
}
BEARER = f"Bearer {TOKEN['access_token']}"
ACTION = "https://www.sandbox.paypal.com/bizsignup/partner/entry?referralToken=NjY1ZDZiM2E="
REFERRED = {
    "links": [
        {"href": f"https://{HOSTS['test']}/v2/customer/partner-referrals/NjY1", "rel": "self", "method": "GET"},
        {"href": ACTION, "rel": "action_url", "method": "GET"},
    ]
}
FOUND = {"merchant_id": SELLER, "tracking_id": CODE, "links": []}
SCOPE = "https://uri.paypal.com/services/payments/realtimepayment"
PARTY = {"partner_client_id": CLIENT_ID, "merchant_client_id": "AeA1QIZXiflr1", "scopes": [SCOPE]}
CONSENT = {
    "integration_type": "OAUTH_THIRD_PARTY",
    "integration_method": "PAYPAL",
    "status": "A",
    "oauth_third_party": [PARTY],
}
STATUS = {
    "merchant_id": SELLER,
    "tracking_id": CODE,
    "legal_name": "Riverside Concerts",
    "primary_email": "box@riverside.example",
    "primary_email_confirmed": True,
    "payments_receivable": True,
    "products": [{"name": "EXPRESS_CHECKOUT", "status": "ACTIVE"}],
    "oauth_integrations": [CONSENT],
}


def paypal_of(wire: Wire, mode: str = "test", **settings: Any) -> Any:
    variable = {"partner_id": PARTNER, **settings.pop("variable", {})}
    return wire.make_provider("paypal", mode, variable=variable, **settings)


def with_token(wire: Wire) -> Any:
    """The same, with a token already."""
    made = paypal_of(wire)
    wire.answer(TOKEN)
    wire.answer(REFERRED, 201)
    onboard(made)
    wire.asked.clear()
    return made


def onboard(provider: Any, **known: str) -> Onboarding:
    made: Onboarding = provider.onboard(
        redirect_uri=REDIRECT_URI, again_uri=AGAIN, state=STATE, prefill=Prefill(**known), external_id=None
    )
    return made
