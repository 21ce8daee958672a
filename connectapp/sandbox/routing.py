"""How a personality says which requests it answers: the words shared by the composition and the dialects."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from webob import Request, Response

from connectapp.providers.declaration import Declaration
from connectapp.sandbox.ledger import Ledger
from connectapp.sandbox.platforms import Platforms


@dataclass(frozen=True)
class World:
    """What every handler may use.

    :param code_ttl: seconds that an authorization code is good for.
    :param declarations: of the providers that are played as they are declared, and of Stripe if it is given.
    """

    ledger: Ledger
    platforms: Platforms
    code_ttl: float = 300
    declarations: Mapping[str, Declaration] = field(default_factory=dict)


@dataclass(frozen=True)
class Route:
    """One endpoint of a provider.

    :param host: the host name at the real provider.
    :param path: a pattern for the whole path; its groups are given to the handler.
    :param endpoint: the name by which faults mean it.
    """

    host: str
    path: str
    endpoint: str
    methods: frozenset[str]
    handler: Callable[..., Response]

    def match(self, host: str, path: str) -> tuple[Any, ...] | None:
        """What the handler is given: the groups of the path; or None where this route is not meant."""
        found = re.fullmatch(self.path, path) if host == self.host else None
        return None if found is None else found.groups()


class Refusal(Exception):  # noqa: N818 - an answer, not a failure of the sandbox
    """A handler answers with an error: HTTP `status` and a JSON `body`."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body

    def response(self) -> Response:
        """The answer."""
        return json_answer(self.body, self.status)


def json_answer(body: Any, status: int = 200) -> Response:
    """A JSON answer that no cache keeps."""
    response = Response(body=json.dumps(body, indent=2).encode(), status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def query(request: Request) -> dict[str, str]:
    """The parameters of the query string; bytes that are not UTF-8 are replaced, of repeated ones the last counts."""
    return dict(parse_qsl(request.query_string, keep_blank_values=True, errors="replace"))


def form(request: Request) -> dict[str, str]:
    """The fields of a form body (see `query`); empty for any other content type."""
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    return dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True, errors="replace"))


def basic(request: Request) -> tuple[str, str] | None:
    """User and password of HTTP Basic, as they were sent; empty ones if they cannot be read, None without Basic."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password
