"""The organizer's accounts: list, look, disconnect."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.view import view_config
from sqlalchemy import select

from connectapp import offers
from connectapp.accounts.lifecycle import Lifecycle
from connectapp.accounts.models import ACTIVE
from connectapp.accounts.store import Owner, subject
from connectapp.accounts.uses import uses_of
from connectapp.audit import AuditRecord
from connectapp.errors import UnavailableError
from connectapp.layout import provider_link
from connectapp.organizers.models import User
from connectapp.providers.capabilities import ITakesTestPayments
from connectapp.resources import AccountContext, Accounts
from connectapp.security import Permission
from connectapp.vault import get_vault

# What the audit record's words mean to the organizer.
EVENTS = {
    "account.linked": "Connected",
    "account.reconnected": "Connected again",
    "account.lost": "Stopped working",
    "account.disconnecting": "Disconnected here",
    "account.disconnected": "Access given back",
    "account.forgotten": "Access forgotten; it can only be ended at the provider",
    "account.revoke_failed": "The provider did not confirm the disconnection",
}


@view_config(context=Accounts, permission=Permission.VIEW_ACCOUNTS, request_method="GET", renderer="accounts.jinja2")
def accounts(context: Accounts, request: Any) -> dict[str, Any]:
    """All accounts, and the providers to connect with."""
    found = request.account_store.views(request.actor.organizer_id)
    latest = next((one for one in found if one.country), None)
    place = offers.guess(request, latest and latest.country, latest and latest.currency)
    return {
        "accounts": found,
        "providers": [provider_link(provider) for provider in context.providers.values()],
        "offers": offers.arrange(context.providers.values(), place, request.GET.get("find", "")),
        "may_connect": request.actor.role == "owner",
    }


@view_config(
    context=AccountContext,
    permission=Permission.VIEW_ACCOUNTS,
    request_method="GET",
    renderer="account.jinja2",
)
def account(context: AccountContext, request: Any) -> dict[str, Any]:
    """One account with its history."""
    return {
        "account": context.account,
        "provider": provider_link(context.provider) if context.provider else None,
        "history": _history(request, context.account.id),
        "may_disconnect": request.actor.role == "owner",
        "uses": uses_of(request, context.account.id),
        "payments": request.payments_of(context.account.id),
        "may_pay": request.actor.role == "owner" and _takes_test_payments(context),
    }


def _takes_test_payments(context: AccountContext) -> bool:
    """Whether the page offers a test payment; what it does is the business of `payments`."""
    usable = context.account.mode == "test" and context.account.status == ACTIVE
    return usable and isinstance(context.provider, ITakesTestPayments)


def _history(request: Any, account_id: str) -> list[dict[str, Any]]:
    rows = request.dbsession.execute(
        select(AuditRecord.at, AuditRecord.action, User.email)
        .outerjoin(User, User.id == AuditRecord.user_id)
        .where(AuditRecord.subject == subject(account_id))
        .order_by(AuditRecord.id.desc())
    )
    return [{"at": at, "text": EVENTS[action], "who": email} for at, action, email in rows if action in EVENTS]


@view_config(
    context=AccountContext,
    name="disconnect",
    permission=Permission.DISCONNECT,
    request_method="GET",
    renderer="disconnect.jinja2",
)
def disconnect_page(context: AccountContext, request: Any) -> dict[str, Any]:
    """Says what will happen, and asks."""
    title = context.provider.title if context.provider else context.account.provider_name
    live = [use for use in uses_of(request, context.account.id) if use.live]
    revocable = context.provider is None or context.provider.revocable
    return {"account": context.account, "provider_title": title, "uses": live, "revocable": revocable}


@view_config(
    context=AccountContext, name="disconnect", permission=Permission.DISCONNECT, request_method="POST", fresh=True
)
def disconnect(context: AccountContext, request: Any) -> Any:
    """Unusable here at once; then one revocation at the provider."""
    return _change(context, request, "disconnect")


@view_config(context=AccountContext, name="revoke", permission=Permission.DISCONNECT, request_method="POST", fresh=True)
def revoke(context: AccountContext, request: Any) -> Any:
    """Try the revocation once more."""
    return _change(context, request, "revoke_again")


def _change(context: AccountContext, request: Any, method: str) -> Any:
    if context.provider is None:
        raise UnavailableError("the account's provider is not configured")
    lifecycle = Lifecycle(request.work, get_vault(request.registry))
    owner = Owner(request.actor.organizer_id, request.actor.user_id)
    account_id = context.account.id
    try:
        getattr(lifecycle, method)(context.provider, account_id, owner)
    finally:
        request.work.resume()
    return HTTPSeeOther(f"/accounts/{account_id}")


def includeme(config: Any) -> None:
    config.scan(__name__)
