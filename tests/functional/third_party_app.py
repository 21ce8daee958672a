"""Links an account with Acme, whose declaration the sandbox plays; run where its package is installed."""

import sys
from pathlib import Path

from connectapp_acme import DECLARATION

from connectapp.sandbox.app import make_app
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.serve import SandboxServer
from tests.support.databases import SQLite
from tests.support.sandbox import SandboxClient, path_and_query
from tests.support.site import Site, make_settings

KNOWN = {"client_id": "ca_sandbox_acme", "secret_key": "sk_test_sandbox_acme"}  # as development has it by default


def main() -> None:
    """Print what was linked. In `sys.argv` is a directory to work in."""
    directory = Path(sys.argv[1])
    (directory / "template").mkdir()
    database_url = SQLite(directory / "template").create(directory)
    platform = Platform(redirect_uris=("https://app.test/connect/acme/callback",), provider="acme", **KNOWN)
    with SandboxServer(make_app(platforms=[platform], declarations=[DECLARATION])) as server:
        settings = make_settings(directory, database_url, server.url, providers="acme")
        ours = {key: value for key, value in settings.items() if ".provider." not in key}
        sandbox = SandboxClient(server.url)
        site = Site(ours, sandbox)
        browser = site.signed_in()
        back = sandbox.decide(browser.leave("acme"))
        page = browser.get(path_and_query(back), status=303).follow()
        (account,) = site.accounts()
        assert "Riverside" in page.text
        sys.stdout.write(f"{account.provider} {account.mode} {account.external_id} {account.status}\n")
        sandbox.http.clear()
        site.close()
