"""When a limit is met: the date, how sure it is, and where no date can be told."""

from datetime import date, timedelta
from random import Random
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devsync.domain.insight.capacity import FARTHEST, CapacityRow, Metric, Outlook, capacity, capacity_of
from devsync.domain.insight.enough import NotEnoughData
from tests.domain.insight.makers import MONDAY, series

LAST_MONDAY = MONDAY + timedelta(days=77)


def metric(values: list[float | None], limit: float = 180) -> Metric:
    return Metric(name="generation_time", unit="s", limit=limit, series=series(values))


def row(values: list[float | None], limit: float = 180) -> CapacityRow:
    answer = capacity_of(metric(values, limit))
    assert isinstance(answer, CapacityRow)
    return answer


def mondays(first: float, per_week: float, noise: float = 0, seed: int = 1) -> list[float | None]:
    random = Random(seed)
    return [first + per_week * (day // 7) + random.gauss(0, noise) if day % 7 == 0 else None for day in range(84)]


def test_what_grows_meets_its_limit_on_a_day() -> None:
    answer = row(mondays(60, 10))
    assert (answer.now, answer.per_week, answer.outlook) == (170.0, 10.0, Outlook.APPROACHING)
    assert answer.reached_on == answer.earliest == answer.latest == LAST_MONDAY + timedelta(days=7)


def test_noise_makes_the_day_less_sure_and_the_true_one_lies_between() -> None:
    true, held = LAST_MONDAY + timedelta(weeks=(400 - 170) / 10), 0
    for seed in range(40):
        answer = row(mondays(60, 10, noise=15, seed=seed), limit=400)
        assert answer.earliest is not None
        assert answer.reached_on is not None
        assert answer.earliest <= answer.reached_on <= (answer.latest or date.max)
        held += answer.earliest - timedelta(days=14) <= true <= (answer.latest or date.max)
    assert held >= 36


@pytest.mark.parametrize(
    ("values", "outlook", "per_week"),
    [
        (mondays(60, 0), Outlook.SAFE, 0.0),
        (mondays(150, -5), Outlook.SAFE, -5.0),
        (mondays(60, 0.01), Outlook.SAFE, 0.01),
        (mondays(60, 0, noise=20), Outlook.SAFE, 0.0),
        (mondays(180, 0), Outlook.REACHED, 0.0),
        (mondays(100, 10), Outlook.REACHED, 10.0),
    ],
    ids=["steady", "falling", "not within two years", "noise", "at its limit", "beyond it"],
)
def test_without_growth_that_matters_there_is_no_day(
    values: list[float | None], outlook: Outlook, per_week: float
) -> None:
    answer = row(values)
    assert answer.outlook is outlook
    assert answer.per_week == pytest.approx(per_week)
    assert (answer.reached_on is not None) == (outlook is Outlook.REACHED)


def test_noise_alone_never_meets_a_limit() -> None:
    for seed in range(20):
        values = mondays(100, 0, noise=20, seed=seed)
        answer = row(values)
        if answer.per_week == 0:
            assert (answer.outlook, answer.reached_on) == (Outlook.SAFE, None)
            assert answer.now == median(value for value in values if value is not None)


def test_the_busiest_weekday_meets_the_limit_first() -> None:
    answer = row([(100.0 if day % 7 == 1 else 10.0) + day // 7 for day in range(84)], limit=115)
    assert answer.now == 111.0


def test_each_metric_has_its_row_or_says_what_it_lacks() -> None:
    first, second = capacity([metric([1.0, 2.0]), metric(mondays(60, 10))])
    assert isinstance(first, NotEnoughData)
    assert isinstance(second, CapacityRow)


@pytest.mark.parametrize("limit", [0, -5, float("nan"), float("inf")])
def test_an_impossible_limit_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="limit"):
        metric([1.0], limit)


@settings(deadline=None)
@given(st.floats(0, 1e4), st.floats(-100, 100), st.floats(0.001, 1e6))
def test_a_day_that_is_told_is_near_enough_to_be_told(first: float, per_week: float, limit: float) -> None:
    values = [max(one, 0) for one in mondays(first, per_week) if one is not None]
    answer = row([values[day // 7] if day % 7 == 0 else None for day in range(84)], limit)
    for day in (answer.reached_on, answer.earliest, answer.latest):
        assert day is None or LAST_MONDAY <= day <= LAST_MONDAY + FARTHEST + timedelta(days=1)
