"""What is on record of how long things took and what they needed: by operation, phase, edition and service.

Medians and percentiles are those of the rows themselves. None is read from counts, where they could only be guessed.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, WithinGroup, and_, case, func, select

from devsync.contracts.edition import Phase
from devsync.contracts.operations import OperationKind
from devsync.domain.health.healed import LastEnds
from devsync.domain.health.snapshot import EditionRun, ErrorKind, Failed, ServiceWindow
from devsync.domain.insight.counted import ErrorCount, HourlyAnswer, OperationCalls, OperationCount, StageCount
from devsync.domain.insight.recommendations import CacheUse, EditionUse, ServiceUse
from devsync.domain.insight.series import DailyEditions, DailyValue
from devsync.domain.insight.span import Span
from devsync.domain.model import Model
from devsync.storage.calls import CALL_KINDS, call_counts
from devsync.storage.database import Database
from devsync.storage.grains import Grain
from devsync.storage.statistics import Statistics
from devsync.storage.tables import ALL_TEAMS, errors, operation_counts, operations, runs

SHOWN_KINDS = 3
"""Of a service's errors, the most frequent ones."""

_SLOW = 0.95


class Answers(Model):
    """How soon a service answered."""

    api_calls: int
    seconds_p95: float
    """19 of 20 calls were not slower."""


