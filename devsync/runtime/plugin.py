"""One plugin carries converter, interceptors and sandbox passthrough to Client, Worker and Replayer alike.

Give it to the client; workers inherit it from there (given again, interceptors would run twice). The Replayer
gets it directly: production and replay can never differ.
"""

import dataclasses
from collections.abc import Sequence

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from devsync.runtime.activity_errors import ErrorTranslation, KeepError
from devsync.runtime.declared_retry import RetryDeclared
from devsync.runtime.measuring import KeepOperation, Measuring
from devsync.runtime.message_guard import MessageGuard
from devsync.runtime.payload_codec import SealedPayloads
from devsync.runtime.sandbox import ContextFreeSandbox
from devsync.runtime.short_failures import ShortFailures, ShortSealedFailures
from devsync.settings.payload_keys import PayloadKey

PASSTHROUGH_MODULES = ("devsync",)
"""What workflow code imports and what is deterministic by itself: imported once, not again for each run."""


class DevSyncPlugin(SimplePlugin):
    """`keep_error` gets every failed attempt of this process's workers, `keep_operation` every attempt that ended and
    its API calls; `secrets` stand in no failure's words. With `keys` payloads are sealed, and failures' words too."""

    def __init__(
        self,
        *,
        keep_error: KeepError | None = None,
        keep_operation: KeepOperation | None = None,
        secrets: Sequence[str] = (),
        keys: Sequence[PayloadKey] = (),
    ) -> None:
        super().__init__(
            "devsync.changelog",
            data_converter=dataclasses.replace(
                pydantic_data_converter,
                failure_converter_class=ShortSealedFailures if keys else ShortFailures,
                payload_codec=SealedPayloads(keys) if keys else None,
            ),
            interceptors=[
                *([Measuring(keep_operation)] if keep_operation else []),  # outermost: it sees errors classified
                ErrorTranslation(keep=keep_error, secrets=secrets),
                RetryDeclared(),
                MessageGuard(),
            ],
            workflow_runner=_in_our_sandbox,
        )


def _in_our_sandbox(runner: WorkflowRunner | None) -> WorkflowRunner:
    base = runner.restrictions if isinstance(runner, SandboxedWorkflowRunner) else SandboxRestrictions.default
    return ContextFreeSandbox(restrictions=base.with_passthrough_modules(*PASSTHROUGH_MODULES))
