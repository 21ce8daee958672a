"""The generic provider, declared by the ini alone, against an OAuth server that nobody here wrote."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from connectapp.secret import Secret
from tests.support.rows import missing
from tests.support.sandbox import path_and_query
from tests.support.site import Browser, Site

COUNTERPARTY = Path(__file__).parents[1] / "counterparty"
HOST = "mock.example"
INI = {
    "providers": "stripe acme",
    "provider__acme__title": "Acme",
    "provider__acme__authorize_url": f"https://{HOST}/authorize",
    "provider__acme__token_url": f"https://{HOST}/token",
    "provider__acme__scopes": "openid profile",
    "provider__acme__account_url": f"https://{HOST}/userinfo",
    "provider__acme__account_id": "sub",
    "provider__acme__account_name": "sub",
    "provider__acme__revoke_url": f"https://{HOST}/revoke",
    "provider__acme__client_id": "connectapp",
    "provider__acme__client_secret": "a-secret-of-any-kind",
    "provider__acme__mode": "test",
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Its address; it ends when its standard input does."""
    node = shutil.which("node")
    if node is None or not (COUNTERPARTY / "node_modules").is_dir():
        missing("node, or what tests/counterparty/package-lock.json names, is not installed")
    with subprocess.Popen(
        [str(node), "server.js"], cwd=COUNTERPARTY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        yield process.stdout.readline().strip()
        process.stdin.close()
        process.wait(30)


@pytest.fixture
def acme(make_site: Callable[..., Site], server: str) -> Site:
    return make_site(hosts=f"{HOST} {server}", **INI)


def back(url: str) -> str:
    """What the server sends the browser back to; it asks nobody anything."""
    answer = urllib3.request("GET", url, redirect=False)
    assert answer.status in {302, 303}
    return path_and_query(answer.headers["Location"])


def test_an_account_is_linked_and_given_back(acme: Site) -> None:
    browser: Browser = acme.signed_in()
    url = browser.leave("acme")
    assert parse_qs(urlsplit(url).query)["code_challenge_method"] == ["S256"]
    page = browser.get(back(url), status=303).follow()
    assert "Connected" in page.text
    (account,) = acme.accounts()
    assert (account.external_id, account.status) == ("johndoe", "active")
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    assert [one.status for one in acme.accounts()] == ["disconnected"]


def test_its_code_is_good_for_the_verifier_of_this_attempt_alone(acme: Site) -> None:
    browser = acme.signed_in()
    first, second = back(browser.leave("acme")), back(browser.leave("acme"))
    code = parse_qs(urlsplit(second).query)["code"][0]
    state = parse_qs(urlsplit(first).query)["state"][0]
    page = browser.get(f"/connect/acme/callback?code={code}&state={state}", status=303).follow(expect_errors=True)
    assert "Connected" not in page.text
    assert acme.accounts() == []


def test_a_refresh_brings_another_token(acme: Site) -> None:
    browser = acme.signed_in()
    browser.get(back(browser.leave("acme")), status=303)
    provider = acme.registry["connectapp.providers"]["acme"]
    grant = provider.refresh(refresh_token=Secret("any"), redirect_uri="https://app.test/connect/acme/callback")
    assert provider.identify(grant).external_id == "johndoe"