class Performance:
    """Every question takes a window and, where only one team is asked about, its name; an edition belongs to the window
    in which it ended. All raise DatabaseUnavailable and NotMigrated."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def operations(self, span: Span, *, team: str | None = None) -> list[OperationCount]:
        """Attempts by their operation; what takes most time first."""
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
            .where(*_within(span, OperationKind.ATTEMPT, team))
            .group_by(table.service, table.operation)
            .order_by(total.desc(), table.service, table.operation)
        )
        rows = await self._database.execute(query)
        return [OperationCount.model_validate(row._mapping) for row in rows]

    async def calls(self, span: Span, *, team: str | None = None) -> list[OperationCalls]:
        """API calls by the operation that they were made for; what takes most time first."""
        table = operations.c
        went_out = table.kind == OperationKind.CALL.value
        total = func.sum(table.seconds)
        query = (
            select(
                table.service,
                table.operation,
                *call_counts(),
                _median(table.seconds).filter(went_out).label("seconds_median"),
                _p95(table.seconds).filter(went_out).label("seconds_p95"),
                total.label("seconds_total"),
            )
            .where(table.kind.in_(CALL_KINDS), table.ended_at >= span.start, table.ended_at < span.end)
            .group_by(table.service, table.operation)
            .order_by(total.desc(), table.service, table.operation)
        )
        if team is not None:
            query = query.where(table.team == team)
        return [OperationCalls.model_validate(row._mapping) for row in await self._database.execute(query)]

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

    async def daily_editions(self, span: Span, *, team: str | None = None) -> list[DailyEditions]:
        """The days of UTC on which any ended."""
        found = _with_peak(_made(span, team))
        day = func.date(func.timezone("UTC", found.c.ended_at))
        query = select(
            day.label("day"),
            func.count().label("editions"),
            _median(found.c.seconds).label("seconds_median"),
            func.max(found.c.seconds).label("seconds_slowest"),
            func.max(found.c.peak_memory_mb).label("peak_mb"),
            func.count(found.c.peak_memory_mb).label("peaks"),
        ).group_by(day)
        rows = await self._database.execute(query.order_by(day))
        return [DailyEditions.model_validate(row._mapping) for row in rows]

    async def hourly_answers(self, span: Span) -> list[HourlyAnswer]:
        """By hour and service, within how many seconds 19 of 20 API calls were answered; read from rows, hence slow
        over many of them."""
        table = operations.c
        hour = func.date_trunc("hour", table.ended_at)
        query = (
            select(hour.label("hour"), table.service, func.count().label("calls"), _p95(table.seconds).label("seconds"))
            .where(*_within(span, OperationKind.CALL, None))
            .group_by(hour, table.service)
            .order_by(hour, table.service)
        )
        return [HourlyAnswer.model_validate(row._mapping) for row in await self._database.execute(query)]

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

    async def services(self, span: Span, *, with_causes: bool = True) -> list[ServiceWindow]:
        """What each service did: attempts with their failures, and how soon it answered API calls. `with_causes`: by
        what they failed as well, which is read from rows."""
        statistics = Statistics(self._database)
        counts, met = await statistics.call_counts(span), await statistics.error_counts(span)
        answers, kinds = await self.answers(span), _kinds(met)
        failed = await self._failed(span) if with_causes else {}
        return [
            ServiceWindow(
                service=service,
                attempts=sum(one.calls for one in counts if one.service == service),
                failures=sum(one.failures for one in counts if one.service == service),
                errors=sum(one.count for one in met if one.service == service),
                failed=tuple(failed.get(service, ())),
                api_calls=answers[service].api_calls if service in answers else 0,
                seconds_p95=answers[service].seconds_p95 if service in answers else None,
                kinds=tuple(kinds.get(service, ())[:SHOWN_KINDS]),
            )
            for service in sorted({one.service for one in counts})
        ]

    async def last_ends(self, span: Span) -> dict[str, LastEnds]:
        """By service, when its attempts ended last; read from rows, hence for windows of hours."""
        table = operations.c
        query = select(
            table.service,
            func.max(case((~table.succeeded, table.ended_at))).label("failed_at"),
            func.max(case((table.succeeded, table.ended_at))).label("succeeded_at"),
        ).where(*_within(span, OperationKind.ATTEMPT, None))
        rows = await self._database.execute(query.group_by(table.service))
        return {row.service: LastEnds(failed_at=row.failed_at, succeeded_at=row.succeeded_at) for row in rows}

    async def answers(self, span: Span, *, service: str = "") -> dict[str, Answers]:
        """By service, or of one, how soon it answered API calls; read from rows, hence for windows of days."""
        table = operations.c
        query = select(table.service, func.count().label("api_calls"), _p95(table.seconds).label("seconds_p95")).where(
            *_within(span, OperationKind.CALL, None)
        )
        if service:
            query = query.where(table.service == service)
        rows = await self._database.execute(query.group_by(table.service))
        return {row.service: Answers.model_validate(row._mapping) for row in rows}

    async def _failed(self, span: Span) -> dict[str, list[Failed]]:
        """By service, the attempts that failed, by minute and by what their errors have for a category."""
        attempt, error = operations.c, errors.c
        is_its_error = and_(
            error.run_id == attempt.run_id,
            error.activity_id == attempt.activity_id,
            error.attempt == attempt.attempt,
        )
        alike = (attempt.service, error.category, func.date_trunc("minute", attempt.ended_at))
        query = (
            select(
                attempt.service,
                error.category,
                func.count().label("count"),
                func.max(attempt.ended_at).label("last_at"),
            )
            .join(errors, is_its_error, isouter=True)
            .where(*_within(span, OperationKind.ATTEMPT, None), ~attempt.succeeded)
            .group_by(*alike)
        )
        found: dict[str, list[Failed]] = defaultdict(list)
        for row in await self._database.execute(query):
            found[row.service].append(Failed(category=row.category, count=row.count, last_at=row.last_at))
        return dict(found)


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
    # Materialized: PostgreSQL would look for each peak again in every column that is made of it.
    return select(made, peak).cte("with_peak").prefix_with("MATERIALIZED")


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


def _median(column: ColumnElement[Any]) -> WithinGroup[float]:
    return func.percentile_cont(0.5).within_group(column)


def _p95(column: ColumnElement[Any]) -> WithinGroup[float]:
    """19 of 20 are not greater; one of the values themselves."""
    return func.percentile_disc(_SLOW).within_group(column)
