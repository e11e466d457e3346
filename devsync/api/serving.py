"""The small activity worker of a program: one activity, on the program's own queue, which runs its steps."""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Final
from weakref import WeakKeyDictionary

from temporalio import activity
from temporalio.worker import Worker

from devsync.api.core import Core
from devsync.contracts.activities import PROGRAM_STEP
from devsync.contracts.names import program_queue
from devsync.contracts.recovery import StepRequest, StepResult

AT_ONCE: Final = 100
"""Steps that one process runs at the same time; the others wait for their turn, or for another process of the name."""
_BEAT_SECONDS: Final = 2.0
_TRIED_AGAIN_SECONDS: Final = 5.0

_log = logging.getLogger("devsync.api")


class ProgramWorker:
    """Lives on the core's loop until the core is closed. Processes of the same name share the queue: what one that has
    died has not done, another does."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._running: asyncio.Task[None] | None = None
        self._beginning = asyncio.Lock()

    async def serve(self) -> None:
        """Until it asks for work. Raises TemporalUnreachable."""
        async with self._beginning:
            if self._running is not None and not self._running.done():
                return
            worker = Worker(
                await self._core.client(),
                task_queue=program_queue(self._core.program),
                activities=[self.run_step],
                max_concurrent_activities=AT_ONCE,
                # Else a sign of life is told so late that the next one hardly comes in time.
                max_heartbeat_throttle_interval=timedelta(seconds=_BEAT_SECONDS),
            )
            self._running = asyncio.create_task(_serve(worker))
            self._core.stack.push_async_callback(_stop, worker, self._running)

    async def serve_when_possible(self) -> None:
        """The same, also where Temporal is away for now: steps may wait from before this process began."""
        told = ""
        while True:
            try:
                await self.serve()
                return
            except Exception as error:  # noqa: BLE001 (tried again, whatever it is)
                if str(error) != told:
                    told = str(error)
                    _log.warning("recovery steps of %s are not served yet: %s", self._core.program, error)
                await asyncio.sleep(_TRIED_AGAIN_SECONDS)

    @activity.defn(name=PROGRAM_STEP.name)
    async def run_step(self, request: StepRequest) -> StepResult:
        """The step of a frozen plan that the request names; beats while the process lives, whatever the step does."""
        beating = asyncio.create_task(_beat())
        try:
            return await self._core.steps.run(request)
        finally:
            beating.cancel()


def worker_of(core: Core) -> ProgramWorker:
    """The one of that core: a program has one queue, whoever puts steps on it."""
    return _workers.setdefault(core, ProgramWorker(core))


_workers: WeakKeyDictionary[Core, ProgramWorker] = WeakKeyDictionary()


class _OwnSteps(logging.Filter):
    """For the logger `temporalio.activity`, which other work of the program uses as well: how steps of ours fail is
    told where they are run."""

    def filter(self, record: logging.LogRecord) -> bool:
        about = getattr(record, "temporal_activity", None)
        return not (isinstance(about, dict) and about.get("activity_type") == PROGRAM_STEP.name)


logging.getLogger("temporalio.activity").addFilter(_OwnSteps())


async def _serve(worker: Worker) -> None:
    try:
        await worker.run()
    except Exception:  # noqa: BLE001 (told, and begun again by the next recovery)
        _log.exception("recovery steps are no longer served; the next recovery begins anew")


async def _stop(worker: Worker, running: "asyncio.Task[None]") -> None:
    if not running.done():
        with suppress(Exception):
            await worker.shutdown()
        await running


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(_BEAT_SECONDS)
