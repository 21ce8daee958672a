"""Log lines: one per record, with the reference of its request."""

import logging

import pytest

from connectapp.logs import REFERENCE, Formatter, is_reference, new_reference


def line(message: str, *args: object) -> str:
    record = logging.LogRecord("connectapp", logging.WARNING, "x.py", 1, message, args, None)
    return Formatter("%(reference)s %(message)s").format(record)


@pytest.mark.row("ER-05")
def test_a_message_stays_on_its_line() -> None:
    shown = line("code %s", "a\r\nINFO forged\x1b[31m\u202e\x00")
    assert shown == "- code a\\r\\nINFO forged\\x1b[31m\\u202e\\x00"
    assert "übung" in line("übung")
    assert len(line("x" * 2**20)) < 9000


def test_a_line_has_the_reference_of_its_request() -> None:
    reference = new_reference()
    token = REFERENCE.set(reference)
    try:
        assert line("hello") == f"{reference} hello"
    finally:
        REFERENCE.reset(token)
    assert is_reference(reference)
    assert not is_reference("call 0800")
    assert not is_reference(reference + "x")
