"""The declarative provider: does what a declaration says.

It speaks through `connectapp.oauth`: Authlib does the OAuth, this turns its answers into the plain values of
`interfaces`. Every value that comes from the provider is checked before it is believed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from connectapp.errors import GrantRefusedError, MalformedAnswerError, ProviderError
from connectapp.oauth.answers import at
from connectapp.oauth.errors import AnswerError, OAuthError
from connectapp.oauth.shapes import Shape
from connectapp.oauth.transport import Response, TransportError
from connectapp.providers import answers
from connectapp.providers.declaration import Declaration
from connectapp.providers.effective import answer_format, callback_names, constants, needed, renamed, scopes
from connectapp.providers.endpoints import Request
from connectapp.providers.interfaces import (
    Grant,
    Identity,
    Mode,
    Notice,
    Prefill,
    PriceProblem,
    Readiness,
    WebhookMessage,
)
from connectapp.providers.templates import fill, fill_all, fill_url, names_of
from connectapp.providers.webhooks import verified
from connectapp.secret import Secret
from connectapp.settings import ProviderSettings

#: RFC 6749 sections 4.1.2.1 and 5.2 in our words; a declaration adds and changes.
REASONS = {
    "access_denied": "access_denied",
    "invalid_client": "platform_refused",
    "invalid_grant": "code_refused",
    "invalid_request": "request_refused",
    "invalid_scope": "scope_refused",
    "unauthorized_client": "platform_refused",
    "unsupported_grant_type": "request_refused",
    "unsupported_response_type": "request_refused",
}


class OAuth2Provider:
    """A provider as its declaration says.

    :param client: the registered OAuth client of the same name (`connectapp.oauth`).
    """

    def __init__(self, declaration: Declaration, settings: ProviderSettings, client: Any) -> None:
        self.declaration = declaration
        self.settings = settings
        self.client = client
        self.name = declaration.name
        self.title = declaration.title
        self.mode: Mode = settings.mode
        self.scope = " ".join(scopes(declaration, settings))
        self.uses_pkce = declaration.pkce != "none"
        self.issuer = declaration.callback.issuer
        self.stores_tokens = settings.store_tokens
        self.charges = declaration.charges
        self.callback_names = callback_names(declaration)
        self.revocable = declaration.revoke != "impossible"
        self.denied = frozenset(declaration.callback.denied)
        self.constants = constants(declaration, settings)
        self.revision = self._revision()

    def _revision(self) -> str:
        """A short hash of everything that decides whom we talk to and as whom; the secret may be rolled freely."""
        own = [self.settings.client_id, self.mode, self.scope, dict(self.settings.variable), dict(self.settings.option)]
        told = [self.declaration.model_dump(mode="json"), own]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    def authorize_url(self, *, redirect_uri: str, state: str, code_verifier: Secret | None, prefill: Prefill) -> str:
        """See `IPaymentProvider`."""
        authorize = self.declaration.authorize
        fixed = {name: fill(value, self.constants) for name, value in authorize.params.items()}
        extra = {name: str(value).lower() if isinstance(value, bool) else value for name, value in fixed.items()}
        extra |= {name: self.settings.option[name] for name in authorize.options if name in self.settings.option}
        known = {theirs: getattr(prefill, ours) for ours, theirs in authorize.prefill.items()}
        extra |= {theirs: value for theirs, value in known.items() if value}
        if code_verifier:
            extra["code_verifier"] = code_verifier.reveal()
        scope = self.declaration.scopes.separator.join(self.scope.split(" "))
        made = self.client.create_authorization_url(redirect_uri, state=state, scope=scope or None, **extra)
        return renamed(self.declaration, self.scope, made["url"])

    def redeem(
        self, *, code: Secret, redirect_uri: str, code_verifier: Secret | None, account: str | None = None
    ) -> Grant:
        """See `IPaymentProvider`."""
        params = {"code": code.reveal()}
        if code_verifier is not None:
            params["code_verifier"] = code_verifier.reveal()
        if "redirect_uri" in self.declaration.token.sends:
            params["redirect_uri"] = redirect_uri
        return self.grant(self._token_answer(self.client.fetch_access_token, **params), account)

    def refresh(self, *, refresh_token: Secret, redirect_uri: str) -> Grant:
        """See `IPaymentProvider`."""
        refresh = self.declaration.refresh
        if refresh.rule == "never":
            raise GrantRefusedError("refresh_impossible")
        params = {"redirect_uri": redirect_uri} if "redirect_uri" in refresh.sends else {}
        answer = self._token_answer(self.client.refresh_token, refresh_token=refresh_token.reveal(), **params)
        grant = self.grant(answer)
        if refresh.rule == "single_use" and (grant.refresh_token is None or grant.refresh_token == refresh_token):
            raise MalformedAnswerError("malformed_answer", grant.external_id)
        return grant

    def _token_answer(self, ask: Any, **params: Any) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = ask(**params)
        except TransportError as error:
            raise answers.lost(error) from None
        except OAuthError as error:
            raise GrantRefusedError(self.reason(error.error)) from None
        except AnswerError as error:
            raise self._unusable(error) from None
        return answer

    def _unusable(self, error: AnswerError) -> ProviderError:
        """What an answer means that is no token; with the account's id if that much could be read."""
        failure = answers.unusable(error.status)
        if isinstance(failure, MalformedAnswerError) and error.answer:
            with suppress(MalformedAnswerError):
                failure.external_id = self._account_of(error.answer, None)
        return failure

    def _account_of(self, answer: Mapping[str, Any], told: str | None) -> str | None:
        """The account that an answer names, or else the callback; if both do, they must mean the same one."""
        pattern, path = self.declaration.account_pattern, self.declaration.token.answer.account
        named = answers.identifier(answer, "account", pattern, required=False) if path else None
        if told is not None:
            told = answers.identifier({"account": told}, "account", pattern)
        if named is not None and told is not None and named != told:
            raise GrantRefusedError("identity_mismatch")
        return named or told

    def grant(self, answer: Mapping[str, Any], account: str | None = None) -> Grant:
        """Check a token answer and copy it (RFC 6749 section 5.1).

        :param account: the account that the callback named.
        :raises MalformedAnswerError: with the account's id, if that much was usable, so that it can be revoked.
        """
        external_id = self._account_of(answer, account)
        try:
            return Grant(
                external_id=external_id,
                mode=self._answered_mode(answer),
                scope=self._scope(answer),
                token_type=self._token_type(answer),
                access_token=answers.secret(answer, "access_token"),
                refresh_token=answers.secret(answer, "refresh_token"),
                publishable_key=answers.text(answer, "publishable_key", r"[!-~]{1,255}", required=False),
                expires_at=answers.moment(answer),
            )
        except ProviderError as error:
            raise type(error)(error.code, external_id) from None

    def _scope(self, answer: Mapping[str, Any]) -> str:
        granted = answers.text(answer, "scope", r"[ -~]{0,2000}", required=False)
        if granted is None or self.declaration.token.answer.scope is None:
            return self.scope
        return granted.replace(self.declaration.token.answer.scope_separator, " ")

    def _answered_mode(self, answer: Mapping[str, Any]) -> Mode:
        live = self.declaration.token.answer.mode
        if live is None:
            return self.mode
        value = at(answer, live.path)
        if type(value) is not type(live.equals):
            raise MalformedAnswerError("malformed_answer")
        if (value == live.equals) != (self.mode == "live"):
            raise GrantRefusedError("other_mode")
        return self.mode

    def _token_type(self, answer: Mapping[str, Any]) -> str:
        """RFC 6749 section 7.1: a type that we do not know is not to be used."""
        needed = "access_token" in answer and self.declaration.token.answer.token_type is not None
        token_type = answers.text(answer, "token_type", r"[!-~]{1,40}", required=needed)
        if token_type and token_type.lower() != "bearer":
            raise MalformedAnswerError("malformed_answer")
        return "bearer"

    def identify(self, grant: Grant) -> Identity:
        """See `IPaymentProvider`. The token answer's own word is no proof."""
        asking, pattern = self.declaration.identify, self.declaration.account_pattern
        platform = grant.access_token is None and self.declaration.use.platform is not None
        account = self._account(grant, platform)
        external_id = answers.identifier({"id": answers.first(account, asking.id)}, "id", pattern)
        if grant.external_id not in {None, external_id}:
            raise GrantRefusedError("identity_mismatch")
        return answers.identity_of(account, asking, str(external_id), "platform_key" if platform else "token")

    def _account(self, grant: Grant, platform: bool) -> Any:
        """What the provider says of the account, asked with its token, or with the platform's key in its name."""
        asking = self.declaration.identify
        unknown = "account" in names_of(asking.url) and grant.external_id is None
        if unknown or (asking.auth == "account" and grant.access_token is None and not platform):
            raise MalformedAnswerError("not_verified")
        return answers.account_object(self.ask(asking, account=grant.external_id, access_token=grant.access_token))

    def accounts_of(self, grant: Grant) -> Sequence[Identity]:
        """See `IOffersAccounts`."""
        choices = self.declaration.identify.choices
        if choices is None or grant.external_id is not None:
            return (self.identify(grant),)
        return answers.identities_of(
            self._account(grant, platform=False), self.declaration.identify, choices, self.declaration.account_pattern
        )

    def revoke(self, external_id: str | None, access_token: Secret | None, refresh_token: Secret | None = None) -> None:
        """See `IPaymentProvider`. Access that is gone already counts as taken back."""
        asking = self.declaration.revoke
        if isinstance(asking, str):
            raise GrantRefusedError("revocation_impossible")
        values = {"account": external_id, "access_token": access_token, "refresh_token": refresh_token}
        if any((self.constants | values).get(name) is None for name in needed(self.declaration, asking)):
            raise GrantRefusedError("revocation_impossible")
        response = self.ask(asking, **values)
        answer = answers.json_object(response)
        if response.status_code in asking.statuses:
            if asking.success and at(answer, asking.success.path) != fill(asking.success.equals, values):
                raise MalformedAnswerError("malformed_answer")
            return
        code = answer_format(self.declaration).error_code(answer)
        if code in asking.gone:
            return
        if code is None or response.status_code >= 500 or response.status_code == 429:
            raise answers.unusable(response.status_code)
        raise GrantRefusedError(self.reason(code))

    def readiness(self, external_id: str, access_token: Secret | None) -> Readiness | None:
        """See `IPaymentProvider`."""
        asking = self.declaration.readiness
        if asking is None:
            return None
        account = answers.account_object(self.ask(asking, account=external_id, access_token=access_token))
        missing = tuple(one.path for one in asking.ready if not answers.holds(account, one))
        return Readiness(ready=not missing, missing=missing, onboarding_url=asking.onboarding_url)

    def verify_webhook(self, message: WebhookMessage) -> Notice:
        """See `IPaymentProvider`."""
        return verified(self.declaration.webhook, self.settings.webhook_secrets, message, self.mode)

    def price_problem(self, amount: int, currency: str, account_currency: str | None) -> PriceProblem | None:
        """Without knowing better: an account takes its own currency, and those of the declaration."""
        return None if currency in {account_currency, *self.declaration.currencies} else "currency"

    def reason(self, code: object) -> str:
        """Our word for a provider's error code; whatever is not documented is ``provider_error``."""
        reasons = REASONS | dict(self.declaration.errors.reasons)
        return reasons.get(code, "provider_error") if isinstance(code, str) else "provider_error"

    def ask(self, asking: Request, **values: Any) -> Response:
        """Make a declared request, once.

        :param values: what its templates may name besides the constants.
        :raises ProviderError: of the fitting kind if there is no answer.
        """
        filled = self.constants | values
        url, params = fill_url(asking.url, filled), fill_all(asking.params, filled)
        headers, auth = fill_all(asking.headers, filled), asking.auth
        if auth == "account":
            auth, use = "nothing", self.declaration.use
            own = use.headers if values.get("access_token") is not None else use.platform or {}
            headers, params = fill_all(own, filled) | headers, fill_all(use.params, filled) | params
        try:
            response: Response = self.client.ask(
                asking.method, url, Shape(asking.body, more=params, headers=headers), auth_method=auth
            )
        except TransportError as error:
            raise answers.lost(error) from None
        return response

    def call(self, method: str, url: str, **kwargs: Any) -> Response:
        """One API request with our own headers.

        :raises ProviderError: of the fitting kind if there is no answer.
        """
        try:
            response: Response = self.client.request(method, url, withhold_token=True, **kwargs)
        except TransportError as error:
            raise answers.lost(error) from None
        return response
