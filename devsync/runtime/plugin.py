"""One plugin carries converter, interceptors and sandbox passthrough to Client, Worker and Replayer alike.

Give it to the client; workers inherit it from there (given again, interceptors would run twice). The Replayer
gets it directly: production and replay can never differ.
"""

import dataclasses

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from devsync.runtime.activity_errors import ErrorTranslation
from devsync.runtime.message_guard import MessageGuard

PASSTHROUGH_MODULES = ("devsync",)
"""What workflow code imports and what is deterministic by itself: imported once, not again for each run."""


class DevSyncPlugin(SimplePlugin):
    def __init__(self) -> None:
        super().__init__(
            "devsync.changelog",
            data_converter=pydantic_data_converter,
            interceptors=[ErrorTranslation(), MessageGuard()],
            workflow_runner=_pass_our_modules_through,
        )


def _pass_our_modules_through(runner: WorkflowRunner | None) -> WorkflowRunner:
    if isinstance(runner, SandboxedWorkflowRunner):
        restrictions = runner.restrictions.with_passthrough_modules(*PASSTHROUGH_MODULES)
        return dataclasses.replace(runner, restrictions=restrictions)
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSTHROUGH_MODULES)
    )
