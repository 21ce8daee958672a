"""Stripe Connect, Standard accounts, by OAuth (docs.stripe.com/connect/oauth-reference).

Facts that shape this module: a code lives five minutes, and redeeming it twice revokes the connection. The token
endpoint takes no redirect_uri and wants the platform's secret key; its three token fields are deprecated and may be
absent, so that the account's id is the only field that must be there. Authorize sends nobody back but with
``access_denied``; whoever meets another error stays at Stripe. The scope defaults to ``read_only`` there, which a
platform may not use, so we always send one.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectapp.errors import GrantRefusedError, MalformedAnswerError, OutcomeUnknownError
from connectapp.money import digits
from connectapp.oauth.transport import Response
from connectapp.providers.answers import account_object, bearer, json_object, text, unusable
from connectapp.providers.interfaces import Grant, Identity, PaymentResult, PriceProblem
from connectapp.providers.oauth2 import Declaration, OAuth2Provider
from connectapp.secret import Secret

API = "https://api.stripe.com/v1"
DEAUTHORIZE_URL = "https://connect.stripe.com/oauth/deauthorize"

# docs.stripe.com/currencies: what a charge may be made in, whatever the account's own currency is.
CURRENCIES = """
    aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny
    cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd
    jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad
    ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl
    thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw
"""
# The least charge in minor units. Other currencies are converted first, so that it depends on the day's rate.
LEAST_AMOUNTS = {"aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250}
LEAST_AMOUNTS |= {"eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200}
LEAST_AMOUNTS |= {"nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50}
# Where Stripe counts in other units than ISO 4217's minor ones: hundredths of these, and whole ariary.
SCALE = {"isk": Decimal(100), "ugx": Decimal(100), "mga": Decimal("0.01")}

DECLARATION = Declaration(
    name="stripe",
    title="Stripe",
    authorize_url="https://connect.stripe.com/oauth/authorize",
    token_url="https://connect.stripe.com/oauth/token",  # noqa: S106 - an address
    api_url=f"{API}/",
    scopes=("read_write", "read_only"),
    required_fields=("stripe_user_id",),
    client_auth="bearer_secret",
    redirect_uri_at_token=False,
    account_field="stripe_user_id",
    account_pattern=r"acct_[A-Za-z0-9]{1,100}",
    mode_field="livemode",
    key_modes={"sk_test_": "test", "rk_test_": "test", "sk_live_": "live", "rk_live_": "live"},
    prefill={
        "email": "stripe_user[email]",
        "business_name": "stripe_user[business_name]",
        "url": "stripe_user[url]",
        "country": "stripe_user[country]",
    },
    reasons={
        "invalid_request": "request_refused",
        "invalid_grant": "code_refused",
        "unsupported_grant_type": "request_refused",
        "unsupported_response_type": "request_refused",
        "invalid_scope": "scope_refused",
        "invalid_client": "platform_refused",
        "invalid_redirect_uri": "platform_refused",
        "access_denied": "access_denied",
        "no_deauth_on_controlled_account": "account_controlled",
    },
)


class StripeConnect(OAuth2Provider):
    """What a declaration cannot say of Stripe: whose account it is, and taking it back."""

    def _publishable_key(self, answer: Mapping[str, Any]) -> str | None:
        return text(answer, "stripe_publishable_key", r"[!-~]{1,255}", required=False)

    def identify(self, grant: Grant) -> Identity:
        """``GET /v1/account`` with the account's token; without one, with the platform's key in the account's name."""
        if grant.access_token is not None:
            response = self.call("GET", f"{API}/account", headers=bearer(grant.access_token))
        else:
            headers = self._platform() | {"Stripe-Account": str(grant.external_id)}
            response = self.call("GET", f"{API}/account", headers=headers)
        account = account_object(response)
        if text(account, "id", self.declaration.account_pattern) != grant.external_id:
            raise GrantRefusedError("identity_mismatch")
        charges = account.get("charges_enabled")
        return Identity(
            external_id=str(grant.external_id),
            display_name=_display_name(account) or str(grant.external_id),
            proof="token" if grant.access_token else "platform_key",
            country=text(account, "country", r"[A-Z]{2}", required=False),
            currency=text(account, "default_currency", r"[a-z]{3}", required=False),
            charges_enabled=charges if isinstance(charges, bool) else None,
        )

    def revoke(self, external_id: str | None, access_token: Secret | None) -> None:
        """``POST /oauth/deauthorize``, which cuts every link of the account to the platform."""
        fields = {"client_id": self.settings.client_id, "stripe_user_id": external_id}
        response = self.call("POST", DEAUTHORIZE_URL, data=fields, headers=self._platform())
        answer = json_object(response)
        if response.status_code == 200 and answer.get("stripe_user_id") == external_id:
            return
        if response.status_code < 400:
            raise MalformedAnswerError("malformed_answer")
        if response.status_code >= 500 or response.status_code == 429:
            raise OutcomeUnknownError("no_answer")
        error = answer.get("error")
        # The same code stands for an account that is gone and for a wrong client id: ask which one it is.
        if error == "invalid_client" and not self._is_connected(str(external_id)):
            return
        raise GrantRefusedError(self.reason(error))

    def price_problem(self, amount: int, currency: str, account_currency: str | None) -> PriceProblem | None:
        """Stripe takes most currencies for every account, and pays out in the account's own."""
        if currency not in CURRENCIES.split():
            return "currency"
        if amount < LEAST_AMOUNTS.get(currency, 1):
            return "too_low"
        # The third digit must be 0, and what Stripe counts in whole ariary must be whole.
        whole = _stripe_amount(amount, currency) % 1 == 0
        return None if whole and not (digits(currency) == 3 and amount % 10) else "not_rounded"

    def test_amount(self, currency: str) -> int:
        """One unit, in minor units, or the least that Stripe takes."""
        return max(int(10 ** digits(currency)), LEAST_AMOUNTS.get(currency, 0))

    def pay_test(
        self, *, external_id: str, access_token: Secret | None, amount: int, currency: str, idempotency_key: str
    ) -> PaymentResult:
        """``POST /v1/payment_intents``, confirmed at once with Stripe's test card."""
        if self.mode != "test":
            raise GrantRefusedError("live_mode")
        fields = {
            "amount": f"{_stripe_amount(amount, currency):.0f}",
            "currency": currency,
            "payment_method": "pm_card_visa",
            "confirm": "true",
            "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
            "description": "Test payment",
        }
        headers = self._acting_for(external_id, access_token) | {"Idempotency-Key": idempotency_key}
        response = self.call("POST", f"{API}/payment_intents", data=fields, headers=headers)
        return _payment(response)

    def _acting_for(self, external_id: str, access_token: Secret | None) -> dict[str, str]:
        """The headers of a request in the account's name, by whichever key the settings say."""
        if self.settings.pay_with == "platform":
            return self._platform() | {"Stripe-Account": external_id}
        if access_token is None:
            raise GrantRefusedError("no_token")
        return bearer(access_token)

    def _is_connected(self, external_id: str) -> bool:
        response = self.call("GET", f"{API}/accounts/{external_id}", headers=self._platform())
        return response.status_code not in {403, 404}  # 401 speaks of our own key

    def _platform(self) -> dict[str, str]:
        key = self.settings.client_secret
        if key is None:
            raise GrantRefusedError("platform_refused")
        return bearer(key)


