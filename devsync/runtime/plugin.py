"""One plugin carries converter, interceptors and sandbox passthrough to Client, Worker and Replayer alike.

Give it to the client; workers inherit it from there (given again, interceptors would run twice). The Replayer
gets it directly: production and replay can never differ.
"""

from collections.abc import Sequence

from temporalio.client import ClientConfig
from temporalio.common import HeaderCodecBehavior
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import DataConverter
from temporalio.plugin import SimplePlugin
from temporalio.worker import ReplayerConfig, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from devsync.runtime.activity_errors import ErrorTranslation, KeepError
from devsync.runtime.declared_retry import RetryDeclared
from devsync.runtime.first_beats import FirstBeatsLater
from devsync.runtime.measuring import KeepOperation, Measuring
from devsync.runtime.message_guard import MessageGuard
from devsync.runtime.owners import OwnersTold
from devsync.runtime.payload_codec import KeylessConverter, SealedPayloads
from devsync.runtime.sandbox import ContextFreeSandbox
from devsync.runtime.short_failures import ShortFailures, ShortSealedFailures
from devsync.settings.payload_keys import PayloadKey

PASSTHROUGH_MODULES = ("devsync", "workflows")
"""Workflow code, and what it imports: imported once, not again for each run. Both are deterministic by themselves, and
keep nothing in a module that one run could change for another; what they may not call is checked where it is written
(pyproject.toml): the sandbox guards nothing of theirs but built-ins."""


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
            data_converter=DataConverter(
                payload_converter_class=PydanticPayloadConverter if keys else KeylessConverter,
                failure_converter_class=ShortSealedFailures if keys else ShortFailures,
                payload_codec=SealedPayloads(keys) if keys else None,
            ),
            interceptors=[
                *([Measuring(keep_operation)] if keep_operation else []),  # outermost: it sees errors classified
                ErrorTranslation(keep=keep_error, secrets=secrets),
                FirstBeatsLater(),
                RetryDeclared(),
                OwnersTold(),
                MessageGuard(),
            ],
            workflow_runner=_in_our_sandbox,
        )

    def configure_client(self, config: ClientConfig) -> ClientConfig:
        """Headers are sealed as well: the SDK leaves them readable otherwise."""
        config = super().configure_client(config)
        config["header_codec_behavior"] = HeaderCodecBehavior.CODEC
        return config

    def configure_replayer(self, config: ReplayerConfig) -> ReplayerConfig:
        config = super().configure_replayer(config)
        config["header_codec_behavior"] = HeaderCodecBehavior.CODEC
        return config


def _in_our_sandbox(runner: WorkflowRunner | None) -> WorkflowRunner:
    base = runner.restrictions if isinstance(runner, SandboxedWorkflowRunner) else SandboxRestrictions.default
    return ContextFreeSandbox(restrictions=base.with_passthrough_modules(*PASSTHROUGH_MODULES))
