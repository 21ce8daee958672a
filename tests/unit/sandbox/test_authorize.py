"""The authorize page: what it accepts, what it shows, where it sends the browser."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from bs4 import BeautifulSoup

from .conftest import NORTHERN, RIVERSIDE, Driver

PAGE = "/connect.stripe.com/oauth/authorize"
BACK = "http://localhost:6543/connect/stripe/callback"
ASK = {"response_type": "code", "client_id": "ca_sandbox", "redirect_uri": BACK, "scope": "read_write", "state": "s&1"}


def show(sandbox: Driver, **changes: str) -> BeautifulSoup:
    response = sandbox.get(f"{PAGE}?{urlencode(ASK | changes)}")
    assert response.status_code == 200, response.text
    return BeautifulSoup(response.text, "html.parser")


def submit(sandbox: Driver, **fields: str) -> dict[str, str]:
    response = sandbox.form(PAGE, ASK | fields)
    assert response.status_code == 303, response.text
    assert response.headers["Location"].startswith(BACK)
    return {name: one[0] for name, one in parse_qs(urlsplit(response.headers["Location"]).query).items()}


def test_the_form_carries_the_request_and_can_be_sent_as_it_is(sandbox: Driver) -> None:
    form = show(sandbox).form
    assert form is not None
    assert form["action"] == "authorize"  # relative: works with and without the host in the path
    fields = {str(one["name"]): str(one["value"]) for one in form.find_all("input", type="hidden")}
    assert fields == ASK
    assert {button["value"] for button in form.find_all("button")} == {"approve", "deny"}


def test_every_control_has_a_label_and_the_page_a_title(sandbox: Driver) -> None:
    page = show(sandbox)
    assert page.title is not None
    assert "Sandbox" in page.title.text
    assert "not Stripe" in page.text
    controls = page.find_all(["select", "input"])
    assert all(one.find_parent("label") for one in controls if one.get("type") != "hidden")


def test_it_offers_the_accounts_and_a_new_one(sandbox: Driver) -> None:
    radios = show(sandbox).find_all("input", type="radio")
    assert {one["value"] for one in radios} >= {RIVERSIDE, NORTHERN, "new"}
    assert [one["value"] for one in radios if one.has_attr("checked")] == [RIVERSIDE]


def test_prefill_fills_the_new_account_and_ignores_what_is_invalid(sandbox: Driver) -> None:
    good = {"stripe_user[business_name]": "<b>Nørd & Søn", "stripe_user[email]": "a@b.example"}
    page = show(sandbox, **good, **{"stripe_user[country]": "no", "stripe_landing": "register"})
    values = {one["name"]: one.get("value") for one in page.find_all("input") if one.get("type") != "radio"}
    assert values["business_name"] == "<b>Nørd & Søn"
    assert values["email"] == "a@b.example"
    assert [one["value"] for one in page.find_all("option", selected=True)] == ["NO"]
    assert [one["value"] for one in page.find_all("input", checked=True)] == ["new"]
    bad = show(sandbox, **{"stripe_user[email]": "nonsense", "stripe_user[country]": "XX"})
    assert [one["value"] for one in bad.find_all("option", selected=True)] == ["GB"]
    assert bad.find("input", attrs={"name": "email"})["value"] == ""  # type: ignore[index]


def test_the_page_runs_no_script_and_lets_the_redirect_pass(sandbox: Driver) -> None:
    response = sandbox.get(f"{PAGE}?{urlencode(ASK)}")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "form-action" not in policy  # browsers would apply it to the 303 to the platform
    assert "<script" not in response.text


def test_approve_answers_a_code_with_scope_and_state(sandbox: Driver) -> None:
    back = submit(sandbox, action="approve", account=NORTHERN)
    assert back.keys() == {"code", "scope", "state"}
    assert back["code"].startswith("ac_")
    assert (back["scope"], back["state"]) == ("read_write", "s&1")
    [code] = sandbox.ledger()["codes"]
    assert (code["code"], code["account"], code["client_id"]) == (back["code"], NORTHERN, "ca_sandbox")


def test_deny_answers_access_denied_and_makes_no_code(sandbox: Driver) -> None:
    back = submit(sandbox, action="deny")
    assert back == {
        "error": "access_denied",
        "error_description": "The user denied your request",
        "state": "s&1",
    }
    assert sandbox.ledger()["codes"] == []


def test_a_new_account_is_made_and_connected_at_once(sandbox: Driver) -> None:
    new = {"account": "new", "business_name": "Åsa's Hall", "email": "a@hall.example", "country": "SE"}
    back = submit(sandbox, action="approve", **new)
    made = sandbox.ledger()["accounts"][-1]
    assert (made["business_name"], made["country"], made["default_currency"]) == ("Åsa's Hall", "SE", "sek")
    assert sandbox.redeem(back["code"]).json["stripe_user_id"] == made["id"]


@pytest.mark.parametrize(
    "fields",
    [
        {"account": "new", "business_name": " ", "country": "SE"},
        {"account": "new", "business_name": "Hall", "country": "XX"},
        {"account": "acct_unknown"},
        {},
    ],
)
def test_an_incomplete_form_is_shown_again_and_keeps_the_request(sandbox: Driver, fields: dict[str, str]) -> None:
    response = sandbox.form(PAGE, ASK | {"action": "approve"} | fields)
    assert response.status_code == 400
    page = BeautifulSoup(response.text, "html.parser")
    assert page.find(role="alert") is not None
    assert {str(one["name"]) for one in page.find_all("input", type="hidden")} == ASK.keys()
    assert sandbox.ledger()["codes"] == []


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"client_id": "ca_unknown"}, "invalid_client"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_redirect_uri"),
        ({"redirect_uri": "http://localhost.evil.example/"}, "invalid_redirect_uri"),
        ({"redirect_uri": "http://[bad/"}, "invalid_redirect_uri"),
        ({"redirect_uri": "http://localhost/#f"}, "invalid_redirect_uri"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_errors_stay_here_as_json(sandbox: Driver, method: str, changes: dict[str, str], error: str) -> None:
    asked = ASK | changes | {"action": "approve", "account": RIVERSIDE}
    response = sandbox.get(f"{PAGE}?{urlencode(asked)}") if method == "GET" else sandbox.form(PAGE, asked)
    assert response.status_code == 400
    assert "Location" not in response.headers
    assert response.json["error"] == error
    assert response.json["error_description"]
    assert response.json["state"] == "s&1"


def test_an_unknown_action_is_refused(sandbox: Driver) -> None:
    assert sandbox.form(PAGE, ASK | {"action": "maybe"}).json["error"] == "invalid_request"


def test_without_a_scope_only_reading_is_granted(sandbox: Driver) -> None:
    asked = {name: value for name, value in ASK.items() if name != "scope"}
    response = sandbox.form(PAGE, asked | {"action": "approve", "account": RIVERSIDE})
    assert parse_qs(urlsplit(response.headers["Location"]).query)["scope"] == ["read_only"]


def test_registered_redirect_uris_are_compared_exactly_and_the_first_is_the_default(sandbox: Driver) -> None:
    live = ASK | {"client_id": "ca_live", "action": "approve", "account": RIVERSIDE}
    almost = live | {"redirect_uri": "https://tickets.example/back/"}
    assert sandbox.form(PAGE, almost).json["error"] == "invalid_redirect_uri"
    del live["redirect_uri"]
    assert sandbox.form(PAGE, live).headers["Location"].startswith("https://tickets.example/back?code=ac_")
    del live["client_id"]
    nothing_registered = live | {"client_id": "ca_sandbox"}
    assert sandbox.form(PAGE, nothing_registered).json["error"] == "invalid_redirect_uri"


def test_a_query_in_the_redirect_uri_is_kept(sandbox: Driver) -> None:
    fields = ASK | {"redirect_uri": "http://127.0.0.1:1/back?a=1", "action": "approve", "account": RIVERSIDE}
    assert sandbox.form(PAGE, fields).headers["Location"].startswith("http://127.0.0.1:1/back?a=1&code=ac_")
