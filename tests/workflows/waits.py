"""Until a run is where a test wants it, on the server that skips time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import WorkflowHandle

from tests.e2e.stage import eventually
from tests.workflows.office import Office

V = TypeVar("V")


async def until_idle(handle: WorkflowHandle[Any, Any]) -> None:
    """Until a run waits for no activity.

    The server that skips time cannot cancel an activity that ends in the same moment: it refuses the workflow's answer
    with ACTIVITY_UNKNOWN, and never asks it again. The real one asks again.
    """
    while (await handle.describe()).raw_description.pending_activities:
        await asyncio.sleep(0.01)


async def until_recorded(delivery: WorkflowHandle[Any, Any], office: Office, times: int) -> None:
    """Until deliveries have put so much on record, and this one is idle: a newer revision would cancel its record."""
    while len(office.delivery_records) < times:
        await asyncio.sleep(0.01)
    await until_idle(delivery)


async def until_between_tries(handle: WorkflowHandle[Any, Any]) -> None:
    """Until the run waits for one activity alone, which has failed: nothing ends while it is cancelled.

    (See `until_idle`.)
    """
    pending: Sequence[PendingActivityInfo] = ()
    while len(pending) != 1 or not pending[0].HasField("last_failure"):
        pending = (await handle.describe()).raw_description.pending_activities
        await asyncio.sleep(0.01)


async def until_view(view: Callable[[], Awaitable[V]], is_so: Callable[[V], bool]) -> V:
    """Until what a run answers is so; the answer."""
    found: list[V] = []

    async def is_there() -> bool:
        # The server never answers a query whose run continues as new at that moment.
        with suppress(TimeoutError):
            found[:] = [await asyncio.wait_for(view(), 2)]
        return bool(found) and is_so(found[0])

    await eventually(is_there)
    return found[0]
