"""What the sandbox is spared, and that it still guards."""

from temporalio.converter import ActivitySerializationContext, WorkflowSerializationContext
from temporalio.worker import Replayer

from devsync.runtime.plugin import PASSTHROUGH_MODULES, DevSyncPlugin
from devsync.runtime.sandbox import ContextFreeSandbox
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
