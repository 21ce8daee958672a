"""A small JSON file that survives a crash at any moment."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any


def read_state(path: Path) -> dict[str, Any]:
    """The object in the file.

    :raises ValueError: it is not a JSON object.
    """
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON; delete it to start afresh") from error
    if not isinstance(state, dict):
        raise ValueError(f"{path} is not a JSON object; delete it to start afresh")
    return state


def write_state(path: Path, text: str) -> None:
    """Replace the file in one step; readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
