"""When an amendment asks again."""

from datetime import UTC, datetime, timedelta

import pytest

from devsync.domain.amendment_waits import AmendmentWaits
from devsync.domain.delivery_waits import LONGEST_ROW
from devsync.domain.errors import ErrorCategory, Failure

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
AWAY = Failure(category=ErrorCategory.NETWORK, message="github cannot be reached", is_retryable=True)


def refused(until: timedelta) -> Failure:
    return Failure(
        category=ErrorCategory.EXTERNAL_SERVICE, message="circuit open", is_retryable=False, retry_at=NOW + until
    )


def after(waits: AmendmentWaits, tries: int, *failures: Failure) -> timedelta:
    return waits.next(tries, 5 * MINUTE, HOUR, failures, NOW)


@pytest.mark.parametrize(
    ("tries", "wait"), [(0, 5 * MINUTE), (1, 10 * MINUTE), (3, 40 * MINUTE), (4, HOUR), (99, HOUR)]
)
def test_it_asks_ever_more_seldom(tries: int, wait: timedelta) -> None:
    assert after(AmendmentWaits(), tries, refused(MINUTE), AWAY) == wait


def test_what_a_breaker_refused_a_person_is_asked_for_when_it_may_be() -> None:
    waits = AmendmentWaits()
    waits.somebody_asks()
    assert after(waits, 1, refused(2 * MINUTE), refused(MINUTE), AWAY) == MINUTE
    assert after(waits, 2, refused(-MINUTE)) == SECOND, "never without a pause"


def test_a_round_that_was_made_is_owed_to_nobody_any_more() -> None:
    waits = AmendmentWaits()
    waits.somebody_asks()
    assert after(waits, 1, AWAY) == 10 * MINUTE
    assert after(waits, 2, refused(MINUTE)) == 20 * MINUTE


def test_a_breaker_that_never_lets_it_through_is_not_asked_for_ever() -> None:
    waits = AmendmentWaits()
    waits.somebody_asks()
    assert [after(waits, 1, refused(MINUTE)) for _ in range(LONGEST_ROW + 1)] == [MINUTE] * LONGEST_ROW + [10 * MINUTE]


def test_one_that_an_operator_holds_open_is_asked_by_the_schedule_alone() -> None:
    waits = AmendmentWaits()
    waits.somebody_asks()
    held = refused(MINUTE).model_copy(update={"is_open_ended": True})
    assert after(waits, 1, held) == 10 * MINUTE
