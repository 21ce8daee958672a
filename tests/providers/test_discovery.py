"""Discovery for the admin: what an OAuth server says of itself becomes lines for the ini, or one line of refusal."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connectapp.cli import main

ISSUER = "https://acme.example/tenant"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://acme.example/authorize",
    "token_endpoint": "https://acme.example/token",
    "userinfo_endpoint": "https://acme.example/me",
    "revocation_endpoint": "https://acme.example/revoke",
    "code_challenge_methods_supported": ["plain", "S256"],
    "authorization_response_iss_parameter_supported": True,
    "token_endpoint_auth_methods_supported": ["none"],
    "verify": False,
}
OAUTH = "/acme.example/.well-known/oauth-authorization-server/tenant"
OPENID = "/acme.example/tenant/.well-known/openid-configuration"


@contextmanager
def serving(documents: dict[str, Any]) -> Iterator[str]:
    """A server with these documents, and nothing else."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = documents.get(self.path)
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *args: object) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


Discover = Callable[..., tuple[int, str, str]]


@pytest.fixture
def discover(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Discover:
    """Run the command for an issuer whose server has these documents; gives its exit code and what it printed."""

    def run(documents: dict[str, Any], *options: str, issuer: str = ISSUER) -> tuple[int, str, str]:
        with serving(documents) as url:
            ini = tmp_path / "site.ini"
            lines = ["[app:main]", "use = egg:connectapp", "connectapp.environment = development"]
            ini.write_text("\n".join([*lines, f"connectapp.hosts = * {url}", ""]))
            code = main(["providers", "discover", str(ini), "acme", issuer, *options])
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("path", [OAUTH, OPENID])
def test_the_lines_are_those_of_the_ini(discover: Discover, path: str) -> None:
    code, out, _ = discover({path: METADATA})
    assert code == 0
    assert out.splitlines() == [
        "connectapp.provider.acme.authorize_url = https://acme.example/authorize",
        "connectapp.provider.acme.token_url = https://acme.example/token",
        "connectapp.provider.acme.account_url = https://acme.example/me",
        "connectapp.provider.acme.revoke_url = https://acme.example/revoke",
        "connectapp.provider.acme.account_id = sub",
        "connectapp.provider.acme.issuer = https://acme.example/tenant",
        "connectapp.provider.acme.pkce = required",
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"issuer": "https://evil.example/tenant"}, "is not to be believed"),
        ({"issuer": f"{ISSUER}/"}, "is not to be believed"),
        ({"issuer": None}, "is not to be believed"),
        ({"token_endpoint": "https://evil.example/token"}, "token_url would be on another host, evil.example"),
        ({"token_endpoint": "http://acme.example/token"}, "token_url would be no plain https:// address"),
        ({"token_endpoint": "https://evil@acme.example/token"}, "token_url would be no plain https:// address"),
        ({"token_endpoint": 7}, "is not to be believed"),
    ],
)
def test_what_is_not_the_issuers_own_is_refused(discover: Discover, change: dict[str, Any], says: str) -> None:
    code, _, err = discover({OAUTH: METADATA | change})
    assert code == 1
    assert says in err
    assert len(err.splitlines()) == 1


def test_another_host_is_taken_when_the_admin_names_it(discover: Discover) -> None:
    elsewhere = {"token_endpoint": "https://api.acme.example/token"}
    code, out, _ = discover({OAUTH: METADATA | elsewhere}, "--host", "api.acme.example")
    assert code == 0
    assert "token_url = https://api.acme.example/token" in out


@pytest.mark.parametrize(
    ("documents", "issuer", "says"),
    [
        ({}, ISSUER, "gives no metadata"),
        ({OAUTH: {"issuer": ISSUER}}, ISSUER, "does not say its authorization_endpoint"),
        ({}, "http://acme.example", "an issuer is an https:// address"),
        ({}, "https://acme.example?x=1", "an issuer is an https:// address"),
    ],
)
def test_what_is_missing_is_said(discover: Discover, documents: dict[str, Any], issuer: str, says: str) -> None:
    code, _, err = discover(documents, issuer=issuer)
    assert code == 1
    assert says in err
