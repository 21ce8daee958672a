"""The declarative provider: does what a declaration says.

It speaks through `connectapp.oauth`: Authlib does the OAuth, this turns its answers into the plain values of
`interfaces`. Every value that comes from the provider is checked before it is believed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from typing import Any, Self

from connectapp.errors import GrantRefusedError, MalformedAnswerError, ProviderError
from connectapp.oauth.answers import at
from connectapp.oauth.errors import AnswerError, OAuthError
from connectapp.oauth.pushed import push
from connectapp.oauth.transport import Response, TransportError
from connectapp.providers import answers
from connectapp.providers.callbacks import check
from connectapp.providers.declaration import Declaration
from connectapp.providers.effective import (
    answer_format,
    authorize_params,
    callback_names,
    constants,
    needed,
    questions,
    registration,
    renamed,
    scopes,
    written,
)
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
from connectapp.providers.templates import fill, fill_url, names_of
from connectapp.providers.tenants import Tenant
from connectapp.providers.webhooks import verified
from connectapp.secret import Secret
from connectapp.settings import ProviderSettings


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
        self.charges, self.colour = declaration.charges, declaration.colour
        self.countries, self.currencies = frozenset(declaration.countries), frozenset(declaration.currencies)
        self.callback_names = callback_names(declaration)
        self.revocable = declaration.revoke != "impossible"
        self.denied = frozenset(declaration.callback.denied)
        self.pushes = declaration.pushed is not None
        self.questions = questions(declaration)
        self.tenant: Tenant = {}
        self.constants = constants(declaration, settings)
        self.revision = self._revision()

    def _revision(self) -> str:
        """A short hash of everything that decides whom we talk to and as whom; the secret may be rolled freely."""
        own = [self.settings.client_id, self.mode, self.scope, dict(self.settings.variable), dict(self.settings.option)]
        told = [self.declaration.model_dump(mode="json"), own]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    def at(self, tenant: Tenant) -> Self:
        """See `IPaymentProvider`. What is made is for one use: it is cheap, and shares what this one has."""
        fit = [question for question in self.questions if question.fits(tenant.get(question.name))]
        if len(fit) != len(self.questions) or len(fit) != len(tenant):
            raise GrantRefusedError("unknown_tenant")
        if tenant == self.tenant:
            return self
        there = copy(self)
        there.tenant = dict(tenant)
        there.constants = self.constants | there.tenant
        there.client = self.client.sibling(**registration(self.declaration, self.settings, tenant))
        return there

    def authorize_url(self, *, redirect_uri: str, state: str, code_verifier: Secret | None, prefill: Prefill) -> str:
        """See `IPaymentProvider`."""
        extra = authorize_params(self.declaration, self.settings, self.constants, prefill)
        if code_verifier:
            extra["code_verifier"] = code_verifier.reveal()
        scope = self.declaration.scopes.separator.join(self.scope.split(" "))
        made = self.client.create_authorization_url(redirect_uri, state=state, scope=scope or None, **extra)
        return renamed(self.declaration, self.scope, made["url"])

    def push(self, url: str) -> str:
        """See `IPaymentProvider`."""
        pushed = self.declaration.pushed
        if pushed is None:
            return url
        auth, endpoint = pushed.auth or self.declaration.token.auth, fill_url(pushed.url, self.constants)
        return str(self._token_answer(push, app=self.client, url=url, endpoint=endpoint, auth_method=auth))

    def check_callback(self, parameters: Sequence[tuple[str, str]], received_at: float) -> None:
        """See `IPaymentProvider`."""
        check(self.declaration.callback, self.constants, parameters, received_at)

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

    def _token_answer(self, ask: Any, **params: Any) -> Any:
        """What a token endpoint answers, or one like it. :raises ProviderError: of the fitting kind."""
        try:
            return ask(**params)
        except TransportError as error:
            raise answers.lost(error) from None
        except OAuthError as error:
            raise GrantRefusedError(self.reason(error.error)) from None
        except AnswerError as error:
            raise self._unusable(error) from None

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
                mode=answers.checked_mode(answer, self.declaration.token.answer.mode, self.mode),
                scope=answers.scope_of(answer, self.declaration.token.answer, self.scope),
                token_type=answers.token_type_of(answer, self.declaration.token.answer),
                access_token=answers.secret(answer, "access_token"),
                refresh_token=answers.secret(answer, "refresh_token"),
                publishable_key=answers.text(answer, "publishable_key", r"[!-~]{1,255}", required=False),
                expires_at=answers.moment(answer),
            )
        except ProviderError as error:
            raise type(error)(error.code, external_id) from None

    def identify(self, grant: Grant) -> Identity:
        """See `IPaymentProvider`. The token answer's own word is no proof."""
        asking, pattern = self.declaration.identify, self.declaration.account_pattern
        platform = grant.access_token is None and self.declaration.use.platform is not None
        account = self._account(grant, platform)
        if asking.id:
            external_id = answers.identifier({"id": answers.first(account, asking.id)}, "id", pattern)
        else:
            external_id = answers.unnamed(account, asking, grant.external_id)
        answers.checked_mode(account, asking.mode, self.mode)
        if grant.external_id not in {None, external_id}:
            raise GrantRefusedError("identity_mismatch")
        proof: Any = "platform_key" if platform else "token"
        return answers.identity_of(account, asking, str(external_id), proof, self.tenant)

    def _account(self, grant: Grant, platform: bool) -> Any:
        """What the provider says of the account, asked with its token, or with the platform's key in its name."""
        asking = self.declaration.identify
        unknown = "account" in names_of(asking.url) and grant.external_id is None
        if unknown or (asking.auth == "account" and grant.access_token is None and not platform):
            raise MalformedAnswerError("not_verified")
        found = answers.account_object(self.ask(asking, account=grant.external_id, access_token=grant.access_token))
        if not self._at_its_tenant(found):
            raise GrantRefusedError("identity_mismatch")
        return found

    def _at_its_tenant(self, account: Any) -> bool:
        """Whether the provider names the tenant that it was asked at."""
        told = self.declaration.identify.tenant
        return told is None or at(account, told.path) == fill(told.equals, self.constants)

    def accounts_of(self, grant: Grant) -> Sequence[Identity]:
        """See `IOffersAccounts`."""
        choices = self.declaration.identify.choices
        if choices is None or grant.external_id is not None:
            return (self.identify(grant),)
        found, pattern = self._account(grant, platform=False), self.declaration.account_pattern
        return answers.identities_of(found, self.declaration.identify, choices, pattern, self.tenant)

    def revoke(self, external_id: str | None, access_token: Secret | None, refresh_token: Secret | None = None) -> None:
        """See `IPaymentProvider`. Access that is gone already counts as taken back."""
        asking = self.declaration.revoke
        if isinstance(asking, str):
            raise GrantRefusedError("revocation_impossible")
        values = {"account": external_id, "access_token": access_token, "refresh_token": refresh_token}
        if any((self.constants | values).get(name) is None for name in needed(self.declaration, asking)):
            raise GrantRefusedError("revocation_impossible")
        response, form = self.ask(asking, **values), answer_format(self.declaration)
        if (code := answers.not_revoked(response, asking, values, form)) is not None:
            raise GrantRefusedError(self.reason(code))

    def readiness(self, external_id: str, access_token: Secret | None) -> Readiness | None:
        """See `IPaymentProvider`."""
        asking = self.declaration.readiness
        if asking is None:
            return None
        account = answers.account_object(self.ask(asking, account=external_id, access_token=access_token))
        missing = tuple(one.path for one in asking.ready if not answers.holds(account, one))
        onboarding = fill_url(asking.onboarding_url, self.constants) if asking.onboarding_url else None
        return Readiness(ready=not missing, missing=missing, onboarding_url=onboarding)

    def verify_webhook(self, message: WebhookMessage) -> Sequence[Notice]:
        """See `IPaymentProvider`."""
        return verified(self.declaration.webhook, self.settings.webhook_secrets, message, self.mode)

    def price_problem(self, amount: int, currency: str, account_currency: str | None) -> PriceProblem | None:
        """Without knowing better: an account takes its own currency, and those of the declaration."""
        return None if currency in {account_currency, *self.declaration.currencies} else "currency"

    def reason(self, code: object) -> str:
        """Our word for a provider's error code; whatever is not documented is ``provider_error``."""
        return answers.reason(code, self.declaration.errors.reasons)

    def ask(self, asking: Request, **values: Any) -> Response:
        """Make a declared request, once.

        :param values: what its templates may name besides the constants.
        :raises ProviderError: of the fitting kind if there is no answer.
        """
        url, shape, auth = written(self.declaration, asking, self.constants | values)
        try:
            response: Response = self.client.ask(asking.method, url, shape, auth_method=auth)
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
