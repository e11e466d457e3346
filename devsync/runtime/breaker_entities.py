"""The breakers' entity workflows as a process reaches them: one list for all, signals, updates."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, TypeVar

from pydantic import ValidationError
from temporalio.client import Client, WorkflowExecution, WorkflowUpdateFailedError
from temporalio.exceptions import TemporalError
from temporalio.service import RPCError

from devsync.contracts.breaker import (
    ABOUT,
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

ANSWERED_BY: Final = 3.0
"""Seconds. The SDK's own retries would go on for longer, and nobody would learn that the server is away."""

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
            async with asyncio.timeout(ANSWERED_BY):
                async for run in self._client.list_workflows(_RUNNING):
                    if known := await _told_by(run):
                        found[known.standing.service] = known
        except (RPCError, TimeoutError) as error:
            raise EntityUnreachable(f"the Temporal server does not answer: {_words(error)}") from error
        return found

    async def report(self, batch: ReportBatch) -> None:
        """By signal-with-start: the first report makes the entity, and one that was terminated comes back.

        Raises EntityUnreachable; whether the report was taken is then open.
        """
        try:
            async with asyncio.timeout(ANSWERED_BY):
                await self._client.start_workflow(
                    CIRCUIT_BREAKER,
                    BreakerStart(service=batch.service),
                    id=breaker_id(batch.service),
                    task_queue=CONTROL_QUEUE,
                    start_signal="report",
                    start_signal_args=[batch],
                    static_summary=f"The circuit breaker of {batch.service}",
                    static_details=ABOUT,
                )
        except (RPCError, TimeoutError) as error:
            raise EntityUnreachable(f"a report was not taken: {_words(error)}") from error

    async def lease(self, service: str, ask: AskProbe, update_id: str) -> ProbeAnswer:
        """Raises EntityUnreachable where nobody answers, also after some tries."""
        handle = self._client.get_workflow_handle(breaker_id(service))

        async def once() -> ProbeAnswer:
            answer: ProbeAnswer = await handle.execute_update(
                "acquire_probe", ask, id=update_id, result_type=ProbeAnswer
            )
            return answer

        try:
            async with asyncio.timeout(ANSWERED_BY):
                return await _across_the_seam(once)
        except (TemporalError, TimeoutError) as error:
            raise EntityUnreachable(_words(error)) from error
        except (ValueError, RuntimeError) as error:
            raise EntityUnreachable("its answer cannot be read") from error


async def _across_the_seam(once: Callable[[], Awaitable[T]]) -> T:
    """Tries again where the run that was asked has just ended: another one follows it, or none."""
    for _ in range(_TRIES - 1):
        try:
            return await once()
        except (RPCError, WorkflowUpdateFailedError):
            await asyncio.sleep(_BETWEEN_TRIES)
    return await once()


def _words(error: Exception) -> str:
    if isinstance(error, RPCError):
        return error.status.name.lower()
    if isinstance(error, WorkflowUpdateFailedError):
        return str(error.cause)
    return f"no answer in {ANSWERED_BY:g} s"


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
