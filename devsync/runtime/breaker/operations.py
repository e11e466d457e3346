"""What operators and deploys ask of the breakers' entities; workers have a way of their own."""

from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from devsync.contracts import names
from devsync.contracts.breaker import (
    CONFIG_MEMO,
    STANDING_MEMO,
    BreakerSnapshot,
    BreakerStart,
    Configure,
    Decision,
)
from devsync.domain.breaker import BreakerConfig, Standing
from devsync.runtime.breaker.entity import RUNNING, SEAM, across_the_seam, entity_options, in_memo
from devsync.runtime.connection import missing_namespace
from devsync.runtime.pollers import is_polled
from devsync.runtime.refusals import NotDone, refusal

APPLIED: Final = "as config/services.yaml says"
APPLY_PATIENCE: Final = timedelta(seconds=5)
"""A deploy that has no worker yet shall not wait long."""

ANSWER_TIMEOUT: Final = timedelta(seconds=10)

_UNANSWERED: Final = (*SEAM, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED)
"""What stands for "no worker answers"; other errors of the server are its own."""


class BreakerSilent(NotDone):
    """No worker answers for the breaker. The message says where one that comes may still take what was sent."""


class BreakerRefused(NotDone):
    """The breaker refused what was asked of it, and nothing has changed."""


class Rules(StrEnum):
    """What became of rules that were sent."""

    UNCHANGED = "unchanged"
    CREATED = "created"
    """There was no breaker: it reads its rules from the configuration by itself."""
    CHANGED = "changed"
    LEFT = "left for the next worker"
    """No worker answered: the first one that comes reads them from the configuration."""


class BreakerOperations:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def standings(self) -> dict[str, Standing]:
        """Of all breakers on the server, by service; no worker is needed for it."""
        found: dict[str, Standing] = {}
        async for run in self._client.list_workflows(RUNNING):
            if standing := await in_memo(run, STANDING_MEMO, Standing):
                found[standing.service] = standing
        return found

    async def snapshot(self, service: str) -> BreakerSnapshot | None:
        """None where the service has no breaker yet. Raises BreakerSilent."""
        if await self._running(service) is None:
            return None
        await self._expect_a_worker(service)
        handle = self._client.get_workflow_handle(names.breaker_id(service))
        try:
            answer: BreakerSnapshot = await handle.query(
                "snapshot", result_type=BreakerSnapshot, rpc_timeout=ANSWER_TIMEOUT
            )
        except WorkflowQueryFailedError as error:
            raise BreakerSilent(_silence(service)) from error
        except RPCError as error:
            raise _silent(error, _silence(service)) from error
        return answer

    async def decide(
        self, service: str, update: str, decision: Decision, *, patience: timedelta = ANSWER_TIMEOUT
    ) -> Standing:
        """Sends an update, and makes the breaker where there is none. Raises BreakerSilent, BreakerRefused."""
        await self._expect_a_worker(service)

        async def once() -> Standing:
            start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
                names.CIRCUIT_BREAKER, BreakerStart(service=service), **entity_options(service)
            )
            try:
                standing: Standing = await self._client.execute_update_with_start_workflow(
                    update, decision, start_workflow_operation=start, result_type=Standing, rpc_timeout=patience
                )
            except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):
                with suppress(RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):
                    await start.workflow_handle()  # holds the same error, and asyncio complains if nobody looks
                raise
            return standing

        try:
            return await across_the_seam(once)
        except WorkflowUpdateFailedError as error:
            raise refusal(error, BreakerRefused) from error
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise BreakerSilent(_pending(service, patience)) from error
        except RPCError as error:
            raise _silent(error, _pending(service, patience)) from error

    async def apply_rules(self, service: str, config: BreakerConfig, by: str) -> Rules:
        """The breaker goes by these rules, now or as soon as a worker comes; state, mode and counts stay.

        `config` is what the configuration says, which is read again where no worker answers.
        """
        running = await self._running(service)
        if running is None:
            start = BreakerStart(service=service, config=config)
            await self._client.start_workflow(names.CIRCUIT_BREAKER, start, **entity_options(service))
            return Rules.CREATED
        if await in_memo(running, CONFIG_MEMO, BreakerConfig) == config:
            return Rules.UNCHANGED
        try:
            decision = Configure(by=by, reason=APPLIED, config=config)
            await self.decide(service, "configure", decision, patience=APPLY_PATIENCE)
        except BreakerSilent:
            handle = self._client.get_workflow_handle(names.breaker_id(service))
            await handle.signal("read_rules", Decision(by=by, reason=APPLIED))
            return Rules.LEFT
        return Rules.CHANGED

    async def _running(self, service: str) -> WorkflowExecution | None:
        try:
            entity = await self._client.get_workflow_handle(names.breaker_id(service)).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND and not missing_namespace(error):
                return None
            raise
        return entity if entity.status is WorkflowExecutionStatus.RUNNING else None

    async def _expect_a_worker(self, service: str) -> None:
        """Raises BreakerSilent where nobody has asked for the work of breakers for minutes."""
        if not await is_polled(self._client, names.CONTROL_QUEUE):
            raise BreakerSilent(f"no worker runs that could answer for the breaker of {service}; start one")


def _silent(error: RPCError, message: str) -> Exception:
    """What to raise for it: BreakerSilent where that is what it means, else the error itself."""
    is_silence = error.status in _UNANSWERED and not missing_namespace(error)
    return BreakerSilent(message) if is_silence else error


def _silence(service: str) -> str:
    return f"no worker answers for the breaker of {service}; start one, or look at its log"


def _pending(service: str, patience: timedelta) -> str:
    return (
        f"no worker has answered for the breaker of {service} within {patience.total_seconds():g} s, "
        "and the next one that comes may still take what was sent; start one, or look at its log, "
        f"then: python starter.py breaker show {service}"
    )
