"""What is on record of errors and calls, counted by the database: a million rows become some thousands of counts."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, Subquery, case, cast, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import aggregate_order_by

from devsync.contracts.operations import OperationKind
from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.domain.insight.counted import CallCount, ErrorCount
from devsync.domain.insight.series import DailyCount
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
        found = _errors_of(span, team)
        alike = (found.c.category, found.c.severity, found.c.service, found.c.operation, found.c.fingerprint)
        query = select(*alike, _sum(found.c["count"]).label("count"), _latest(found).label("message")).group_by(*alike)
        rows = await self._database.execute(query)
        return [ErrorCount.model_validate({**row._asdict(), "since": span.start}) for row in rows]

    async def daily_errors(self, span: Span, *, team: str | None = None) -> dict[str, list[DailyCount]]:
        """By service, those of each day of UTC that had any; the first and the last may be parts of days."""
        found = _errors_of(span, team)
        day = func.date(func.timezone("UTC", found.c.since))
        query = select(found.c.service, day.label("day"), _sum(found.c["count"]).label("count"))
        days: dict[str, list[DailyCount]] = defaultdict(list)
        for row in await self._database.execute(query.group_by(found.c.service, day).order_by(day)):
            days[row.service].append(DailyCount.model_validate(row._asdict()))
        return dict(days)

    async def error_groups(self, span: Span, *, team: str | None = None, limit: int | None = None) -> list[ErrorGroup]:
        """Alike errors together, the most frequent first, `limit` of them at most."""
        found = _errors_of(span, team)
        alike = (found.c.fingerprint, found.c.category, found.c.service, found.c.operation, found.c.code)
        count, last_seen = _sum(found.c["count"]), func.max(found.c.last_seen)
        query = (
            select(
                *alike,
                func.max(case({one.value: one.rank for one in ErrorSeverity}, value=found.c.severity)).label("worst"),
                count.label("count"),
                func.min(found.c.first_seen).label("first_seen"),
                last_seen.label("last_seen"),
                _latest(found).label("message"),
            )
            .group_by(*alike)
            .order_by(count.desc(), last_seen.desc(), found.c.fingerprint)
            .limit(limit)
        )
        rows = await self._database.execute(query)
        teams = {} if team else await self._teams(span, [row.fingerprint for row in rows])
        severities = list(ErrorSeverity)
        return [
            ErrorGroup.model_validate(
                {**row._mapping, "severity": severities[row.worst], "teams": teams.get(row.fingerprint, 1)}
            )
            for row in rows
        ]

    async def _teams(self, span: Span, fingerprints: Sequence[str]) -> dict[str, int]:
        """By fingerprint, how many teams met it."""
        single, counted = errors.c, error_counts.c
        rows = _Source(select(single.fingerprint, single.team), single.occurred_at)
        counts = _Source(select(counted.fingerprint, counted.team).where(counted.team != ALL_TEAMS), counted.since)
        told = _joined(span, rows, counts, counted.grain)
        met = select(told).where(told.c.fingerprint.in_(fingerprints)).distinct().subquery()
        query = select(met.c.fingerprint, func.count().label("teams")).group_by(met.c.fingerprint)
        return {row.fingerprint: row.teams for row in await self._database.execute(query)}

    async def call_counts(
        self, span: Span, kind: OperationKind = OperationKind.ATTEMPT, *, team: str | None = None
    ) -> list[CallCount]:
        """How often each operation was tried, or its API calls were made, in the order of names."""
        found = _operations_of(span, kind, team)
        query = (
            select(
                found.c.service,
                found.c.operation,
                _sum(found.c["count"]).label("calls"),
                _sum(found.c.failures).label("failures"),
            )
            .group_by(found.c.service, found.c.operation)
            .order_by(found.c.service, found.c.operation)
        )
        rows = await self._database.execute(query)
        return [CallCount.model_validate(row._asdict()) for row in rows]


class _Source(NamedTuple):
    """Where a part of a window is read."""

    query: Select[Any]
    at: ColumnElement[datetime]


def _errors_of(span: Span, team: str | None) -> Subquery:
    """Alike errors with their count: single ones, those of an hour, those of a day."""
    shared = ("fingerprint", "severity", "code", "category", "service", "operation", "message")
    single, counted = errors.c, error_counts.c
    at, one = single.occurred_at, literal(1).label("count")
    seen = (at.label("since"), at.label("first_seen"), at.label("last_seen"))
    rows = select(*seen, one, *(single[name] for name in shared))
    counts = select(
        counted.since, counted.first_seen, counted.last_seen, counted["count"], *(counted[name] for name in shared)
    ).where(counted.team == (team or ALL_TEAMS))
    if team is not None:
        rows = rows.where(single.team == team)
    return _joined(span, _Source(rows, at), _Source(counts, counted.since), counted.grain)


def _operations_of(span: Span, kind: OperationKind, team: str | None) -> Subquery:
    single, counted = operations.c, operation_counts.c
    one, failures = literal(1).label("count"), case((single.succeeded, 0), else_=1).label("failures")
    rows = select(single.service, single.operation, one, failures).where(single.kind == kind.value)
    counts = select(counted.service, counted.operation, counted["count"], counted.failures).where(
        counted.kind == kind.value, counted.team == (team or ALL_TEAMS)
    )
    if team is not None:
        rows = rows.where(single.team == team)
    return _joined(span, _Source(rows, single.ended_at), _Source(counts, counted.since), counted.grain)


def _joined(span: Span, rows: _Source, counts: _Source, grain: ColumnElement[str]) -> Subquery:
    """The parts of the window, each from where it is read fastest."""
    queries = []
    for part in parts(span):
        query, at = rows if part.grain is Grain.ROW else counts
        query = query.where(at >= part.span.start, at < part.span.end)
        queries.append(query if part.grain is Grain.ROW else query.where(grain == part.grain.value))
    return union_all(*queries).subquery()


def _sum(column: ColumnElement[Any]) -> ColumnElement[int]:
    """A whole number: PostgreSQL makes a decimal one of it."""
    return cast(func.sum(column), BigInteger)


def _latest(found: Subquery) -> ColumnElement[str]:
    """The latest message of a group."""
    message: ColumnElement[str] = func.array_agg(aggregate_order_by(found.c.message, found.c.last_seen.desc()))[1]
    return message
