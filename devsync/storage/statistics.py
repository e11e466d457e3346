"""What is on record of errors and calls, counted by the database: a million rows become some thousands of counts."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    Subquery,
    case,
    cast,
    desc,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from devsync.contracts.operations import OperationKind
from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.domain.insight.counted import CallCount, ErrorCount
from devsync.domain.insight.series import DailyCalls, DailyCount
from devsync.domain.insight.span import Span
from devsync.domain.model import Model
from devsync.storage.database import Database
from devsync.storage.grains import Grain, parts
from devsync.storage.tables import ALL_TEAMS, error_counts, errors, operation_counts, operations, runs

_COUNTED = (OperationKind.ATTEMPT.value, OperationKind.CALL.value)


class ErrorGroup(Model):
    """Alike errors of a time span."""

    fingerprint: str
    category: ErrorCategory
    service: str
    operation: str
    code: str
    severity: ErrorSeverity
    """The worst of them."""
    count: int
    teams: int
    """How many teams met it."""
    first_seen: datetime
    last_seen: datetime
    message: str
    """The latest one's."""


class Attempts(Model):
    """Of activities, those that ended."""

    count: int
    failures: int

    @property
    def error_rate(self) -> float | None:
        """A percentage; None where there was none."""
        return 100 * self.failures / self.count if self.count else None


