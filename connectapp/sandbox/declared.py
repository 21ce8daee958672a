"""Plays any provider from its declaration: every address, and all that it says of requests and answers.

The declaration is data that both sides share; how it is read is not. What is refused here and what is sent there are
made apart, so that one mistake does not hide another.
"""

from collections.abc import Callable, Iterable, Iterator

from webob import Response

from connectapp.providers.declaration import Declaration
from connectapp.providers.endpoints import Identify, Readiness, Request, Revoke
from connectapp.sandbox.declared_account import AccountEndpoint, RevokeEndpoint
from connectapp.sandbox.declared_authorize import AuthorizePage
from connectapp.sandbox.declared_dialect import Dialect
from connectapp.sandbox.declared_places import PlaceRoute, addresses, hosts, query_of
from connectapp.sandbox.declared_pushed import PushedEndpoint, pushed_request
from connectapp.sandbox.declared_token import TokenEndpoint, refresh_request
from connectapp.sandbox.oauth2 import PERSONALITIES
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.records import seeds
from connectapp.sandbox.routing import Route

Handler = Callable[..., Response]
#: Where the personalities are that know more than a declaration says. Stripe has other addresses for Stripe Apps.
_OWN_HOSTS = frozenset({"connect.stripe.com", *(personality.host for personality in PERSONALITIES)})
_PAGE = frozenset({"GET", "POST"})


def played(declarations: Iterable[Declaration]) -> list[Declaration]:
    """Those that are played as they are declared: not by a personality of their own, and not without OAuth."""
    return [one for one in declarations if one.kind == "oauth" and not _OWN_HOSTS.intersection(hosts(one))]


def routes(declaration: Declaration) -> Iterator[Route]:
    """The endpoints of a provider.

    :raises ValueError: if no account id of the declared form can be made.
    """
    dialect = Dialect(declaration)
    for account in seeds():
        dialect.id_of(account)
    token, refresh = TokenEndpoint(dialect), declaration.refresh
    page = AuthorizePage(dialect)
    yield from _routes(declaration, declaration.authorize.url, "authorize", _PAGE, page.answer)
    if declaration.pushed is not None:
        pushed = PushedEndpoint(dialect, declaration.pushed, page)
        yield from _asked(declaration, pushed_request(dialect, declaration.pushed), "pushed", pushed.answer)
    yield from _asked(declaration, declaration.token, "token", token.answer)
    if refresh.url is not None:
        yield from _asked(declaration, refresh_request(dialect), "refresh", token.refreshed)
    for name, asked in _look_ups(declaration):
        yield from _asked(declaration, asked[0], name, AccountEndpoint(dialect, asked).answer)
    if isinstance(declaration.revoke, Revoke):
        yield from _asked(declaration, declaration.revoke, "revoke", RevokeEndpoint(dialect, declaration.revoke).answer)


def _look_ups(declaration: Declaration) -> Iterator[tuple[str, tuple[Identify | Readiness, ...]]]:
    """One endpoint for both questions where they have the same address and method."""
    identify, readiness = declaration.identify, declaration.readiness
    if readiness is None:
        yield "account", (identify,)
    elif _place(identify) == _place(readiness):
        yield "account", (identify, readiness)
    else:
        yield "account", (identify,)
        yield "readiness", (readiness,)


def _place(asking: Request) -> tuple[str, str]:
    return asking.method, asking.url.partition("?")[0]


def _asked(declaration: Declaration, asking: Request, endpoint: str, handler: Handler) -> Iterator[Route]:
    return _routes(declaration, asking.url, endpoint, frozenset({asking.method}), handler)


def _routes(
    declaration: Declaration, url: str, endpoint: str, methods: frozenset[str], handler: Handler
) -> Iterator[Route]:
    name, query = f"{declaration.name}.{endpoint}", query_of(url)
    for (host, path), sides in addresses(declaration, url).items():
        yield PlaceRoute(host, path, name, methods, handler, sides, query)


def with_platforms(declarations: Iterable[Declaration], platforms: Iterable[Platform]) -> list[Platform]:
    """The platforms, and one for each declared provider at which none is registered."""
    given = list(platforms)
    known = {platform.provider for platform in given}
    return given + [default_platform(one) for one in played(declarations) if one.name not in known]


def default_platform(declaration: Declaration) -> Platform:
    """The platform that development has at a provider without any settings."""
    made = declaration.made_up()
    client_id, secret_key = made.pop("client_id"), made.pop("client_secret")
    return Platform(client_id, secret_key, provider=declaration.name, secrets=made)
