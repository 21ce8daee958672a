"""The conformance kit as the author of a provider runs it, from a directory of their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from connectapp.testing.asking import each, leaves, patch
from connectapp.testing.bench import Bench

ACME = """
name = "acme"
title = "Acme"
charges = true
revoke = "impossible"

[modes]
by = "none"

[authorize]
url = "https://acme.example/authorize"

[token]
url = "https://acme.example/token"

[identify]
url = "https://acme.example/me"
id = "id"

[unverified]
"identify.id" = "from a blog"
"""
ANSWER = {"id": 7, "links": [{"rel": "self"}, {"rel": "go", "href": "here"}], "none": [], "deep": {"er": None}}


def kit(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it for acme."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_", "CONNECTAPP_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "connectapp.testing.plugin"]
    command += ["--connectapp-provider=acme", *options]
    return subprocess.run(command, cwd=directory, env=own, capture_output=True, text=True, timeout=300)


def test_a_file_of_ones_own_passes_and_the_report_says_what_was_not_asked(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(ACME)
    run = kit(tmp_path, "--connectapp-setting=file=acme.toml")
    assert run.returncode == 0, run.stdout[-3000:]
    (told,) = re.findall("^acme: (.*)$", run.stdout, re.MULTILINE)
    reasons = dict(re.findall(r"(?:^|; )([^;]*?) \((\d+)\)", told))
    assert {"no webhooks": "5", "access cannot be given back": "1"}.items() <= reasons.items()
    assert "no PKCE; unverified: identify.id" in told
    counts = re.findall(r"(\d+) (passed|skipped)", run.stdout)
    assert dict(reversed(pair) for pair in counts)["skipped"] == str(sum(map(int, reasons.values())))
    assert "failed" not in run.stdout


def test_secrets_of_a_provider_are_made_up_or_given(tmp_path: Path) -> None:
    more = '[token]\nheaders = { Desk-Key = "{desk_key}" }\n'
    declared = ACME.replace("[token]\n", more) + '\n[secrets.desk_key]\ntitle = "the key of the desk"\n'
    (tmp_path / "acme.toml").write_text(declared)
    given = ("--connectapp-setting=file=acme.toml", "--connectapp-setting=secret.desk_key=given-to-the-kit")
    run = kit(tmp_path, *given, "-k", "linked_by_one_confirmation or declared_hosts_alone or kept_is_sealed")
    assert "3 passed" in run.stdout, run.stdout[-3000:]
    for number, (more, sent) in enumerate([({}, "canary_desk_key_of_acme"), ({"secret.desk_key": "given"}, "given")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        bench = Bench("acme", folder, {"file": str(tmp_path / "acme.toml"), **more})
        try:
            bench.visitor().link()
            (redeemed,) = bench.sandbox.asked("https://acme.example/token")
            assert (redeemed["headers"]["Desk-Key"], redeemed["status"]) == (sent, 200)
        finally:
            bench.close()


def test_a_provider_that_nobody_declares_is_named(tmp_path: Path) -> None:
    run = kit(tmp_path)
    assert run.returncode == 1
    assert "connectapp.providers names 'acme', which is not a provider" in run.stdout


def test_every_value_that_fails_is_named(tmp_path: Path) -> None:
    def ask(value: int) -> None:
        assert value % 2 == 0, f"{value} is odd"

    (tmp_path / "acme.toml").write_text(ACME)
    bench = Bench("acme", tmp_path, {"file": str(tmp_path / "acme.toml")})
    try:
        each(bench, [0, 2, 4], ask)
        with pytest.raises(AssertionError, match=r"(?s)1: 1 is odd.*3: 3 is odd"):
            each(bench, [0, 1, 2, 3], ask)
        with pytest.raises(TypeError) as caught:
            each(bench, ["x"], lambda value: value / 2)
        assert caught.value.__notes__ == ["asked with 'x'"]
    finally:
        bench.close()


def test_each_value_of_an_answer_can_be_replaced() -> None:
    places = [place for place, _ in leaves(ANSWER)]
    assert places == [
        ("id",),
        ("links", 0, "rel"),
        ("links", 1, "rel"),
        ("links", 1, "href"),
        ("none",),
        ("deep", "er"),
    ]
    assert patch(ANSWER, ("deep", "er"), 1) == {"deep": {"er": 1}}
    assert patch(ANSWER, ("links", 1, "href"), "there") == {"links": [{"rel": "self"}, {"rel": "go", "href": "there"}]}
