"""What is on record of how long things took and what they needed: by operation, phase, edition and service.

Medians and percentiles are those of the rows themselves. None is read from counts, where they could only be guessed.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, case, func, select

from devsync.contracts.edition import Phase
from devsync.contracts.operations import OperationKind
from devsync.domain.health.snapshot import EditionRun, ErrorKind, ServiceWindow
from devsync.domain.insight.counted import ErrorCount, OperationCount, StageCount
from devsync.domain.insight.recommendations import CacheUse, EditionUse, ServiceUse
from devsync.domain.insight.series import DailyValue
from devsync.domain.insight.span import Span
from devsync.storage.database import Database
from devsync.storage.grains import Grain
from devsync.storage.statistics import Statistics
from devsync.storage.tables import ALL_TEAMS, operation_counts, operations, runs

SHOWN_KINDS = 3
"""Of a service's errors, the most frequent ones."""

_SLOW = 0.95


class Performance:
    """Every question takes a window and, where only one team is asked about, its name; an edition belongs to the window
    in which it ended. All raise DatabaseUnavailable and NotMigrated."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def operations(
        self, span: Span, kind: OperationKind = OperationKind.ATTEMPT, *, team: str | None = None
    ) -> list[OperationCount]:
        """Attempts, or API calls, by the operation that they were made for; what takes most time first."""
        table = operations.c
        total = func.sum(table.seconds)
        query = (
            select(
                table.service,
                table.operation,
                func.count().label("calls"),
                func.count(case((~table.succeeded, 1))).label("failures"),
                _median(table.seconds).label("seconds_median"),
                _p95(table.seconds).label("seconds_p95"),
                total.label("seconds_total"),
            )
            .where(*_within(span, kind, team))
            .group_by(table.service, table.operation)
            .order_by(total.desc(), table.service, table.operation)
        )
        rows = await self._database.execute(query)
        return [OperationCount.model_validate(row._mapping) for row in rows]

    async def stages(self, span: Span, *, team: str | None = None) -> list[StageCount]:
        """The phases of the editions that were made, without the one in which people are waited for."""
        made, phase = _made(span, team), operations.c
        query = (
            select(
                phase.operation.label("stage"),
                func.count().label("editions"),
                _median(phase.seconds).label("seconds_median"),
                _p95(phase.seconds).label("seconds_p95"),
                func.sum(phase.seconds).label("seconds_total"),
            )
            .join(made, and_(phase.workflow_id == made.c.workflow_id, phase.run_id == made.c.run_id))
            .where(phase.kind == OperationKind.PHASE.value, phase.operation != Phase.APPROVING.value)
            .group_by(phase.operation)
        )
        rows = await self._database.execute(query)
        return [StageCount.model_validate(row._mapping) for row in rows]

    async def editions(self, span: Span, *, team: str | None = None) -> list[EditionRun]:
        """Those that were made, in the order of their ends."""
        found = _with_peak(_made(span, team))
        rows = await self._database.execute(select(found).order_by(found.c.ended_at, found.c.workflow_id))
        return [EditionRun.model_validate(row._mapping) for row in rows]

    async def edition_use(self, span: Span, *, team: str | None = None) -> EditionUse | None:
        """What they took, all together; None where none was made."""
        found = _with_peak(_made(span, team))
        query = select(
            func.count().label("editions"),
            _p95(found.c.seconds).label("seconds_p95"),
            _p95(found.c.peak_memory_mb).label("peak_mb_p95"),
        ).select_from(found)
        (row,) = await self._database.execute(query)
        return EditionUse.model_validate(row._mapping) if row.editions else None

    async def daily_editions(self, span: Span, *, team: str | None = None) -> tuple[list[DailyValue], list[DailyValue]]:
        """Of each day of UTC the median of the seconds that its editions took, and the highest of their peaks in MB."""
        found = _with_peak(_made(span, team))
        day = func.date(func.timezone("UTC", found.c.ended_at))
        query = select(
            day.label("day"),
            _median(found.c.seconds).label("seconds"),
            func.count().label("samples"),
            func.max(found.c.peak_memory_mb).label("peak"),
            func.count(found.c.peak_memory_mb).label("peaks"),
        ).group_by(day)
        rows = await self._database.execute(query.order_by(day))
        return (
            [DailyValue(day=row.day, value=row.seconds, samples=row.samples) for row in rows],
            [DailyValue(day=row.day, value=row.peak, samples=row.peaks) for row in rows if row.peaks],
        )

    async def busiest_hours(self, span: Span, service: str) -> list[DailyValue]:
        """Of each day of UTC the API calls to the service in its busiest hour: quotas are those of hours."""
        table = operation_counts.c
        hours = (
            select(table.since, func.sum(table["count"]).label("calls"))
            .where(
                table.grain == Grain.HOUR.value,
                table.team == ALL_TEAMS,
                table.kind == OperationKind.CALL.value,
                table.service == service,
                table.since >= span.start,
                table.since < span.end,
            )
            .group_by(table.since)
            .subquery()
        )
        day = func.date(func.timezone("UTC", hours.c.since))
        busiest, samples = func.max(hours.c.calls), func.sum(hours.c.calls)
        query = select(day.label("day"), busiest.label("value"), samples.label("samples"))
        rows = await self._database.execute(query.group_by(day).order_by(day))
        return [DailyValue.model_validate(row._mapping) for row in rows]

    async def service_uses(self, span: Span) -> list[ServiceUse]:
        """How busy the calls were with which editions collected from each service."""
        own = _collecting(_made(span, None))
        began = func.min(own.c.ended_at - func.make_interval(0, 0, 0, 0, 0, 0, own.c.seconds))
        per_edition = (
            select(
                own.c.service,
                func.sum(own.c.api_calls).label("calls"),
                func.sum(own.c.api_seconds).label("in_calls"),
                func.extract("epoch", func.max(own.c.ended_at) - began).label("collecting"),
            )
            .group_by(own.c.service, own.c.workflow_id, own.c.run_id)
            .subquery()
        )
        query = (
            select(
                per_edition.c.service,
                func.sum(per_edition.c.calls).label("calls"),
                func.sum(per_edition.c.in_calls).label("seconds_in_calls"),
                func.sum(per_edition.c.collecting).label("seconds_collecting"),
            )
            .group_by(per_edition.c.service)
            .order_by(per_edition.c.service)
        )
        rows = await self._database.execute(query)
        return [ServiceUse.model_validate(row._mapping) for row in rows if row.calls]

    async def cache_uses(self, span: Span) -> list[CacheUse]:
        """How often editions found what they asked for remembered, and still held."""
        own = _collecting(_made(span, None))
        query = (
            select(
                own.c.service,
                func.count(own.c.was_remembered).label("lookups"),
                func.count(case((own.c.was_remembered, 1))).label("hits"),
            )
            .group_by(own.c.service)
            .having(func.count(own.c.was_remembered) > 0)
            .order_by(own.c.service)
        )
        rows = await self._database.execute(query)
        return [CacheUse.model_validate(row._mapping) for row in rows]

    async def services(self, span: Span) -> list[ServiceWindow]:
        """What each service did: attempts with their failures, and how soon it answered API calls."""
        statistics = Statistics(self._database)
        counts, errors = await statistics.call_counts(span), await statistics.error_counts(span)
        answers, kinds = await self._answers(span), _kinds(errors)
        return [
            ServiceWindow(
                service=service,
                calls=sum(one.calls for one in counts if one.service == service),
                failures=sum(one.failures for one in counts if one.service == service),
                seconds_p95=answers.get(service),
                kinds=tuple(kinds.get(service, ())[:SHOWN_KINDS]),
            )
            for service in sorted({one.service for one in counts})
        ]

    async def _answers(self, span: Span) -> dict[str, float]:
        """By service, within how many seconds 19 of 20 calls were answered."""
        table = operations.c
        query = select(table.service, _p95(table.seconds).label("p95")).where(*_within(span, OperationKind.CALL, None))
        return {row.service: row.p95 for row in await self._database.execute(query.group_by(table.service))}


def _kinds(errors: Sequence[ErrorCount]) -> dict[str, list[ErrorKind]]:
    """By service, the most frequent first; those of one kind may differ in severity."""
    found: dict[str, dict[str, ErrorKind]] = defaultdict(dict)
    for one in errors:
        before = found[one.service].get(one.fingerprint)
        count = one.count + (before.count if before else 0)
        found[one.service][one.fingerprint] = ErrorKind(
            fingerprint=one.fingerprint, count=count, message=before.message if before else one.message
        )
    return {
        service: sorted(kinds.values(), key=lambda kind: (-kind.count, kind.fingerprint))
        for service, kinds in found.items()
    }


def _within(span: Span, kind: OperationKind, team: str | None) -> list[ColumnElement[bool]]:
    table = operations.c
    asked = [table.kind == kind.value, table.ended_at >= span.start, table.ended_at < span.end]
    return asked if team is None else [*asked, table.team == team]


def _made(span: Span, team: str | None) -> CTE:
    """The editions that were made."""
    edition = operations.c
    is_its_run = and_(edition.workflow_id == runs.c.workflow_id, edition.run_id == runs.c.run_id)
    return (
        select(
            edition.workflow_id,
            edition.run_id,
            edition.team,
            edition.seconds,
            edition.ended_at,
            runs.c.iso_week,
            runs.c.started_at,
        )
        .join(runs, is_its_run)
        .where(*_within(span, OperationKind.EDITION, team), edition.succeeded)
        .cte("made")
    )


def _of_edition(made: CTE) -> ColumnElement[bool]:
    """Attempts of the edition's own activities. By workflow and time: a reset gives them another run."""
    attempt = operations.c
    return and_(
        attempt.workflow_id == made.c.workflow_id,
        attempt.kind == OperationKind.ATTEMPT.value,
        attempt.ended_at.between(made.c.started_at, made.c.ended_at),
    )


def _with_peak(made: CTE) -> Any:
    """Each edition with the most memory that a worker held while one of its activities ran."""
    peak = (
        select(func.max(operations.c.peak_memory_mb))
        .where(_of_edition(made))
        .correlate(made)
        .scalar_subquery()
        .label("peak_memory_mb")
    )
    return select(made, peak).subquery()


def _collecting(made: CTE) -> Any:
    attempt = operations.c
    query: Select[Any] = (
        select(
            made.c.workflow_id,
            made.c.run_id,
            attempt.service,
            attempt.ended_at,
            attempt.seconds,
            attempt.api_calls,
            attempt.api_seconds,
            attempt.was_remembered,
        )
        .join(made, _of_edition(made))
        .where(attempt.operation.startswith("collect"))
    )
    return query.subquery()


def _median(column: ColumnElement[Any]) -> ColumnElement[float]:
    return func.percentile_cont(0.5).within_group(column)


def _p95(column: ColumnElement[Any]) -> ColumnElement[float]:
    """19 of 20 are not greater; one of the values themselves."""
    return func.percentile_disc(_SLOW).within_group(column)