class Statistics:
    """Every question takes a window and, where only one team is asked about, its name. All raise DatabaseUnavailable
    and NotMigrated."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self) -> datetime | None:
        """When the records begin: the days before were not quiet, they are not known. None: nothing is on record."""
        first_error = select(func.min(error_counts.c.first_seen)).where(
            error_counts.c.since == select(func.min(error_counts.c.since)).scalar_subquery()
        )
        first_attempts = [
            select(func.min(operations.c.ended_at)).where(operations.c.kind == kind).scalar_subquery()
            for kind in _COUNTED
        ]
        first_run = select(func.min(runs.c.started_at)).scalar_subquery()
        ((found,),) = await self._database.execute(
            select(func.least(first_error.scalar_subquery(), *first_attempts, first_run))
        )
        begin: datetime | None = found
        return begin

    async def error_counts(self, span: Span, *, team: str | None = None) -> list[ErrorCount]:
        """By all that errors have in common, over the whole window."""
        found = errors_of(span, _only(team))
        alike = (found.c.category, found.c.severity, found.c.service, found.c.operation, found.c.fingerprint)
        query = select(*alike, whole(found.c["count"]).label("count"), _latest(found).label("message")).group_by(*alike)
        rows = await self._database.execute(query)
        return [ErrorCount.model_validate({**row._asdict(), "since": span.start}) for row in rows]

    async def daily_errors(self, span: Span, *, team: str | None = None) -> dict[str, list[DailyCount]]:
        """By service, those of each day of UTC that had any; the first and the last may be parts of days."""
        found = errors_of(span, _only(team))
        day = func.date(func.timezone("UTC", found.c.since))
        query = select(found.c.service, day.label("day"), whole(found.c["count"]).label("count"))
        days: dict[str, list[DailyCount]] = defaultdict(list)
        for row in await self._database.execute(query.group_by(found.c.service, day).order_by(day)):
            days[row.service].append(DailyCount.model_validate(row._asdict()))
        return dict(days)

    async def error_groups(self, span: Span, *, team: str | None = None, limit: int | None = None) -> list[ErrorGroup]:
        """Alike errors together, the most frequent first, `limit` of them at most."""
        query = grouped(errors_of(span, _only(team)))
        query = query.order_by(desc("count"), desc("last_seen"), "fingerprint").limit(limit)
        rows = await self._database.execute(query)
        teams = {} if team else await self.teams_that_met(span, [row.fingerprint for row in rows])
        return [group_of(row, teams.get(row.fingerprint, 1)) for row in rows]

    async def teams_that_met(
        self, span: Span, fingerprints: Sequence[str], *, among: Sequence[str] | None = None
    ) -> dict[str, int]:
        """By fingerprint, how many teams met it; only those `among` count, where some are given."""
        single, counted = errors.c, error_counts.c
        rows = Source(select(single.fingerprint, single.team), single.occurred_at)
        counts = Source(select(counted.fingerprint, counted.team).where(counted.team != ALL_TEAMS), counted.since)
        told = joined(span, rows, counts, counted.grain)
        met = select(told).where(told.c.fingerprint.in_(fingerprints)).distinct()
        if among is not None:
            met = met.where(told.c.team.in_(among))
        found = met.subquery()
        query = select(found.c.fingerprint, func.count().label("teams")).group_by(found.c.fingerprint)
        return {row.fingerprint: row.teams for row in await self._database.execute(query)}

    async def call_counts(
        self, span: Span, kind: OperationKind = OperationKind.ATTEMPT, *, team: str | None = None
    ) -> list[CallCount]:
        """How often each operation was tried, or its API calls were made, in the order of names."""
        found = _operations_of(span, kind, _only(team))
        query = (
            select(
                found.c.service,
                found.c.operation,
                whole(found.c["count"]).label("calls"),
                whole(found.c.failures).label("failures"),
            )
            .group_by(found.c.service, found.c.operation)
            .order_by(found.c.service, found.c.operation)
        )
        rows = await self._database.execute(query)
        return [CallCount.model_validate(row._asdict()) for row in rows]

    async def attempts(self, span: Span, *, teams: Sequence[str] | None, service: str = "") -> Attempts:
        """Of a service, or of all of them."""
        found = _operations_of(span, OperationKind.ATTEMPT, teams)
        attempts, failures = func.coalesce(whole(found.c["count"]), 0), func.coalesce(whole(found.c.failures), 0)
        query = select(attempts.label("count"), failures.label("failures"))
        if service:
            query = query.where(found.c.service == service)
        (row,) = await self._database.execute(query)
        return Attempts.model_validate(row._mapping)

    async def daily_calls(self, span: Span, *, team: str | None = None) -> list[DailyCalls]:
        """Attempts of the days of UTC that had any; the first and the last may be parts of days."""
        found = _operations_of(span, OperationKind.ATTEMPT, _only(team))
        day = func.date(func.timezone("UTC", found.c.since))
        query = select(
            day.label("day"), whole(found.c["count"]).label("calls"), whole(found.c.failures).label("failures")
        )
        rows = await self._database.execute(query.group_by(day).order_by(day))
        return [DailyCalls.model_validate(row._mapping) for row in rows]


class Source(NamedTuple):
    """Where a part of a window is read."""

    query: Select[Any]
    at: ColumnElement[datetime]


_SHARED = ("fingerprint", "severity", "code", "category", "service", "operation", "message")


def single_errors() -> Select[Any]:
    """Each error, in the form in which counts have them."""
    single, at = errors.c, errors.c.occurred_at
    seen = (at.label("since"), at.label("first_seen"), at.label("last_seen"))
    return select(*seen, literal(1).label("count"), *(single[name] for name in _SHARED))


def errors_of(span: Span, teams: Sequence[str] | None) -> Subquery:
    """Alike errors with their count: single ones, those of an hour, those of a day. `teams`: None for all."""
    rows, counted = single_errors(), error_counts.c
    counts = select(
        counted.since, counted.first_seen, counted.last_seen, counted["count"], *(counted[name] for name in _SHARED)
    ).where(counted.team == ALL_TEAMS if teams is None else counted.team.in_(teams))
    if teams is not None:
        rows = rows.where(errors.c.team.in_(teams))
    return joined(span, Source(rows, errors.c.occurred_at), Source(counts, counted.since), counted.grain)


def grouped(found: Subquery) -> Select[Any]:
    """Of `errors_of`, alike ones together: the rows that `group_of` reads."""
    alike = (found.c.fingerprint, found.c.category, found.c.service, found.c.operation, found.c.code)
    return select(
        *alike,
        func.max(case({one.value: one.rank for one in ErrorSeverity}, value=found.c.severity)).label("worst"),
        whole(found.c["count"]).label("count"),
        func.min(found.c.first_seen).label("first_seen"),
        func.max(found.c.last_seen).label("last_seen"),
        _latest(found).label("message"),
    ).group_by(*alike)


def group_of(row: Row[Any], teams: int) -> ErrorGroup:
    return ErrorGroup.model_validate({**row._mapping, "severity": list(ErrorSeverity)[row.worst], "teams": teams})


def _operations_of(span: Span, kind: OperationKind, teams: Sequence[str] | None) -> Subquery:
    single, counted = operations.c, operation_counts.c
    one, failures = literal(1).label("count"), case((single.succeeded, 0), else_=1).label("failures")
    at = single.ended_at.label("since")
    rows = select(at, single.service, single.operation, one, failures).where(single.kind == kind.value)
    counts = select(counted.since, counted.service, counted.operation, counted["count"], counted.failures).where(
        counted.kind == kind.value, counted.team == ALL_TEAMS if teams is None else counted.team.in_(teams)
    )
    if teams is not None:
        rows = rows.where(single.team.in_(teams))
    return joined(span, Source(rows, single.ended_at), Source(counts, counted.since), counted.grain)


def joined(span: Span, rows: Source, counts: Source, grain: ColumnElement[str]) -> Subquery:
    """The parts of the window, each from where it is read fastest."""
    queries = []
    for part in parts(span):
        query, at = rows if part.grain is Grain.ROW else counts
        query = query.where(at >= part.span.start, at < part.span.end)
        queries.append(query if part.grain is Grain.ROW else query.where(grain == part.grain.value))
    return union_all(*queries).subquery()


def _only(team: str | None) -> list[str] | None:
    return None if team is None else [team]


def whole(column: ColumnElement[Any]) -> ColumnElement[int]:
    """The sum, a whole number: PostgreSQL makes a decimal one of it."""
    return cast(func.sum(column), BigInteger)


def _latest(found: Subquery) -> ColumnElement[str]:
    """The latest message of a group."""
    message: ColumnElement[str] = func.array_agg(aggregate_order_by(found.c.message, found.c.last_seen.desc()))[1]
    return message
