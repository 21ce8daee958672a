"""Pushed authorization requests of a declared provider (RFC 9126): taken with authentication, and opened once."""

from urllib.parse import parse_qsl, urlencode

from webob import Request as WebRequest
from webob import Response

from connectapp.providers.endpoints import Pushed as Declared
from connectapp.providers.endpoints import Request
from connectapp.sandbox.declared_authorize import AuthorizePage
from connectapp.sandbox.declared_dialect import Dialect
from connectapp.sandbox.declared_places import Place, query_of
from connectapp.sandbox.declared_requests import authenticated, hear
from connectapp.sandbox.records import Pushed, new_token
from connectapp.sandbox.routing import World, json_answer

LIFETIME = 60  # seconds that a request_uri is good for
_OF_THE_CLIENT = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


def pushed_request(dialect: Dialect, declared: Declared) -> Request:
    """How the request is written down."""
    return Request(url=declared.url, auth=declared.auth or dialect.declaration.token.auth)


class PushedEndpoint:
    """The endpoint. :param page: knows what an authorization request must say."""

    def __init__(self, dialect: Dialect, declared: Declared, page: AuthorizePage) -> None:
        self._dialect, self._asking, self._page = dialect, pushed_request(dialect, declared), page

    def answer(self, world: World, request: WebRequest, place: Place) -> Response:
        """Parameters for a ``request_uri`` (RFC 9126 section 2.2), once they are what they must be."""
        heard = hear(self._dialect, self._asking, request, place)
        platform = authenticated(self._dialect, world, self._asking, request, heard)
        asked = parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True)
        told = [(name, value) for name, value in asked if name not in _OF_THE_CLIENT]
        if "request_uri" in dict(told):
            raise self._dialect.refusal("invalid_request", "request_uri is not pushed")
        declared = self._dialect.declaration.authorize
        self._page.check(world, told, Place(place.sides, place.names, dict(query_of(declared.url))))
        made = Pushed(
            f"urn:ietf:params:oauth:request_uri:{new_token('')}",
            urlencode(told),
            platform.client_id,
            self._dialect.name,
            world.ledger.clock() + LIFETIME,
        )
        world.ledger.pushed[made.request_uri] = made
        return json_answer({"request_uri": made.request_uri, "expires_in": LIFETIME}, 201)
