"""What the endpoints of a declared provider share: how it tells errors and names accounts, how answers are built."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectapp.providers.declaration import Declaration
from connectapp.providers.parts import Condition
from connectapp.providers.templates import fill
from connectapp.sandbox.declared_ids import id_for
from connectapp.sandbox.declared_places import Place
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.records import Account, Code, Grant
from connectapp.sandbox.routing import Refusal, World

_RFC_6749 = "error"


@dataclass(frozen=True)
class Dialect:
    """How one declared provider speaks."""

    declaration: Declaration

    @property
    def name(self) -> str:
        """Of the provider; its platforms, codes and grants have it too."""
        return self.declaration.name

    def refusal(self, code: str, description: str, status: int = 400) -> Refusal:
        """An error in the declared shape; why is told beside the code."""
        path = self.declaration.errors.code[0]
        before, _, last = path.rpartition(".")
        beside = "error_description" if last == _RFC_6749 else "description"
        body = placed(placed({}, path, code), f"{before}.{beside}" if before else beside, description)
        return Refusal(status, body)

    def id_of(self, account: Account | str, tenant: Mapping[str, str] | None = None) -> str:
        """What the provider calls an account of the ledger. :param tenant: each has other ids."""
        own = account if isinstance(account, str) else account.id
        seed = ":".join([self.name, *(tenant or {}).values(), own])
        return id_for(self.declaration.account_pattern, seed, own)

    def account(self, world: World, told: str) -> Account | None:
        """The account that the provider, or the ledger, calls so."""
        everyone = world.ledger.accounts
        return everyone.get(told) or next((one for one in everyone.values() if self.id_of(one) == told), None)

    def tenant(self, place: Place) -> dict[str, str]:
        """Which tenant an address is of."""
        return {name: place.names[name] for name in self.declaration.asked if name in place.names}

    def is_at(self, place: Place, one: Code | Grant) -> bool:
        """Whether a code or a grant is of the tenant that an address is of."""
        return one.tenant.items() >= self.tenant(place).items()

    def works(self, world: World, grant: Grant) -> bool:
        """Whether an access token is good now."""
        expired = grant.expires_at is not None and world.ledger.clock() >= grant.expires_at
        return grant.live and grant.provider == self.name and not expired

    def grants(self, world: World, **fields: Any) -> list[Grant]:
        """The grants of this provider that have not ended and have all these field values; they may have expired."""
        return world.ledger.live_grants(provider=self.name, **fields)

    def platform(self, world: World, grant: Grant) -> Platform | None:
        """Whom a grant was given to."""
        return world.platforms.by_client(grant.client_id, self.name)


def placed(values: Any, path: str, value: Any) -> Any:
    """The same values, and at a path such as ``items.0.id`` this one; a number makes a list, an empty path is all."""
    if not path:
        return value
    name, _, rest = path.partition(".")
    if name.isdecimal() and (isinstance(values, list) or not values):
        items = list(values or [])
        items += [None] * (int(name) + 1 - len(items))
        items[int(name)] = placed(items[int(name)], rest, value)
        return items
    named = dict(values) if isinstance(values, dict) else {}
    return named | {name: placed(named.get(name), rest, value)}


def conditioned(values: Any, condition: Condition, *, holds: bool, account: str) -> Any:
    """The same values, and those of a condition: as it says, or of the same type and otherwise."""
    wanted = fill(condition.equals, {"account": account})
    return placed(values, condition.path, wanted if holds else _other(wanted))


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"not_{value}"
