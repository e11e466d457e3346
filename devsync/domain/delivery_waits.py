"""When a delivery tries again: by its schedule, or when it is told to, and how often before it gives up."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from devsync.domain.backoff import Uniform, spread
from devsync.domain.errors import ErrorCategory, Failure

LONGEST_ROW = 10
"""Tries put off in a row before one uses up a step: a service that says "later" for ever ends a delivery, too.

Open deliveries replay with it: another number is a change of their workflow.
"""

SHORTEST_HINT = timedelta(seconds=1)
"""An instant that is over by now is no reason to ask without a pause."""


class DeliveryWaits:
    """The waits between the tries of one delivery: each step of its schedule is used once.

    A try that was put off (throttled, or not made because the service's breaker is open or the service is paused)
    says nothing about the channel: it is repeated when it may be, and the step is kept.
    """

    def __init__(self, steps: Sequence[timedelta], uniform: Uniform) -> None:
        self._steps = list(steps)
        self._uniform = uniform
        self._put_off = 0

    def after(self, failure: Failure | None, now: datetime) -> timedelta | None:
        """The wait after a try that settled nothing; None when the schedule is used up.

        `failure` is why; None for a post that was looked for and is not there. A hint is a floor, never shortened.
        """
        hint = self.hint(failure, now)
        if failure is not None and hint and _is_put_off(failure) and self._put_off < LONGEST_ROW:
            self._put_off += 1
            return hint
        self._put_off = 0
        return max(self._steps.pop(0), hint) if self._steps else None

    def hint(self, failure: Failure | None, now: datetime) -> timedelta:
        """How long the service wants to be left alone, and a random bit longer; nothing where it does not say so. It
        is all that follows from a try that somebody asked for: such a one uses up no step."""
        told = None if failure is None else _told(failure, now)
        return timedelta(0) if told is None else spread(told, self._uniform)


def _is_put_off(failure: Failure) -> bool:
    return failure.category is ErrorCategory.RATE_LIMITING or failure.retry_at is not None


def _told(failure: Failure, now: datetime) -> timedelta | None:
    """How long the service, or its breaker, wants to be left alone; None where neither says so."""
    if failure.retry_at is not None:
        return max(failure.retry_at - now, SHORTEST_HINT)
    return failure.retry_after or None
