"""TE: whatever the token endpoint answers, nothing is stored that is not sound. The database plays no part: SQLite."""

import json
from typing import Any

import pytest

from tests.support.processes import app_processes, cookie_header
from tests.support.rows import SQLITE_ONLY, answer_page, everything, logged, statuses
from tests.support.site import Browser, Site

pytestmark = SQLITE_ONLY

ACCOUNT = "acct_1SandboxRiverside1"
GOOD = {
    "token_type": "bearer",
    "scope": "read_write",
    "livemode": False,
    "stripe_user_id": ACCOUNT,
    "access_token": "sk_test_made",
    "refresh_token": "rt_made",
    "stripe_publishable_key": "pk_test_made",
}
ABSENT = object()
LONG = "x" * 9000

# The account is named well, so that the access can be taken back.
REVOCABLE: list[tuple[str, Any]] = [
    *(("livemode", value) for value in (ABSENT, None, "false", 0, [])),
    *(("token_type", value) for value in (ABSENT, None, "", "mac", "bearer,mac", 5, {}, ["bearer"])),
    *(("access_token", value) for value in (5, [], {}, True, "a b", "a\r\nX: y", "a\0", "clé", LONG, "a\u202e")),
    *(("refresh_token", value) for value in (5, [], "", "a\nb", "\u00a0")),
    *(("expires_in", value) for value in ("abc", -1, 1e99, True, [], "-5", 10**30)),
    *(("scope", value) for value in (5, ["read_write"], "a\nb", "\u202e")),
    *(("stripe_publishable_key", value) for value in (5, {}, "a b")),
]
# Nobody can tell whose it is.
NAMELESS = [
    ABSENT,
    None,
    "",
    5,
    [],
    {},
    True,
    "acct_",
    "acct_a b",
    "cus_1Abc",
    "acct_1\u0430",
    "acct_" + "1" * 500,
    " ",
]


def answer_with(site: Site, body: str, status: int = 200, media_type: str = "application/json", **more: Any) -> None:
    """The code is redeemed, and this is what we hear of it."""
    headers = {"Content-Type": media_type}
    site.sandbox.fault(endpoint="token", after=True, status=status, headers=headers, body=body, **more)


def redeem(browser: Browser) -> Any:
    return answer_page(browser, browser.callback_url(account=ACCOUNT))


def changed(field: str, value: Any) -> str:
    return json.dumps({name: old for name, old in {**GOOD, field: value}.items() if old is not ABSENT})


@pytest.mark.row("TE-10", "TE-11", "TE-12")
def test_an_unsound_answer_is_refused_and_its_access_given_back(site: Site, browser: Browser) -> None:
    for number, (field, value) in enumerate(REVOCABLE, 1):
        answer_with(site, changed(field, value))
        page = redeem(browser)
        assert page.status_int == 200 or 400 <= page.status_int < 500, (field, value)
        assert statuses(site)[-1] == ("failed", "malformed_answer"), (field, value)
        assert site.sandbox.live_grants() == [], (field, value)
        assert site.sandbox.redemptions() == number
    assert site.accounts() == []
    assert site.rows("SELECT * FROM provider_account") == []


@pytest.mark.row("TE-10")
def test_an_answer_that_names_no_account_is_refused(site: Site, browser: Browser) -> None:
    for value in NAMELESS:
        answer_with(site, changed("stripe_user_id", value))
        page = redeem(browser)
        assert page.status_int < 500, value
        assert statuses(site)[-1] == ("failed", "malformed_answer"), value
    assert site.accounts() == []
    assert site.sandbox.redemptions() == len(NAMELESS)
    assert site.sandbox.requests("/v1/account") == []


@pytest.mark.row("TE-11")
@pytest.mark.parametrize("token_type", ["bearer", "Bearer", "BEARER"])
def test_bearer_in_any_spelling_is_known(site: Site, browser: Browser, token_type: str) -> None:
    site.sandbox.fault(endpoint="token", json_merge={"token_type": token_type})
    assert "Connected" in redeem(browser).text
    assert [account.token_type for account in site.accounts()] == ["bearer"]


CANARY = "sk_test_canaryInProse"
NOT_JSON: list[dict[str, Any]] = [
    {"body": f"<html>{CANARY}</html>", "media_type": "text/html"},
    {"body": json.dumps({**GOOD, "access_token": CANARY}), "media_type": "text/plain"},
    {"body": json.dumps({**GOOD, "access_token": CANARY}), "media_type": "application/x-www-form-urlencoded"},
    {"body": f"access_token={CANARY}&stripe_user_id={ACCOUNT}"},
    {"body": f"\ufeff{json.dumps({**GOOD, 'access_token': CANARY})}"},
    {"body": ""},
    {"body": " "},
    {"body": f'"{CANARY}"'},
    {"body": f'["{CANARY}"]'},
    {"body": "null"},
    {"body": "5"},
    {"body": f'{{"access_token": "{CANARY}", "stripe_user_id": "{ACCOUNT}"'},
    {"body": f'{{"access_token": "{CANARY}", "stripe_user_id": "a", "stripe_user_id": "{ACCOUNT}"}}'},
    {"body": f'{{"access_token": "{CANARY}", "stripe_user_id": "{ACCOUNT}", "livemode": NaN}}'},
]


