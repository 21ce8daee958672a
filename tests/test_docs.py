"""The documentation keeps up with the code."""

import configparser
import re
from pathlib import Path

import pytest

from connectapp.settings import load
from connectapp.settings_table import PROVIDER_SETTINGS, SETTINGS, Setting

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "tests" / "README.md"])


def rows(page: str) -> dict[str, list[str]]:
    """The table rows of a page that begin with a word in backquotes, by that word."""
    lines = (ROOT / "docs" / page).read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return {row[0].strip("`"): row for row in cells}


def defaults(setting: Setting) -> set[str]:
    if setting.required:
        return {"required"}
    shown = setting.default or ""
    return {f"`{shown}`"} if shown else {"none", "certifi's", "its first"}


@pytest.mark.parametrize("setting", [*SETTINGS, *PROVIDER_SETTINGS], ids=lambda setting: setting.key)
def test_every_setting_is_documented(setting: Setting) -> None:
    row = rows("settings.md")[setting.key]
    variable = setting.variable if setting in SETTINGS else setting.key.upper()
    assert row[1] == f"`{variable}`"
    assert row[3] in defaults(setting)
    assert ("secret" in row[2]) == setting.secret
    assert len(row[4]) > 20


def test_no_setting_is_documented_that_does_not_exist() -> None:
    assert set(rows("settings.md")) == {setting.key for setting in (*SETTINGS, *PROVIDER_SETTINGS)}


def test_every_provider_is_documented() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "providers.md").read_text(), re.MULTILINE)
    modules = [p for p in (ROOT / "connectapp" / "providers").glob("*.py") if "\nDECLARATION = " in p.read_text()]
    assert modules
    for module in modules:
        title = re.search(r'title="([^"]+)"', module.read_text())
        assert title, module
        assert title[1] in headings


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


def test_the_commands_of_the_readme_are_targets() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = set(re.findall(r"(?:^|`)make ([a-z]+)[`\n]", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {"serve", "test"} <= used <= targets


@pytest.mark.parametrize("name", ["development.ini", "production.ini"])
def test_ini_files_use_settings_that_exist(name: str) -> None:
    parser = configparser.ConfigParser(defaults={"here": "."}, delimiters="=")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(ROOT / name)
    problems = load(dict(parser["app:main"]), {}).problems
    assert [problem for problem in problems if "missing" not in problem] == []


@pytest.mark.parametrize("name", ["production.ini", "README.md"])
def test_variables_that_are_named_exist(name: str) -> None:
    known = {setting.variable for setting in SETTINGS}
    known |= {f"CONNECTAPP_PROVIDER_STRIPE_{setting.key.upper()}" for setting in PROVIDER_SETTINGS}
    assert set(re.findall(r"CONNECTAPP_[A-Z_]+[A-Z]", (ROOT / name).read_text())) <= known
