"""A provider from a package of somebody else: `examples/connectapp-acme`, in an environment of its own."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectapp.vault import new_key_line

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/connectapp-acme"
COMMAND = "import sys; from connectapp.cli import main; sys.exit(main())"
START = "import sys; from pyramid.paster import get_app; get_app(sys.argv[1]); print(*sorted(sys.modules))"


@dataclass
class Environment:
    """A virtual environment with connectapp and these packages."""

    directory: Path

    def run(self, code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run Python code in a process of the environment that has none of our settings."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTAPP_")}
        environ["PYTHONPATH"] = str(ROOT)  # for `tests.support`
        command = [self.directory / "bin/python", "-c", code, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environ, cwd=self.directory)

    def connectapp(self, *arguments: str | Path) -> str:
        done = self.run(COMMAND, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def install(self, sources: Path) -> None:
        """Build and install a package, without network."""
        pip = [sys.executable, "-m", "pip", "--python", self.directory / "bin/python", "--disable-pip-version-check"]
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
        subprocess.run([*pip, "install", *options, sources], check=True, capture_output=True, timeout=300)


def variant(directory: Path, name: str, old: str, new: str) -> Path:
    """The sources of the example under another name, with a part of its module changed."""
    copy = directory / f"connectapp-{name}"
    shutil.copytree(EXAMPLE, copy)
    module = copy / "connectapp_acme.py"
    text = module.read_text()
    assert old in text
    (copy / f"connectapp_{name}.py").write_text(text.replace(old, new).replace('name="acme"', f'name="{name}"'))
    module.unlink()
    project = copy / "pyproject.toml"
    project.write_text(project.read_text().replace("acme", name))
    return copy


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Acme as it is, one package that fails when it is imported, and one that was made for another connectapp."""
    directory = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory], check=True, timeout=120)
    made = Environment(directory)
    (site_packages,) = (directory / "lib").glob("python*/site-packages")
    ours = sysconfig.get_path("purelib")
    (site_packages / "connectapp-and-all-it-needs.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    sources = tmp_path_factory.mktemp("sources")
    made.install(shutil.copytree(EXAMPLE, sources / EXAMPLE.name))
    made.install(variant(sources, "broken", "API_VERSION = 1", 'raise RuntimeError("no such luck")'))
    made.install(variant(sources, "outdated", "API_VERSION = 1", "API_VERSION = 0"))
    return made


@pytest.fixture
def ini(environment: Environment, tmp_path: Path) -> Path:
    """The ini of an application that does not name Acme, with its database."""
    keys = tmp_path / "keys"
    keys.touch(mode=0o600)
    keys.write_text(new_key_line())
    file = tmp_path / "site.ini"
    file.write_text(
        f"""[app:main]
use = egg:connectapp
connectapp.environment = development
connectapp.url = http://localhost:6543
connectapp.database_url = sqlite:///{tmp_path}/db.sqlite
connectapp.vault.key_file = {keys}
connectapp.journal_dir = {tmp_path}/journal
connectapp.worker.embedded = false
connectapp.providers = stripe
"""
    )
    environment.connectapp("migrate", file)
    return file


def name_in(ini: Path, provider: str) -> None:
    ini.write_text(ini.read_text().replace("providers = stripe", f"providers = stripe {provider}"))


@pytest.mark.row("CF-07")
def test_what_the_ini_does_not_name_does_not_run(environment: Environment, ini: Path) -> None:
    done = environment.run(START, ini)
    assert done.returncode == 0, done.stderr
    modules = done.stdout.split()
    assert "connectapp.providers.stripe" in modules
    assert not [name for name in modules if name.startswith("connectapp_")]

    listed = environment.connectapp("providers", "list", ini)
    assert "acme  not used  from the package connectapp-acme\n" in listed
    assert "broken  not used  from the package connectapp-broken\n" in listed
    shown = environment.run(COMMAND, "providers", "show", ini, "broken")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "add it to connectapp.providers" in shown.stderr


@pytest.mark.row("CF-07")
def test_what_the_ini_names_is_a_provider(environment: Environment, ini: Path) -> None:
    name_in(ini, "acme")
    done = environment.run(START, ini)
    assert done.returncode == 0, done.stderr
    assert "connectapp_acme" in done.stdout.split()

    assert "acme  Acme  test  from the package connectapp-acme" in environment.connectapp("providers", "list", ini)
    shown = environment.connectapp("providers", "show", ini, "acme")
    assert "test: redirect URI http://localhost:6543/connect/acme/callback\n" in shown
    assert "live: redirect URI http://localhost:6543/connect/acme/callback\n" in shown
    assert "test: webhook URL  http://localhost:6543/connect/acme/webhook\n" in shown
    assert 'url = "https://sandbox.acme.example/oauth/authorize"\n' in shown


def test_an_account_is_linked_with_it(environment: Environment, tmp_path: Path) -> None:
    done = environment.run("from tests.functional import third_party_app as app; app.main()", tmp_path)
    assert done.returncode == 0, done.stderr
    provider, mode, external_id, status = done.stdout.split()
    assert (provider, mode, status) == ("acme", "test", "active")
    assert re.fullmatch(r"am_[a-z0-9]{1,40}", external_id)


def test_it_passes_the_conformance_kit(environment: Environment) -> None:
    kit = ["-q", "-p", "no:cacheprovider", "-p", "connectapp.testing.plugin", "--connectapp-provider=acme"]
    done = environment.run(f"import sys, pytest; sys.exit(pytest.main({kit}))")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "what the declarations leave out" in done.stdout


@pytest.mark.row("CF-07")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("broken", "the package connectapp-broken: the provider broken cannot be loaded: no such luck"),
        (
            "outdated",
            "the package connectapp-outdated is for another version of connectapp: its API_VERSION is not 1",
        ),
    ],
)
def test_a_package_that_does_not_fit_stops_the_start(environment: Environment, ini: Path, name: str, says: str) -> None:
    name_in(ini, name)
    done = environment.run(START, ini)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{says}\n"
    checked = environment.run(COMMAND, "check-config", ini)
    assert (checked.returncode, checked.stderr) == (1, f"{says}\n")
