"""Stripe: what its declarations (`catalogue/stripe*.toml`) cannot say: prices, test payments, what is gone already, and
how organizers are onboarded where there is no OAuth."""

from collections.abc import Mapping
from decimal import Decimal

from connectapp.errors import GrantRefusedError, MalformedAnswerError, ProviderError
from connectapp.money import digits
from connectapp.oauth.answers import at
from connectapp.oauth.transport import Response
from connectapp.providers.answers import account_object, bearer, link, object_told, text, unusable
from connectapp.providers.capabilities import Onboarding, PaymentResult
from connectapp.providers.interfaces import Grant, Prefill, PriceProblem
from connectapp.providers.oauth2 import OAuth2Provider
from connectapp.secret import Secret

API = "https://api.stripe.com/v1"

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


class StripeConnect(OAuth2Provider):
    """Stripe, whichever of its variants the declaration speaks of."""

    def revoke(self, external_id: str | None, access_token: Secret | None, refresh_token: Secret | None = None) -> None:
        """``POST /oauth/deauthorize``, which cuts every link of the account to the platform."""
        try:
            super().revoke(external_id, access_token, refresh_token)
        except GrantRefusedError as error:
            # The same code stands for an account that is gone and for a wrong client id: ask which one it is.
            if error.code != "platform_refused" or self._is_connected(str(external_id)):
                raise

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


class StripeOnboarding(StripeConnect):
    """Stripe's own pages for a Standard account that the platform makes (`catalogue/stripe.onboarding.toml`)."""

    def onboard(
        self, *, redirect_uri: str, again_uri: str, state: str, prefill: Prefill, external_id: str | None
    ) -> Onboarding:
        """See `IOnboards`: ``POST /v1/accounts`` unless there is one to go on with, ``POST /v1/account_links``."""
        uris = {"refresh_url": again_uri, "return_url": f"{redirect_uri}?{self.callback_names.state}={state}"}
        url = None if external_id is None else self._account_link(external_id, uris)
        if external_id is not None and url is not None:
            return Onboarding(url, external_id)
        made = self._new_account(prefill)
        try:
            url = self._account_link(made, uris)
        except ProviderError as error:
            raise type(error)(error.code, made) from None
        if url is None:
            raise GrantRefusedError("platform_refused", made)
        return Onboarding(url, made)

    def redeem(
        self, *, code: Secret, redirect_uri: str, code_verifier: Secret | None, account: str | None = None
    ) -> Grant:
        """``GET /v1/accounts/{id}``: whether the organizer has told Stripe all that it wants.

        :param account: what `onboard` gave; Stripe's return names none.
        """
        if account is None:
            raise MalformedAnswerError("malformed_answer")
        found = account_object(self.call("GET", f"{API}/accounts/{account}", headers=self._platform()))
        if not isinstance(found, Mapping):
            raise MalformedAnswerError("malformed_answer")
        if text(found, "id", self.declaration.account_pattern) != account:
            raise GrantRefusedError("identity_mismatch")
        if found.get("details_submitted") is not True:
            raise GrantRefusedError("not_finished")
        return Grant(external_id=account, mode=self.mode, scope=self.scope)

    def _new_account(self, prefill: Prefill) -> str:
        fields = {
            "type": "standard",
            "country": prefill.country,
            "email": prefill.email,
            "business_profile[name]": prefill.business_name,
            "business_profile[url]": prefill.url,
        }
        response = self.call("POST", f"{API}/accounts", data=fields, headers=self._platform())
        _check_done(response)
        return str(text(object_told(response), "id", self.declaration.account_pattern))

    def _account_link(self, account: str, uris: dict[str, str]) -> str | None:
        """A link; None if the account is not the platform's (any more)."""
        fields = {"account": account, "type": "account_onboarding", **uris}
        response = self.call("POST", f"{API}/account_links", data=fields, headers=self._platform())
        gone = at(object_told(response), "error.code") in {"account_invalid", "resource_missing"}
        if response.status_code in {403, 404} or (gone and response.status_code == 400):
            return None
        _check_done(response)
        return link(object_told(response), "url", "stripe.com")


def _check_done(response: Response) -> None:
    """:raises ProviderError: of the fitting kind, unless the request was done."""
    status = response.status_code
    if status in {401, 403}:
        raise GrantRefusedError("platform_refused")
    if status in {400, 402, 404}:
        raise GrantRefusedError("request_refused")
    if status != 200:
        raise unusable(status)


def _stripe_amount(amount: int, currency: str) -> Decimal:
    return amount * SCALE.get(currency, Decimal(1))


def _payment(response: Response) -> PaymentResult:
    """The outcome of a PaymentIntent. A declined card is an outcome, too."""
    answer, status = object_told(response), response.status_code
    if status == 200 and answer.get("status") == "succeeded":
        return PaymentResult(succeeded=True, external_id=text(answer, "id", r"pi_[A-Za-z0-9]{1,100}"))
    if status == 402:
        failed = at(answer, "error.payment_intent.id")
        return PaymentResult(
            succeeded=False, external_id=failed if isinstance(failed, str) else None, reason="declined"
        )
    if status in {400, 401, 403, 404}:
        raise GrantRefusedError("payment_refused")
    raise unusable(status)


PROVIDER = StripeConnect
ONBOARDING = StripeOnboarding
