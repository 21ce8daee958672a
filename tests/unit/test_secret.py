"""A secret is shown by nothing but `reveal`."""

import copy
import json
import logging
import pickle

import pytest

from connectapp.secret import MASK, Secret

CANARY = "sk_live_canary"


@pytest.mark.row("SR-14")
def test_a_secret_is_masked_wherever_it_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(CANARY)
    logging.getLogger("test").warning("%s %r", secret, [secret])
    for shown in (str(secret), repr(secret), f"{secret}", f"{secret:>40}", repr({"key": secret}), caplog.text):
        assert CANARY not in shown
        assert MASK in shown
    assert secret.reveal() == CANARY


@pytest.mark.row("SR-14")
def test_a_secret_is_not_serialized() -> None:
    secret = Secret(CANARY)
    for serialize in (json.dumps, pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError) as caught:
            serialize(secret)
        assert CANARY not in str(caught.value)


def test_secrets_are_compared_and_counted_by_value() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert not Secret("")
    with pytest.raises(TypeError):
        {Secret("a")}
