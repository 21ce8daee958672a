"""The sandbox's providers of plain OAuth 2.0: what they want, what they give, and each one's habit."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from bs4 import BeautifulSoup

from connectapp.sandbox.app import make_app
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.serve import SandboxServer
from tests.support.sandbox import SandboxClient

NAMES = ("iss", "form_post", "evil")
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
BACK = "https://app.test/connect/plain/callback"


@pytest.fixture
def sandbox() -> Iterator[SandboxClient]:
    platforms = [
        Platform(),
        *(Platform(f"ca_{name}", f"secret_{name}", redirect_uris=(BACK,), provider=name) for name in NAMES),
    ]
    with SandboxServer(make_app(platforms=platforms)) as server:
        client = SandboxClient(server.url)
        yield client
        client.http.clear()


def address(sandbox: SandboxClient, name: str, path: str) -> str:
    return f"{sandbox.url}/{name.replace('_', '-')}.example{path}"


def asking(sandbox: SandboxClient, name: str, **changes: str | None) -> str:
    asked = {
        "response_type": "code",
        "client_id": f"ca_{name}",
        "redirect_uri": BACK,
        "scope": "payments",
        "state": "s&1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    query = urlencode({key: value for key, value in asked.items() if value is not None})
    return address(sandbox, name, f"/oauth/authorize?{query}")


def answered(sandbox: SandboxClient, name: str, action: str = "approve") -> dict[str, str]:
    back = sandbox.decide(asking(sandbox, name), action)
    assert back.startswith(BACK)
    return {key: values[0] for key, values in parse_qs(urlsplit(back).query).items()}


def token(sandbox: SandboxClient, name: str, code: str, **changes: str) -> tuple[int, Any]:
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
        "client_id": f"ca_{name}",
        "client_secret": f"secret_{name}",
        **changes,
    }
    answer = sandbox.http.request("POST", address(sandbox, name, "/oauth/token"), fields=fields, encode_multipart=False)
    return answer.status, json.loads(answer.data)


@pytest.mark.parametrize("name", ["iss", "evil"])
def test_from_the_page_to_the_account_and_back(sandbox: SandboxClient, name: str) -> None:
    code = answered(sandbox, name)["code"]
    status, answer = token(sandbox, name, code)
    assert (status, answer["token_type"], answer["scope"]) == (200, "Bearer", "payments")
    bearer = {"Authorization": f"Bearer {answer['access_token']}"}
    account = sandbox.http.request("GET", address(sandbox, name, "/account"), headers=bearer)
    assert json.loads(account.data)["name"] == "Riverside"
    revoked = sandbox.http.request(
        "POST",
        address(sandbox, name, "/oauth/revoke"),
        fields={"token": answer["access_token"]},
        encode_multipart=False,
        headers={"Authorization": "Basic " + base64.b64encode(f"ca_{name}:secret_{name}".encode()).decode()},
    )
    assert (revoked.status, sandbox.live_grants()) == (200, [])
    assert sandbox.http.request("GET", address(sandbox, name, "/account"), headers=bearer).status == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "ca_sandbox"},
        {"client_id": None},
        {"redirect_uri": f"{BACK}/"},
        {"redirect_uri": None},
        {"response_type": "token"},
        {"code_challenge": None},
        {"code_challenge": "short"},
        {"code_challenge_method": "plain"},
    ],
)
def test_a_wrong_request_goes_nowhere(sandbox: SandboxClient, changes: dict[str, str | None]) -> None:
    for method in ("GET", "POST"):
        answer = sandbox.http.request(method, asking(sandbox, "iss", **changes), redirect=False)
        assert answer.status == 400
        assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"code_verifier": "w" * 43}, 400, "invalid_grant"),
        ({"code_verifier": ""}, 400, "invalid_grant"),
        ({"redirect_uri": f"{BACK}/"}, 400, "invalid_grant"),
        ({"code": "ac_other"}, 400, "invalid_grant"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "ca_sandbox", "client_secret": "sk_test_sandbox"}, 401, "invalid_client"),
        ({"grant_type": "refresh_token"}, 400, "unsupported_grant_type"),
    ],
)
def test_a_wrong_redemption_gives_nothing(
    sandbox: SandboxClient, changes: dict[str, str], status: int, error: str
) -> None:
    code = answered(sandbox, "iss")["code"]
    found = token(sandbox, "iss", **{"code": code, **changes})
    assert (found[0], found[1]["error"]) == (status, error)
    assert sandbox.live_grants() == []


def test_a_code_is_good_once(sandbox: SandboxClient) -> None:
    code = answered(sandbox, "iss")["code"]
    assert [token(sandbox, "iss", code)[0] for _ in range(2)] == [200, 400]


def test_iss_names_itself_in_errors_too(sandbox: SandboxClient) -> None:
    assert answered(sandbox, "iss")["iss"] == "https://iss.example"
    denied = answered(sandbox, "iss", "deny")
    assert (denied["error"], denied["iss"], denied["state"]) == ("access_denied", "https://iss.example", "s&1")


def test_form_post_answers_with_a_form(sandbox: SandboxClient) -> None:
    answer = sandbox.press(asking(sandbox, "form_post"), "approve")
    assert (answer.status, answer.headers.get("Location")) == (200, None)
    form = BeautifulSoup(answer.data, "html.parser").form
    assert form is not None
    assert (form["method"], form["action"]) == ("post", BACK)
    fields = {str(one["name"]): str(one["value"]) for one in form.find_all("input")}
    assert fields["state"] == "s&1"
    assert token(sandbox, "form_post", fields["code"])[0] == 200


def test_evil_sends_the_browser_on_and_takes_any_code(sandbox: SandboxClient) -> None:
    bounced = urlsplit(sandbox.decide(asking(sandbox, "evil"), "bounce"))
    asked = parse_qs(bounced.query)
    assert bounced.path == "/connect.stripe.com/oauth/authorize"
    assert (asked["client_id"], asked["state"]) == (["ca_sandbox"], ["s&1"])
    assert token(sandbox, "evil", sandbox.code("acct_1SandboxRiverside1"))[0] == 200
    assert sandbox.press(asking(sandbox, "iss"), "bounce").status == 400
