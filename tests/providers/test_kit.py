"""The conformance kit as the author of a provider runs it, from a directory of their own."""

import os
import subprocess
import sys
from pathlib import Path

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
"""


def kit(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it for acme."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_", "CONNECTAPP_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "connectapp.testing.plugin"]
    command += ["--connectapp-provider=acme", *options]
    return subprocess.run(command, cwd=directory, env=own, capture_output=True, text=True, timeout=300)


def test_a_file_of_ones_own_passes_and_the_report_says_what_it_leaves_out(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(ACME)
    run = kit(tmp_path, "--connectapp-setting=file=acme.toml")
    assert run.returncode == 0, run.stdout[-3000:]
    assert "acme: no webhooks; access cannot be given back" in run.stdout
    assert " passed" in run.stdout
    assert "failed" not in run.stdout


def test_a_provider_that_nobody_declares_is_named(tmp_path: Path) -> None:
    run = kit(tmp_path)
    assert run.returncode == 1
    assert "connectapp.providers names 'acme', which is not a provider" in run.stdout
