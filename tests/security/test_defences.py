"""Each defence earns its place: without it, some test of its rows fails."""

import os
import re
import subprocess
import sys

import pytest

from tests.security.defences import DEFENCES, VARIABLE, Defence
from tests.security.test_rows import TESTS, marked
from tests.support.rows import missing


def modules(defence: Defence) -> set[str]:
    """The files with the tests that guard it; a browser is not needed to see it."""
    named = {row: tests for row, tests in marked().items() if row in defence.rows}
    files = {f"tests/{test.partition('::')[0].replace('.', '/')}.py" for tests in named.values() for test in tests}
    for path in TESTS.rglob("test_*.py"):
        if any(f"def {row}(" in path.read_text(encoding="utf-8") for row in defence.rows if row.startswith("test_")):
            files.add(str(path.relative_to(TESTS.parent)))
    return {file for file in files if not file.startswith("tests/browser/")}


@pytest.mark.parametrize("name", DEFENCES)
def test_its_absence_is_noticed(name: str) -> None:
    pytest_run = [sys.executable, "-m", "pytest", "-q", "-x", "--no-cov", "-p", "no:cacheprovider", "-p", "no:xdist"]
    run = subprocess.run(
        [*pytest_run, "-p", "tests.security.without", *sorted(modules(DEFENCES[name]))],
        cwd=TESTS.parent,
        env=os.environ | {VARIABLE: name},
        capture_output=True,
        text=True,
        timeout=180,
    )
    if re.search(r"^\d+ skipped", run.stdout, re.MULTILINE):
        missing("what the tests need that would notice is not on this machine")
    assert run.returncode == 1, run.stdout[-2000:]
    assert re.search(r"^1 failed", run.stdout, re.MULTILINE), run.stdout[-2000:]
