"""What is believed of a token endpoint's answer."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectapp.oauth.answers import expiry, token_answer
from connectapp.oauth.errors import AnswerError, OAuthError
from connectapp.oauth.transport import Response

JSON = {"Content-Type": "application/json"}
GOOD = {"access_token": "at", "token_type": "bearer"}


def answer(content: Any, status: int = 200, headers: dict[str, str] = JSON) -> dict[str, Any]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return token_answer(Response(status, headers, body), ("access_token",))


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/x+json;a=b"])
def test_a_token(kind: str) -> None:
    assert answer(GOOD, 200, {"Content-Type": kind}) == GOOD


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/html", "application/jsonp", "application/x-www-form-urlencoded", ""]
)
def test_another_media_type_is_not_read(kind: str) -> None:
    with pytest.raises(AnswerError, match="neither JSON nor XML"):
        answer(GOOD, 200, {"Content-Type": kind})


@pytest.mark.parametrize(
    ("error", "code"),
    [
        *(("invalid_grant", "invalid_grant"), ({"type": "x"}, "unreadable_error"), (5, "unreadable_error")),
        *((None, "unreadable_error"), ([], "unreadable_error"), ("", "unreadable_error"), (True, "unreadable_error")),
        *(("a b", "unreadable_error"), ("x" * 65, "unreadable_error"), ("<script>\r\n\x1b", "unreadable_error")),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 401])
def test_an_error_of_any_shape_is_a_short_code(error: Any, code: str, status: int) -> None:
    prose = 'Code "ac_123" \u202e\x00 is wrong'
    with pytest.raises(OAuthError) as caught:
        answer({"error": error, "error_description": prose, "error_uri": "https://evil.test"}, status)
    assert caught.value.error == code
    assert "ac_123" not in str(caught.value)
    assert "evil" not in repr(vars(caught.value))


@pytest.mark.parametrize(
    "content", [[], None, 5, "x", {}, b"", b"<html>secret</html>", b"\xef\xbb\xbf{}", GOOD | {"access_token": ""}]
)
@pytest.mark.parametrize("status", [200, 400, 403])
def test_an_answer_of_another_shape_is_refused(content: Any, status: int) -> None:
    with pytest.raises(AnswerError) as caught:
        answer(content, status)
    assert caught.value.status == status
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 599])
@pytest.mark.parametrize("content", [GOOD, {"error": "invalid_grant"}, b"<html>"])
def test_statuses_that_leave_the_outcome_open(status: int, content: Any) -> None:
    with pytest.raises(AnswerError) as caught:
        answer(content, status)
    assert caught.value.status == status


def test_required_fields_may_be_others() -> None:
    response = Response(200, JSON, b'{"stripe_user_id": "acct_1"}')
    assert token_answer(response, ("stripe_user_id",)) == {"stripe_user_id": "acct_1"}
    with pytest.raises(AnswerError, match="without livemode"):
        token_answer(response, ("stripe_user_id", "livemode"))


@pytest.mark.parametrize(
    ("fields", "moment"),
    [
        ({}, None),
        ({"expires_in": None, "expires_at": None}, None),
        ({"expires_in": 0}, 1000),
        ({"expires_in": 3600}, 4600),
        ({"expires_in": "3600"}, 4600),
        ({"expires_in": 3600.0}, 4600),
        ({"expires_at": 1795436256}, 1795436256),
        ({"expires_at": "1795436256", "expires_in": 1}, 1795436256),
        ({"expires_at": "2026-11-23T12:17:36Z"}, 1795436256),
        ({"expires_at": "2026-11-23T13:17:36+01:00"}, 1795436256),
        ({"expires_at": "2026-11-23T12:17:36"}, 1795436256),
    ],
)
def test_every_style_of_expiry(fields: dict[str, Any], moment: int | None) -> None:
    assert expiry(fields, 1000.5) == moment


@pytest.mark.parametrize("name", ["expires_in", "expires_at"])
@pytest.mark.parametrize(
    "value", ["abc", -1, 1e99, True, False, [], {}, "-5", "1e3", "", "٣", 10**400, "9" * 500, "0001-01-01"]
)
def test_an_expiry_that_is_none_is_refused_with_the_answer_at_hand(name: str, value: Any) -> None:
    with pytest.raises(AnswerError, match="an expiry that is none") as caught:
        answer(GOOD | {"account": "acct_1", name: value})
    assert caught.value.answer is not None
    assert caught.value.answer["account"] == "acct_1"
    assert "acct_1" not in str(caught.value)


def test_milliseconds_are_no_seconds() -> None:
    with pytest.raises(AnswerError):
        answer(GOOD | {"expires_at": 1795436256000})


@given(st.binary(max_size=200), st.integers(200, 599))
def test_no_bytes_give_a_traceback(content: bytes, status: int) -> None:
    with pytest.raises((AnswerError, OAuthError)):
        answer(content, status)


SCALARS = st.none() | st.booleans() | st.floats() | st.integers() | st.text()


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_no_value_in_a_field_gives_a_traceback(value: Any) -> None:
    for name in ("expires_in", "expires_at", "error", "access_token"):
        try:
            answer(GOOD | {name: value})
        except (AnswerError, OAuthError):
            continue
