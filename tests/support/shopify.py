"""Shopify, as tests use it: a provider whose organizers say first which store is theirs."""

import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from connectapp.providers.sources import CATALOGUE
from tests.support.rows import answer_page
from tests.support.sandbox import path_and_query, settings_of
from tests.support.site import Browser, Site

SETTINGS = settings_of("shopify")
SECRET = SETTINGS["provider__shopify__client_secret"]
AUTHORIZE = "/connect/shopify/authorize"
# What is no store, and some of it another place.
ELSEWHERE = [
    "evil.example",
    "evil.example/",
    "evil.example#",
    "evil.example?",
    "evil.example\\",
    "evil.example:443",
    "user@evil.example",
    "user:secret@evil",
    "@evil",
    "mystore.evil",
    "..",
    "-mystore",
    "my_store",
    "my%2estore",
    "my\nstore",
    "mystore\n",
    "my\0store",
    "my\u2024store",
    "mystor\uff45",
    "\u212aiosk",  # the Kelvin sign, which is a k in lower case
    "mystore\u200b",
    "127.0.0.1",
    "[::1]",
    "{shop}",
    "m" * 64,
    "m" * 900,
    "mystore.myshopify.com.evil.example",
    "mystore.myshopify.com.myshopify.com",
]


def selling(directory: Any) -> dict[str, str]:
    """The settings of a Shopify whose accounts take payments, so that the event form has a button."""
    file = directory / "shopify.toml"
    file.write_text((CATALOGUE / "shopify.toml").read_text().replace("charges = false", "charges = true"))
    return SETTINGS | {"provider__shopify__file": str(file)}


def host(shop: str) -> str:
    return f"{shop}.myshopify.com"


def go(browser: Browser, shop: str = "mystore", action: str = "approve", **fields: Any) -> str:
    """Through the store's page, up to the address that it sends the browser back to."""
    return path_and_query(browser.site.sandbox.decide(browser.leave("shopify", tenant_shop=shop), action, **fields))


def connect(browser: Browser, shop: str = "mystore", **fields: Any) -> Any:
    """The whole trip; gives the result page, whatever its status."""
    return answer_page(browser, go(browser, shop, **fields))


def seen(site: Site, shop: str | None = None) -> list[tuple[str, str]]:
    """What the stores saw, or one of them: methods and paths."""
    found = site.sandbox.ledger()["requests"]
    return [(one["method"], one["path"]) for one in found if (one["host"] == host(shop) if shop else _is_store(one))]


def _is_store(request: Any) -> bool:
    return bool(request["host"].endswith(".myshopify.com"))


def redemptions(site: Site) -> int:
    return seen(site).count(("POST", "/admin/oauth/access_token"))


def signed(parameters: dict[str, str], secret: str = SECRET) -> str:
    """The callback's address with these parameters, signed as Shopify does."""
    query = "&".join(sorted(f"{name}={value}" for name, value in parameters.items() if name != "hmac"))
    made = hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()
    return f"/connect/shopify/callback?{urlencode({**parameters, 'hmac': made})}"


def said(callback: str) -> dict[str, str]:
    """The parameters of a callback's address."""
    return dict(parse_qsl(urlsplit(callback).query, keep_blank_values=True))
