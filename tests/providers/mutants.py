"""Change every key of every declaration, one at a time, and see that a test notices: ``make mutants``.

A change that nobody notices is a survivor: either a test is missing, or there is a reason, which stands here.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectapp.errors import SettingsError
from connectapp.providers.declaration import Declaration
from connectapp.providers.sources import CATALOGUE, read
from tests.providers.mutating import VARIABLE, changed

HERE = Path(__file__).parent
#: Keys that tell people something and the program nothing.
FOR_PEOPLE = ("documentation", "title", "unverified", "countries", "refresh.days_ahead", "modes.by", "name")
#: What of the contract says nothing more of single keys.
SLOW = "nonsense or no_answer or outage or unknown_type"
#: Survivors with a reason, by provider and key.
REASONS: dict[str, str] = {
    "mercadopago: webhook.disconnected": "the body is not signed, so that a message is but a hint whatever it says",
    "clover: token.answer.required": "without an access token nobody can be asked whose account it is: refused too",
}


@dataclass(frozen=True)
class Mutant:
    """A provider's declaration with something changed. :param file: of the catalogue, without ``.toml``."""

    file: str
    key: str
    value: Any

    @property
    def name(self) -> str:
        return self.file.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.file}: {self.key} = {json.dumps(self.value)}"

    def is_noticed(self) -> bool:
        """Whether the schema, a golden test or the contract fails."""
        declaration = read(CATALOGUE / f"{self.file}.toml")
        try:
            changed(declaration, {self.key: self.value})
        except (ValueError, SettingsError):
            return True
        if declaration.kind == "onboarding":
            return self._fails(*sorted(HERE.glob(f"test_{self.file.replace('.', '_')}*.py")))
        golden = sorted(HERE.glob(f"test_golden_{self.name}*.py"))
        contract = [HERE / "test_contract.py", "-k", f"{self.name} and not ({SLOW})"]
        return self._fails(*golden) or self._fails(*contract)

    def _fails(self, *arguments: Any) -> bool:
        options = ["-q", "-x", "--no-cov", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "tests.providers.mutating"]
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *map(str, arguments)],
            cwd=HERE.parents[1],
            env=os.environ | {VARIABLE: json.dumps({"name": self.name, "changes": {self.key: self.value}})},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert run.returncode in {0, 1, 2}, run.stdout[-2000:] + run.stderr[-2000:]
        return run.returncode != 0


def leaves(values: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a declaration that is no table, with its key."""
    if isinstance(values, Mapping):
        for name, value in values.items():
            own = str(name).replace(".", "/")
            yield from leaves(value, f"{key}.{own}" if key else own)
    else:
        yield key, values


def other(value: Any) -> Any:
    """Something else of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value.replace("https://", "https://x") if value.startswith("https://") else f"{value}x"
    return list(value)[1:] if value else ["x"]


def mutants(file: str) -> Iterator[Mutant]:
    """One for each key of a file."""
    declaration: Declaration = read(CATALOGUE / f"{file}.toml")
    for key, value in leaves(declaration.model_dump(exclude_unset=True)):
        if not key.startswith(FOR_PEOPLE) and not key.endswith(".title"):
            yield Mutant(file, key, other(value))


def main(files: list[str]) -> int:
    """Print the survivors; 1 if one has no reason."""
    chosen = files or [path.stem for path in sorted(CATALOGUE.glob("*.toml"))]
    made = [mutant for file in chosen for mutant in mutants(file)]
    survivors = unexplained = 0
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for mutant, noticed in zip(made, pool.map(Mutant.is_noticed, made), strict=True):
            if not noticed:
                reason = REASONS.get(f"{mutant.file}: {mutant.key}")
                survivors, unexplained = survivors + 1, unexplained + (reason is None)
                print(f"survived: {mutant}  {reason or 'WITHOUT A REASON'}", flush=True)
    print(f"{len(made)} changes, {len(made) - survivors} noticed, {survivors} survived")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
