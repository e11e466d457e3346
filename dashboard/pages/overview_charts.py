"""The charts of the overview: what the thresholds are about, against them."""

from __future__ import annotations

from dashboard.charts import Chart, Line, Look, days, hours, limit
from dashboard.history import ANSWERS_OVER, CALLS_OVER, EDITIONS_OVER, History
from devsync.domain.health.thresholds import Thresholds


def overview_charts(seen: History, limits: Thresholds) -> tuple[Chart, ...]:
    return (
        _error_rate(seen, limits),
        _generation_time(seen, limits),
        _answers(seen, limits),
        _memory(seen, limits),
    )


def _error_rate(seen: History, limits: Thresholds) -> Chart:
    times = days(seen.until.date() - CALLS_OVER, CALLS_OVER.days + 1)[1:]
    known = {one.day: one.error_rate for one in seen.calls}
    return Chart(
        name="error-rate",
        title="Error rate",
        unit="%",
        note="Of all attempts of a day, last four weeks.",
        times=times,
        lines=(
            Line("failed", [known.get(one.date()) for one in times], Look.BARS),
            limit("limit", limits.error_rate_percentage, times),
        ),
    )


def _generation_time(seen: History, limits: Thresholds) -> Chart:
    times = days(seen.until.date() - EDITIONS_OVER, EDITIONS_OVER.days + 1)[1:]
    slowest = {one.day: one.seconds_slowest for one in seen.editions}
    medians = {one.day: one.seconds_median for one in seen.editions}
    return Chart(
        name="generation-time",
        title="Generation time",
        unit="s",
        note="Of an edition, from its start to its end, without waiting for people; last twelve weeks.",
        times=times,
        lines=(
            Line("slowest", [slowest.get(one.date()) for one in times], Look.BARS),
            Line("median", [medians.get(one.date()) for one in times], Look.POINTS),
            limit("limit", limits.generation_time_seconds, times),
        ),
    )


def _answers(seen: History, limits: Thresholds) -> Chart:
    times = hours(seen.until, int(ANSWERS_OVER.total_seconds()) // 3600)
    slowest = seen.slowest_answers
    return Chart(
        name="answers",
        title="API response time",
        unit="s",
        note="Of the slowest service, within which 19 of 20 calls were answered; last 24 hours.",
        is_hourly=True,
        times=times,
        lines=(
            Line("slowest service", [slowest[one].seconds if one in slowest else None for one in times], Look.BARS),
            limit("limit", limits.api_response_time_seconds, times),
        ),
    )


def _memory(seen: History, limits: Thresholds) -> Chart:
    times = days(seen.until.date() - EDITIONS_OVER, EDITIONS_OVER.days + 1)[1:]
    known = {one.day: one.peak_mb for one in seen.editions}
    return Chart(
        name="memory",
        title="Memory",
        unit="MB",
        note="The highest peak of a worker while it made an edition; last twelve weeks.",
        times=times,
        lines=(
            Line("peak", [known.get(one.date()) for one in times], Look.BARS),
            limit("limit", limits.memory_usage_mb, times),
        ),
    )
