"""Histories kept in files: as JSON from the Web UI or the temporal CLI, plain or compressed with gzip."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

from temporalio.client import WorkflowHistory


class NoHistory(Exception):
    """The file cannot be read as a workflow's history; the message says why and what would be one."""


def read_history(path: Path) -> WorkflowHistory:
    """Raises NoHistory."""
    try:
        data = path.read_bytes()
        text = gzip.decompress(data).decode() if path.suffix == ".gz" else data.decode()
        document = json.loads(text)
    except (OSError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise NoHistory(f"{path}: cannot be read ({reason})") from None
    except ValueError:
        raise NoHistory(f"{path}: is no JSON; export it with `temporal workflow show --output json`") from None
    try:
        history = WorkflowHistory.from_json(path.name, document)
    except Exception as error:  # noqa: BLE001 (protobuf's parser raises several kinds)
        raise NoHistory(f"{path}: is no workflow history ({error})") from None
    # A breaker looks at its own id; old servers do not write it down.
    begun = [event.workflow_execution_started_event_attributes.workflow_id for event in history.events[:1]]
    return replace(history, workflow_id="".join(begun) or path.name)
