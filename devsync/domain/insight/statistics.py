"""Errors and operations of a window, counted by everything that they have in common; and where the time goes."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date

from devsync.domain.errors import ErrorSeverity
from devsync.domain.insight.counted import CallCount, ErrorCount, StageCount, place
from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.series import DailyCount
from devsync.domain.insight.span import Span
from devsync.domain.model import Model

FEWEST_EDITIONS = 3
"""With fewer, a stage's time is that of one edition."""


class Share(Model):
    name: str
    count: int
    share: float
    """Of all errors, from 0 to 1."""


class Rate(Model):
    """Of a service's attempts, those that failed."""

    service: str
    attempts: int
    failures: int

    @property
    def rate(self) -> float | None:
        """None where nothing was tried: that is not 0 %."""
        return self.failures / self.attempts if self.attempts else None


class ErrorStatistics(Model):
    span: Span
    total: int
    total_before: int
    """In as long a time before."""
    by_category: tuple[Share, ...] = ()
    """Each in order of frequency, then of names."""
    by_severity: tuple[Share, ...] = ()
    """The worst first."""
    by_service: tuple[Share, ...] = ()
    by_operation: tuple[Share, ...] = ()
    """`github.collect_repository`."""
    fingerprints: int = 0
    """How many kinds there were."""
    by_day: tuple[DailyCount, ...] = ()
    """Of UTC, those with errors; the first and the last may be parts of days."""
    rates: tuple[Rate, ...] = ()
    """By service, of those that were called."""
    overall: Rate | None = None
    """None: nothing was called."""


class Bottleneck(Model):
    """A stage, and its share of the time that editions take."""

    stage: str
    editions: int
    seconds_median: float
    seconds_p95: float
    share: float


def error_statistics(
    span: Span,
    errors: Iterable[ErrorCount],
    operations: Iterable[CallCount] = (),
    days: Iterable[DailyCount] | None = None,
) -> ErrorStatistics:
    """`errors` may reach back as long again, for the comparison; `operations` are of the window itself, and so are
    `days`, which are told where `errors` are not counted by day.
    """
    counted = tuple(errors)
    within = [one for one in counted if one.since in span]
    total = sum(one.count for one in within)
    shares = _Shares(within, total)
    rates = _rates(operations)
    return ErrorStatistics(
        span=span,
        total=total,
        total_before=sum(one.count for one in counted if one.since in span.before),
        by_category=shares.by(lambda one: one.category),
        by_severity=tuple(
            sorted(shares.by(lambda one: one.severity), key=lambda share: -ErrorSeverity(share.name).rank)
        ),
        by_service=shares.by(lambda one: one.service),
        by_operation=shares.by(lambda one: place(one.service, one.operation)),
        fingerprints=len({one.fingerprint for one in within}),
        by_day=daily(within) if days is None else added_up(days),
        rates=rates,
        overall=_summed(rates),
    )


def daily(errors: Iterable[ErrorCount]) -> tuple[DailyCount, ...]:
    """The days of UTC that have any, in order: select by service or fingerprint before, for their own series."""
    return added_up(DailyCount(day=one.since.astimezone(UTC).date(), count=one.count) for one in errors)


def added_up(days: Iterable[DailyCount]) -> tuple[DailyCount, ...]:
    """Each day once, in order."""
    counts: Counter[date] = Counter()
    for one in days:
        counts[one.day] += one.count
    return tuple(DailyCount(day=day, count=counts[day]) for day in sorted(counts))


def bottlenecks(stages: Sequence[StageCount]) -> tuple[Bottleneck, ...] | NotEnoughData:
    """The stages, the one that takes most of the time first."""
    editions = max((stage.editions for stage in stages), default=0)
    total = sum(stage.seconds_total for stage in stages)
    if editions < FEWEST_EDITIONS or not total:
        return NotEnoughData(about="time by stage", found=editions, needed=FEWEST_EDITIONS, what="editions")
    return tuple(
        Bottleneck(
            stage=stage.stage,
            editions=stage.editions,
            seconds_median=stage.seconds_median,
            seconds_p95=stage.seconds_p95,
            share=stage.seconds_total / total,
        )
        for stage in sorted(stages, key=lambda stage: (-stage.seconds_total, stage.stage))
    )


class _Shares:
    def __init__(self, errors: Sequence[ErrorCount], total: int) -> None:
        self._errors = errors
        self._total = total

    def by(self, name_of: Callable[[ErrorCount], str]) -> tuple[Share, ...]:
        counts: Counter[str] = Counter()
        for one in self._errors:
            counts[str(name_of(one))] += one.count
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple(Share(name=name, count=count, share=count / self._total) for name, count in ordered)


def _rates(operations: Iterable[CallCount]) -> tuple[Rate, ...]:
    attempts: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for one in operations:
        attempts[one.service] += one.calls
        failures[one.service] += one.failures
    return tuple(
        Rate(service=service, attempts=attempts[service], failures=failures[service])
        for service in sorted(attempts)
        if attempts[service]
    )


def _summed(rates: Sequence[Rate]) -> Rate | None:
    if not rates:
        return None
    return Rate(
        service="all", attempts=sum(rate.attempts for rate in rates), failures=sum(rate.failures for rate in rates)
    )
