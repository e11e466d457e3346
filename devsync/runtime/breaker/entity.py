"""How a breaker's entity is made, found and read; who asks what of it stands in the modules beside."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypedDict, TypeVar

from pydantic import ValidationError
from temporalio.client import WorkflowExecution
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from devsync.contracts import names
from devsync.contracts.breaker import ABOUT
from devsync.runtime.open_runs import open_runs

T = TypeVar("T")

RUNNING: Final = open_runs(names.CIRCUIT_BREAKER)
"""The query that lists all of them."""

SEAM: Final = (RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.NOT_FOUND, RPCStatusCode.ABORTED)
"""What an update meets between two runs of an entity, while it continues as new: nobody has taken it."""

_TRIES: Final = 5
_BETWEEN_TRIES: Final = 0.2
"""Seconds."""

_log = logging.getLogger("devsync.breaker")


class EntityOptions(TypedDict):
    id: str
    task_queue: str
    id_conflict_policy: WorkflowIDConflictPolicy
    static_summary: str
    static_details: str


def entity_options(service: str) -> EntityOptions:
    """With which it is started; one that runs already stays."""
    return {
        "id": names.breaker_id(service),
        "task_queue": names.CONTROL_QUEUE,
        "id_conflict_policy": WorkflowIDConflictPolicy.USE_EXISTING,
        "static_summary": f"The circuit breaker of {service}",
        "static_details": ABOUT,
    }


async def in_memo(run: WorkflowExecution, key: str, kind: type[T]) -> T | None:
    """What the memo of an entity has under the key.

    None where the memo does not say it: one that was made a moment ago, of a build to come, or not ours.
    """
    try:
        value: T = await run.memo_value(key, type_hint=kind)
    except (KeyError, ValidationError, RuntimeError) as error:
        _log.debug("the memo of %s has no %s that can be read: %s", run.id, key, error)
        return None
    return value


async def across_the_seam(once: Callable[[], Awaitable[T]]) -> T:
    """Tries an update again where the run that was asked has just ended: another one follows it, or none."""
    for _ in range(_TRIES - 1):
        try:
            return await once()
        except RPCError as error:
            if error.status not in SEAM:
                raise
        await asyncio.sleep(_BETWEEN_TRIES)
    return await once()
