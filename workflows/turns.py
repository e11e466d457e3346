"""Those who ask one service together: what its circuit breaker refuses waits once for all, not one by one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from operator import attrgetter
from typing import TypeGuard, TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from devsync.domain.backoff import patience
    from devsync.domain.errors import Failure

A = TypeVar("A")


def is_refusal(answer: A | Failure) -> TypeGuard[Failure]:
    """Whether a breaker refused: no call was made, and one may be from `retry_at` on."""
    return isinstance(answer, Failure) and answer.retry_at is not None


async def ask_in_turns(
    units: Sequence[str],
    ask: Callable[[str], Awaitable[A | Failure]],
    wait: Callable[[Failure, timedelta], Awaitable[bool]],
) -> dict[str, A | Failure]:
    """The answer for each unit of one service, by its name; all are asked at once while nothing refuses them.

    A failure with `retry_at` says that a breaker refused the call. Then `wait` is awaited, once, with the latest
    such failure and the least time to wait; afterwards as many units as probes are allowed go first, then the rest.
    Where `wait` returns False, time is up: what has not come by then keeps the failure.
    """
    answers: dict[str, A | Failure] = {}
    waiting = list(units)
    at_once = len(waiting)
    waits = 0
    while waiting:
        asked, waiting = waiting[:at_once], waiting[at_once:]
        answered = dict(zip(asked, await asyncio.gather(*map(ask, asked)), strict=True))
        answers |= answered
        refused = {unit: answer for unit, answer in answered.items() if is_refusal(answer)}
        if not refused:
            at_once = max(len(waiting), 1)
            waits = 0
            continue
        latest = max(refused.values(), key=attrgetter("retry_at"))
        if not await wait(latest, patience(waits)):
            return answers | dict.fromkeys(waiting, latest)
        waits += 1
        waiting = [*refused, *waiting]
        at_once = max(latest.probes_allowed, 1)
    return answers
