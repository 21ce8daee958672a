"""The control surface: the ledger, making things, starting afresh, and the state file."""

import json
from pathlib import Path
from typing import Any

import pytest

from connectapp.sandbox import main
from connectapp.sandbox.app import make_app
from connectapp.sandbox.platforms import Platform

from .conftest import KEY, NORTHERN, RIVERSIDE, Clock, Driver


def test_every_request_is_recorded_as_it_was_sent(sandbox: Driver, clock: Clock) -> None:
    sandbox.get("/connect.stripe.com/oauth/authorize?client_id=ca_x&a=%C3%A9", X_Trace="one")
    sandbox.token(grant_type="refresh_token", refresh_token="rt_x")
    first, second = sandbox.ledger()["requests"]
    assert (first["n"], first["method"], first["at"]) == (1, "GET", clock.now)
    assert (first["host"], first["path"]) == ("connect.stripe.com", "/oauth/authorize")
    assert first["query"] == "client_id=ca_x&a=%C3%A9"
    assert first["headers"]["X-Trace"] == "one"
    assert first["status"] == 400
    assert second["body"] == "grant_type=refresh_token&refresh_token=rt_x"
    assert second["headers"]["Authorization"] == KEY["Authorization"]


def test_unknown_hosts_are_recorded_too_but_control_requests_are_not(sandbox: Driver) -> None:
    sandbox.get("/evil.example/x")
    sandbox.get("/")
    requests = sandbox.ledger()["requests"]
    assert [(one["host"], one["path"], one["status"]) for one in requests] == [("evil.example", "/x", 404)]


def test_since_gives_only_newer_requests(sandbox: Driver) -> None:
    for _ in range(3):
        sandbox.get("/connect.stripe.com/x")
    assert [one["n"] for one in sandbox.get("/_sandbox/ledger?since=2").json["requests"]] == [3]


def test_an_account_can_be_made_with_any_fields(sandbox: Driver) -> None:
    made = sandbox.control("accounts", {"business_name": "Hall", "country": "SE", "charges_enabled": False})
    assert made["id"].startswith("acct_1")
    assert len(made["id"]) >= len("acct_") + 16
    assert (made["default_currency"], made["charges_enabled"]) == ("sek", False)
    sandbox.redeem(sandbox.code(made["id"]))
    assert sandbox.get(f"/api.stripe.com/v1/accounts/{made['id']}", **KEY).json["charges_enabled"] is False


@pytest.mark.parametrize(
    "order",
    [{"colour": "red"}, {"id": RIVERSIDE}, {"country": ["SE"]}, {"charges_enabled": "no"}, {"business_name": None}],
)
def test_wrong_accounts_are_refused(sandbox: Driver, order: dict[str, Any]) -> None:
    assert sandbox.control("accounts", order, status=400)["error"]


def test_a_code_can_be_made_without_a_browser(sandbox: Driver, clock: Clock) -> None:
    made = sandbox.control("codes", {"account": NORTHERN, "scope": "read_only", "ttl": 10})
    assert (made["client_id"], made["livemode"], made["expires_at"]) == ("ca_sandbox", False, clock.now + 10)
    answer = sandbox.redeem(made["code"]).json
    assert (answer["stripe_user_id"], answer["scope"]) == (NORTHERN, "read_only")


@pytest.mark.parametrize(
    "changes",
    [
        {"account": "acct_x"},
        {"client_id": "ca_x"},
        {"client_id": []},
        {"account": None},
        {"scope": "all"},
        {"livemode": 1},
        {"ttl": []},
    ],
)
def test_wrong_codes_are_refused(sandbox: Driver, changes: dict[str, Any]) -> None:
    assert sandbox.control("codes", {"account": RIVERSIDE} | changes, status=400)["error"]


def test_reset_brings_back_the_seeds_and_forgets_the_rest(sandbox: Driver) -> None:
    before = sandbox.ledger()
    sandbox.control("accounts", {})
    sandbox.redeem(sandbox.code())
    sandbox.control("faults", {"endpoint": "token", "status": 500})
    assert sandbox.send("DELETE", "/_sandbox/ledger").status_code == 200
    assert sandbox.ledger() == before
    assert sandbox.get("/_sandbox/faults").json == {"faults": []}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"{}", "text/plain"), (b"{", "application/json"), (b"[]", "application/json"), (b"\xff", "application/json")],
)
def test_orders_are_json_objects_of_that_content_type(sandbox: Driver, body: bytes, content_type: str) -> None:
    assert sandbox.send("POST", "/_sandbox/accounts", body, Content_Type=content_type).status_code == 400


