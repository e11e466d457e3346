"""The clock of a breaker's entity: the machine is pure, and somebody must tell it that its time has come."""

from collections.abc import Callable
from contextlib import suppress

from temporalio import workflow

from devsync.domain.breaker import Breaker
from workflows.breaker.story import next_tick


async def until_the_next_tick(breaker: Breaker, is_over: Callable[[], bool]) -> None:
    """Sleeps until something is due, or until `is_over`.

    One timer for all that is waited for, replaced only by an earlier one: a report must not cost timer events.
    """
    armed_for = breaker.next_tick_at

    def may_end() -> bool:
        due = breaker.next_tick_at
        is_sooner = due is not None and (armed_for is None or due < armed_for)
        return is_sooner or is_over()

    with suppress(TimeoutError):
        await workflow.wait_condition(
            may_end,
            timeout=None if armed_for is None else armed_for - workflow.now(),
            timeout_summary=None if armed_for is None else next_tick(breaker.standing, armed_for),
        )
