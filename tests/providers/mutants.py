"""Change every key of every declaration, one at a time, and see that a test notices: ``make mutants``.

A change that nobody notices is a survivor: either a test is missing, or there is a reason, which stands here.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from connectapp.errors import SettingsError
from connectapp.providers.declaration import Declaration
from connectapp.providers.sources import CATALOGUE, read
from connectapp.testing.plugin import OPTION
from tests.providers.mutating import VARIABLE, changed

HERE = Path(__file__).parent
#: Keys that tell people something and the program nothing.
FOR_PEOPLE = (
    "documentation", "title", "unverified", "countries", "refresh.days_ahead", "modes.by", "name", "colour",
    "registering",
)  # fmt: skip
#: Questions of the kit that say nothing more of single keys.
SLOW = "nonsense_in_an_answer or no_answer or outage or unknown_type or is_down or provider_refuses or somewhere_else"
#: Survivors with a reason, by provider and key, or by key alone.
REASONS: dict[str, str] = {
    "refresh.rule": "whether the same one comes or another, the one that comes counts",
    "stripe.onboarding: identify.auth": "Stripe takes its key as a bearer token and as a user (docs.stripe.com/api)",
    "mercadopago: webhook.disconnected": "the body is not signed, so that a message is but a hint whatever it says",
    "clover: token.answer.required": "without an access token nobody can be asked whose account it is: refused too",
    "paypal: use.platform.Authorization": "PayPal is always asked with a token: that there is one says what proves it",
    "razorpay: scopes.presets.read_only": "the set has the name of its only scope, which is sent as the admin said it",
    "square: revoke.auth": "the header and the field that Square wants are said by themselves",
    "square: token.answer.expiry": "the field has the name that is understood in every form",
    "stripe: scopes.presets.read_only": "the same",
    "stripe.apps: token.answer.lifetime": "one second more of an hour, of which the answer itself tells nothing",
}


@dataclass(frozen=True)
class Mutant:
    """A provider's declaration with something changed. :param file: of the catalogue, without ``.toml``."""

    file: str
    key: str
    value: Any

    @property
    def changes(self) -> dict[str, Any]:
        """What is changed; nothing, for a mutant that is none."""
        return {self.key: self.value} if self.key else {}

    def __str__(self) -> str:
        return f"{self.file}: {self.key} = {json.dumps(self.value)}"

    def is_noticed(self) -> bool:
        """Whether the schema, a golden test or the kit fails."""
        try:
            changed(read(CATALOGUE / f"{self.file}.toml"), self.changes)
        except (ValueError, SettingsError):
            return True
        name, _, variant = self.file.partition(".")
        patterns = (f"test_golden_{name}*.py", f"test_{self.file.replace('.', '_')}*.py")
        golden = {path for pattern in patterns for path in HERE.glob(pattern)}
        kit = [f"{OPTION}={name}", *([f"--connectapp-setting=variant={variant}"] if variant else [])]
        return bool(golden and self._fails(*sorted(golden))) or self._fails(*kit, "-k", f"not ({SLOW})")

    def _fails(self, *arguments: Any) -> bool:
        options = ["-q", "-x", "--no-cov", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "tests.providers.mutating"]
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *map(str, arguments)],
            cwd=HERE.parents[1],
            env=os.environ | {VARIABLE: json.dumps({"file": self.file, "changes": self.changes})},
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


def others(declaration: Declaration, key: str, value: Any) -> list[Any]:
    """Something else for a key; where only some words are allowed, each of them."""
    made = other(value)
    try:
        changed(declaration, {key: made})
    except ValidationError as error:
        told = " ".join(str(one.get("ctx", {}).get("expected", "")) for one in error.errors())
        return [word for word in re.findall("'([^']+)'", told) if word != value] or [made]
    except ValueError:
        pass  # it goes with something else
    return [made]


def mutants(file: str) -> Iterator[Mutant]:
    """One for each key of a file, or more."""
    declaration: Declaration = read(CATALOGUE / f"{file}.toml")
    for key, value in leaves(declaration.model_dump(exclude_unset=True)):
        if not key.startswith(FOR_PEOPLE) and not key.endswith((".title", ".example")):
            yield from (Mutant(file, key, made) for made in others(declaration, key, value))


def main(files: list[str]) -> int:
    """Print the survivors; 1 if one has no reason, 2 if the tests fail anyway."""
    chosen = files or [path.stem for path in sorted(CATALOGUE.glob("*.toml"))]
    if broken := [file for file in chosen if Mutant(file, "", None).is_noticed()]:
        print(f"fails without any change: {', '.join(broken)}")
        return 2
    made = [mutant for file in chosen for mutant in mutants(file)]
    survivors = unexplained = 0
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for mutant, noticed in zip(made, pool.map(Mutant.is_noticed, made), strict=True):
            if not noticed:
                reason = REASONS.get(f"{mutant.file}: {mutant.key}") or REASONS.get(mutant.key)
                survivors, unexplained = survivors + 1, unexplained + (reason is None)
                print(f"survived: {mutant}  {reason or 'WITHOUT A REASON'}", flush=True)
    print(f"{len(made)} changes, {len(made) - survivors} noticed, {survivors} survived")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
