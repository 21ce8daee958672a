"""Authlib's OAuth 2.0 client over our transport: one short-lived object per conversation.

Authlib has the grants, PKCE, client authentication and token types. This adds the session that it asks for, and reads
answers strictly.
"""

import base64
import json as jsonlib
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Any, NoReturn
from urllib.parse import quote_plus, urlencode

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.client import OAuth2Client

from .answers import AnswerFormat, token_answer
from .errors import InvalidTokenError, MissingTokenError, OAuthError, UnsupportedTokenTypeError
from .shapes import PLAIN, Shape, Shaped
from .transport import Response, Transport

Headers = MutableMapping[str, str]
Signed = tuple[str, Headers, str]
#: Of a form; as pairs, where one may be there several times.
Fields = Mapping[str, Any] | Sequence[tuple[str, Any]]


def client_secret_basic(auth: Any, method: str, url: str, headers: Headers, body: str) -> Signed:
    """HTTP Basic with both parts form-encoded first (RFC 6749 section 2.3.1), which Authlib leaves out."""
    return _basic(quote_plus(auth.client_id), quote_plus(auth.client_secret or ""), url, headers, body)


def plain_basic(auth: Any, method: str, url: str, headers: Headers, body: str) -> Signed:
    """HTTP Basic with both parts as they are (RFC 7617), for servers that do not decode them."""
    return _basic(auth.client_id, auth.client_secret or "", url, headers, body)


def bearer_secret(auth: Any, method: str, url: str, headers: Headers, body: str) -> Signed:
    """The client secret as a bearer token: no standard, but how Stripe wants its secret key."""
    headers["Authorization"] = f"Bearer {auth.client_secret}"
    return url, headers, body


def secret_as_user(auth: Any, method: str, url: str, headers: Headers, body: str) -> Signed:
    """HTTP Basic with the client secret as the user and no password: no standard, but how Stripe Apps want it."""
    return _basic(auth.client_secret, "", url, headers, body)


def _basic(user: str, password: str, url: str, headers: Headers, body: str) -> Signed:
    headers["Authorization"] = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
    return url, headers, body


def nothing(auth: Any, method: str, url: str, headers: Headers, body: str) -> Signed:
    """No authentication by these means: the request says by a header of its own, or not at all, who asks."""
    return url, headers, body


OWN_AUTH_METHODS = {
    "client_secret_basic": client_secret_basic,
    "plain_basic": plain_basic,
    "bearer_secret": bearer_secret,
    "secret_as_user": secret_as_user,
    "nothing": nothing,
}


class PyramidOAuth2Client(OAuth2Client):
    """An `authlib.oauth2.client.OAuth2Client` that is its own session, as Authlib's integrations have it.

    :param required_fields: what a token answer must have. :param answer_format: where it has what, if not at the usual
        places. Everything else is Authlib's.
    """

    oauth_error_class = OAuthError

    def __init__(
        self,
        transport: Transport,
        *,
        required_fields: Iterable[str] = ("access_token",),
        answer_format: AnswerFormat | None = None,
        **options: Any,
    ) -> None:
        super().__init__(session=self, **options)
        self.transport = transport
        self.required_fields = tuple(required_fields)
        self.answer_format = answer_format or AnswerFormat()
        #: How the next request to the server's own endpoints is written down.
        self.shape = PLAIN
        self.headers: dict[str, str] = {}
        for method in OWN_AUTH_METHODS.items():
            self.register_client_auth_method(method)

    def __enter__(self) -> "PyramidOAuth2Client":
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Nothing to close: the connections belong to the transport."""

    def request(
        self,
        method: str,
        url: str,
        *,
        withhold_token: bool = False,
        auth: Any = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        data: Fields | str | None = None,
        json: Any = None,
    ) -> Response:
        """One request with the token, or with `auth`, or with neither.

        :param data: the body; fields are form-encoded, and what is None in them left out. :param json: as JSON instead.
        :raises MissingTokenError, InvalidTokenError, UnsupportedTokenTypeError: if a token is wanted and not usable.
        :raises TransportError: if there is no answer.
        """
        if params:
            url = add_params_to_uri(url, [(name, str(value)) for name, value in params.items()])
        # A copy: Authlib signs the mapping that it is given, and gives every client the same one.
        sending: Headers = {**self.headers, **(headers or {})}
        body = _encode(sending, data, json)
        if auth is not None:
            url, sending, body = auth.prepare(method, url, sending, body)
        elif not withhold_token:
            url, sending, body = self._sign(url, sending, body)
        return self.transport.request(method, url, headers=sending, body=body or None)

    def post(self, url: str, *, auth: Any, data: Any = None, headers: Any = None) -> Response:
        """For Authlib, which posts to the server's own endpoints with `auth`."""
        return self.ask("POST", url, self.shape, auth=auth, data=data, headers=headers)

    def ask(self, method: str, url: str, shape: Shape, *, auth: Any, data: Any = None, headers: Any = None) -> Response:
        """One request as the client, not with a token, written down in the shape that the endpoint wants.

        :param auth: from `client_auth`. :raises TransportError: if there is no answer.
        """
        given = {**(headers or {}), **shape.headers}
        return self.request(method, url, withhold_token=True, auth=Shaped(auth, shape), data=data or {}, headers=given)

    def parse_response_token(self, resp: Response) -> Any:
        """See `token_answer`, which also says what is raised."""
        self.token = token_answer(resp, self.required_fields, self.answer_format)
        return self.token

    def _fetch_token(
        self, url: str, body: str = "", headers: Any = None, auth: Any = None, method: str = "POST"
    ) -> Any:
        """Post to the token endpoint, once. A GET would put the code and perhaps the secret into the address."""
        if method.upper() != "POST":
            raise ValueError("a token endpoint is only asked by POST")
        return super()._fetch_token(url, body=body, headers=headers, auth=auth)

    def token_from_fragment(self, authorization_response: str, state: str | None = None) -> NoReturn:
        """The implicit grant is not offered (RFC 9700 section 2.1.2)."""
        raise ValueError("the implicit grant is not supported")

    def _sign(self, url: str, headers: Headers, body: str) -> Signed:
        if not self.token:
            raise MissingTokenError
        if not self.ensure_active_token(self.token):
            raise InvalidTokenError
        try:
            signed: Signed = self.token_auth.prepare(url, headers, body)
        except KeyError:
            raise UnsupportedTokenTypeError from None
        return signed


def _encode(headers: Headers, data: Fields | str | None, json: Any) -> str:
    if json is not None:
        headers["Content-Type"] = "application/json"
        return jsonlib.dumps(json)
    if data is None or isinstance(data, str):
        return data or ""
    headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    pairs = data.items() if isinstance(data, Mapping) else data
    return urlencode([(name, value) for name, value in pairs if value is not None])
