"""The declarative provider: everything that an OAuth 2.0 provider needs, read from a declaration.

It speaks through `connectapp.oauth`: Authlib does the OAuth, this turns its answers into the plain values of
`interfaces`. Every value that comes from the provider is checked before it is believed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from connectapp.errors import GrantRefusedError, MalformedAnswerError, ProviderError
from connectapp.oauth.errors import AnswerError, OAuthError
from connectapp.oauth.transport import Response, TransportError
from connectapp.providers.answers import account_object, bearer, lost, moment, secret, text, unusable
from connectapp.providers.interfaces import Grant, Identity, Mode, Prefill, PriceProblem
from connectapp.secret import Secret
from connectapp.settings import ProviderSettings


@dataclass(frozen=True)
class Declaration:
    """What there is to say of a provider.

    :param scopes: those that an admin may choose; the first is the default.
    :param client_auth: how the platform proves itself at the token endpoint: Authlib's ``client_secret_basic`` and
        ``client_secret_post``, or ``bearer_secret`` (the secret as a bearer token).
    :param issuer: who its answers must name as ``iss`` (RFC 9207); without one, ``iss`` is not looked at.
    :param account_field: where the token answer names the account. :param mode_field: its boolean for live mode.
    :param account_url: answers a token with its account: ``id``, ``name``, ``country``, ``currency``.
    :param revoke_url: takes a token back (RFC 7009).
    :param key_modes: the mode that a client secret's prefix stands for.
    :param prefill: our names (see `Prefill`) to the provider's authorize parameters.
    :param reasons: the provider's documented error codes to our words (see `connect.messages`).
    """

    name: str
    title: str
    authorize_url: str
    token_url: str
    api_url: str
    scopes: tuple[str, ...]
    required_fields: tuple[str, ...] = ("access_token",)
    client_auth: str = "client_secret_basic"
    uses_pkce: bool = False
    redirect_uri_at_token: bool = True
    issuer: str | None = None
    account_field: str | None = None
    account_url: str | None = None
    revoke_url: str | None = None
    account_pattern: str = r"[!-~]{1,255}"
    mode_field: str | None = None
    key_modes: Mapping[str, Mode] = field(default_factory=dict)
    prefill: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)

    def registration(self, settings: ProviderSettings) -> dict[str, Any]:
        """The arguments of `config.register_oauth_client`."""
        client_kwargs: dict[str, Any] = {"token_endpoint_auth_method": self.client_auth}
        if self.uses_pkce:
            client_kwargs["code_challenge_method"] = "S256"
        return {
            "client_id": settings.client_id,
            "client_secret": settings.client_secret.reveal() if settings.client_secret else None,
            "authorize_url": self.authorize_url,
            "access_token_url": self.token_url,
            "api_base_url": self.api_url,
            "client_kwargs": client_kwargs,
            "required_fields": self.required_fields,
        }

    def problems(self, settings: ProviderSettings) -> Iterator[str]:
        """What is wrong with the settings of this provider, one line each."""
        prefix = f"connectapp.provider.{self.name}"
        if settings.scope and settings.scope not in self.scopes:
            yield f"{prefix}.scope must be one of: {', '.join(self.scopes)}"
        if settings.client_secret and settings.mode and self.key_modes:
            mode = self._key_mode(settings.client_secret)
            if mode is None:
                yield f"{prefix}.client_secret must begin with one of: {', '.join(self.key_modes)}"
            elif mode != settings.mode:
                yield f"{prefix}.client_secret is a {mode} key, but {prefix}.mode is {settings.mode}"

    def _key_mode(self, secret: Secret) -> Mode | None:
        return next((mode for start, mode in self.key_modes.items() if secret.reveal().startswith(start)), None)


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
        self.scope = settings.scope or declaration.scopes[0]
        self.uses_pkce = declaration.uses_pkce
        self.issuer = declaration.issuer
        self.stores_tokens = settings.store_tokens
        self.revision = self._revision()

    def _revision(self) -> str:
        """A short hash of everything that decides whom we talk to and as whom; the secret may be rolled freely."""
        told = [asdict(self.declaration), self.settings.client_id, self.mode, self.scope]
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=list).encode()).hexdigest()[:16]

    def authorize_url(self, *, redirect_uri: str, state: str, code_verifier: Secret | None, prefill: Prefill) -> str:
        """See `IPaymentProvider`."""
        extra = {"code_verifier": code_verifier.reveal()} if code_verifier else {}
        known = {ours: getattr(prefill, ours) for ours in self.declaration.prefill}
        extra |= {self.declaration.prefill[ours]: value for ours, value in known.items() if value}
        made = self.client.create_authorization_url(redirect_uri, state=state, scope=self.scope, **extra)
        url: str = made["url"]
        return url

    def redeem(self, *, code: Secret, redirect_uri: str, code_verifier: Secret | None) -> Grant:
        """See `IPaymentProvider`."""
        params = {"code": code.reveal()}
        if code_verifier is not None:
            params["code_verifier"] = code_verifier.reveal()
        if self.declaration.redirect_uri_at_token:
            params["redirect_uri"] = redirect_uri
        try:
            answer = self.client.fetch_access_token(**params)
        except TransportError as error:
            raise lost(error) from None
        except OAuthError as error:
            raise GrantRefusedError(self.reason(error.error)) from None
        except AnswerError as error:
            raise self._unusable(error) from None
        return self.grant(answer)

    def _unusable(self, error: AnswerError) -> ProviderError:
        """What an answer means that is no token; with the account's id if that much could be read."""
        failure = unusable(error.status)
        field, pattern = self.declaration.account_field, self.declaration.account_pattern
        if isinstance(failure, MalformedAnswerError) and field and error.answer:
            with suppress(MalformedAnswerError):
                failure.external_id = text(error.answer, field, pattern)
        return failure

    def grant(self, answer: Mapping[str, Any]) -> Grant:
        """Check a token answer and copy it (RFC 6749 section 5.1).

        :raises MalformedAnswerError: with the account's id, if that much was usable, so that it can be revoked.
        """
        declaration = self.declaration
        external_id = None
        if declaration.account_field:
            external_id = text(answer, declaration.account_field, declaration.account_pattern)
        try:
            return Grant(
                external_id=external_id,
                mode=self._answered_mode(answer),
                scope=text(answer, "scope", r"[ -~]{0,2000}", required=False) or self.scope,
                token_type=self._token_type(answer),
                access_token=secret(answer, "access_token"),
                refresh_token=secret(answer, "refresh_token"),
                publishable_key=self._publishable_key(answer),
                expires_at=moment(answer),
            )
        except ProviderError as error:
            raise type(error)(error.code, external_id) from None

    def _answered_mode(self, answer: Mapping[str, Any]) -> Mode:
        if self.declaration.mode_field is None:
            return self.mode
        live = answer.get(self.declaration.mode_field)
        if not isinstance(live, bool):
            raise MalformedAnswerError("malformed_answer")
        if live != (self.mode == "live"):
            raise GrantRefusedError("other_mode")
        return self.mode

    def _token_type(self, answer: Mapping[str, Any]) -> str:
        """RFC 6749 section 7.1: a type that we do not know is not to be used."""
        token_type = text(answer, "token_type", r"[!-~]{1,40}", required="access_token" in answer)
        if token_type and token_type.lower() != "bearer":
            raise MalformedAnswerError("malformed_answer")
        return "bearer"

    def _publishable_key(self, answer: Mapping[str, Any]) -> str | None:
        """For providers that have such a key; it is public by its nature."""
        return None

    def price_problem(self, amount: int, currency: str, account_currency: str | None) -> PriceProblem | None:
        """Without knowing better: an account takes its own currency."""
        return None if currency == account_currency else "currency"

    def identify(self, grant: Grant) -> Identity:
        """See `IPaymentProvider`. The token answer's own word is no proof."""
        declaration = self.declaration
        if declaration.account_url is None or grant.access_token is None:
            raise MalformedAnswerError("not_verified")
        account = account_object(self.call("GET", declaration.account_url, headers=bearer(grant.access_token)))
        external_id = text(account, "id", declaration.account_pattern)
        if grant.external_id not in {None, external_id}:
            raise GrantRefusedError("identity_mismatch")
        name = account.get("name")
        return Identity(
            external_id=str(external_id),
            display_name=name[:200] if isinstance(name, str) and name.isprintable() and name else str(external_id),
            proof="token",
            country=text(account, "country", r"[A-Z]{2}", required=False),
            currency=text(account, "currency", r"[a-z]{3}", required=False),
        )

    def revoke(self, external_id: str | None, access_token: Secret | None) -> None:
        """See `IPaymentProvider`. A token that is unknown is gone, and answered with 200 (RFC 7009 section 2.2)."""
        if self.declaration.revoke_url is None or access_token is None:
            raise GrantRefusedError("revocation_impossible")
        try:
            response = self.client.revoke_token(self.declaration.revoke_url, access_token.reveal())
        except TransportError as error:
            raise lost(error) from None
        if response.status_code != 200:
            raise unusable(response.status_code)

    def reason(self, code: object) -> str:
        """Our word for a provider's error code; whatever is not documented is ``provider_error``."""
        return self.declaration.reasons.get(code, "provider_error") if isinstance(code, str) else "provider_error"

    def call(self, method: str, url: str, **kwargs: Any) -> Response:
        """One API request with our own headers.

        :raises ProviderError: of the fitting kind if there is no answer.
        """
        try:
            response: Response = self.client.request(method, url, withhold_token=True, **kwargs)
        except TransportError as error:
            raise lost(error) from None
        return response
