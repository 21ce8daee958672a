"""The contract of answers: errors, outages and nonsense store nothing, and nobody is asked a second time."""

import json
from typing import Any

from connectapp.sandbox.declared_dialect import placed
from connectapp.testing.asking import NO_CODE, NO_ID, each, in_list, needs, nested, redemptions, with_id
from connectapp.testing.bench import Bench
from connectapp.testing.counterpart import Step

NONSENSE: dict[str, Any] = {
    "missing": None,
    "a number": 5,
    "a list": [],
    "an object": {},
    "an empty text": "",
    "true": True,
    "too long": "x" * 9000,
    "a line end": "abc\r\nX: y",
    "a zero byte": "a\x00b",
    "not ASCII": "tökén",
}
NO_TOKEN_TYPES = ["mac", "", 7, [], {}, None]
NO_EXPIRIES = ["abc", -1, 1e99, True, {}, []]
NO_ACCOUNTS: list[Any] = [None, [], {}, True, "", "x" * 300, "a b"]
BODIES = ["", "null", "[]", "7", '"token"', "<html>", "{", '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 5000, "\ufeff{}"]
DOWN: list[dict[str, Any]] = [{"status": status, "body": "{}"} for status in (408, 409, 425, 429, 500, 502, 503, 504)]
LOST: list[dict[str, Any]] = [{"close_after": 0}, {"redirect": "https://evil.example/"}]


class AnswersContract:
    """See `connectapp.testing.contract.ProviderContract`."""

    def test_an_outage_is_asked_once_and_told_as_unknown(self, bench: Bench) -> None:
        steps = list(enumerate(bench.trip.confirm))
        every = steps if bench.onboards else steps[:1]
        cases = [(number, step, fault) for number, step in every for fault in DOWN + LOST]
        cases += [(number, step, DOWN[-1]) for number, step in steps if (number, step) not in every]
        each(bench, cases, lambda case: _is_unknown(bench, *case))

    def test_every_documented_error_has_our_words(self, bench: Bench) -> None:
        needs(not bench.onboards, NO_CODE)
        errors = bench.declaration.errors
        told = {"invalid_grant": "code_refused", **errors.reasons}
        cases = [(path, code, reason) for path in errors.code for code, reason in told.items()]
        each(bench, cases, lambda case: _has_our_word(bench, *case))

    def test_what_is_no_answer_is_none(self, bench: Bench) -> None:
        steps = list(enumerate(bench.trip.confirm if bench.onboards else bench.trip.confirm[:1]))
        cases = [(number, step, body) for number, step in steps for body in BODIES]
        each(bench, cases, lambda case: _is_none(bench, *case))

    def test_nonsense_in_what_must_be_there_is_refused(self, bench: Bench) -> None:
        needs(not bench.onboards, NO_CODE)
        answer = bench.declaration.token.answer
        cases = [(required, name) for required in answer.required for name in NONSENSE]
        each(
            bench,
            cases,
            lambda case: _stores_nothing(bench, nested(str(getattr(answer, case[0])), NONSENSE[case[1]])),
        )

    def test_an_unknown_type_of_token_is_refused(self, bench: Bench) -> None:
        needs(not bench.onboards, NO_CODE)
        path = bench.declaration.token.answer.token_type
        needs(path, "tokens come without a type")
        each(bench, NO_TOKEN_TYPES, lambda value: _stores_nothing(bench, nested(str(path), value)))

    def test_an_expiry_that_is_none_is_refused(self, bench: Bench) -> None:
        needs(not bench.onboards, NO_CODE)
        path = bench.declaration.token.answer.expires
        each(bench, NO_EXPIRIES, lambda value: _stores_nothing(bench, nested(path, value)))

    def test_an_answer_of_the_other_mode_is_refused(self, bench: Bench) -> None:
        needs(not bench.onboards, NO_CODE)
        mode = bench.declaration.token.answer.mode
        needs(mode, "the answer to the code does not tell the mode")
        _stores_nothing(bench, nested(mode.path, mode.equals))  # type: ignore[union-attr]
        assert bench.attempts()[0][1] == "other_mode"

    def test_an_account_of_the_other_mode_is_refused(self, bench: Bench) -> None:
        mode = bench.declaration.identify.mode
        needs(mode, "the answer about an account does not tell the mode")
        assert mode is not None
        needs(not in_list(mode.path), "the mode of an account is in a list, into which no fault reaches")
        bench.sandbox.spoil(bench.trip.confirm[-1], after=True, json_merge=nested(mode.path, mode.equals))
        bench.visitor().link()
        assert (bench.attempts(), bench.accounts()) == ([("refused", "other_mode")], [])

    def test_an_account_that_is_none_is_refused(self, bench: Bench) -> None:
        needs(bench.declaration.identify.id, NO_ID)
        steps = bench.trip.confirm if bench.onboards else bench.trip.confirm[-1:]
        cases = [(step, value) for step in steps for value in NO_ACCOUNTS]
        each(bench, cases, lambda case: _is_no_account(bench, *case))


def _is_unknown(bench: Bench, number: int, step: Step, fault: dict[str, Any]) -> None:
    visitor = bench.visitor()
    path = visitor.approved()
    bench.sandbox.spoil(step, **fault)
    with bench.sandbox.watched() as asked:
        assert visitor.come_back(path).status_int == 200
    assert (len(asked), bench.accounts()) == (number + 1, [])
    # Whose account it is may be asked again later.
    later = step == bench.trip.confirm[-1]
    assert bench.attempts() == [("exchanging", "pending_verification") if later else ("outcome_unknown", "no_answer")]


def _has_our_word(bench: Bench, path: str, code: str, reason: str) -> None:
    bench.sandbox.fault("token", status=400, body=json.dumps(placed({}, path, code)))
    bench.visitor().link()
    assert bench.attempts() == [("failed", reason)]
    assert (redemptions(bench), bench.accounts()) == (1, [])


def _is_none(bench: Bench, number: int, step: Step, body: str) -> None:
    visitor = bench.visitor()
    path = visitor.approved()
    bench.sandbox.spoil(step, status=200, body=body)
    with bench.sandbox.watched() as asked:
        assert visitor.come_back(path).status_int < 500
    assert (len(asked), bench.accounts()) == (number + 1, [])
    assert bench.attempts()[0][0] in {"failed", "refused"}


def _stores_nothing(bench: Bench, changed: Any) -> None:
    bench.sandbox.fault("token", after=True, json_merge=changed)
    assert bench.visitor().link().status_int < 500
    assert (redemptions(bench), bench.accounts()) == (1, [])
    assert bench.attempts()[0][0] in {"failed", "refused"}


def _is_no_account(bench: Bench, step: Step, value: Any) -> None:
    bench.sandbox.spoil(step, **with_id(bench, value))
    bench.visitor().link()
    assert bench.accounts() == []
    assert bench.attempts()[0][0] in {"failed", "refused"}
    if bench.provider.revocable:
        assert bench.sandbox.live_grants() == []
