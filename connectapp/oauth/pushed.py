"""Pushed authorization requests (RFC 9126): what a browser would carry goes to the server first, authenticated."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from .answers import token_answer
from .apps import PyramidOAuth2App
from .errors import AnswerError
from .shapes import PLAIN

# Who authenticates by these says the client_id anyway, and nothing may be said twice (RFC 6749 section 3.1).
_SAY_CLIENT_ID = frozenset({"client_secret_post", "none"})


def push(app: PyramidOAuth2App, url: str, *, endpoint: str, auth_method: str) -> str:
    """Hand the parameters of an authorization request over. One request, whatever comes.

    :param url: as `PyramidOAuth2App.create_authorization_url` makes it. :param endpoint: where they are pushed to.
    :returns: what the browser carries instead: ``client_id``, and a ``request_uri`` that is good once and not for long.
    :raises OAuthError: if the server said no. :raises AnswerError: if its answer cannot be used.
    :raises TransportError: if there was no answer.
    """
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if auth_method in _SAY_CLIENT_ID:
        pairs = [pair for pair in pairs if pair[0] != "client_id"]
    response = app.ask("POST", endpoint, PLAIN, auth_method=auth_method, data=pairs)
    request_uri = token_answer(response, ("request_uri",), app.answer_format)["request_uri"]
    if not isinstance(request_uri, str) or not re.fullmatch(r"[!-~]{1,2000}", request_uri):
        raise AnswerError(response.status_code, "with a request_uri that is none")
    carried = {"client_id": app.client_id, "request_uri": request_uri}
    return parts._replace(query=urlencode(carried)).geturl()
