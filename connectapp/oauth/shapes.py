"""How a request to one of the server's own endpoints is written down, where it is not a plain form.

Authlib makes the fields and authenticates the client, always as a form (RFC 6749 section 4.1.3). Some servers want
JSON, or the query, or do without fields that the RFC requires; so what Authlib made is rewritten at the very end.
"""

import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from authlib.common.urls import add_params_to_uri

Body = Literal["form", "json", "query"]


@dataclass(frozen=True)
class Shape:
    """What is different from a plain form.

    :param without: fields that are left out. :param more: fields that are added; in JSON they keep their types.
    :param headers: headers that are added. Both may hold secrets.
    """

    body: Body = "form"
    without: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def write(
        self, url: str, headers: MutableMapping[str, str], body: str
    ) -> tuple[str, MutableMapping[str, str], str]:
        """The address, the headers and the body of the request.

        :param body: a form, as Authlib makes it.
        """
        made = {name: value for name, value in parse_qsl(body, keep_blank_values=True) if name not in self.without}
        fields: dict[str, Any] = {**made, **self.more}
        if self.body == "json":
            headers["Content-Type"] = "application/json"
            return url, headers, json.dumps(fields)
        plain = {name: _plain(value) for name, value in fields.items()}
        if self.body == "query":
            headers.pop("Content-Type", None)
            return add_params_to_uri(url, list(plain.items())), headers, ""
        return url, headers, urlencode(plain)


PLAIN = Shape()


@dataclass(frozen=True)
class Shaped:
    """Authlib's `ClientAuth`, and then the shape."""

    auth: Any
    shape: Shape

    def prepare(self, method: str, url: str, headers: Any, body: str) -> Any:
        """For `request`: authenticate, then write down."""
        signed = self.auth.prepare(method, url, headers, body)
        return signed if self.shape == PLAIN else self.shape.write(*signed)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