@pytest.mark.row("TE-05")
def test_what_is_not_json_is_neither_believed_nor_shown(site: Site, browser: Browser) -> None:
    with logged(site) as lines:
        for answer in NOT_JSON:
            answer_with(site, **answer)
            page = redeem(browser)
            assert statuses(site)[-1] == ("failed", "malformed_answer"), answer
            assert CANARY not in page.text
        site.sandbox.fault(endpoint="token", after=True, status=200, body_base64="/v97ACIAYQAiADoAMQB9AA==")
        redeem(browser)
    assert statuses(site)[-1] == ("failed", "malformed_answer")
    assert site.accounts() == []
    assert CANARY not in "\n".join(lines)
    assert CANARY not in everything(site)


ERRORS = [
    ({"error": "invalid_grant"}, "code_refused"),
    ({"error": "invalid_client"}, "platform_refused"),
    ({"error": "invalid_scope"}, "scope_refused"),
    ({"error": "something_new"}, "provider_error"),
    ({"error": {"type": "invalid_request_error", "message": CANARY}}, "provider_error"),
    ({"error": 5}, "provider_error"),
    ({"error": None}, "provider_error"),
    ({"error": ["invalid_grant"]}, "provider_error"),
    ({"error": "x" * 5000}, "provider_error"),
    ({"error": "a\r\nb"}, "provider_error"),
    ({**GOOD, "error": "invalid_grant"}, "code_refused"),
    ([], "malformed_answer"),
    (None, "malformed_answer"),
    ("invalid_grant", "malformed_answer"),
    ({}, "malformed_answer"),
]


@pytest.mark.row("TE-16", "ER-04", "CR-06")
def test_an_error_of_any_shape_has_our_own_words(site: Site, browser: Browser) -> None:
    for body, reason in ERRORS:
        prose = {**body, "error_description": CANARY} if isinstance(body, dict) else body
        with logged(site) as lines:
            answer_with(site, json.dumps(prose), status=400)
            page = redeem(browser)
        assert page.status_int < 500, body
        assert CANARY not in page.text
        assert CANARY not in "\n".join(lines)
        assert statuses(site)[-1] == ("failed", reason), body
    assert site.accounts() == []
    assert site.sandbox.redemptions() == len(ERRORS)


@pytest.mark.row("TE-18")
def test_a_broken_answer_stores_nothing(site: Site, browser: Browser) -> None:
    body = json.dumps(GOOD)
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    wires: list[dict[str, Any]] = [
        {"close_after": 0},
        {"close_after": 10},
        {"close_after": "headers"},
        {"close_after": 300},
        {"close_after": 300, "reset": True},
        {"raw": f"{head}Content-Length: {len(body) + 50}\r\n\r\n{body}"},
        {"raw": f"{head}Content-Length: -1\r\n\r\n{body}"},
        {"raw": f"{head}Content-Length: 5, 7\r\n\r\n{body}"},
        {"raw": f"{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{body}\r\n0\r\n\r\n"},
        {"raw": f"{head}Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n{body}"},
        {"raw": "nonsense\r\n\r\n"},
    ]
    # All of them left before the first one failed: nobody new is sent to a provider that keeps failing.
    urls = [browser.callback_url() for _ in wires]
    for number, (url, wire) in enumerate(zip(urls, wires, strict=True)):
        site.sandbox.fault(endpoint="token", after=True, **wire)
        browser.get(url, status=303)
        assert statuses(site)[number] == ("outcome_unknown", "no_answer"), wire
    assert site.accounts() == []
    assert site.sandbox.redemptions() == len(wires)


HUGE: list[dict[str, Any]] = [
    {"body": " " * 1024, "repeat": 60 * 1024},
    {"body": " ", "repeat": 10 * 2**20, "content_encoding": "gzip"},
    {"body": json.dumps(GOOD), "content_encoding": "gzip"},
    {"body": " ", "repeat": 2**20, "content_encoding": ", ".join(["gzip"] * 6)},
    {"body": "[", "repeat": 100_000},
    {"body": '{"a":', "repeat": 100_000},
    {"body": "1" * 10_000},
    {"body": f'{{"stripe_user_id": "{ACCOUNT}", "expires_in": {"1" * 10_000}}}'},
    {"body": "{" + ", ".join(f'"k{number}": 0' for number in range(70_000)) + "}"},
]


@pytest.mark.row("TE-06")
def test_a_huge_answer_is_refused_at_little_cost(site: Site, browser: Browser) -> None:
    urls = [browser.callback_url() for _ in HUGE]
    with app_processes(site.settings) as (process,):
        process.get("/", cookie_header(browser))
        before = process.peak_memory()
        for url, answer in zip(urls, HUGE, strict=True):
            site.sandbox.fault(
                endpoint="token", after=True, status=200, headers={"Content-Type": "application/json"}, **answer
            )
            assert process.get(url, cookie_header(browser))[0] == 303
        assert process.peak_memory() - before < 50 * 1024
    assert {status for status, _ in statuses(site)} == {"failed", "outcome_unknown"}
    assert site.accounts() == []
    assert site.sandbox.redemptions() == len(HUGE)
