"""The wait before the next attempt."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.backoff import next_delay

SECOND = timedelta(seconds=1)


def delay(attempt: int, hint: timedelta | None, share: float) -> float:
    """`share` is where in its range the random number falls."""
    return next_delay(
        attempt,
        hint=hint,
        initial=SECOND,
        factor=2,
        maximum=60 * SECOND,
        uniform=lambda low, high: low + (high - low) * share,
    ).total_seconds()


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_without_a_hint_the_jitter_is_full_and_bounded_by_the_maximum(attempt: int, share: float) -> None:
    assert 0 <= delay(attempt, None, share) <= 60


def test_the_ceiling_grows_by_the_factor_until_the_maximum() -> None:
    assert [delay(attempt, None, 1) for attempt in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


@given(st.integers(1, 100), st.integers(1, 100_000), st.floats(0, 1))
def test_a_hint_is_a_floor_and_never_shortened(attempt: int, hint: int, share: float) -> None:
    assert hint <= delay(attempt, hint * SECOND, share) <= hint + min(hint / 2, 15)


def test_retry_after_thirty_seconds_means_thirty_to_forty_five() -> None:
    assert delay(1, 30 * SECOND, 0) == 30
    assert delay(1, 30 * SECOND, 1) == 45


@pytest.mark.parametrize("seconds", [0, -5])
def test_a_hint_of_no_wait_is_no_hint_or_an_outage_would_be_hammered(seconds: int) -> None:
    assert [delay(attempt, seconds * SECOND, 1) for attempt in (1, 2, 3)] == [1, 2, 4]
