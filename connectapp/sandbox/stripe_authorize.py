"""Stripe's authorize page: sign in with an account or make one, then approve or deny."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints
from urllib.parse import urlencode, urlsplit, urlunsplit

from webob import Request, Response

from connectapp.sandbox.pages import page
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.records import Account, new_token
from connectapp.sandbox.routing import World, form, query
from connectapp.sandbox.stripe_answers import SCOPES, oauth_error

# Country (ISO 3166-1 alpha-2) to its name and currency (ISO 4217, lower case).
COUNTRIES = {
    "AR": ("Argentina", "ars"),
    "AU": ("Australia", "aud"),
    "AT": ("Austria", "eur"),
    "BE": ("Belgium", "eur"),
    "BR": ("Brazil", "brl"),
    "CA": ("Canada", "cad"),
    "DK": ("Denmark", "dkk"),
    "FR": ("France", "eur"),
    "DE": ("Germany", "eur"),
    "IN": ("India", "inr"),
    "IE": ("Ireland", "eur"),
    "IT": ("Italy", "eur"),
    "JP": ("Japan", "jpy"),
    "MX": ("Mexico", "mxn"),
    "NL": ("Netherlands", "eur"),
    "NO": ("Norway", "nok"),
    "PL": ("Poland", "pln"),
    "ES": ("Spain", "eur"),
    "SE": ("Sweden", "sek"),
    "CH": ("Switzerland", "chf"),
    "GB": ("United Kingdom", "gbp"),
    "US": ("United States", "usd"),
}
_KEPT = ("response_type", "client_id", "redirect_uri", "scope", "state")


@dataclass(frozen=True)
class Ask:
    """A checked authorize request."""

    platform: Platform
    redirect_uri: str
    scope: str
    state: str | None

    def back(self, **params: str) -> Response:
        """To the platform, with these parameters and the state."""
        if self.state is not None:
            params["state"] = self.state
        parts = urlsplit(self.redirect_uri)
        joined = "&".join(filter(None, [parts.query, urlencode(params)]))
        response = Response(status=303)
        response.headers["Location"] = urlunsplit(parts._replace(query=joined))
        response.headers["Cache-Control"] = "no-store"
        return response


def _check(world: World, params: Mapping[str, str]) -> Ask:
    """Stripe sends none of these errors to the redirect URI: the browser stays and sees JSON."""
    state = params.get("state")
    kept = {} if state is None else {"state": state}
    platform = world.platforms.by_client(params.get("client_id"))
    if platform is None:
        raise oauth_error("invalid_client", "No platform has this client_id", **kept)
    if not params.get("response_type"):
        raise oauth_error("invalid_request", "response_type is missing", **kept)
    if params["response_type"] != "code":
        raise oauth_error("unsupported_response_type", "response_type can only be code", **kept)
    redirect_uri = platform.redirect_uri(params.get("redirect_uri"))
    if redirect_uri is None:
        raise oauth_error("invalid_redirect_uri", "redirect_uri is invalid or not registered", **kept)
    scope = params.get("scope", "read_only")
    if scope not in SCOPES:
        raise oauth_error("invalid_scope", "scope must be read_write or read_only", **kept)
    return Ask(platform, redirect_uri, scope, state)


def authorize(world: World, request: Request) -> Response:
    """``GET /oauth/authorize`` shows the page; ``POST`` is the page's own form.

    The form has the fields ``action`` (``approve`` or ``deny``), ``account`` (an id or ``new``) and, for a new
    account, ``business_name``, ``email`` and ``country``; hidden fields keep the authorize request.
    """
    if request.method == "POST":
        return _decide(world, form(request))
    params = query(request)
    ask = _check(world, params)
    return _page(world, ask, params, _prefill(params))


def _prefill(params: Mapping[str, str]) -> dict[str, str]:
    """What the platform knows; as at Stripe, a value that is invalid is silently ignored."""
    values = {name: params.get(f"stripe_user[{name}]", "") for name in ("business_name", "email", "country")}
    values["country"] = values["country"].upper() if values["country"].upper() in COUNTRIES else "GB"
    values["email"] = values["email"] if "@" in values["email"] else ""
    return values | {"account": "new" if params.get("stripe_landing") == "register" else ""}


def _page(world: World, ask: Ask, params: Mapping[str, str], values: dict[str, str], error: str = "") -> Response:
    accounts = list(world.ledger.accounts.values())
    chosen: Any = values.get("account") or (accounts[0].id if accounts else "new")
    return page(
        "authorize.jinja2",
        status=400 if error else 200,
        provider="Stripe",
        target="authorize",
        platform=ask.platform,
        asks="take payments and read data" if ask.scope == "read_write" else "read data",
        accounts=accounts,
        ids={account.id: account.id for account in accounts},
        chosen=chosen,
        kept={name: params[name] for name in _KEPT if name in params},
        values=values,
        countries=COUNTRIES,
        error=error,
    )


def _decide(world: World, fields: Mapping[str, str]) -> Response:
    ask = _check(world, fields)
    action = fields.get("action")
    if action == "deny":
        return ask.back(error="access_denied", error_description="The user denied your request")
    if action != "approve":
        raise oauth_error("invalid_request", "action must be approve or deny")
    account, error = choose_account(world, fields)
    if account is None:
        values = {name: fields.get(name, "") for name in ("business_name", "email", "country", "account")}
        return _page(world, ask, fields, values, error)
    client_id, livemode = ask.platform.client_id, ask.platform.livemode
    code = world.ledger.issue_code(account.id, client_id, ask.scope, livemode, world.code_ttl)
    return ask.back(code=code.code, scope=ask.scope)


def choose_account(world: World, fields: Mapping[str, str]) -> tuple[Account | None, str]:
    """The chosen account, made now if it is new; or None and what the organizer is to mend."""
    chosen = fields.get("account", "")
    if chosen != "new":
        return world.ledger.accounts.get(chosen), "Choose one of the accounts."
    name, email, country = (fields.get(key, "").strip() for key in ("business_name", "email", "country"))
    if not name:
        return None, "A new account needs a business name."
    if country not in COUNTRIES:
        return None, "Choose a country."
    return create_account(world, business_name=name, email=email, country=country), ""


def create_account(world: World, **fields: Any) -> Account:
    """A new account with these fields of `Account`.

    :raises ValueError: a field is unknown or of the wrong type, or the id is taken.
    """
    types = get_type_hints(Account)
    for name, value in fields.items():
        if name not in types or not isinstance(value, types[name]):
            raise ValueError(f"{name}: no such field of an account, or not the right type")
    country = fields.get("country", "GB")
    given = {
        "id": new_token("acct_1", 15),
        "business_name": "New account",
        "email": "",
        "country": country,
        "default_currency": COUNTRIES[country][1] if country in COUNTRIES else "usd",
        "created": int(world.ledger.clock()),
    }
    account = Account(**given | fields)
    if account.id in world.ledger.accounts:
        raise ValueError("this account id is taken")
    world.ledger.accounts[account.id] = account
    return account
