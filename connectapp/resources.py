"""The site map, and who may do what where.

::

    /                               Root
    ├── signin                      SignIn
    ├── organizers                  Organizers
    ├── members                     Members
    ├── events                      Events
    │   └── {id}                    EventContext
    ├── accounts                    Accounts
    │   └── {id}                    AccountContext
    │       └── payments            Payments
    │           └── {id}            PaymentContext
    └── connect                     Connect
        └── {provider}              ProviderContext

A lookup that fails, and somebody else's object, raise KeyError: both are 404, and cannot be told apart.
"""

from collections.abc import Mapping
from typing import Any

from pyramid.authorization import DENY_ALL, Allow, Authenticated, Everyone
from pyramid.httpexceptions import HTTPForbidden

from connectapp.db import is_id
from connectapp.errors import ProviderError
from connectapp.providers.interfaces import IPaymentProvider
from connectapp.providers.registry import get_providers
from connectapp.security import Permission

MEMBERS_VIEW = [
    (Allow, "role:owner", Permission.VIEW_ACCOUNTS),
    (Allow, "role:member", Permission.VIEW_ACCOUNTS),
]


class Resource:
    """A place on the site.

    :param parent: None for the root. :param name: its segment of the path.
    """

    def __init__(self, parent: "Resource | None", name: str, request: Any) -> None:
        self.__parent__ = parent
        self.__name__ = name
        self.request = request

    @property
    def providers(self) -> Mapping[str, IPaymentProvider]:
        """The configured providers by name."""
        return get_providers(self.request.registry)


class Root(Resource):
    """/"""

    def __init__(self, request: Any) -> None:
        super().__init__(None, "", request)

    def __acl__(self) -> list[Any]:
        return [(Allow, Everyone, Permission.PUBLIC)]

    def __getitem__(self, name: str) -> Resource:
        place: Resource = PLACES[name](self, name, self.request)
        return place


class SignIn(Resource):
    """/signin"""


class Organizers(Resource):
    """/organizers: those that the user may act for."""

    def __acl__(self) -> list[Any]:
        return [(Allow, Authenticated, Permission.SWITCH)]


class Members(Resource):
    """/members: who acts for the actor's organizer."""

    def __acl__(self) -> list[Any]:
        return [
            (Allow, "role:owner", (Permission.VIEW_MEMBERS, Permission.MANAGE_MEMBERS)),
            (Allow, "role:member", Permission.VIEW_MEMBERS),
        ]


EDITORS = [
    (
        Allow,
        "role:owner",
        (Permission.VIEW_EVENTS, Permission.EDIT_EVENTS, Permission.PUBLISH_EVENTS, Permission.CONNECT),
    ),
    (Allow, "role:member", (Permission.VIEW_EVENTS, Permission.EDIT_EVENTS)),
]


class Events(Resource):
    """/events: the events of the actor's organizer."""

    def __acl__(self) -> list[Any]:
        return EDITORS

    def __getitem__(self, event_id: str) -> "EventContext":
        if not is_id(event_id):
            raise KeyError(event_id)
        return EventContext(self, event_id, self.request)


class EventContext(Resource):
    """/events/{id}: everybody sees what is published, the organizer's own people may change it."""

    def __init__(self, parent: Events, name: str, request: Any) -> None:
        super().__init__(parent, name, request)
        actor = request.actor
        try:
            self.event = request.event_store.view(name, actor.organizer_id if actor else None)
        except KeyError:
            if actor is None:
                raise HTTPForbidden from None  # the same for every id, so that it tells nothing
            raise

    def __acl__(self) -> list[Any]:
        actor = self.request.actor
        if actor is not None and actor.organizer_id == self.event.organizer_id:
            return [*EDITORS, DENY_ALL]
        return [(Allow, Everyone, Permission.VIEW_EVENTS), DENY_ALL]  # without the lineage's roles: those are elsewhere


class Accounts(Resource):
    """/accounts: the connected accounts of the actor's organizer."""

    def __acl__(self) -> list[Any]:
        return MEMBERS_VIEW

    def __getitem__(self, account_id: str) -> "AccountContext":
        actor = self.request.actor
        if actor is None or actor.organizer_id is None:
            raise HTTPForbidden  # the same for every id, so that it tells nothing
        if not is_id(account_id):
            raise KeyError(account_id)
        return AccountContext(self, account_id, self.request)


class AccountContext(Resource):
    """/accounts/{id}"""

    def __init__(self, parent: Accounts, name: str, request: Any) -> None:
        super().__init__(parent, name, request)
        self.account = request.account_store.view(name, request.actor.organizer_id)

    def __acl__(self) -> list[Any]:
        return [(Allow, "role:owner", Permission.DISCONNECT), (Allow, "role:owner", Permission.PAY)]

    @property
    def provider(self) -> IPaymentProvider | None:
        """The account's provider, at the account's tenant; None while it is not configured, or in the other mode."""
        provider = self.providers.get(self.account.provider_name)
        if provider is None or provider.mode != self.account.mode:
            return None
        try:
            return provider.at(self.account.tenant)
        except ProviderError:
            return None  # it asks for something else now

    def __getitem__(self, name: str) -> "Payments":
        return {"payments": Payments}[name](self, name, self.request)


class Payments(Resource):
    """/accounts/{id}/payments"""

    def __init__(self, parent: AccountContext, name: str, request: Any) -> None:
        super().__init__(parent, name, request)
        self.account, self.provider = parent.account, parent.provider

    def __getitem__(self, payment_id: str) -> "PaymentContext":
        return PaymentContext(self, payment_id, self.request)


class PaymentContext(Resource):
    """/accounts/{id}/payments/{id}"""

    def __init__(self, parent: Payments, name: str, request: Any) -> None:
        super().__init__(parent, name, request)
        self.account, self.provider = parent.account, parent.provider
        found = request.payments_of(self.account.id, name) if is_id(name) else []
        if not found:
            raise KeyError(name)
        self.payment = found[0]


class Connect(Resource):
    """/connect"""

    def __getitem__(self, name: str) -> "ProviderContext":
        return ProviderContext(self, name, self.request)


class ProviderContext(Resource):
    """/connect/{provider}"""

    def __init__(self, parent: Connect, name: str, request: Any) -> None:
        super().__init__(parent, name, request)
        self.provider = self.providers[name]

    def __acl__(self) -> list[Any]:
        return [(Allow, "role:owner", Permission.CONNECT), *MEMBERS_VIEW]


PLACES: dict[str, type[Any]] = {
    "signin": SignIn,
    "organizers": Organizers,
    "members": Members,
    "events": Events,
    "accounts": Accounts,
    "connect": Connect,
}


def includeme(config: Any) -> None:
    config.set_root_factory(Root)
