"""Who may do what: the permissions, and the policy that denies by default."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pyramid.authorization import ACLHelper, Authenticated, Everyone
from sqlalchemy import select

from connectapp.organizers.models import Membership, Organizer, User


class Permission(StrEnum):
    """Every permission; `resources.py` says who has which where."""

    PUBLIC = "public"
    VIEW_ACCOUNTS = "accounts:view"
    CONNECT = "accounts:connect"
    DISCONNECT = "accounts:disconnect"
    PAY = "accounts:pay"
    VIEW_EVENTS = "events:view"
    EDIT_EVENTS = "events:edit"
    PUBLISH_EVENTS = "events:publish"
    VIEW_MEMBERS = "members:view"
    MANAGE_MEMBERS = "members:manage"
    SWITCH = "organizers:switch"


@dataclass(frozen=True)
class Actor:
    """Who sends this request, as plain values that outlive the transaction.

    :param session_hash: identifies the browser session; attempts are bound to it.
    :param organizer_id: the organizer that the user acts for, None without a membership.
    """

    user_id: str
    email: str
    session_hash: str
    organizer_id: str | None = None
    organizer_name: str | None = None
    role: str | None = None


class SecurityPolicy:
    """Pyramid's security policy over the session in the database; read anew for every request."""

    def __init__(self) -> None:
        self._acl = ACLHelper()

    def identity(self, request: Any) -> Actor | None:
        actor: Actor | None = request.actor
        return actor

    def authenticated_userid(self, request: Any) -> str | None:
        return request.actor.user_id if request.actor else None

    def permits(self, request: Any, context: Any, permission: str) -> Any:
        return self._acl.permits(context, _principals(request.actor), permission)

    def remember(self, request: Any, userid: str, **kwargs: Any) -> list[tuple[str, str]]:
        """Nothing: `sessions.start` signs in, since that needs a transaction."""
        return []

    def forget(self, request: Any, **kwargs: Any) -> list[tuple[str, str]]:
        """Nothing: `sessions.end` signs out."""
        return []


def _principals(actor: Actor | None) -> list[str]:
    if actor is None:
        return [Everyone]
    return [Everyone, Authenticated, *([f"role:{actor.role}"] if actor.role else [])]


def _actor(request: Any) -> Actor | None:
    stored = request.stored_session
    if stored is None:
        return None
    user = request.dbsession.get(User, stored.user_id)
    if user is None or user.disabled_at is not None:
        return None
    found = request.dbsession.execute(
        select(Organizer.id, Organizer.name, Membership.role)
        .join(Membership, Membership.organizer_id == Organizer.id)
        .where(Membership.user_id == user.id, Organizer.id == stored.organizer_id)
    ).one_or_none()
    return Actor(user.id, user.email, stored.token_hash, *(found or ()))


def includeme(config: Any) -> None:
    config.set_security_policy(SecurityPolicy())
    config.add_request_method(_actor, "actor", reify=True)
