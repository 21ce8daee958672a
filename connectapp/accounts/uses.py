"""Who uses an account: features that pay into accounts say so here, and the account's pages show it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_KEY = "connectapp.account_uses"


@dataclass(frozen=True)
class Use:
    """Something that is paid into an account, and where it is shown.

    :param live: whether people can pay for it now, so that it stops when the account goes.
    """

    name: str
    path: str
    live: bool


def add_uses(config: Any, find: Callable[[Any, str], list[Use]]) -> None:
    """Register a feature's answer. :param find: given the request and the connected account's id."""
    config.registry.setdefault(_KEY, []).append(find)


def uses_of(request: Any, account_id: str) -> list[Use]:
    """Everything that is paid into the connected account."""
    return [use for find in request.registry.get(_KEY, ()) for use in find(request, account_id)]
