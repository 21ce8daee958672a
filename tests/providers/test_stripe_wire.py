"""What we send to Stripe, recorded over TLS, equals what Stripe's SDK sends, in everything that Stripe documents."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import stripe
from webob import Request

from connectapp.providers.interfaces import Grant
from connectapp.sandbox.app import make_app
from connectapp.sandbox.platforms import Platform
from tests.providers.recorder import Recorded, recorder
from tests.support.databases import SQLite
from tests.support.sandbox import CALLBACKS, SECRET_KEY
from tests.support.site import Browser, Site, make_settings

RIVERSIDE = "acct_1SandboxRiverside1"
NO_MAIL = {"mail__server": "", "signup": "closed"}  # the recorder is none
DOCUMENTED_HEADERS = ("Authorization", "Content-Type", "Stripe-Account")


def documented(request: Recorded) -> tuple[Any, ...]:
    """The parts of a request that Stripe's reference speaks of."""
    headers = {name: request.headers[name] for name in DOCUMENTED_HEADERS if name in request.headers}
    # The charset is a parameter that the form's media type does not have.
    media_type = headers.pop("Content-Type", "").partition(";")[0] if request.body else ""
    return request.method, request.path, media_type, headers, sorted(parse_qsl(request.body.decode()))


@dataclass
class Side:
    """Our application and the SDK, both pointed at one recorder."""

    site: Site
    sdk: stripe.StripeClient
    sandbox: Any
    seen: list[Recorded]

    def code(self) -> str:
        """A code for an account of the sandbox, as if its owner had approved."""
        order = Request.blank("/_sandbox/codes", method="POST", content_type="application/json")
        order.json = {"account": RIVERSIDE}
        code: str = order.get_response(self.sandbox).json["code"]
        return code

    def since(self, count: int) -> list[tuple[Any, ...]]:
        return [documented(request) for request in self.seen[count:]]


@pytest.fixture
def side(tmp_path: Path, sqlite: SQLite, monkeypatch: pytest.MonkeyPatch) -> Iterator[Side]:
    app = make_app(platforms=[Platform(secret_key=SECRET_KEY, redirect_uris=CALLBACKS)])
    with recorder(app, tmp_path) as (url, authority, seen):
        monkeypatch.setattr(stripe, "ca_bundle_path", str(authority))
        settings = make_settings(tmp_path, sqlite.create(tmp_path), url, transport__ca_file=str(authority), **NO_MAIL)
        site = Site(settings, None)  # type: ignore[arg-type]
        sdk = stripe.StripeClient(
            SECRET_KEY,
            client_id="ca_sandbox",
            base_addresses={"api": f"{url}/api.stripe.com", "connect": f"{url}/connect.stripe.com"},
            max_network_retries=0,
        )
        yield Side(site, sdk, app, seen)
        site.close()


def link(side: Side, browser: Browser, code: str) -> None:
    state = parse_qs(urlsplit(browser.leave()).query)["state"][0]
    page = browser.get(f"/connect/stripe/callback?code={code}&state={state}", status=303).follow()
    assert "Connected" in page.text


def test_linking_and_disconnecting_send_what_the_sdk_sends(side: Side) -> None:
    browser, code = side.site.signed_in(), side.code()
    link(side, browser, code)
    (account,) = side.site.accounts()
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    ours = side.since(0)

    count = len(side.seen)
    other = side.code()
    token = side.sdk.oauth.token({"grant_type": "authorization_code", "code": other})
    stripe.StripeClient(
        token["access_token"], base_addresses=side.sdk._requestor._options.base_addresses, max_network_retries=0
    ).v1.accounts.retrieve_current()
    side.sdk.oauth.deauthorize({"stripe_user_id": RIVERSIDE})
    theirs = side.since(count)

    assert len(ours) == 3
    # The code and the account's token differ from one time to the next, and only they.
    first = side.seen[1].headers["Authorization"]
    second = side.seen[count + 1].headers["Authorization"]
    assert repr(ours).replace(code, "CODE").replace(first, "TOKEN") == (
        repr(theirs).replace(other, "CODE").replace(second, "TOKEN")
    )


def test_an_account_without_a_token_is_asked_for_as_the_sdk_does(tmp_path: Path, side: Side) -> None:
    browser = side.site.signed_in()
    link(side, browser, side.code())
    provider = side.site.registry["connectapp.providers"]["stripe"]
    count = len(side.seen)
    provider.identify(Grant(external_id=RIVERSIDE, mode="test", scope="read_write"))
    side.sdk.v1.accounts.retrieve_current(options={"stripe_account": RIVERSIDE})
    ours, theirs = side.since(count)
    assert ours == theirs


def test_the_authorize_url_is_stripes_own(tmp_path: Path, sqlite: SQLite) -> None:
    settings = make_settings(tmp_path, sqlite.create(tmp_path), "http://unused.test", hosts="", **NO_MAIL)
    site = Site(settings, None)  # type: ignore[arg-type]
    try:
        ours = site.signed_in().leave()
    finally:
        site.close()
    sdk = stripe.StripeClient(SECRET_KEY, client_id="ca_sandbox")
    state = parse_qs(urlsplit(ours).query)["state"][0]
    theirs = sdk.oauth.authorize_url(
        {
            "scope": "read_write",
            "redirect_uri": CALLBACKS[0],
            "state": state,
            "stripe_user": {"email": "olga@example.test", "business_name": "Olga Events"},
        }
    )
    assert ours.split("?")[0] == theirs.split("?")[0] == "https://connect.stripe.com/oauth/authorize"
    assert sorted(parse_qsl(urlsplit(ours).query)) == sorted(parse_qsl(urlsplit(theirs).query))
