"""With PAYLOAD_KEYS Temporal keeps nothing readable, keys rotate under a run that goes on, and people may type."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from google.protobuf.json_format import MessageToDict
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.history.v1 import History
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest
from temporalio.client import Client

from commands.stack import worker_process
from commands.status import runs_of
from devsync.contracts import names
from devsync.contracts.edition import EditionProgress, EditionStatus, Phase
from devsync.runtime.plugin import DevSyncPlugin
from devsync.settings.payload_keys import payload_keys_of
from sandbox.faults import Fault, FaultKind
from sandbox.processes import ChildProcess
from tests.e2e.stage import Stage, eventually

OLD = f"2026-05:{base64.b64encode(os.urandom(32)).decode()}"
NEW = f"2026-11:{base64.b64encode(os.urandom(32)).decode()}"


async def as_kept(client: Client, workflow_id: str) -> History:
    """As the server has it."""
    answer = await client.workflow_service.get_workflow_execution_history(
        GetWorkflowExecutionHistoryRequest(
            namespace=client.namespace, execution=WorkflowExecution(workflow_id=workflow_id), maximum_page_size=1000
        )
    )
    return answer.history


def encodings(part: Any) -> Iterator[str]:
    """Of all payloads in a part of a history, but for search attributes, by which the server finds."""
    if isinstance(part, dict):
        if "encoding" in part.get("metadata", {}):
            yield base64.b64decode(part["metadata"]["encoding"]).decode()
        for name, value in part.items():
            if name != "searchAttributes":
                yield from encodings(value)
    elif isinstance(part, list):
        for value in part:
            yield from encodings(value)


@asynccontextmanager
async def worker(stage: Stage, keys: str, name: str) -> AsyncIterator[ChildProcess]:
    async with worker_process(stage.directory, {**stage.environment, "PAYLOAD_KEYS": keys}, name) as process:
        yield process


async def with_keys(stage: Stage, keys: str) -> Stage:
    """The same stage, whose client has the keys."""
    plugin = DevSyncPlugin(keys=payload_keys_of(keys))
    client = await Client.connect(stage.servers.temporal.address, plugins=[plugin])
    return Stage(stage.directory, stage.servers, stage.sandbox, client, stage.database)


async def test_nothing_readable_is_kept_of_an_edition_and_its_failures(stage: Stage) -> None:
    sealed = await with_keys(stage, NEW)
    repository = stage.sandbox.world.teams[0].repositories[0]
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", status=503, count=1))
    async with worker(stage, NEW, "sealing"):
        result = await sealed.run()
    assert result.status is EditionStatus.COMPLETE
    assert len(stage.messages) > 0
    for workflow_id in (names.edition_id(stage.team, stage.week), stage.delivery(stage.week).id):
        history = await as_kept(stage.client, workflow_id)
        assert set(encodings(MessageToDict(history))) == {"binary/encrypted"}
        kept = history.SerializeToString()
        for readable in (repository.encode(), b"answered 503", b"Changelog of"):
            assert readable not in kept, (workflow_id, readable)
    await stage.until_closed_in_list(result.workflow_id)
    (shown,) = [state.now for run, state in await runs_of(stage.client) if run.id == result.workflow_id]
    assert shown.startswith("what it says cannot be read: it is sealed with the key '2026-11', which PAYLOAD_KEYS")
    _, told, said = await sealed.starter("replay", "--from-server", "--json", PAYLOAD_KEYS=NEW)
    replayed = json.loads(told)
    assert replayed["ok"] > 0, said
    assert [one for one in replayed["failing"] if stage.team in one["workflow_id"]] == [], (
        "other tests' runs are theirs"
    )


async def test_keys_rotate_under_a_run_that_goes_on_when_its_key_is_there_again(stage: Stage) -> None:
    sealed = await with_keys(stage, f"{NEW},{OLD}")
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=4000, count=1))
    async with worker(stage, OLD, "old") as first:
        handle = await (await with_keys(stage, OLD)).start()
        await (await with_keys(stage, OLD)).until_phase(handle, Phase.COLLECTING)
        await first.kill()
    async with worker(stage, NEW, "forgetful"):

        async def is_told() -> bool:
            return (
                b"sealed with the key '2026-05', which PAYLOAD_KEYS does not have"
                in (stage.directory / "forgetful.log").read_bytes()
            )

        await eventually(is_told)
    async with worker(stage, f"{NEW},{OLD}", "rotated"):
        result = await asyncio.wait_for(sealed.client.get_workflow_handle(handle.id).result(), 60)
    assert result["status"] == "complete"
    kept = (await as_kept(stage.client, handle.id)).SerializeToString()
    assert b"2026-05" in kept
    assert b"2026-11" in kept
    assert len(stage.keys) == len(set(stage.keys)) > 0


async def test_what_people_type_is_heard_and_what_nobody_can_open_is_refused(stage: Stage) -> None:
    sealed = await with_keys(stage, NEW)
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=4000, count=1))
    async with worker(stage, NEW, "sealing"):
        handle = await sealed.start()
        await sealed.until_phase(handle, Phase.COLLECTING)
        by_hand = stage.client.get_workflow_handle(handle.id)  # in clear text, as the Web UI sends it
        await by_hand.signal("escalate", {"by": "anna", "reason": "looks wrong"})
        forged = await with_keys(stage, f"2026-11:{base64.b64encode(os.urandom(32)).decode()}")
        await forged.client.get_workflow_handle(handle.id).signal("escalate", {"by": "mallory", "reason": "x"})
        result = await asyncio.wait_for(handle.result(), 60)
        progress: EditionProgress = await handle.query("progress", result_type=EditionProgress)
    assert result.status is EditionStatus.COMPLETE
    assert len(progress.escalations) == 1, "anna's"
    assert len(progress.refused_messages) == 1, "nobody can read whose it is"
