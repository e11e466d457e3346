"""When a delivery tries again."""

from datetime import UTC, datetime, timedelta

import pytest

from devsync.domain.delivery_waits import LONGEST_ROW, DeliveryWaits
from devsync.domain.errors import ErrorCategory, Failure

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
STEPS = (5 * SECOND, MINUTE, 10 * MINUTE)

AWAY = Failure(category=ErrorCategory.NETWORK, message="slack cannot be reached", is_retryable=True)
BROKEN = AWAY.model_copy(update={"category": ErrorCategory.EXTERNAL_SERVICE, "retry_after": 2 * MINUTE})


def throttled(hint: timedelta | None) -> Failure:
    return Failure(category=ErrorCategory.RATE_LIMITING, message="429", is_retryable=True, retry_after=hint)


def refused_until(retry_at: datetime) -> Failure:
    return Failure(
        category=ErrorCategory.EXTERNAL_SERVICE, message="circuit open", is_retryable=False, retry_at=retry_at
    )


def waits(share: float = 0.0) -> DeliveryWaits:
    """`share` is where in its range each random number falls."""
    return DeliveryWaits(STEPS, lambda low, high: low + (high - low) * share)


@pytest.mark.parametrize("failure", [AWAY, throttled(None), throttled(timedelta(0)), None])
def test_each_step_is_waited_once_and_then_it_is_over(failure: Failure | None) -> None:
    schedule = waits()
    assert [schedule.after(failure, NOW) for _ in range(4)] == [*STEPS, None]


def test_a_hint_makes_a_step_longer_never_shorter() -> None:
    schedule = waits()
    assert [schedule.after(BROKEN, NOW) for _ in STEPS] == [2 * MINUTE, 2 * MINUTE, 10 * MINUTE]


@pytest.mark.parametrize(
    ("failure", "hint"),
    [
        (throttled(MINUTE), MINUTE),
        (throttled(10 * SECOND), 10 * SECOND),
        (refused_until(NOW + 5 * MINUTE), 5 * MINUTE),
        (refused_until(NOW - MINUTE), SECOND),
    ],
)
def test_a_try_that_was_put_off_is_spread_behind_its_hint_and_keeps_the_step(failure: Failure, hint: timedelta) -> None:
    assert waits(0).after(failure, NOW) == hint
    schedule = waits(1)
    assert schedule.after(failure, NOW) == hint + min(hint / 2, 15 * SECOND)
    assert [schedule.after(AWAY, NOW) for _ in range(4)] == [*STEPS, None]


def test_what_is_put_off_for_ever_uses_up_a_step_each_time_a_row_is_full() -> None:
    schedule = waits()
    told = [schedule.after(throttled(SECOND), NOW) for _ in range((LONGEST_ROW + 1) * len(STEPS) + LONGEST_ROW + 1)]
    row = [SECOND] * LONGEST_ROW
    assert told == [*row, STEPS[0], *row, STEPS[1], *row, STEPS[2], *row, None]


def test_a_try_that_somebody_asked_for_has_its_hint_and_uses_up_no_step() -> None:
    schedule = waits(0)
    asked_for = [schedule.hint(failure, NOW) for failure in (throttled(MINUTE), AWAY, None)]
    assert asked_for == [MINUTE, timedelta(0), timedelta(0)]
    assert [schedule.after(AWAY, NOW) for _ in range(4)] == [*STEPS, None]