def _stripe_amount(amount: int, currency: str) -> Decimal:
    return amount * SCALE.get(currency, Decimal(1))


def _payment(response: Response) -> PaymentResult:
    """The outcome of a PaymentIntent. A declined card is an outcome, too."""
    answer, status = json_object(response), response.status_code
    if status == 200 and answer.get("status") == "succeeded":
        return PaymentResult(succeeded=True, external_id=text(answer, "id", r"pi_[A-Za-z0-9]{1,100}"))
    if status == 402:
        failed = _at(answer, "error", "payment_intent", "id")
        return PaymentResult(
            succeeded=False, external_id=failed if isinstance(failed, str) else None, reason="declined"
        )
    if status in {400, 401, 403, 404}:
        raise GrantRefusedError("payment_refused")
    raise unusable(status)


def _display_name(account: Mapping[str, Any]) -> str | None:
    """Where Stripe keeps the name, the best first (older API versions have it at the top)."""
    candidates = (
        _at(account, "settings", "dashboard", "display_name"),
        _at(account, "business_profile", "name"),
        account.get("email"),
    )
    names = (name.strip()[:200] for name in candidates if isinstance(name, str))
    return next((name for name in names if name and name.isprintable()), None)


def _at(values: Any, *path: str) -> Any:
    for name in path:
        values = values.get(name) if isinstance(values, dict) else None
    return values


def includeme(config: Any) -> None:
    config.add_provider(DECLARATION, StripeConnect)
