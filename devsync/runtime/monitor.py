"""The monitor from outside of its workflow: it is started, asked, and told what people say."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from devsync.contracts import names
from devsync.contracts.monitor import ABOUT, MonitorAnswer, MonitorStart, MonitorView
from devsync.domain.model import Model
from devsync.runtime.breaker.entity import SEAM, across_the_seam
from devsync.runtime.connection import missing_namespace
from devsync.runtime.pollers import is_polled
from devsync.runtime.refusals import NotDone, refusal

ANSWER_TIMEOUT: Final = timedelta(seconds=10)

_SILENT: Final = (*SEAM, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED)
_SILENCE: Final = "no worker answers for the monitor; start one, or look at its log"
_ABSENCE: Final = "the monitor does not run; start it: python starter.py apply"


class MonitorSilent(NotDone):
    """No worker answers for it, or it does not run."""


class MonitorRefused(NotDone):
    """It refused what was said, and nothing has changed."""


class Started(StrEnum):
    """What became of the wish that it runs."""

    CREATED = "created"
    RUNNING = "running already"
    OFF = "switched off by config/monitoring.yaml"


class MonitorOperations:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._handle = client.get_workflow_handle(names.MONITOR_ID)

    async def start(self) -> Started:
        """One that runs already stays as it is."""
        if await self._runs():
            return Started.RUNNING
        await self._client.start_workflow(
            names.HEALTH_MONITOR,
            MonitorStart(),
            id=names.MONITOR_ID,
            task_queue=names.CONTROL_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary="Watches the health of everything, and tells people",
            static_details=ABOUT,
        )
        return Started.CREATED

    async def view(self) -> MonitorView:
        """Raises MonitorSilent, also of one that is over: what it last knew is no answer."""
        await self._expect_a_worker()
        if not await self._runs():
            raise MonitorSilent(_ABSENCE)
        try:
            answer: MonitorView = await self._handle.query(
                "state", result_type=MonitorView, rpc_timeout=ANSWER_TIMEOUT
            )  # fmt: skip
        except WorkflowQueryFailedError as error:
            raise MonitorSilent(_SILENCE) from error
        except RPCError as error:
            raise await self._meaning(error, _SILENCE) from error
        return answer

    async def say(self, update: str, message: Model) -> MonitorAnswer:
        """Raises MonitorRefused and MonitorSilent."""
        await self._expect_a_worker()
        pending = (
            f"no worker has answered for the monitor within {ANSWER_TIMEOUT.total_seconds():g} s, and the next one "
            "that comes may still take what was said; look with: python starter.py alerts list"
        )

        async def once() -> MonitorAnswer:
            answer: MonitorAnswer = await self._handle.execute_update(
                update, message, result_type=MonitorAnswer, rpc_timeout=ANSWER_TIMEOUT
            )
            return answer

        try:
            return await across_the_seam(once)
        except WorkflowUpdateFailedError as error:
            raise refusal(error, MonitorRefused) from error
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise MonitorSilent(pending) from error
        except RPCError as error:
            raise await self._meaning(error, pending) from error

    async def _runs(self) -> bool:
        try:
            monitor = await self._handle.describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND and not missing_namespace(error):
                return False
            raise
        return monitor.status is WorkflowExecutionStatus.RUNNING

    async def _expect_a_worker(self) -> None:
        if not await is_polled(self._client, names.CONTROL_QUEUE):
            raise MonitorSilent("no worker runs that could answer for the monitor; start one")

    async def _meaning(self, error: RPCError, silence: str) -> Exception:
        """What to raise for it; the server's own errors stay what they are."""
        if missing_namespace(error) or error.status not in _SILENT:
            return error
        return MonitorSilent(silence if await self._runs() else _ABSENCE)