def test_unknown_controls_and_bad_numbers(sandbox: Driver) -> None:
    assert sandbox.get("/_sandbox/nothing").status_code == 404
    assert sandbox.get("/_sandbox/ledger?since=x").status_code == 400
    assert sandbox.get("/_sandbox/holds?timeout=x").status_code == 400
    assert sandbox.control("release", {}, status=400)["error"]


def test_the_start_page_says_what_this_is_and_shows_no_secret(sandbox: Driver) -> None:
    token = sandbox.redeem(code := sandbox.code()).json["access_token"]
    page = sandbox.get("/").text
    assert "no real money, not Stripe" in page
    assert RIVERSIDE in page
    assert "/oauth/token" in page
    assert not [secret for secret in (code, token, "sk_test_sandbox") if secret in page]


def test_names_are_escaped_on_the_pages(sandbox: Driver) -> None:
    sandbox.control("accounts", {"business_name": "<script>alert(1)</script>"})
    ask = "response_type=code&client_id=ca_sandbox&redirect_uri=http://localhost/&state=%22%3E%3Cscript%3E"
    for path in ("/", f"/connect.stripe.com/oauth/authorize?{ask}"):
        page = sandbox.get(path)
        assert page.status_code == 200
        assert "<script" not in page.text


def test_the_state_file_keeps_accounts_and_grants(tmp_path: Path) -> None:
    file = tmp_path / "var" / "sandbox.json"
    before = Driver(make_app(state_file=file))
    made = before.control("accounts", {"business_name": "Hall"})
    token = before.redeem(before.code(made["id"])).json["access_token"]
    open_code = before.code()
    assert file.stat().st_mode & 0o077 == 0

    after = Driver(make_app(state_file=file))
    expected = before.ledger() | {"requests": []}
    assert after.ledger() == expected
    assert after.get("/api.stripe.com/v1/account", Authorization=f"Bearer {token}").json["id"] == made["id"]
    assert after.redeem(open_code).status_code == 200
    assert [one.name for one in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"accounts": [5], "codes": [], "grants": [], "revocations": []}'])
def test_a_state_file_that_cannot_be_understood_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "sandbox.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"sandbox\.json"):
        make_app(state_file=file)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sandbox.json"
    sandbox = Driver(make_app(state_file=file))
    sandbox.control("accounts", {})
    old = json.loads(file.read_text())

    def full(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="disk full"):
        sandbox.control("accounts", {})
    assert json.loads(file.read_text()) == old
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


def test_one_host_can_be_served_without_its_name_in_the_path() -> None:
    sandbox = Driver(make_app(host="connect.stripe.com"))
    fields = {"grant_type": "authorization_code", "code": sandbox.code()}
    assert sandbox.form("/oauth/token", fields, **KEY).status_code == 200
    assert sandbox.ledger()["requests"][0]["host"] == "connect.stripe.com"


def test_the_paste_factory_reads_its_settings() -> None:
    settings = {"client_id": "ca_x", "secret_key": "sk_test_x", "code_ttl": "0", "redirect_uris": "http://a/ http://b/"}
    sandbox = Driver(main({}, **settings))  # type: ignore[arg-type]
    fields = {"grant_type": "authorization_code", "code": sandbox.code(client_id="ca_x")}
    answer = sandbox.form("/connect.stripe.com/oauth/token", fields, Authorization="Bearer sk_test_x")
    assert answer.json["error"] == "invalid_grant"  # expired at once
    for wrong in ({"colour": "red"}, {"mode": "both"}, {"code_ttl": "long"}):
        with pytest.raises(ValueError, match=r".+"):
            main({}, **wrong)


def test_platforms_cannot_share_a_key() -> None:
    with pytest.raises(ValueError, match="share"):
        make_app(platforms=[Platform(), Platform(client_id="ca_second")])


def test_nothing_shows_keys_in_its_repr(sandbox: Driver) -> None:
    assert "sk_test_sandbox" not in repr(Platform())
