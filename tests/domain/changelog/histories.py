"""Real commit histories, read from the shared folder beside the project."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "history"


def rows(name: str) -> list[dict[str, Any]]:
    """The lines of `<owner>__<name>.jsonl.gz`, newest first; skips the test where the data is not at hand."""
    path = FOLDER / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path.name}: the shared histories are not beside the project")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def message_of(row: dict[str, Any]) -> str:
    return f"{row['subject']}\n\n{row['body']}" if row["body"] else str(row["subject"])
