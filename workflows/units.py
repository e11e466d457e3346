"""All units of one service together: what a circuit breaker refuses waits once for all of them, not unit by unit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from operator import attrgetter
from typing import TypeGuard

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from devsync.contracts.collection import UnitCollected
    from devsync.domain.backoff import patience
    from devsync.domain.errors import Failure

UnitOutcome = UnitCollected | Failure


def is_refusal(outcome: UnitOutcome) -> TypeGuard[Failure]:
    """Whether a breaker refused: no call was made, and one may be from `retry_at` on."""
    return isinstance(outcome, Failure) and outcome.retry_at is not None


async def collect_units(
    units: Sequence[str],
    attempt: Callable[[str], Awaitable[UnitOutcome]],
    wait: Callable[[Failure, timedelta], Awaitable[bool]],
) -> dict[str, UnitOutcome]:
    """What became of each unit of one service, by its name; all are tried at once while nothing refuses them.

    A failure with `retry_at` says that a breaker refused the call. Then `wait` is awaited, once, with the latest
    such failure and the least time to wait; afterwards as many units as probes are allowed go first, then the rest.
    Where `wait` returns False, time is up: what has not come by then keeps the failure.
    """
    outcomes: dict[str, UnitOutcome] = {}
    waiting = list(units)
    at_once = len(waiting)
    waits = 0
    while waiting:
        trying, waiting = waiting[:at_once], waiting[at_once:]
        tried = dict(zip(trying, await asyncio.gather(*map(attempt, trying)), strict=True))
        outcomes |= tried
        refused = {unit: outcome for unit, outcome in tried.items() if is_refusal(outcome)}
        if not refused:
            at_once = max(len(waiting), 1)
            waits = 0
            continue
        latest = max(refused.values(), key=attrgetter("retry_at"))
        if not await wait(latest, patience(waits)):
            return outcomes | dict.fromkeys(waiting, latest)
        waits += 1
        waiting = [*refused, *waiting]
        at_once = max(latest.probes_allowed, 1)
    return outcomes
