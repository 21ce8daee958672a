"""One registered authorization server: what can be asked of it, and the two steps of a browser's authorization."""

import re
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from authlib.common.security import generate_token
from authlib.integrations.base_client import BaseApp, OAuth2Mixin, OpenIDMixin
from joserfc.errors import JoseError
from pyramid.httpexceptions import HTTPSeeOther

from .answers import AnswerFormat, object_of
from .callback import code_of, state_of
from .checks import check
from .client import PyramidOAuth2Client
from .errors import MismatchingStateError, OAuthError
from .metadata import believed, signature_algorithms
from .shapes import PLAIN, Shape
from .transport import Response, Transport

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class PyramidOAuth2App(OAuth2Mixin, OpenIDMixin, BaseApp):
    """A client registration of Authlib's, made strict.

    :param framework: a `PyramidIntegration`.
    :param required_fields: what a token answer must have.
    :param issuer: the server's issuer identifier. Needed for `server_metadata_url` and ID tokens; with it the ``iss``
        of callbacks is checked.
    :param refresh_token_url: where it is not the token endpoint.
    :param answer_format: where a token answer has what. :param token_shape, refresh_shape: how requests are written.
    :param refresh_auth_method: where it is not the token endpoint's.
    :param options: Authlib's, and the names of `metadata.KEYS`, which win over a metadata document.
    :raises TypeError, ValueError: for options that are unknown or would weaken the client.
    """

    client_cls = PyramidOAuth2Client
    server_metadata: dict[str, Any]

    def __init__(
        self,
        framework: Any,
        name: str,
        *,
        transport: Transport,
        required_fields: Iterable[str] = ("access_token",),
        issuer: str | None = None,
        refresh_token_url: str | None = None,
        refresh_token_params: Mapping[str, Any] | None = None,
        answer_format: AnswerFormat | None = None,
        token_shape: Shape = PLAIN,
        refresh_shape: Shape | None = None,
        refresh_auth_method: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(framework, name, **options)
        self.transport = transport
        self.required_fields = tuple(required_fields)
        self.issuer = issuer
        self.refresh_token_url = refresh_token_url
        self.refresh_token_params = refresh_token_params or {}
        self.answer_format = answer_format
        self.token_shape = token_shape
        self.refresh_shape = token_shape if refresh_shape is None else refresh_shape
        self.refresh_auth_method = refresh_auth_method
        # Authlib calls whatever it does not know metadata.
        self._told = {key: value for key, value in self.server_metadata.items() if value is not None}
        check(self, self._told)
        if issuer is not None:
            self._told["issuer"] = issuer
        self.server_metadata = self._known({})

    def sibling(self, **options: Any) -> "PyramidOAuth2App":
        """The same client of the same name, registered otherwise: at another address of the same server, for one use.

        :param options: all that are not the default, as for the class.
        """
        return type(self)(self.framework, self.name, transport=self.transport, **options)

    # The half that knows no request.

    def create_authorization_url(
        self,
        redirect_uri: str | None = None,
        *,
        state: str | None = None,
        code_verifier: str | None = None,
        **params: Any,
    ) -> dict[str, str]:
        """Where to send the browser.

        :param state, code_verifier: made here if not given.
        :param params: of the authorization request; they win over `authorize_params` and over the endpoint's own query.
        :returns: ``url``, ``state``, and ``code_verifier`` and ``nonce`` where they are in use.
        """
        params = {**(self.authorize_params or {}), **params}
        if params.get("response_type", "code") != "code":
            raise ValueError("only response_type=code is supported")
        made = {"state": generate_token(48) if state is None else state}
        if not made["state"]:
            raise ValueError("an empty state protects nobody")
        endpoint = self._endpoint("authorization_endpoint")
        with self._get_oauth_client() as client:
            if code_verifier is not None or client.code_challenge_method:
                made["code_verifier"] = self._verifier(client, code_verifier)
            if "openid" in _words(params.get("scope", client.scope)):
                made["nonce"] = params["nonce"] = params.get("nonce") or generate_token(20)
            sending = {**params, "redirect_uri": redirect_uri, "code_verifier": made.get("code_verifier")}
            url, _ = client.create_authorization_url(endpoint.partition("?")[0], state=made["state"], **sending)
        return made | {"url": _with_query_of(endpoint, url)}

    def fetch_access_token(self, redirect_uri: str | None = None, **params: Any) -> dict[str, Any]:
        """Redeem a code (``code=``) or use another grant (``grant_type=``). One request, whatever comes.

        :param redirect_uri: the one of the authorization request, where the server wants it again.
        :raises OAuthError: if the server said no. :raises AnswerError: if its answer cannot be used.
        :raises TransportError: if there was no answer.
        """
        with self._get_oauth_client() as client:
            client.redirect_uri, client.shape = redirect_uri, self.token_shape
            sending = {**(self.access_token_params or {}), **params}
            token: dict[str, Any] = client.fetch_token(self._endpoint("token_endpoint"), **sending)
        return token

    def refresh_token(self, refresh_token: str, **params: Any) -> dict[str, Any]:
        """A new token for a refresh token. One request; raises what `fetch_access_token` raises.

        The answer keeps the old refresh token if it brings no new one (RFC 6749 section 6).
        """
        with self._get_oauth_client() as client:
            client.update_token = None  # the caller has the answer
            client.shape = self.refresh_shape
            auth = client.client_auth(self.refresh_auth_method or client.token_endpoint_auth_method)
            sending = {**self.refresh_token_params, **params}
            token: dict[str, Any] = client.refresh_token(
                self._refresh_endpoint(), refresh_token=refresh_token, auth=auth, **sending
            )
        return token

    def revoke_token(self, url: str, token: str) -> Response:
        """Take a token back (RFC 7009 section 2.1), with the client authentication of the token endpoint.

        :param url: the revocation endpoint. :raises TransportError: if there was no answer.
        """
        with self._get_oauth_client() as client:
            response: Response = client.revoke_token(url, token=token, token_type_hint="access_token")  # noqa: S106
        return response

    def ask(self, method: str, url: str, shape: Shape, *, auth_method: str, data: Any = None) -> Response:
        """One request to another endpoint of the server's, by the client's own authentication.

        :param auth_method: as at the token endpoint. :param data: the fields, or pairs of them, before the shape.
        :raises TransportError: if there was no answer.
        """
        with self._get_oauth_client() as client:
            return client.ask(method, url, shape, auth=client.client_auth(auth_method), data=data)

    def load_server_metadata(self) -> dict[str, Any]:
        """What is known of the server: what the registration says, else its metadata document, asked for once.

        :raises OAuthError: if the document is another issuer's, or malformed. :raises AnswerError: if there is none.
        """
        if self._server_metadata_url and "_loaded_at" not in self.server_metadata:
            with self._get_session() as session:
                response = session.request("GET", self._server_metadata_url, withhold_token=True)
            response.raise_for_status()
            found = believed(object_of(response), str(self.issuer))
            # Threads that come first together each ask, rather than wait for one that hangs.
            self.server_metadata = self._known(found) | {"_loaded_at": time.time()}
        return self.server_metadata

    def _known(self, found: Mapping[str, Any]) -> dict[str, Any]:
        known = {**found, **self._told}
        return known | {"id_token_signing_alg_values_supported": signature_algorithms(known)}

    def parse_id_token(self, token: Mapping[str, Any], nonce: str | None, **options: Any) -> Any:
        """The checked claims of an ID token; see Authlib for `options`.

        :raises OAuthError: ``invalid_id_token``.
        """
        if self.issuer is None:
            raise RuntimeError(f"OAuth client {self.name!r} needs an issuer to check ID tokens")
        try:
            return super().parse_id_token(token, nonce, **options)
        except (JoseError, ValueError, TypeError, KeyError):
            raise OAuthError("invalid_id_token", "the ID token is not acceptable") from None

    # The half that a view uses, as `request.oauth.<name>` without the first argument.

    def save_authorize_data(self, request: Any, *, state: str, **data: Any) -> None:
        """Remember a pending authorization in the state store."""
        self.framework.set_state_data(request, state, data)

    def authorize_redirect(self, request: Any, redirect_uri: str | None = None, **params: Any) -> HTTPSeeOther:
        """The response that sends the browser to the server; raises what `create_authorization_url` raises."""
        made = self.create_authorization_url(redirect_uri, **params)
        url = made.pop("url")
        self.save_authorize_data(request, redirect_uri=redirect_uri, **made)
        return HTTPSeeOther(self.transport.map_url(url), headers={"Cache-Control": "no-store"})

    def authorize_access_token(self, request: Any, **params: Any) -> dict[str, Any]:
        """Redeem the code that the browser brought back. The state is checked and used up first, whatever else came.

        :param params: of the token request; ``claims_options``, ``claims_cls`` and ``leeway`` go to `parse_id_token`.
        :returns: the token answer, with ``userinfo`` if it had an ID token.
        :raises MismatchingStateError: if this browser has no such authorization pending.
        :raises OAuthError: if the callback is an error or not the issuer's; and what `fetch_access_token` raises.
        """
        parameters = request.GET if request.method == "GET" else request.POST
        pending = self._use_up(request, state_of(parameters))
        code = code_of(parameters, self.issuer, self.load_server_metadata())
        options = {name: params.pop(name) for name in ("claims_options", "claims_cls", "leeway") if name in params}
        kept = {name: pending[name] for name in ("redirect_uri", "code_verifier") if name in pending}
        token = self.fetch_access_token(code=code, **kept | params)
        if "id_token" in token and "nonce" in pending:
            token["userinfo"] = self.parse_id_token(token, pending["nonce"], **options)
        return token

    def _use_up(self, request: Any, state: str) -> Mapping[str, Any]:
        data: Mapping[str, Any] | None = self.framework.get_state_data(request, state)
        self.framework.clear_state_data(request, state)
        if data is None:
            raise MismatchingStateError
        return data

    # What Authlib asks for.

    def _get_session(self) -> PyramidOAuth2Client:
        session = PyramidOAuth2Client(self.transport)
        session.headers["User-Agent"] = self._user_agent
        return session

    def _get_oauth_client(self, **metadata: Any) -> PyramidOAuth2Client:
        """A client for one conversation. Metadata is left out: Authlib would let it override the registration."""
        client = PyramidOAuth2Client(
            self.transport,
            required_fields=self.required_fields,
            answer_format=self.answer_format,
            client_id=self.client_id,
            client_secret=self.client_secret,
            update_token=self._on_update_token,
            # Authlib asks for it only to refresh a token that is over.
            token_endpoint=self._refresh_endpoint(),
            **self.client_kwargs,
        )
        client.headers["User-Agent"] = self._user_agent
        for method in self.client_auth_methods or ():
            client.register_client_auth_method(method)
        if self.compliance_fix:
            self.compliance_fix(client)
        return client

    def _endpoint(self, name: str) -> str:
        configured = {"authorization_endpoint": self.authorize_url, "token_endpoint": self.access_token_url}
        endpoint = configured[name] or self.load_server_metadata().get(name)
        if not endpoint:
            raise RuntimeError(f"OAuth client {self.name!r} has no {name}")
        return str(endpoint)

    def _refresh_endpoint(self) -> str | None:
        return self.refresh_token_url or self.access_token_url or self.load_server_metadata().get("token_endpoint")

    def _verifier(self, client: PyramidOAuth2Client, given: str | None) -> str:
        """RFC 7636 section 4.1."""
        if not client.code_challenge_method:
            raise ValueError(f"OAuth client {self.name!r} has no code_challenge_method, a verifier would be ignored")
        if given is not None and not _VERIFIER.fullmatch(given):
            raise ValueError("a code_verifier has 43 to 128 unreserved characters")
        return given or generate_token(64)


def _words(scope: Any) -> list[str]:
    return list(scope) if isinstance(scope, list | tuple) else str(scope or "").split()


def _with_query_of(endpoint: str, url: str) -> str:
    """Add what the endpoint's own query says and the request does not: a name sent twice is an error (RFC 6749 3.1)."""
    made = urlsplit(url)
    sent = parse_qsl(made.query, keep_blank_values=True)
    names = {name for name, _ in sent}
    own = parse_qsl(urlsplit(endpoint).query, keep_blank_values=True)
    return made._replace(query=urlencode([pair for pair in own if pair[0] not in names] + sent)).geturl()
