"""The rules of the house, read from the source with `ast`: who imports whom, how long, how guarded."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "connectapp"
FILES = sorted(path for path in PACKAGE.rglob("*.py"))
MOST_LINES = 300

LEAVES = {"secret", "errors", "values", "logs", "settings"}
# What may be imported from our own package, by the importing module's beginning; the longest beginning counts.
MAY_IMPORT: dict[str, set[str]] = {
    "secret": set(),
    "errors": set(),
    "logs": set(),
    "money": set(),
    "countries": set(),
    "serve": set(),
    "values": {"secret"},
    "settings": {"secret", "errors", "settings_table", "values"},
    "settings_table": {"secret", "values"},
    "oauth": {"oauth"},
    "sandbox": {
        "providers.declaration", "providers.endpoints", "providers.parts", "providers.templates", "sandbox",
    },
    "clock": set(),
    "db": {"clock", "errors", "settings"},
    "tries": {"db"},
    "vault": {"db", "errors", "secret", "settings"},
    "audit": {"db", "logs"},
    "forms": {"errors"},
    "journal": {"errors", "secret", "vault"},
    "jobs": {"db"},
    "worker": {"db", "errors", "jobs", "logs", "settings"},
    "mail": {"db", "jobs", "secret", "settings", "vault"},
    "couriers": {"oauth.errors", "oauth.transport", "secret", "settings", "values"},
    "postman": {"couriers", "db", "errors", "jobs", "mail", "settings", "vault", "worker"},
    "purge": {"db", "mail", "organizers.models", "sessions", "settings", "tries"},
    "http": {"db", "logs", "settings"},
    "sessions": {"db", "settings"},
    "schema": {"db", "errors", "vault"},
    "security": {"organizers.models"},
    "layout": {"providers.interfaces", "settings"},
    "offers": {"countries", "layout", "providers.interfaces"},
    "colours": {"providers.registry"},
    "resources": {"db", "errors", "providers.interfaces", "providers.registry", "security"},
    "error_views": {"errors", "forms", "http"},
    "providers": {
        "countries", "errors", "money", "oauth", "providers.answers", "providers.callbacks", "providers.capabilities",
        "providers.declaration", "providers.effective", "providers.endpoints", "providers.interfaces",
        "providers.oauth2", "providers.parts", "providers.signatures", "providers.sources", "providers.templates",
        "providers.tenants", "providers.webhooks", "secret", "settings",
    },
    "providers.interfaces": {"providers.tenants", "secret"},
    "providers.tenants": set(),
    "providers.templates": {"secret"},
    "providers.parts": {"providers.interfaces"},
    "providers.endpoints": {"providers.parts"},
    "providers.declaration": {"providers.endpoints", "providers.parts", "providers.templates"},
    "providers.registry": {"clock", "errors", "oauth", "providers", "secret", "settings"},
    "organizers": {
        "audit", "db", "errors", "forms", "mail", "organizers", "resources", "security", "sessions", "settings",
        "tries",
    },
    "organizers.models": {"db"},
    "accounts": {
        "accounts", "audit", "db", "errors", "jobs", "organizers.models", "providers.interfaces", "providers.tenants",
        "secret", "vault",
    },
    # Jobs have no request; like `resources`, they find the providers themselves.
    "accounts.chase": {"accounts", "db", "errors", "jobs", "providers.registry", "vault"},
    "accounts.notices": {
        "accounts", "mail", "organizers.models", "providers.interfaces", "providers.registry", "settings",
    },
    "accounts.views": {
        "accounts", "audit", "errors", "layout", "offers", "organizers.models", "providers.capabilities", "resources",
        "security", "vault",
    },
    "connect": {
        "accounts", "audit", "connect", "db", "errors", "journal", "organizers.models", "providers.capabilities",
        "providers.interfaces", "providers.tenants", "secret", "security", "sessions", "settings", "vault",
    },
    "connect.views": {
        "accounts.store", "audit", "connect", "db", "errors", "forms", "journal", "layout", "logs", "resources",
        "security", "settings", "tries", "vault",
    },
    "connect.questions": {"forms", "providers.tenants"},
    "connect.leaving": {
        "connect.attempts", "connect.departure", "connect.flow", "oauth.transport", "providers.interfaces",
        "settings", "vault",
    },
    "payments": {
        "accounts", "audit", "db", "errors", "money", "payments", "providers.capabilities", "secret", "vault",
    },
    "payments.views": {
        "accounts.store", "errors", "payments", "providers.capabilities", "resources", "security", "vault",
    },
    "connect.recovery": {"connect", "db", "journal", "providers.interfaces", "providers.registry", "settings", "vault"},
    "events": {
        "accounts", "audit", "connect.attempts", "countries", "db", "errors", "events", "layout", "money", "offers",
        "organizers.models", "providers.interfaces",
    },
    "events.views": {
        "accounts.uses", "connect.leaving", "db", "errors", "events", "forms", "resources", "security",
    },
    "events.publish_views": {"accounts", "db", "errors", "events", "resources", "security"},
    "migrations": {
        "accounts", "audit", "connect", "db", "events", "jobs", "mail", "organizers", "payments", "sessions", "tries",
        "vault",
    },
    "testing": {
        "", "connect.gates", "db", "errors", "organizers.passwords", "organizers.signin", "providers", "sandbox",
        "schema", "secret", "settings", "testing", "vault", "worker",
    },
    "cli": {
        "db", "errors", "jobs", "oauth.transport", "organizers.passwords", "organizers.signin", "providers.discovery",
        "providers.overview", "providers.reference", "providers_cli", "schema", "settings", "vault", "worker",
    },
    "providers_cli": {"errors", "providers.effective", "providers.sources", "providers.templates", "settings"},
}  # fmt: skip


def module_name(path: Path) -> str:
    """The dotted name below the package; the package itself is ``''``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> dict[str, ast.Module]:
    return {module_name(path): ast.parse(path.read_text()) for path in FILES}


