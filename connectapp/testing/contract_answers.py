"""The contract of answers: errors, outages and nonsense of the token endpoint store nothing and are asked once."""

import json
from typing import Any

import pytest

from connectapp.testing.bench import Bench
from connectapp.testing.contract_link import nested, redemptions

NONSENSE: list[tuple[str, Any]] = [
    ("missing", None),
    ("a number", 5),
    ("a list", []),
    ("an object", {}),
    ("an empty text", ""),
    ("true", True),
    ("too long", "x" * 9000),
    ("a line end", "abc\r\nX: y"),
    ("a zero byte", "a\x00b"),
    ("not ASCII", "tökén"),
]
NO_TOKEN_TYPES = ["mac", "", 7, [], {}, None]
NO_EXPIRIES = ["abc", -1, 1e99, True, {}, []]
BODIES = ["", "null", "[]", "7", '"token"', "<html>", "{", '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 5000, "\ufeff{}"]
STATUSES = [408, 409, 425, 429, 500, 502, 503, 504]


class AnswersContract:
    """See `connectapp.testing.contract.ProviderContract`."""

    @pytest.mark.parametrize("status", STATUSES)
    def test_an_outage_is_asked_once_and_told_as_unknown(self, bench: Bench, status: int) -> None:
        bench.sandbox.fault("token", status=status, body="{}")
        page = bench.visitor().link()
        assert page.status_int == 200
        assert bench.attempts() == [("outcome_unknown", "no_answer")]
        assert (redemptions(bench), bench.accounts()) == (1, [])

    @pytest.mark.parametrize("fault", ["close_after", "redirect"])
    def test_a_lost_answer_and_a_redirect_are_not_followed_up(self, bench: Bench, fault: str) -> None:
        bench.sandbox.fault("token", **{fault: 0 if fault == "close_after" else "https://evil.example/"})
        bench.visitor().link()
        assert bench.attempts()[0][0] == "outcome_unknown"
        assert (redemptions(bench), bench.accounts()) == (1, [])

    def test_every_documented_error_has_our_words(self, bench: Bench) -> None:
        errors = bench.declaration.errors
        visitor = bench.visitor()
        told = {"invalid_grant": "code_refused"} if errors.code[0] == "error" else {}
        for code, reason in (told | dict(errors.reasons)).items():
            bench.clear()
            bench.sandbox.fault("token", status=400, body=json.dumps(error_body(errors.code[0], code)))
            visitor.link()
            assert bench.attempts() == [("failed", reason)], code
            assert (redemptions(bench), bench.accounts()) == (1, [])
            bench.sandbox.clear_faults()

    @pytest.mark.parametrize("body", BODIES)
    def test_what_is_no_answer_is_none(self, bench: Bench, body: str) -> None:
        bench.sandbox.fault("token", status=200, body=body)
        self._stores_nothing(bench)

    @pytest.mark.parametrize(("name", "value"), NONSENSE, ids=[name for name, _ in NONSENSE])
    def test_nonsense_in_what_must_be_there_is_refused(self, bench: Bench, name: str, value: Any) -> None:
        answer = bench.declaration.token.answer
        for required in answer.required:
            bench.clear()
            bench.sandbox.fault("token", after=True, json_merge=nested(str(getattr(answer, required)), value))
            self._stores_nothing(bench)
            bench.sandbox.clear_faults()

    @pytest.mark.parametrize("value", NO_TOKEN_TYPES)
    def test_an_unknown_type_of_token_is_refused(self, bench: Bench, value: Any) -> None:
        path = bench.declaration.token.answer.token_type
        if path is None:
            return  # the provider sends none
        bench.sandbox.fault("token", after=True, json_merge=nested(path, value))
        self._stores_nothing(bench)

    @pytest.mark.parametrize("value", NO_EXPIRIES)
    def test_an_expiry_that_is_none_is_refused(self, bench: Bench, value: Any) -> None:
        path = bench.declaration.token.answer.expires
        bench.sandbox.fault("token", after=True, json_merge=nested(path, value))
        self._stores_nothing(bench)

    def test_an_answer_of_the_other_mode_is_refused(self, bench: Bench) -> None:
        mode = bench.declaration.token.answer.mode
        if mode is None:
            return  # the provider does not say
        bench.sandbox.fault("token", after=True, json_merge=nested(mode.path, mode.equals))
        self._stores_nothing(bench)
        assert bench.attempts()[0][1] == "other_mode"

    @pytest.mark.parametrize("value", [None, [], {}, True, "", "x" * 300, "a b"])
    def test_an_account_that_is_none_is_refused(self, bench: Bench, value: Any) -> None:
        bench.sandbox.fault("account", after=True, json_merge=nested(bench.declaration.identify.id[0], value))
        bench.visitor().link()
        assert bench.accounts() == []
        if bench.provider.revocable:
            assert bench.sandbox.live_grants() == []

    def _stores_nothing(self, bench: Bench) -> None:
        page = bench.visitor().link()
        assert page.status_int < 500
        assert (redemptions(bench), bench.accounts()) == (1, [])
        assert bench.attempts()[0][0] in {"failed", "refused"}


def error_body(path: str, code: str) -> Any:
    """An error as the provider tells it: the code at a path such as ``errors.0.code``."""
    value: Any = code
    for name in reversed(path.split(".")):
        value = [value] if name.isdecimal() else {name: value}
    return value
