"""PayPal, Partner Referrals: what its declaration (`catalogue/paypal.toml`) cannot say.

The platform acts as itself with a token of its own (client credentials), asks for a seller's link, and asks afterwards
which account the seller came with: what the browser brings back is signed by nobody.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectapp.errors import GrantRefusedError, MalformedAnswerError
from connectapp.oauth.transport import Response
from connectapp.providers.answers import bearer, link, object_told, secret, text, unusable
from connectapp.providers.capabilities import Onboarding
from connectapp.providers.endpoints import Request
from connectapp.providers.interfaces import Grant, Prefill, PriceProblem
from connectapp.providers.oauth2 import OAuth2Provider
from connectapp.providers.templates import fill_url
from connectapp.secret import Secret

REFERRALS = "https://{api}/v2/customer/partner-referrals"
SELLERS = "https://{api}/v1/customer/partners/{partner_id}/merchant-integrations"
# developer.paypal.com/docs/api/reference/currency-codes: taken in whole units only; ISO 4217 gives them two digits.
WHOLE = {"huf", "twd"}
EARLY = 60.0  # seconds before its end that a token is not used any more


class PayPal(OAuth2Provider):
    """PayPal for platforms whose sellers are onboarded by a link."""

    #: The platform's own token, and when it is over by the clock that never goes back.
    _held: tuple[Secret, float] | None = None

    def onboard(
        self, *, redirect_uri: str, again_uri: str, state: str, prefill: Prefill, external_id: str | None
    ) -> Onboarding:
        """See `IOnboards`: ``POST /v2/customer/partner-referrals``. The account is known only when the seller has come.

        The state is the tracking id, which PayPal sends back and under which it keeps who the seller is.
        """
        features = {"features": self.scope.split()}
        rest = {"integration_method": "PAYPAL", "integration_type": "THIRD_PARTY", "third_party_details": features}
        referral = {
            "tracking_id": state,
            "partner_config_override": {"return_url": redirect_uri, "action_renewal_url": again_uri},
            "operations": [
                {"operation": "API_INTEGRATION", "api_integration_preference": {"rest_api_integration": rest}}
            ],
            "products": [self.constants["product"]],
            "legal_consents": [{"type": "SHARE_DATA_CONSENT", "granted": True}],
        }
        if prefill.email:
            referral["email"] = prefill.email
        answer = self._asked("POST", fill_url(REFERRALS, self.constants), json=referral)
        if answer is None:
            raise GrantRefusedError("request_refused")
        return Onboarding(_action_url(answer))

    def redeem(
        self, *, code: Secret, redirect_uri: str, code_verifier: Secret | None, account: str | None = None
    ) -> Grant:
        """Ask which seller came of the tracking id, and what that one has granted us.

        :param code: the state, which is the tracking id. :param account: what the browser says: compared, not believed.
        """
        sellers, pattern = fill_url(SELLERS, self.constants), self.declaration.account_pattern
        found = self._asked("GET", sellers, params={"tracking_id": code.reveal()})
        seller = None if found is None else text(found, "merchant_id", pattern, required=False)
        if seller is None or account is None:
            raise GrantRefusedError("not_finished")
        if seller != account:
            raise GrantRefusedError("identity_mismatch")
        status = self._asked("GET", f"{sellers}/{seller}")
        if status is None:
            raise GrantRefusedError("not_finished")
        if text(status, "merchant_id", pattern) != seller:
            raise GrantRefusedError("identity_mismatch")
        granted = tuple(dict.fromkeys(_granted(status, str(self.settings.client_id))))
        if not granted or not isinstance(status.get("payments_receivable"), bool):
            raise GrantRefusedError("not_finished")
        return Grant(external_id=seller, mode=self.mode, scope=" ".join(granted))

    def price_problem(self, amount: int, currency: str, account_currency: str | None) -> PriceProblem | None:
        """See `IPaymentProvider`."""
        if currency in WHOLE and amount % 100:
            return "not_rounded"
        return super().price_problem(amount, currency, account_currency)

    def ask(self, asking: Request, **values: Any) -> Response:
        """Declared requests about a seller are made with the platform's own token."""
        return self._authorized(lambda token: super(PayPal, self).ask(asking, **values | {"access_token": token}))

    def _asked(self, method: str, url: str, **kwargs: Any) -> Mapping[str, Any] | None:
        """What the API says; None if there is no such thing.

        :raises ProviderError: of the fitting kind.
        """
        response = self._authorized(lambda token: self.call(method, url, headers=bearer(token), **kwargs))
        status = response.status_code
        if status in {200, 201}:  # PayPal's OpenAPI has 201 for the look-up by tracking id as well
            return object_told(response)
        if status == 404:
            return None
        if status in {400, 422}:
            raise GrantRefusedError("request_refused")
        if status in {401, 403}:
            raise GrantRefusedError("platform_refused")
        raise unusable(status)

    def _authorized(self, send: Callable[[Secret], Response]) -> Response:
        """Send with the token that we hold; once more with a new one if PayPal has ended that one before its time."""
        held = self._held
        if held is not None and time.monotonic() < held[1]:
            response = send(held[0])
            if response.status_code != 401:
                return response
        return send(self._new_token())

    def _new_token(self) -> Secret:
        answer = self._token_answer(self.client.fetch_access_token, grant_type="client_credentials")
        token, lifetime = secret(answer, "access_token"), answer.get("expires_in")
        if token is None:
            raise MalformedAnswerError("malformed_answer")
        if isinstance(lifetime, int):
            self._held = token, time.monotonic() + lifetime - EARLY
        return token


def _action_url(answer: Mapping[str, Any]) -> str:
    """The link among the links that the seller is to open."""
    links = answer.get("links")
    for one in links if isinstance(links, list) else ():
        if isinstance(one, dict) and one.get("rel") == "action_url":
            return link(one, "href", "paypal.com")
    raise MalformedAnswerError("malformed_answer")


def _granted(status: Mapping[str, Any], client_id: str) -> Iterator[str]:
    """The scopes that the seller has granted to this client of the platform's."""
    for integration in _objects(status.get("oauth_integrations")):
        if integration.get("integration_type") == "OAUTH_THIRD_PARTY" and integration.get("status", "A") == "A":
            for party in _objects(integration.get("oauth_third_party")):
                scopes = party.get("scopes")
                if party.get("partner_client_id") == client_id and isinstance(scopes, list):
                    yield from (str(text({"scope": one}, "scope", r"[!-~]{1,200}")) for one in scopes)


def _objects(values: Any) -> list[dict[str, Any]]:
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


ONBOARDING = PayPal
