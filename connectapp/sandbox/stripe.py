"""The Stripe personality: Connect OAuth for Standard accounts, hosted onboarding, account look-ups, test payments.

Made after Stripe's Connect OAuth reference and Account object. What is left out, and where the reference is
silent, is listed in docs/sandbox.md.
"""

from connectapp.sandbox import stripe_onboarding
from connectapp.sandbox.routing import Route
from connectapp.sandbox.stripe_account import account, own_account
from connectapp.sandbox.stripe_authorize import authorize
from connectapp.sandbox.stripe_payments import create, retrieve
from connectapp.sandbox.stripe_token import deauthorize, token

_CONNECT, _API = "connect.stripe.com", "api.stripe.com"
_GET, _POST = frozenset({"GET"}), frozenset({"POST"})

#: Its endpoints by the names that those of declared providers have.
ALIASES = {
    "stripe.authorize": "authorize",
    "stripe.token": "token",
    "stripe.refresh": "token",
    "stripe.account": "account",
    "stripe.readiness": "account",
    "stripe.revoke": "deauthorize",
}
ROUTES = (
    Route(_CONNECT, "/oauth/authorize", "authorize", _GET | _POST, authorize),
    Route(_CONNECT, "/oauth/token", "token", _POST, token),
    Route(_CONNECT, "/oauth/deauthorize", "deauthorize", _POST, deauthorize),
    Route(_API, "/v1/account", "account", _GET, own_account),
    Route(_API, "/v1/accounts/([^/]+)", "account", _GET, account),
    Route(_API, "/v1/accounts", "new_account", _POST, stripe_onboarding.create),
    Route(_API, "/v1/account_links", "account_link", _POST, stripe_onboarding.account_link),
    Route(_CONNECT, "/setup/s/([A-Za-z0-9]+)", "setup", _GET | _POST, stripe_onboarding.setup),
    Route(_API, "/v1/payment_intents", "payment", _POST, create),
    Route(_API, "/v1/payment_intents/([^/]+)", "payment", _GET, retrieve),
)
