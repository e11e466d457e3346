"""The breakers' entity workflows as a process reaches them: one list for all, signals, updates."""

import asyncio
from typing import Final, NamedTuple

from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import TemporalError
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
from devsync.contracts.names import CIRCUIT_BREAKER, breaker_id
from devsync.domain.breaker import BreakerConfig, Standing
from devsync.runtime.breaker.entity import RUNNING, across_the_seam, entity_options, in_memo

ANSWERED_BY: Final = 3.0
"""Seconds. The SDK's own retries would go on for longer, and nobody would learn that the server is away."""


class EntityUnreachable(Exception):
    """The entity, or the whole server, gave no answer."""


class Known(NamedTuple):
    """What an entity tells everybody."""

    standing: Standing
    config: BreakerConfig | None
    reporters: int
    """How many processes have reported to it lately."""


class BreakerLink:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def known(self) -> dict[str, Known]:
        """By service, from the memos of all running entities: one request. Raises EntityUnreachable."""
        found: dict[str, Known] = {}
        try:
            async with asyncio.timeout(ANSWERED_BY):
                async for run in self._client.list_workflows(RUNNING):
                    if standing := await in_memo(run, STANDING_MEMO, Standing):
                        config = await in_memo(run, CONFIG_MEMO, BreakerConfig)
                        found[standing.service] = Known(standing, config, await in_memo(run, REPORTERS_MEMO, int) or 1)
        except (RPCError, TimeoutError) as error:
            raise EntityUnreachable(f"the Temporal server does not answer: {_words(error)}") from error
        return found

    async def report(self, batch: ReportBatch, config: BreakerConfig) -> None:
        """By signal-with-start: the first report makes the entity, and one that was terminated comes back.

        `config` is by which it goes then until it has read its own; the defaults might open it at once.

        Raises EntityUnreachable; whether the report was taken is then open.
        """
        try:
            async with asyncio.timeout(ANSWERED_BY):
                await self._client.start_workflow(
                    CIRCUIT_BREAKER,
                    BreakerStart(service=batch.service, config=config),
                    start_signal="report",
                    start_signal_args=[batch],
                    **entity_options(batch.service),
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
                return await across_the_seam(once)
        except (TemporalError, TimeoutError) as error:
            raise EntityUnreachable(_words(error)) from error
        except (ValueError, RuntimeError) as error:
            raise EntityUnreachable("its answer cannot be read") from error


def _words(error: Exception) -> str:
    if isinstance(error, RPCError):
        return error.status.name.lower()
    if isinstance(error, WorkflowUpdateFailedError):
        return str(error.cause)
    return f"no answer in {ANSWERED_BY:g} s"
