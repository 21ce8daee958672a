"""Requests that are no plain forms, and answers that have things elsewhere."""

import json
from typing import Any

import pytest

from connectapp.oauth.answers import AnswerFormat, token_answer
from connectapp.oauth.errors import AnswerError, OAuthError
from connectapp.oauth.shapes import PLAIN, Shape, Shaped
from connectapp.oauth.transport import Response

NOW = 1_700_000_000.0
URL = "https://server.example/token"


def answered(answer: Any, form: AnswerFormat) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    return token_answer(Response(200, headers, json.dumps(answer).encode(), received_at=NOW), ("access_token",), form)


class Auth:
    """Adds a field, as Authlib's `client_secret_post` does."""

    def prepare(self, method: str, url: str, headers: Any, body: str) -> Any:
        return url, headers, f"{body}&client_id=me"


def test_a_plain_form_stays_as_it_is() -> None:
    body = "a=1&a=2&b=%C3%A4"
    assert Shaped(Auth(), PLAIN).prepare("POST", URL, {}, body) == (URL, {}, f"{body}&client_id=me")


def test_json_keeps_the_types_of_what_is_added() -> None:
    shape = Shape("json", without=("grant_type",), more={"test": True, "count": 2})
    url, headers, body = Shaped(Auth(), shape).prepare("POST", URL, {}, "grant_type=x&code=c%26d")
    assert (url, headers) == (URL, {"Content-Type": "application/json"})
    assert json.loads(body) == {"code": "c&d", "client_id": "me", "test": True, "count": 2}


def test_a_form_and_a_query_have_texts() -> None:
    url, _, body = Shaped(Auth(), Shape(more={"test": True})).prepare("POST", URL, {}, "code=c")
    assert (url, body) == (URL, "code=c&client_id=me&test=true")
    url, headers, body = Shaped(Auth(), Shape("query")).prepare("POST", URL, {"Content-Type": "x"}, "code=c")
    assert (url, headers, body) == (f"{URL}?code=c&client_id=me", {}, "")


def test_values_are_found_at_their_paths() -> None:
    form = AnswerFormat(paths={"access_token": "credentials.0.token", "account": "merchant.id"})
    answer = answered({"credentials": [{"token": "t"}], "merchant": {"id": 7}, "access_token": "another"}, form)
    assert (answer["access_token"], answer["account"]) == ("t", 7)


@pytest.mark.parametrize(
    ("form", "answer", "expires_at"),
    [
        (AnswerFormat(), {"expires_in": 60}, NOW + 60),
        (AnswerFormat(milliseconds=True), {"expires_in": 60_000}, NOW + 60),
        (AnswerFormat(paths={"expires_at": "until"}), {"until": 1_800_000_000}, 1_800_000_000),
        (AnswerFormat(paths={"expires_at": "until"}), {"until": "2030-01-01T00:00:00Z"}, 1_893_456_000),
        (AnswerFormat(lifetime=3600), {}, NOW + 3600),
        (AnswerFormat(lifetime=3600), {"expires_in": 60}, NOW + 60),
        (AnswerFormat(), {}, None),
        (AnswerFormat(never_expires=True), {"expires_in": 60}, None),
    ],
)
def test_expiries_of_every_style(form: AnswerFormat, answer: dict[str, Any], expires_at: float | None) -> None:
    found = answered({"access_token": "t", **answer}, form)
    assert found.get("expires_at") == expires_at
    if form.never_expires:
        assert "expires_in" not in found


@pytest.mark.parametrize("form", [AnswerFormat(), AnswerFormat(never_expires=True), AnswerFormat(milliseconds=True)])
@pytest.mark.parametrize("value", ["abc", -1, True, [], 1e300])
def test_an_expiry_that_is_none_is_refused(form: AnswerFormat, value: Any) -> None:
    with pytest.raises(AnswerError, match="an expiry that is none"):
        answered({"access_token": "t", "expires_in": value}, form)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"errors": [{"code": "UNAUTHORIZED"}]}, "UNAUTHORIZED"),
        ({"errors": [{"code": 7}], "error": "invalid_grant"}, "invalid_grant"),
        ({"errors": [{"code": 7}]}, "unreadable_error"),
        ({"error": None}, "unreadable_error"),
    ],
)
def test_an_error_is_found_wherever_it_may_be(answer: dict[str, Any], code: str) -> None:
    with pytest.raises(OAuthError) as caught:
        answered({"access_token": "t", **answer}, AnswerFormat(errors=("errors.0.code", "error")))
    assert caught.value.error == code
