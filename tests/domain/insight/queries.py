"""What the database's queries must deliver, said in Python over the records of a scripted world."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from statistics import median

from devsync.domain.breaker import Standing, State
from devsync.domain.errors import ErrorSeverity
from devsync.domain.health.snapshot import DueEdition, EditionRun, ServiceWindow, Snapshot
from devsync.domain.insight.counted import ErrorCount, OperationCount, StageCount
from devsync.domain.insight.recommendations import (
    BreakerUse,
    CacheUse,
    CategoryCount,
    EditionUse,
    Observations,
    ServiceUse,
)
from devsync.domain.insight.series import DailyCount, DailyValue
from devsync.domain.insight.span import Span
from tests.domain.insight.world import LOOKUPS, START, WHOLE, Call, Edition, Settings, World


def error_counts(calls: Iterable[Call], span: Span) -> list[ErrorCount]:
    groups = Counter(
        (call.at.replace(minute=0, second=0), call.failed_by, call.service)
        for call in calls
        if call.failed_by and call.at in span
    )
    return [
        ErrorCount(
            since=hour,
            category=category,
            severity=ErrorSeverity.MEDIUM,
            service=service,
            operation="collect",
            fingerprint=f"{service}/{category}",
            count=count,
        )
        for (hour, category, service), count in groups.items()
        if category is not None
    ]


def operation_counts(calls: Iterable[Call], span: Span) -> tuple[OperationCount, ...]:
    seconds: dict[str, list[float]] = defaultdict(list)
    failures: Counter[str] = Counter()
    for call in calls:
        if call.at in span:
            seconds[call.service].append(call.seconds)
            failures[call.service] += call.failed_by is not None
    return tuple(
        OperationCount(
            service=service,
            operation="collect",
            calls=len(times),
            failures=failures[service],
            seconds_median=median(times),
            seconds_p95=p95(times),
            seconds_total=sum(times),
        )
        for service, times in seconds.items()
    )


def daily_errors(calls: Iterable[Call], team: str) -> list[DailyCount]:
    days = Counter(call.at.date() for call in calls if call.failed_by and call.team == team)
    return [DailyCount(day=day, count=count) for day, count in days.items()]


def daily_generation_time(world: World) -> list[DailyValue]:
    """The median of a day's editions."""
    days: dict[datetime, list[float]] = defaultdict(list)
    for edition in world.editions:
        days[datetime.combine(edition.began.date(), time())].append(edition.seconds)
    return [DailyValue(day=day.date(), value=median(times), samples=len(times)) for day, times in days.items()]


def observations(world: World, settings: Settings, span: Span = WHOLE) -> Observations:
    editions = [one for one in world.editions if one.began in span]
    collecting, whole = [one.collecting for one in editions], [one.seconds for one in editions]
    rest = [one.seconds - one.collecting for one in editions]
    openings = [one for one in world.openings if one.at in span]
    github = [call for call in world.calls if call.service == "github" and call.at in span and call.seconds > 1]
    categories = Counter((call.service, call.failed_by) for call in world.calls if call.at in span and call.failed_by)
    return Observations(
        span=span,
        operations=operation_counts(world.calls, span),
        categories=tuple(
            CategoryCount(service=service, category=category, count=count)
            for (service, category), count in categories.items()
            if category is not None
        ),
        stages=(_stage("collect", collecting), _stage("render", rest)),
        editions=EditionUse(
            editions=len(editions), seconds_p95=p95(whole), peak_mb_p95=p95([one.peak_mb for one in editions])
        ),
        uses=(
            ServiceUse(
                service="github",
                calls=len(github),
                seconds_in_calls=sum(call.seconds for call in github),
                seconds_collecting=sum(collecting),
            ),
        ),
        breakers=tuple(
            BreakerUse(
                service=service,
                openings=len(own),
                recovered_at_once=sum(not one.failed_recoveries for one in own),
                failed_recoveries=sum(one.failed_recoveries for one in own),
            )
            for service in ("github", "slack")
            for own in [[one for one in openings if one.service == service]]
        ),
        caches=(CacheUse(service="github", lookups=LOOKUPS * len(editions), hits=sum(one.hits for one in editions)),),
        settings=settings.services,
        refresh_every=settings.refresh_every,
    )


class Monitor:
    """Snapshots of a world, as a monitor with a window of an hour would take them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._times = [call.at for call in world.calls]
        self._editions: dict[int, list[Edition]] = defaultdict(list)
        for edition in world.editions:
            self._editions[edition.week].append(edition)
        self._counted: dict[tuple[int, int], tuple[ServiceWindow, ...]] = {}

    def snapshot(self, now: datetime) -> Snapshot:
        window = Span(start=now - timedelta(hours=1), end=now)
        editions = self._editions[(now - START) // timedelta(weeks=1)]
        return Snapshot(
            window=window,
            services=self._services(window),
            breakers=tuple(
                Standing(service=one.service, state=State.OPEN, changed_at=one.at, probes_allowed=5)
                for one in self._world.openings
                if one.at <= now < one.until
            ),
            editions=tuple(
                EditionRun(team=one.team, iso_week=f"week {one.week}", seconds=one.seconds, peak_memory_mb=one.peak_mb)
                for one in editions
                if one.began in window
            ),
            due=tuple(
                DueEdition(
                    team=one.team,
                    iso_week=f"week {one.week}",
                    deadline=one.deadline,
                    delivered_at=one.delivered if one.delivered <= now else None,
                )
                for one in editions
                if one.deadline in window or one.deadline < now < one.delivered
            ),
            recommendations=(),
        )

    def _services(self, window: Span) -> tuple[ServiceWindow, ...]:
        first, end = bisect_left(self._times, window.start), bisect_left(self._times, window.end)
        if (first, end) not in self._counted:
            self._counted[first, end] = tuple(
                ServiceWindow(
                    service=one.service, attempts=one.calls, failures=one.failures, seconds_p95=one.seconds_p95
                )
                for one in operation_counts(self._world.calls[first:end], window)
            )  # fmt: skip
        return self._counted[first, end]


def p95(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[min(int(0.95 * len(ordered)), len(ordered) - 1)]


def _stage(name: str, seconds: Sequence[float]) -> StageCount:
    return StageCount(
        stage=name,
        editions=len(seconds),
        seconds_median=median(seconds),
        seconds_p95=p95(seconds),
        seconds_total=sum(seconds),
    )
