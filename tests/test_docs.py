"""The documentation keeps up with the code."""

import configparser
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectapp.providers import overview, reference, sources
from connectapp.providers.oauth2 import OAuth2Provider
from connectapp.settings import SANDBOX, ProviderSettings, load
from connectapp.settings_table import FREE_PARTS, INI_SETTINGS, PROVIDER_SETTINGS, SETTINGS, Setting

ROOT = Path(__file__).parent.parent
FOLDERS = [path for part in ("docs", "examples") for path in (ROOT / part).rglob("*.md")]
PAGES = sorted([*ROOT.glob("*.md"), *FOLDERS, ROOT / "tests" / "README.md"])


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


@pytest.mark.parametrize("setting", [*SETTINGS, *PROVIDER_SETTINGS, *INI_SETTINGS], ids=lambda setting: setting.key)
def test_every_setting_is_documented(setting: Setting) -> None:
    row = rows("settings.md")[setting.key]
    variable = setting.variable if setting in SETTINGS else setting.key.upper()
    assert row[1] == f"`{variable}`"
    assert setting in INI_SETTINGS or row[3] in defaults(setting)
    assert ("secret" in row[2]) == setting.secret
    assert len(row[4]) > 20
    assert ("In development the sandbox's" in row[4]) == (setting.key in SANDBOX)


def test_what_the_ini_leaves_out_of_a_provider_is_documented() -> None:
    addresses = {key: f"https://acme.example/{key}" for key in ("authorize_url", "token_url", "account_url")}
    declared = sources.find("acme", ProviderSettings("acme", ini=addresses)).declaration
    shown = {setting.key: rows("settings.md")[setting.key][3] for setting in INI_SETTINGS}
    assert {key for key, default in shown.items() if default == "required"} == set(addresses)
    assert declared.title == "Acme"
    assert declared.revoke == "impossible"
    assert {key: default for key, default in shown.items() if default.startswith("`")} == {
        "token_auth": f"`{declared.token.auth}`",
        "pkce": f"`{declared.pkce}`",
        "account_id": f"`{declared.identify.id[0]}`",
        "account_name": f"`{declared.identify.name[0]}`",
        "charges": f"`{str(declared.charges).lower()}`",
    }


def test_no_setting_is_documented_that_does_not_exist() -> None:
    known = {setting.key for setting in (*SETTINGS, *PROVIDER_SETTINGS, *INI_SETTINGS)}
    assert set(rows("settings.md")) == known | {f"{part.key}.NAME" for part in FREE_PARTS}


@pytest.mark.parametrize("part", FREE_PARTS, ids=lambda part: part.key)
def test_which_of_the_declarations_settings_are_secrets_is_documented(part: Setting) -> None:
    row = rows("settings.md")[f"{part.key}.NAME"]
    assert row[1] == f"`{part.key.upper()}_NAME`"
    assert ("secret" in row[2]) == ("In development the sandbox's" in row[4]) == part.secret


def test_every_provider_says_how_to_register() -> None:
    for path in sources.CATALOGUE.glob("*.toml"):
        variant = path.name.count(".") > 1  # which is registered as its provider says
        assert variant or len(sources.read(path).registering) > 60, path.name


def overview_page() -> str:
    return overview.markdown(ROOT / "docs/providers")


@pytest.mark.parametrize(
    ("page", "command", "made"),
    [
        ("provider-declaration.md", "reference", reference.markdown),
        ("provider-declaration.schema.json", "schema", reference.schema),
        ("providers.md", "overview docs/providers", overview_page),
    ],
)
def test_what_is_made_of_the_models_is_up_to_date(page: str, command: str, made: Callable[[], str]) -> None:
    same = (ROOT / "docs" / page).read_text() == f"{made()}\n"
    assert same, f"run `connectapp providers {command} > docs/{page}`"


def examples(language: str) -> list[str]:
    """The blocks of code of one language in docs/add-a-provider.md."""
    page = (ROOT / "docs" / "add-a-provider.md").read_text()
    return re.findall(rf"^```{language}\n(.+?)^```$", page, re.MULTILINE | re.DOTALL)


def test_the_ini_that_adds_a_provider_does() -> None:
    lines = examples("ini")[0].replace("…", "p" * 20).splitlines()
    assert len(lines) == 10
    settings = load(dict(line.split(" = ") for line in lines), {})
    assert [problem for problem in settings.problems if "provider.acme" in problem] == []
    assert sources.find("acme", settings.provider["acme"]).told_by == "the ini"


def test_the_declarations_that_add_a_provider_do() -> None:
    declared, *more, project = examples("toml")
    values = tomllib.loads(declared)
    assert sources.checked(values, "acme.toml").title == "Acme"
    for part in more:
        for key, table in tomllib.loads(part).items():
            values[key] = values.get(key, {}) | table
        assert sources.checked(values, "acme.toml") != sources.checked(tomllib.loads(declared), "acme.toml")
    example = tomllib.loads((ROOT / "examples/connectapp-acme/pyproject.toml").read_text())
    for table, content in tomllib.loads(project).items():
        assert content.items() <= example[table].items()


def test_the_modules_that_add_a_provider_do() -> None:
    package: dict[str, Any] = {}
    module: dict[str, Any] = {}
    for code, names in zip(examples("python"), (package, module), strict=True):
        exec(code, names)
    assert package["API_VERSION"] == sources.API_VERSION
    assert package["DECLARATION"].name == "acme"
    assert issubclass(module["PROVIDER"], OAuth2Provider)


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
