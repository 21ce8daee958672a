"""A pytest plugin: one line for each row of docs/security-rows.md, with its level and what came of its tests."""

from collections import defaultdict

import pytest

from tests.security.test_rows import LINE, sections

# P0: green before any live key is used. P1: green before version 1.0. The rest has no level.
P0 = {
    "ST": (1, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 18),
    "RD": (1, 2, 3, 5, 7),
    "MX": (1, 2, 3, 6, 8, 9),
    "CR": (1, 3, 4, 5),
    "ER": (3, 6),
    "TE": (1, 2, 3, 6, 7, 8, 10, 13, 20),
    "SR": (1, 3, 4, 5, 6, 7, 10),
    "SE": (1, 4, 5),
    "HD": (3, 4, 7, 11),
    "AZ": (1, 3),
    "CF": (1, 3),
    "DP": (2, 4),
    "RV": (1,),
}
P1 = {
    "ST": (2, 10, 11, 13, 14),
    "RD": (8, 9, 10, 12),
    "MX": (5, 10),
    "CR": (2, 6, 7),
    "ER": (1, 2, 4, 5, 7),
    "TE": (5, 9, 12, 16, 18, 19),
    "SR": (2, 8, 9, 11, 12, 13),
    "SE": (2, 7, 9),
    "HD": (1, 2, 13),
    "AZ": (2, 4, 5),
    "CF": (2, 4),
    "LG": (1, 4),
    "DP": (3, 5, 6, 7),
}


def level(row_id: str) -> str:
    group, _, number = row_id.partition("-")
    return "P0" if int(number) in P0.get(group, ()) else "P1" if int(number) in P1.get(group, ()) else ""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each report know its rows, also those of other processes."""
    for item in items:
        item.user_properties += [("row", row) for mark in item.iter_markers("row") for row in mark.args]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    outcomes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.getreports(outcome):
            for name, row in report.user_properties:
                if name == "row":
                    outcomes[row][outcome] += 1
    terminalreporter.section("security rows")
    covered, later = sections()
    for line in LINE.finditer(covered):
        came = ", ".join(f"{count} {outcome}" for outcome, count in outcomes[line["id"]].items()) or "NOT RUN"
        terminalreporter.write_line(f"{line['id']}  {level(line['id']):2}  {came:24}  {line['text'].strip()}")
    terminalreporter.section("not yet, and why")
    for line in later.splitlines():
        if line.startswith("| ") and not line.startswith("| rows"):
            terminalreporter.write_line("  ".join(part.strip() for part in line.strip("|").split("|")))