MODULES = modules()
INITS = {module_name(path) for path in FILES if path.name == "__init__.py"}


def imports(name: str) -> Iterator[str]:
    """Our own modules that a module imports, by their dotted name below the package; in functions too."""
    package = name if name in INITS else name.rpartition(".")[0]
    for node in ast.walk(MODULES[name]):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `oauth` alone imports relatively, so that it can be lifted out.
            assert node.level == 0 or (node.level == 1 and starts(name, "oauth")), "imports are absolute"
            source = f"connectapp.{package}.{node.module}" if node.level else node.module
            names = [f"{source}.{alias.name}" for alias in node.names]
        for imported in names:
            if imported.split(".")[0] == "connectapp":
                yield resolved(imported.removeprefix("connectapp").removeprefix("."))


def resolved(name: str) -> str:
    """The module of a dotted name that may go on with what is in the module."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name


def starts(name: str, beginning: str) -> bool:
    return name == beginning or name.startswith(f"{beginning}.")


@pytest.mark.parametrize("name", sorted(set(MODULES) - INITS))
def test_imports_go_one_way(name: str) -> None:
    rule = max((beginning for beginning in MAY_IMPORT if starts(name, beginning)), key=len, default=None)
    assert rule is not None, f"{name} has no rule: say in MAY_IMPORT what it may import"
    for imported in imports(name):
        assert any(starts(imported, allowed) for allowed in MAY_IMPORT[rule]), f"{name} imports {imported}"


@pytest.mark.parametrize("name", sorted(INITS))
def test_packages_name_their_modules_by_dotted_string(name: str) -> None:
    # `main` turns our own errors into an exit code, and imports them when it is called.
    allowed = {"errors"} if name == "" else {imported for imported in imports(name) if name == "sandbox"}
    assert set(imports(name)) <= allowed
    assert [node for node in MODULES[name].body if isinstance(node, ast.ImportFrom) and node.module != "typing"] == []


def test_there_are_no_import_cycles() -> None:
    edges = {name: set(imports(name)) - {name, ""} for name in MODULES}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join((*path, name))
        if name not in done:
            for imported in edges[name]:
                visit(imported, (*path, name))
            done.add(name)

    for name in edges:
        visit(name, ())


def test_views_are_imported_by_nobody() -> None:
    for name in MODULES:
        assert not [imported for imported in imports(name) if imported.endswith("views")], name


def test_providers_do_not_know_each_other() -> None:
    # Whoever plays one provider sees what they share, and none of the others.
    shared = {rule for rule in MAY_IMPORT["providers"] if starts(rule, "providers")}
    for name in MODULES:
        if starts(name, "providers") and name != "providers.registry":
            own = {imported for imported in imports(name) if starts(imported, "providers")}
            assert own <= shared, name


@pytest.mark.parametrize("path", FILES + sorted((ROOT / "tests").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_short(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= MOST_LINES, f"{lines} lines"


def calls(tree: ast.Module, *names: str) -> list[ast.Call]:
    """Calls of functions or methods of these names."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [c for c in found if getattr(c.func, "id", getattr(c.func, "attr", None)) in names]


def test_every_view_names_its_permission() -> None:
    views = [(name, call) for name, tree in MODULES.items() for call in calls(tree, "view_config", "add_view")]
    assert len(views) > 10
    for name, call in views:
        assert "permission" in {keyword.arg for keyword in call.keywords}, f"{name}, line {call.lineno}"


def uses(name: str, *attributes: str) -> bool:
    """Whether a module mentions ``module.attribute``."""
    dotted = {ast.unparse(node) for node in ast.walk(MODULES[name]) if isinstance(node, ast.Attribute)}
    return any(attribute in dotted for attribute in attributes)


def test_only_settings_reads_the_environment() -> None:
    assert [name for name in MODULES if uses(name, "os.environ", "os.getenv")] == ["settings"]


def test_only_db_makes_an_engine() -> None:
    assert [name for name, tree in MODULES.items() if calls(tree, "create_engine")] == ["db"]


def test_only_the_transport_makes_http_calls() -> None:
    clients = {"urllib3", "requests", "httpx", "http.client", "urllib.request", "aiohttp", "socket"}
    for name, tree in MODULES.items():
        found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names} | {
            node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
        }
        if not any(starts(name, place) for place in ("oauth", "sandbox", "testing")):
            assert not found & clients, name


def test_nothing_prints_but_the_command_line() -> None:
    assert [n for n, tree in MODULES.items() if calls(tree, "print") and not starts(n, "sandbox")] == ["cli"]


def test_no_open_ends_are_left_in_the_source() -> None:
    marks = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")))
    for path in FILES:
        assert not marks.search(path.read_text()), path
