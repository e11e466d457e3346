"""Forecasts against what came, against the naive one, and where there is nothing to forecast from."""

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.forecasts import (
    CONFIDENCE,
    FEWEST_DAYS,
    HELD_OUT,
    LONGEST,
    Forecast,
    forecast,
    same_weekday,
)
from devsync.domain.insight.smoothing import best_fit
from tests.domain.changelog import histories
from tests.domain.insight.makers import MONDAY, TWELVE_WEEKS, WORKING_WEEK, daily, series


def forecast_of(values: list[float], days: int = HELD_OUT) -> Forecast:
    answer = forecast("errors", series(values), days)
    assert isinstance(answer, Forecast)
    return answer


def mean_mase(many: list[list[float]]) -> float:
    found = [forecast_of(values).back_test.mase for values in many]
    return fmean(mase for mase in found if mase is not None)


def test_weekdays_go_on_as_they_were() -> None:
    values = [round(20 * WORKING_WEEK[day % 7]) * 1.0 for day in range(TWELVE_WEEKS)]
    answer = forecast_of(values)
    assert [day.expected for day in answer.days] == pytest.approx(values[:14], abs=0.01)
    assert answer.days[0].day == MONDAY + timedelta(days=TWELVE_WEEKS)
    assert answer.back_test.mean_absolute_error == pytest.approx(0, abs=0.01)
    assert (answer.back_test.mase, answer.back_test.within) == (None, 1.0)


def test_it_goes_on_from_the_day_of_the_week_on_which_the_series_ends() -> None:
    values = [round(20 * WORKING_WEEK[day % 7]) * 1.0 for day in range(TWELVE_WEEKS + 3)]
    assert [day.expected for day in forecast_of(values).days][:4] == pytest.approx(values[3:7], abs=0.01)


def test_growth_is_followed_and_not_for_ever() -> None:
    values = [50.0 + day for day in range(TWELVE_WEEKS)]
    assert forecast_of(values).days[0].expected > 120
    ahead = list(best_fit(values).forecast(LONGEST))
    assert 130 < ahead[0] < ahead[-1] < 150


@pytest.mark.parametrize("mean", [1.5, 12.0])
@pytest.mark.parametrize(
    "at",
    [lambda _: 1.0, lambda day: 2.0 - day / 84, lambda day: 6.0 if 40 <= day < 45 else 1.0],
    ids=["steady", "declining", "burst"],
)
def test_the_last_two_weeks_are_forecast_better_than_as_a_week_before(mean: float, at: Callable[[int], float]) -> None:
    teams = [daily(seed, mean, at=at) for seed in range(20)]
    assert mean_mase(teams) <= 1.0
    tests = [forecast_of(values).back_test for values in teams]
    assert fmean(one.mean_absolute_error for one in tests) < fmean(one.naive_error for one in tests)


def test_growth_and_lasting_changes_are_forecast_better_than_the_naive_forecast_does() -> None:
    """Where the noise grows with the level, the error by the noise of before may exceed 1: both are measured alike."""
    for at in (lambda day: 1 + day / 84, lambda day: 1.0 if day < 45 else 2.0):
        tests = [forecast_of(daily(seed, 12, at=at)).back_test for seed in range(20)]
        assert fmean(one.mean_absolute_error for one in tests) < 0.85 * fmean(one.naive_error for one in tests)


def test_nine_of_ten_days_lie_within_their_intervals() -> None:
    days = seen = 0
    for seed in range(30):
        values = daily(seed, 8, TWELVE_WEEKS + HELD_OUT)
        for day, came in zip(forecast_of(values[:TWELVE_WEEKS]).days, values[TWELVE_WEEKS:], strict=True):
            days += 1
            seen += day.low <= came <= day.high
    assert CONFIDENCE - 0.05 <= seen / days <= CONFIDENCE + 0.05


def test_quiet_days_have_narrower_intervals_than_busy_ones() -> None:
    days = forecast_of(daily(4, 20)).days
    monday, sunday = days[0], days[6]
    assert monday.high - monday.low > 2 * (sunday.high - sunday.low)


def test_the_days_that_are_held_out_are_not_known_to_what_they_judge() -> None:
    week = [20.0, 22.0, 21.0, 19.0, 18.0, 2.0, 1.0]
    answer = forecast_of([*week * 10, *[10 * count for count in week] * 2])
    assert answer.back_test.mean_absolute_error == pytest.approx(9 * fmean(week), rel=0.01)
    assert answer.back_test.within == 0


def test_commits_of_real_projects_are_forecast_better_than_as_a_week_before() -> None:
    many: list[list[float]] = []
    for name in ("temporalio__sdk-python", "apache__calcite", "orhun__git-cliff", "conventional-changelog__commitlint"):
        counts = Counter(datetime.fromisoformat(row["committed_at"]).date() for row in histories.rows(name))
        ends = [max(counts) - timedelta(days=28 * back) for back in range(12)]
        periods = [[float(counts[_before(end, ago)]) for ago in range(TWELVE_WEEKS, 0, -1)] for end in ends]
        many += [values for values in periods if sum(values[:-HELD_OUT]) >= 20 and sum(values) >= 40]
    assert len(many) >= 20
    assert mean_mase(many) <= 1.0


def _before(end: date, days: int) -> date:
    return end - timedelta(days=days)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ([], "days"),
        ([5.0], "days"),
        ([5.0] * (FEWEST_DAYS - 1), "days"),
        ([0.0] * 84, "events"),
        ([0.0] * 83 + [19.0], "events"),
        ([5.0] * 60 + [None] + [5.0] * 20, "days"),
    ],
)
def test_too_little_is_not_forecast(values: list[float | None], what: str) -> None:
    answer = forecast("errors of github", series(values))
    assert isinstance(answer, NotEnoughData)
    assert answer.what == what


@pytest.mark.parametrize("days", [0, -1, LONGEST + 1])
def test_so_many_days_cannot_be_forecast(days: int) -> None:
    with pytest.raises(ValueError, match="cannot be forecast"):
        forecast("errors", series([5.0] * 84), days)


def test_what_never_changes_goes_on() -> None:
    answer = forecast_of([5.0] * FEWEST_DAYS)
    assert {(round(day.low, 6), round(day.expected, 6), round(day.high, 6)) for day in answer.days} == {(5, 5, 5)}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.integers(0, 4), st.integers(0, 5000)).map(float), min_size=FEWEST_DAYS, max_size=100))
def test_whatever_the_counts_every_interval_holds_what_is_expected_and_nothing_is_below_zero(
    values: list[float],
) -> None:
    answer = forecast("errors", series(values), LONGEST)
    if isinstance(answer, Forecast):
        assert all(0 <= day.low <= day.expected <= day.high < 1e6 for day in answer.days)
        assert 0 <= answer.back_test.within <= 1


def test_the_naive_forecast_is_the_week_before() -> None:
    assert same_weekday([9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 9) == [1, 2, 3, 4, 5, 6, 7, 1, 2]


def test_smoothing_alone_follows_a_weekday_that_changes() -> None:
    values = [10.0 if day < 60 or day % 7 else 30.0 for day in range(TWELVE_WEEKS)]
    ahead = list(best_fit(values).forecast(7))
    assert ahead[0] > 1.3 * max(ahead[1:])
