"""The site map, and who may do what where.

::

    /                               Root
    ├── signin                      SignIn
    ├── accounts                    Accounts
    │   └── {id}                    AccountContext
    └── connect                     Connect
        └── {provider}              ProviderContext

A lookup that fails, and somebody else's object, raise KeyError: both are 404, and cannot be told apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyramid.authorization import Allow, Everyone
from pyramid.httpexceptions import HTTPForbidden

from connectapp.providers.interfaces import IPaymentProvider
from connectapp.providers.registry import get_providers
from connectapp.security import Permission

MEMBERS_VIEW = [
    (Allow, "role:owner", Permission.VIEW_ACCOUNTS),
    (Allow, "role:member", Permission.VIEW_ACCOUNTS),
]


@dataclass
class Root:
    """/"""

    request: Any
    __name__ = ""
    __parent__ = None

    def __acl__(self) -> list[Any]:
        return [(Allow, Everyone, Permission.PUBLIC)]

    @property
    def providers(self) -> Mapping[str, IPaymentProvider]:
        """The configured providers by name."""
        return get_providers(self.request.registry)

    def __getitem__(self, name: str) -> Any:
        return {"signin": SignIn, "accounts": Accounts, "connect": Connect}[name](self, self.request)


@dataclass
class SignIn:
    """/signin"""

    __parent__: Root
    request: Any
    __name__ = "signin"


@dataclass
class Accounts:
    """/accounts: the connected accounts of the actor's organizer."""

    __parent__: Root
    request: Any
    __name__ = "accounts"

    def __acl__(self) -> list[Any]:
        return MEMBERS_VIEW

    @property
    def providers(self) -> Mapping[str, IPaymentProvider]:
        """The configured providers by name."""
        return self.__parent__.providers

    def __getitem__(self, account_id: str) -> "AccountContext":
        actor = self.request.actor
        if actor is None or actor.organizer_id is None:
            raise HTTPForbidden  # the same for every id, so that it tells nothing
        return AccountContext(self, account_id, self.request.account_store.view(account_id, actor.organizer_id))


@dataclass
class AccountContext:
    """/accounts/{id}"""

    __parent__: Accounts
    __name__: str
    account: Any

    @property
    def provider(self) -> IPaymentProvider | None:
        """The account's provider; None while it is not configured, or in the other mode."""
        provider = self.__parent__.providers.get(self.account.provider_name)
        return provider if provider is not None and provider.mode == self.account.mode else None

    def __acl__(self) -> list[Any]:
        return [(Allow, "role:owner", Permission.DISCONNECT)]


@dataclass
class Connect:
    """/connect"""

    __parent__: Root
    request: Any
    __name__ = "connect"

    def __getitem__(self, name: str) -> "ProviderContext":
        return ProviderContext(self, name, self.__parent__.providers[name])


@dataclass
class ProviderContext:
    """/connect/{provider}"""

    __parent__: Connect
    __name__: str
    provider: IPaymentProvider

    def __acl__(self) -> list[Any]:
        return [(Allow, "role:owner", Permission.CONNECT), *MEMBERS_VIEW]


def includeme(config: Any) -> None:
    config.set_root_factory(Root)
