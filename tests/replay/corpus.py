"""The recorded histories: where they lie and how they are read.

`histories/` has a folder for each release whose runs may still be open, and `unreleased`, which alone is ever
recorded again (`python -m tests.replay.record`). At a release `unreleased` takes the release's name; a folder goes
when no run of its age can be open any more.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

HISTORIES = Path(__file__).parent / "histories"
UNRELEASED = HISTORIES / "unreleased"

STARTED = "workflowExecutionStartedEventAttributes"


def files() -> list[Path]:
    """Every history of the corpus, named `{story}.{workflow type}.json.gz`."""
    return sorted(HISTORIES.glob("*/*.json.gz"))


def read(path: Path) -> WorkflowHistory:
    """Under the id that the run had: a breaker looks at its own."""
    history = document(path)
    return WorkflowHistory.from_json(history["events"][0][STARTED]["workflowId"], history)


def document(path: Path) -> dict[str, Any]:
    """The history as plain JSON."""
    loaded: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return loaded


def write(path: Path, history: dict[str, Any]) -> None:
    """The same history gives the same bytes."""
    text = json.dumps(history, separators=(",", ":"), sort_keys=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def workflow_type(path: Path) -> str:
    return path.name.split(".")[1].split("-")[0]


def event_types(path: Path) -> Iterator[str]:
    """As the Web UI names them, without the prefix: `ACTIVITY_TASK_SCHEDULED`."""
    for event in document(path)["events"]:
        yield event["eventType"].removeprefix("EVENT_TYPE_")
