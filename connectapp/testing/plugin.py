"""The pytest plug-in of the conformance kit. It imports nothing of the application before it is asked to.

It is named with ``-p`` and is no entry point: pytest loads each module of a distribution that has one by a loader of
its own, by which Pyramid finds no static files, also in test runs that have nothing to do with the kit.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

OPTION = "--connectapp-provider"

pytest.register_assert_rewrite(*(f"connectapp.testing.contract_{part}" for part in ("answers", "life", "link")))


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("connectapp", "conformance of payment providers")
    group.addoption(
        OPTION, action="append", default=[], metavar="NAME", help="run the contract for this provider; may be repeated"
    )
    group.addoption(
        "--connectapp-setting",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting of the provider, e.g. file=acme.toml or variable.region=eu; may be repeated",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption(OPTION):
        contract = str(Path(__file__).with_name("run.py"))
        given = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
        config.args[:] = [*given, contract]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The contract's tests run once for each provider that was named, or that their class names."""
    if "bench" not in metafunc.fixturenames or metafunc.cls is None or not hasattr(metafunc.cls, "providers"):
        return
    named = [(name, _settings(metafunc.config)) for name in metafunc.config.getoption(OPTION)]
    chosen = metafunc.cls.providers(metafunc.config) or named
    metafunc.parametrize("bench", chosen, ids=[name_of(*one) for one in chosen], indirect=True, scope="session")


def name_of(name: str, settings: dict[str, str]) -> str:
    """How a provider is called in a report, e.g. ``stripe (apps)``."""
    return f"{name}.{settings['variant']}" if "variant" in settings else name


def _settings(config: pytest.Config) -> dict[str, str]:
    pairs = (one.partition("=") for one in config.getoption("--connectapp-setting"))
    return {key: value for key, _, value in pairs}


@pytest.fixture(scope="session")
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The application with one provider, and the sandbox that plays it (`connectapp.testing.bench.Bench`)."""
    from connectapp.testing.bench import Bench

    name, settings = request.param
    made = Bench(name, tmp_path_factory.mktemp(name), settings)
    request.config.stash.setdefault(LEFT_OUT, {})[name_of(name, settings)] = left_out(made.declaration)
    yield made
    made.close()


LEFT_OUT: pytest.StashKey[dict[str, list[str]]] = pytest.StashKey()


def left_out(declaration: Any) -> list[str]:
    """What a declaration does not say, and what nobody has checked, for the report."""
    lacking = [
        (declaration.webhook is None, "no webhooks"),
        (bool(declaration.webhook and not declaration.webhook.disconnected), "no message about disconnecting"),
        (declaration.revoke == "impossible", "access cannot be given back"),
        (declaration.readiness is None, "does not tell whether an account is ready"),
        (declaration.refresh.rule == "never", "nothing to refresh"),
        (declaration.pkce == "none", "no PKCE"),
    ]
    return [text for lacks, text in lacking if lacks] + [f"unverified: {key}" for key in declaration.unverified]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Per provider: what its declaration leaves out."""
    told = config.stash.get(LEFT_OUT, {})
    if told and config.getoption(OPTION):
        terminalreporter.section("what the declarations leave out")
        for name, lines in told.items():
            terminalreporter.write_line(f"{name}: {'; '.join(lines) or 'nothing'}")
