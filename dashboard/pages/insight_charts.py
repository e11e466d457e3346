"""The charts of insight: what was, what is expected, and the limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from statistics import median
from typing import Final

from dashboard.charts import Chart, Line, Look, days, limit
from dashboard.outlook import Outlook
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.insight.capacity import Metric
from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.forecasts import CONFIDENCE
from devsync.domain.insight.series import WEEK
from devsync.domain.insight.trends import Direction, Trend, trend

SHOWN_WEEKS: Final = 6
"""Of the past, beside a forecast."""
AHEAD: Final = timedelta(weeks=8)
"""A line of growth is drawn on for so long."""
METRIC_WORDS: Final[Mapping[str, str]] = {
    "generation_time": "Generation time",
    "memory": "Memory",
    "api_quota.github": "GitHub's quota",
}
_NOTES: Final[Mapping[str, str]] = {
    "generation_time": "Median of a day's editions.",
    "memory": "The highest peak of a worker while it made an edition.",
    "api_quota.github": "Calls in the busiest hour of each day; the limit is that of one user's token.",
}


def forecast_chart(found: Outlook, limits: Thresholds) -> Chart | None:
    """Of all errors; None where there is no forecast."""
    ahead = next((one for one in found.ahead.forecasts if one.about == found.past.errors[0][0]), None)
    if ahead is None:
        return None
    past = found.past.errors[0][1]
    shown = min(len(past.values), SHOWN_WEEKS * WEEK)
    times = days(past.end - timedelta(days=shown), shown + len(ahead.days))
    unknown: list[float | None] = [None] * shown
    still_to_come: list[float | None] = [None] * len(ahead.days)
    return Chart(
        name="errors-ahead",
        title="Failed attempts a day",
        unit="failed",
        whole=True,
        times=times,
        lines=(
            Line("counted", [*past.values[-shown:], *still_to_come], Look.BARS),
            Line("expected", [*unknown, *(one.expected for one in ahead.days)], Look.LINE),
            Line("low", [*unknown, *(one.low for one in ahead.days)], Look.LOW),
            Line("high", [*unknown, *(one.high for one in ahead.days)], Look.HIGH),
            Line("limit", _allowed(found, times, limits.error_rate_percentage), Look.LIMIT),
        ),
        note=(
            f"Shaded: where {100 * CONFIDENCE:.0f} % of the days should lie. Limit: "
            f"{limits.error_rate_percentage:g} % of a day's calls; of days to come, of the calls that are usual on "
            "that weekday."
        ),
    )


def _allowed(found: Outlook, times: Sequence[datetime], percentage: float) -> list[float | None]:
    """How many of a day's calls may fail; None where nothing was called, or nobody knows how much will be."""
    calls = {one.day: one.calls for one in found.calls}
    by_weekday: dict[int, list[int]] = {}
    for day, count in calls.items():
        by_weekday.setdefault(day.weekday(), []).append(count)
    end = found.past.errors[0][1].end

    def of(day: date) -> float | None:
        if day < end:
            return percentage / 100 * calls[day] if day in calls else None
        usual = by_weekday.get(day.weekday())
        return percentage / 100 * median(usual) if usual else None

    return [of(one.date()) for one in times]


def capacity_charts(found: Outlook) -> list[Chart]:
    return [_capacity(metric) for metric in found.past.metrics]


def _capacity(metric: Metric) -> Chart:
    answer = trend(metric.name, metric.series)
    count = len(metric.series.values)
    grows = isinstance(answer, Trend) and answer.direction is not Direction.STEADY
    times = days(metric.series.start, count + (AHEAD.days if grows else 0))
    measured = [*metric.series.values, *[None] * (len(times) - count)]
    lines = [Line("measured", measured, Look.POINTS)]
    if not isinstance(answer, NotEnoughData):
        lines.append(Line("trend", [_on_line(answer, one.date()) for one in times], Look.LINE))
    return Chart(
        name=f"capacity-{metric.name.replace('.', '-')}",
        title=METRIC_WORDS[metric.name],
        unit=metric.unit,
        times=times,
        lines=(*lines, limit("limit", metric.limit, times)),
        note=_NOTES[metric.name],
    )


def _on_line(found: Trend, day: date) -> float:
    """By the line through all weeks, level where no growth can be told from chance."""
    slope = 0.0 if found.direction is Direction.STEADY else found.per_week
    return max(found.level + slope * (day - found.as_of).days / WEEK, 0.0)
