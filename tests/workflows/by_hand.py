"""What somebody types into a terminal: the real `temporal workflow signal`, against whatever server the test has."""

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowHandle

from sandbox.temporal_cli import temporal_cli


class Typed(NamedTuple):
    """A signal, with the arguments of the command after `--name`, and what the refusal must say."""

    name: str
    arguments: Sequence[str]
    why: str


async def type_in(client: Client, workflow_id: str, name: str, *arguments: str) -> str:
    """What the command says. Raises RuntimeError where it fails."""
    command = [
        str(await temporal_cli()), "workflow", "signal", "--address", client.service_client.config.target_host,
        "--workflow-id", workflow_id, "--name", name, *arguments,
    ]  # fmt: skip
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def says(**fields: Any) -> tuple[str, str]:
    """`--input '{…}'`."""
    return "--input", json.dumps(fields)


def nonsense(name: str, **good: Any) -> list[Typed]:
    """What people get wrong about any signal that takes an object with `by`; `good` is one that would be taken."""
    return [
        Typed(name, [], name),
        Typed(name, [*says(**good), *says(**good)], name),
        Typed(name, ["--input", "yes, please", "--input-meta", "encoding=binary/plain"], "not a"),
        Typed(name, ["--input", '"anna"'], "Input should be an object"),
        Typed(name, ["--input", "null"], ""),
        Typed(name, says(**{field: value for field, value in good.items() if field != "by"}), "by: Field required"),
        Typed(name, says(**good | {"by": " "}), "by: String should have at least 1 character"),
        Typed(name, says(**good | {"by": 5}), "by: Input should be a valid string"),
        Typed(name, says(**good, untill="noon"), "untill: not known here"),
        Typed(f"{name}e", says(**good), f"{name}e"),
    ]


async def all_are_refused(
    handle: WorkflowHandle[Any, Any],
    client: Client,
    typed: Sequence[Typed],
    refused: Callable[[], Awaitable[Sequence[str]]],
) -> None:
    """Each is shown with why, where the query and the Web UI have it; `refused` asks the run for its refused ones."""
    for one in typed:
        before = await refused()
        await type_in(client, handle.id, one.name, *one.arguments)
        after = await refused()
        assert after, one
        assert len(after) > len(before) or after[:-1] == before[1:], one
        assert one.name in after[-1], one
        assert one.why in after[-1], one
        metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
        assert "- Refused" in metadata.current_details, one
