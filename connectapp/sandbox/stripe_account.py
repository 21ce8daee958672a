"""Stripe's account look-ups: ``/v1/account`` and ``/v1/accounts/{id}``."""

from typing import Any

from webob import Request, Response

from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.records import Account
from connectapp.sandbox.routing import World, json_answer
from connectapp.sandbox.stripe_answers import api_error, api_key, bad_key, masked, require_platform


def own_account(world: World, request: Request) -> Response:
    """``GET /v1/account``: of the access token, or of ``Stripe-Account``, or the platform's own."""
    return json_answer(account_object(require_account(world, request)))


def require_account(world: World, request: Request) -> Account:
    """The account that a request speaks for: that of the access token, of ``Stripe-Account``, or the platform's own.

    :raises Refusal: for a bad key, or an account that the key has no access to.
    """
    key = api_key(request)
    platform = world.platforms.by_key(key)
    asked = request.headers.get("Stripe-Account")
    if platform is not None:
        return _account_for(world, platform, asked or platform.account)
    grants = world.ledger.live_grants(access_token=key)
    if not grants:
        raise bad_key(key)
    if asked not in {None, grants[0].account}:
        raise _no_access(key, asked)
    return world.ledger.accounts[grants[0].account]


def account(world: World, request: Request, account_id: str) -> Response:
    """``GET /v1/accounts/{id}`` with the platform's key: an account that is connected to it."""
    platform = require_platform(world, request, {})
    asked = request.headers.get("Stripe-Account")
    if asked not in {None, account_id}:
        raise _no_access(platform.secret_key, asked)
    return json_answer(account_object(_account_for(world, platform, account_id)))


def _account_for(world: World, platform: Platform, account_id: str) -> Account:
    if account_id == platform.account:
        return Account(account_id, platform.name, "platform@sandbox.example", "GB", "gbp")
    if not _connected(world, platform, account_id):
        raise _no_access(platform.secret_key, account_id)
    return world.ledger.accounts[account_id]


def _connected(world: World, platform: Platform, account_id: str) -> bool:
    """A test key also reaches what is connected to the live side of the same platform."""
    sides = (one for one in world.platforms.all if one.name == platform.name)
    clients = {one.client_id for one in sides if one == platform or not platform.livemode}
    return any(grant.client_id in clients for grant in world.ledger.live_grants(account=account_id))


def _no_access(key: str | None, account_id: str | None) -> Exception:
    message = f"The key {masked(key or '')} has no access to the account {account_id!r}, or it does not exist."
    return api_error(403, f"{message} The access may have been revoked.", code="account_invalid")


def account_object(account: Account) -> dict[str, Any]:
    """The Account object: the fields that platforms read."""
    due = [] if account.details_submitted else ["business_profile.url", "external_account", "tos_acceptance.date"]
    blocked = None if account.charges_enabled else "requirements.past_due"
    capability = "active" if account.charges_enabled else "inactive"
    return {
        "id": account.id,
        "object": "account",
        "business_profile": {"name": account.business_name, "url": account.url, "mcc": None},
        "capabilities": {"card_payments": capability, "transfers": capability},
        "charges_enabled": account.charges_enabled,
        "country": account.country,
        "created": account.created,
        "default_currency": account.default_currency,
        "details_submitted": account.details_submitted,
        "email": account.email,
        "metadata": {},
        "payouts_enabled": account.payouts_enabled,
        "requirements": {
            "currently_due": due,
            "disabled_reason": blocked,
            "eventually_due": due,
            "past_due": [] if account.charges_enabled else due,
            "pending_verification": [],
        },
        "settings": {"dashboard": {"display_name": account.business_name, "timezone": "Etc/UTC"}},
        "type": "standard",
    }
