"""The pytest plug-in of the conformance kit. It imports nothing of the application before it is asked to.

It is named with ``-p`` and is no entry point: pytest loads each module of a distribution that has one by a loader of
its own, by which Pyramid finds no static files, also in test runs that have nothing to do with the kit.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

OPTION = "--connectapp-provider"
#: The property of a test's report that says which provider was asked, and what its declaration leaves out.
REPORTED = "connectapp provider"

PARTS = ("answers", "life", "link", "onboarding", "proven", "return", "unsigned", "webhooks")
pytest.register_assert_rewrite(*(f"connectapp.testing.contract_{part}" for part in PARTS))


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
    metafunc.parametrize("bench", chosen, ids=[label_of(*one) for one in chosen], indirect=True, scope="session")


def label_of(name: str, settings: dict[str, str]) -> str:
    """How a provider is called in a report, e.g. ``stripe.apps``."""
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
    yield made
    made.close()


def reported(label: str, declaration: Any) -> tuple[str, list[Any]]:
    """The property of reports about a provider: its label, and what of its declaration no question is about."""
    notes = ["no PKCE"] if declaration.pkce == "none" else []
    return REPORTED, [label, notes + [f"unverified: {key}" for key in declaration.unverified]]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Per provider: why questions were not asked, how many for each reason, and what nobody has checked."""
    skipped: dict[str, Counter[str]] = {}
    notes: dict[str, list[str]] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, ()):
            for label, told in (value for name, value in getattr(report, "user_properties", ()) if name == REPORTED):
                notes[label] = told
                reasons = skipped.setdefault(label, Counter())
                if outcome == "skipped":
                    reasons[report.longrepr[2].removeprefix("Skipped: ")] += 1
    if notes:
        terminalreporter.section("what the declarations leave out, so that it was not asked")
        for label in sorted(notes):
            lines = [f"{reason} ({count})" for reason, count in sorted(skipped[label].items())]
            terminalreporter.write_line(f"{label}: {'; '.join([*lines, *notes[label]]) or 'none'}")
