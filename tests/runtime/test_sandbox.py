"""What the sandbox is spared, and that it still guards."""

import time
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from temporalio import workflow
from temporalio.client import Client
from temporalio.converter import ActivitySerializationContext, WorkflowSerializationContext
from temporalio.worker import Replayer, Worker
from temporalio.worker.workflow_sandbox import RestrictedWorkflowAccessError

from devsync.runtime.plugin import PASSTHROUGH_MODULES, DevSyncPlugin
from devsync.runtime.sandbox import ContextFreeSandbox
from sandbox.temporal_server import TemporalServer
from workflows.registry import WORKFLOWS

CONTEXTS = (
    WorkflowSerializationContext(namespace="default", workflow_id="changelog:payments:2026-W47"),
    ActivitySerializationContext(
        namespace="default",
        activity_id="1",
        activity_type="slack.send_part",
        activity_task_queue="service.slack",
        workflow_id="delivery:payments:2026-W47:slack-payments",
        workflow_type="Delivery",
        is_local=False,
    ),
)


def test_no_part_of_our_converter_heeds_a_context() -> None:
    """A codec that does would be given none: devsync/runtime/sandbox.py must go then."""
    config = Replayer(workflows=WORKFLOWS, plugins=[DevSyncPlugin()]).config(active_config=True)
    converter = config["data_converter"]
    assert all(converter.with_context(context) is converter for context in CONTEXTS)
    assert converter.external_storage is None


def test_production_and_replay_run_workflows_in_the_same_sandbox() -> None:
    config = Replayer(workflows=WORKFLOWS, plugins=[DevSyncPlugin()]).config(active_config=True)
    runner = config["workflow_runner"]
    assert isinstance(runner, ContextFreeSandbox)
    assert set(PASSTHROUGH_MODULES) <= runner.restrictions.passthrough_modules


@workflow.defn(name="CallsWhatItMayNot")
class Forbidden:
    """Its module passes through, as ours do."""

    @workflow.run
    async def run(self, what: str) -> str:
        try:
            return str(open(__file__) if what == "open" else time.time())  # noqa: ASYNC230
        except RestrictedWorkflowAccessError:
            return "refused"


async def test_of_a_module_that_passes_through_built_ins_are_guarded_and_other_modules_calls_are_not(
    temporal: TemporalServer,
) -> None:
    """What ruff must find (pyproject.toml, `banned-api`) is the rest."""
    client, queue = await Client.connect(temporal.address, plugins=[DevSyncPlugin()]), f"forbidden-{uuid4()}"
    config = Replayer(workflows=[Forbidden], plugins=[DevSyncPlugin()]).config(active_config=True)
    runner = config["workflow_runner"]
    assert isinstance(runner, ContextFreeSandbox)
    runner = replace(runner, restrictions=runner.restrictions.with_passthrough_modules("tests"))
    found = {}
    async with Worker(client, task_queue=queue, workflows=[Forbidden], workflow_runner=runner):
        for what in ("open", "time"):
            found[what] = await client.execute_workflow(
                Forbidden.run, what, id=f"{queue}-{what}", task_queue=queue, run_timeout=timedelta(seconds=10)
            )
    assert found["open"] == "refused"
    assert float(found["time"]) > 0, "the sandbox lets it: a replay would see another time"
