"""The breakers' entity workflows as a process reaches them: one list for all, signals, updates."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, NamedTuple, TypeVar

from pydantic import ValidationError
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError

from devsync.contracts.breaker import (
    CONFIG_MEMO,
    REPORTERS_MEMO,
    STANDING_MEMO,
    AskProbe,
    BreakerStart,
    ProbeAnswer,
    ReportBatch,
)
from devsync.contracts.names import CIRCUIT_BREAKER, CONTROL_QUEUE, breaker_id
from devsync.domain.breaker import BreakerConfig, Standing

T = TypeVar("T")

RPC_TIMEOUT = timedelta(seconds=3)

_RUNNING = f"WorkflowType = '{CIRCUIT_BREAKER}' AND ExecutionStatus = 'Running'"
_TRIES: Final = 4
_BETWEEN_TRIES: Final = 0.15
"""Seconds. Between two runs of an entity, while it continues as new, an update finds nobody at home."""

_log = logging.getLogger("devsync.breaker")


class EntityUnreachable(Exception):
    """The entity, or the whole server, gave no answer."""


class Known(NamedTuple):
    """What an entity tells everybody."""

    standing: Standing
    config: BreakerConfig | None
    reporters: int
    """How many processes have reported to it lately."""


class BreakerEntities:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def known(self) -> dict[str, Known]:
        """By service, from the memos of all running entities: one request. Raises EntityUnreachable."""
        found: dict[str, Known] = {}
        try:
            async for run in self._client.list_workflows(_RUNNING, rpc_timeout=RPC_TIMEOUT):
                if known := await _told_by(run):
                    found[known.standing.service] = known
        except RPCError as error:
            raise EntityUnreachable(f"the Temporal server does not answer ({error.status.name})") from error
        return found

    async def report(self, batch: ReportBatch) -> None:
        """By signal-with-start: the first report makes the entity, and one that was terminated comes back.

        Raises EntityUnreachable; whether the report was taken is then open.
        """
        try:
            await self._client.start_workflow(
                CIRCUIT_BREAKER,
                BreakerStart(service=batch.service),
                id=breaker_id(batch.service),
                task_queue=CONTROL_QUEUE,
                start_signal="report",
                start_signal_args=[batch],
                static_summary=f"The circuit breaker of {batch.service}",
                rpc_timeout=RPC_TIMEOUT,
            )
        except RPCError as error:
            raise EntityUnreachable(f"a report was not taken ({error.status.name})") from error

    async def lease(self, service: str, ask: AskProbe, update_id: str) -> ProbeAnswer:
        """Raises EntityUnreachable where nobody answers, also after some tries."""
        handle = self._client.get_workflow_handle(breaker_id(service))

        async def once() -> ProbeAnswer:
            answer: ProbeAnswer = await handle.execute_update(
                "acquire_probe", ask, id=update_id, result_type=ProbeAnswer, rpc_timeout=RPC_TIMEOUT
            )
            return answer

        return await _across_the_seam(once)


async def _across_the_seam(once: Callable[[], Awaitable[T]]) -> T:
    for remaining in reversed(range(_TRIES)):
        try:
            return await once()
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise EntityUnreachable("no worker answers for it") from error
        except (RPCError, WorkflowUpdateFailedError) as error:
            if not remaining:
                raise EntityUnreachable(f"it gives no probe ({error.cause or error})") from error
        await asyncio.sleep(_BETWEEN_TRIES)
    raise AssertionError("unreachable")


async def _told_by(run: WorkflowExecution) -> Known | None:
    """None where a memo cannot be read: an entity that has just been made, or of a build to come."""
    try:
        standing: Standing = await run.memo_value(STANDING_MEMO, type_hint=Standing)
        config: BreakerConfig | None = await run.memo_value(CONFIG_MEMO, None, type_hint=BreakerConfig)
        reporters: int = await run.memo_value(REPORTERS_MEMO, 1, type_hint=int)
    except (KeyError, ValidationError, RuntimeError) as error:
        _log.debug("the memo of %s cannot be read: %s", run.id, error)
        return None
    return Known(standing, config, reporters)
