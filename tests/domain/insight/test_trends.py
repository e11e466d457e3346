"""A trend that was put in is found, with its size; noise is not taken for one; too little says so."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devsync.domain.insight.changes import Change, NoChange, change
from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.trends import FEWEST_WEEKS, Direction, Trend, trend
from tests.domain.insight.makers import MONDAY, WORKING_WEEK, daily, series

SEEDS = range(100)


def found(values: Sequence[float | None]) -> Trend:
    answer = trend("errors", series(values))
    assert isinstance(answer, Trend)
    return answer


def test_growth_is_found_with_its_size() -> None:
    answer = found([10 + day for day in range(84)])
    assert (answer.direction, answer.per_week, answer.weeks) == (Direction.RISING, 7.0, 12)
    assert answer.low == answer.high == 7.0
    assert answer.level == 93.0


def test_decline_is_found() -> None:
    assert found(daily(1, at=lambda day: 1 - day / 100)).direction is Direction.FALLING


def test_weekends_are_no_trend() -> None:
    answer = found([100 * WORKING_WEEK[day % 7] for day in range(84)])
    assert (answer.direction, answer.p_value, answer.level) == (Direction.STEADY, 1.0, 130.0)


def test_one_edition_a_week_is_enough_for_a_trend() -> None:
    random = Random(3)
    weekly = [100 + 5 * (day // 7) + random.gauss(0, 4) if day % 7 == 0 else None for day in range(84)]
    answer = found(weekly)
    assert answer.direction is Direction.RISING
    assert answer.low < 5 < answer.high


def test_the_busiest_weekday_gives_the_level_and_its_day() -> None:
    answer = found([100 * WORKING_WEEK[day % 7] + day for day in range(84)])
    assert (answer.level, answer.as_of) == (130.0 + 78, MONDAY + timedelta(days=78))


def test_alike_weeks_count_as_ties() -> None:
    """By hand: 36 pairs rise; the variance is 212.7 - 56.7 = 156, z = 35 / 12.49."""
    weekly = [float(day >= 42) if day % 7 == 0 else None for day in range(84)]
    assert found(weekly).p_value == pytest.approx(0.00507, abs=1e-5)


@pytest.mark.parametrize("mean", [0.5, 10.0, 200.0])
def test_noise_is_taken_for_a_trend_at_most_as_often_as_it_says(mean: float) -> None:
    false = sum(found(daily(seed, mean)).direction is not Direction.STEADY for seed in SEEDS)
    assert false <= 8  # of 100; 5 are promised, and 100 scatter


def test_weeks_that_resemble_the_one_before_are_taken_for_a_trend_hardly_more_often() -> None:
    def lingering(seed: int) -> list[float]:
        random, mood, values = Random(seed), 0.0, list[float]()
        for day in range(84):
            mood = 0.5 * mood + random.gauss(0, 1)
            values.append(max(20 * WORKING_WEEK[day % 7] * (1 + 0.3 * mood), 0.0))
        return values

    false = sum(found(lingering(seed)).direction is not Direction.STEADY for seed in SEEDS)
    assert false <= 10


def test_doubling_in_twelve_weeks_is_found_in_most_noise() -> None:
    def doubling(seed: int) -> list[float]:
        return daily(seed, at=lambda day: 1 + day / 84, burstiness=0.05)

    assert sum(found(doubling(seed)).direction is Direction.RISING for seed in SEEDS) >= 90


@pytest.mark.parametrize(
    "values", [[], [5.0], [None] * 200, [1.0, None] * 3, [float(day) for day in range(7 * FEWEST_WEEKS - 7)]]
)
def test_too_little_is_no_trend_and_no_lack_of_one(values: list[float | None]) -> None:
    answer = trend("errors", series(values))
    assert isinstance(answer, NotEnoughData)
    assert str(answer).startswith("trend of errors: not enough data, ")


@pytest.mark.parametrize("values", [[0.0] * 84, [7.0] * 84, [1e300] * 84], ids=["zeros", "constant", "huge"])
def test_what_never_changes_is_steady(values: list[float]) -> None:
    answer = found(values)
    assert (answer.direction, answer.per_week, answer.p_value, answer.level) == (Direction.STEADY, 0, 1, values[0])


numbers = st.one_of(st.none(), st.floats(0, 1e6), st.integers(0, 3).map(float))


@settings(deadline=None)
@given(st.lists(numbers, min_size=42, max_size=100))
def test_the_same_days_upside_down_have_the_opposite_trend(values: list[float | None]) -> None:
    answer, opposite = (
        trend("x", series(values)),
        trend("x", series([None if value is None else 1e6 - value for value in values])),
    )
    if isinstance(answer, NotEnoughData) or isinstance(opposite, NotEnoughData):
        assert answer == opposite
        return
    assert 0 <= answer.p_value <= 1
    assert answer.low <= answer.per_week <= answer.high
    assert opposite.per_week == pytest.approx(-answer.per_week, abs=1e-6)


def test_the_day_from_which_a_level_lasts_is_found() -> None:
    answer = change("errors", series(daily(2, at=lambda day: 1.0 if day < 50 else 3.0)))
    assert isinstance(answer, Change)
    assert abs(answer.on - (MONDAY + timedelta(days=50))) <= timedelta(days=3)
    assert answer.after > 2 * answer.before


def test_noise_has_no_such_day_and_neither_has_a_burst() -> None:
    found = [change("errors", series(daily(seed))) for seed in SEEDS]
    assert sum(isinstance(one, Change) for one in found) <= 3
    bursts = [change("errors", series(daily(seed, at=lambda day: 8.0 if 40 <= day < 43 else 1.0))) for seed in SEEDS]
    assert sum(isinstance(one, Change) for one in bursts) <= 3


@pytest.mark.parametrize(
    ("values", "kind"),
    [([], NotEnoughData), ([4.0], NotEnoughData), ([0.0] * 84, NoChange), ([5.0] * 84, NoChange)],
)
def test_changes_of_bad_input(values: list[float], kind: type) -> None:
    assert isinstance(change("errors", series(values)), kind)
