"""Stripe-hosted onboarding: the platform makes an account, asks for a one-time link, and the organizer fills it in.

Made after Stripe's references of Account and AccountLink. An account is the platform's from the beginning, whatever
becomes of it; a link is good for one visit, and not for long.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from webob import Request, Response

from connectapp.sandbox.pages import page
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.records import Account, Code, new_token
from connectapp.sandbox.routing import World, form, json_answer
from connectapp.sandbox.stripe_account import account_object
from connectapp.sandbox.stripe_answers import api_error, require_platform
from connectapp.sandbox.stripe_authorize import COUNTRIES, create_account

SCOPE = "account_link"  # tells links from authorization codes, with which they are kept
_MINUTES = 5
_NOTHING = {"charges_enabled": False, "payouts_enabled": False, "details_submitted": False}
_TYPES = {"standard", "express", "custom"}


def create(world: World, request: Request) -> Response:
    """``POST /v1/accounts``: an account with nothing in it but what the platform knows."""
    fields = form(request)
    platform = require_platform(world, request, fields)
    if fields.get("type") not in _TYPES:
        raise api_error(400, "Invalid type: must be one of standard, express, or custom")
    country = fields.get("country", "GB")  # the platform's own
    if country not in COUNTRIES:
        raise api_error(400, f"Country '{country}' is unknown. Try using a 2-character alphanumeric country code.")
    known = {"business_name": fields.get("business_profile[name]", ""), "email": fields.get("email", "")}
    made = create_account(world, country=country, **known, **_NOTHING)
    world.ledger.issue_grant(made.id, platform.client_id, "read_write", platform.livemode, code="")
    return json_answer(account_object(made))


def account_link(world: World, request: Request) -> Response:
    """``POST /v1/account_links``: a link to the pages for one account of the platform's."""
    fields = form(request)
    platform = require_platform(world, request, fields)
    for name in ("account", "refresh_url", "return_url", "type"):
        if not fields.get(name):
            raise api_error(400, f"Missing required param: {name}.", code="parameter_missing")
    if fields["type"] != "account_onboarding":
        raise api_error(400, "Standard accounts take links of the type account_onboarding only.")
    _check_uris(platform, fields)
    asked = fields["account"]
    if not world.ledger.live_grants(account=asked, client_id=platform.client_id):
        raise api_error(403, f"The account {asked!r} is not connected to your platform.", code="account_invalid")
    link = Code(
        new_token("", 24),
        asked,
        platform.client_id,
        SCOPE,
        platform.livemode,
        world.ledger.clock(),
        world.ledger.clock() + _MINUTES * 60,
        redirect_uri=f"{fields['return_url']} {fields['refresh_url']}",  # no address has a blank in it
    )
    world.ledger.codes[link.code] = link
    url = f"https://connect.stripe.com/setup/s/{link.code}"
    times = {"created": int(link.issued_at), "expires_at": int(link.expires_at)}
    return json_answer({"object": "account_link", **times, "url": url})


def _check_uris(platform: Platform, fields: Mapping[str, str]) -> None:
    for name in ("refresh_url", "return_url"):
        parts = urlsplit(fields[name])
        if parts.scheme not in {"http", "https"} or not parts.hostname or " " in fields[name]:
            raise api_error(400, f"Not a valid URL: {name}", code="url_invalid")
        if platform.livemode and parts.scheme != "https":
            raise api_error(400, "Livemode requests must always be redirected via HTTPS.", code="url_invalid")


def setup(world: World, request: Request, token: str) -> Response:
    """``GET /setup/s/{token}`` shows the page, once; ``POST`` is its own form.

    Its fields are ``action`` (``approve``: all is there; ``pending``: it is, and Stripe still looks at it; ``leave``),
    ``business_name``, ``email`` and ``country``.
    """
    link = world.ledger.codes.get(token)
    if link is None or link.scope != SCOPE:
        raise api_error(404, "There is no such link.")
    return_url, refresh_url = (link.redirect_uri or "").split(" ")
    account = world.ledger.accounts[link.account]
    if request.method == "POST":
        return _decide(world, link, account, form(request), return_url)
    link.redemptions += 1
    if link.redemptions > 1 or world.ledger.clock() >= link.expires_at:
        return _to(refresh_url)
    values = {name: getattr(account, name) for name in ("business_name", "email", "country")}
    return _page(world, link, account, values)


def _decide(world: World, link: Code, account: Account, fields: Mapping[str, str], return_url: str) -> Response:
    values = {name: fields.get(name, "").strip() for name in ("business_name", "email", "country")}
    action = fields.get("action")
    if action not in {"approve", "pending", "leave"}:
        raise api_error(400, "action must be approve, pending or leave")
    if action != "leave":
        if not values["business_name"] or values["country"] not in COUNTRIES:
            return _page(world, link, account, values, "A business name and a country are needed.")
        account.business_name, account.email, account.country = values.values()
        account.default_currency = COUNTRIES[account.country][1]
        account.details_submitted = True
        account.charges_enabled = account.payouts_enabled = action == "approve"
    return _to(return_url)


def _page(world: World, link: Code, account: Account, values: Mapping[str, Any], error: str = "") -> Response:
    return page(
        "stripe_setup.jinja2",
        status=400 if error else 200,
        platform=world.platforms.by_client(link.client_id),
        target=link.code,
        account=account,
        values=values,
        countries=COUNTRIES,
        error=error,
    )


def _to(url: str) -> Response:
    response = Response(status=303)
    response.headers["Location"] = url
    response.headers["Cache-Control"] = "no-store"
    return response
