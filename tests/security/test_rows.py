"""docs/security-rows.md and the marks of the tests say the same.

`python -m tests.security.test_rows` writes the tests of each row into the document.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
DOCUMENT = TESTS.parent / "docs/security-rows.md"
LINE = re.compile(r"^\| (?P<id>[A-Z]{2}-\d\d) \| (?P<text>[^|]+) \| (?P<tests>[^|]*) \|$", re.MULTILINE)
LATER = re.compile(r"^\| (?P<ids>[A-Z]{2}-\d\d[^|]*) \| [^|]+ \| [^|]+ \|$", re.MULTILINE)


def row_ids(decorators: list[ast.expr]) -> Iterator[str]:
    for decorator in decorators:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.row":
            for argument in decorator.args:
                assert isinstance(argument, ast.Constant), ast.unparse(decorator)
                yield argument.value


def marked() -> dict[str, list[str]]:
    """The tests of each row, ``module::name``."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        module = ".".join(path.relative_to(TESTS).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for row_id in row_ids(node.decorator_list):
                    found[row_id].append(f"{module}::{node.name}")
    return found


def cell(tests: list[str]) -> str:
    return ", ".join(f"`{test}`" for test in tests)


def later(text: str) -> set[str]:
    """The rows that do not apply yet; a cell may hold several, and ranges with three dots."""
    found = set()
    for line in LATER.finditer(text):
        for part in line["ids"].split(","):
            first, _, last = part.strip().partition(" … ")
            group, _, start = first.partition("-")
            end = int(last.rpartition("-")[2]) if last else int(start)
            found |= {f"{group}-{number:02}" for number in range(int(start), end + 1)}
    return found


def sections() -> tuple[str, str]:
    """The rows that tests cover, and those that do not apply yet."""
    covered, _, rest = DOCUMENT.read_text(encoding="utf-8").partition("\n## Not yet\n")
    return covered, rest


def test_every_row_has_its_tests_and_every_mark_its_row() -> None:
    listed = {line["id"]: line["tests"] for line in LINE.finditer(sections()[0])}
    tests = marked()
    assert set(listed) == set(tests)
    wrong = [row_id for row_id, text in listed.items() if text != cell(tests[row_id])]
    assert wrong == [], f"run `python -m tests.security.test_rows`: {wrong}"


def test_a_row_is_listed_once() -> None:
    covered, rest = sections()
    ids = [line["id"] for line in LINE.finditer(covered)]
    assert len(ids) == len(set(ids))
    assert later(rest)
    assert not later(rest) & set(ids)


def test_the_rows_of_a_group_have_no_gap() -> None:
    """A row that nobody tests is at least named, with the reason."""
    covered, rest = sections()
    known = {line["id"] for line in LINE.finditer(covered)} | later(rest)
    for group in {row_id.partition("-")[0] for row_id in known}:
        numbers = sorted(int(row_id[3:]) for row_id in known if row_id.startswith(group))
        assert numbers == list(range(1, numbers[-1] + 1)), group


def test_what_is_promised_is_tested() -> None:
    promised = (TESTS.parent / "docs/threat-model.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b[A-Z]{2}-\d\d\b", promised))
    assert len(named) > 40
    assert named <= {line["id"] for line in LINE.finditer(sections()[0])}


def write() -> None:
    """Put the marks of the tests into the document."""
    tests = marked()
    covered, rest = sections()
    filled = LINE.sub(lambda line: f"| {line['id']} | {line['text']} | {cell(tests[line['id']])} |", covered)
    DOCUMENT.write_text(f"{filled}\n## Not yet\n{rest}", encoding="utf-8")


if __name__ == "__main__":
    write()
