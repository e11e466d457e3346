"""Errors on record as people look at them: groups by the page, how often on which day, single ones with what came of
them."""

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import ColumnElement, Subquery, desc, exists, func, literal, select

from devsync.contracts import names
from devsync.contracts.errors import ErrorRecord
from devsync.contracts.operations import OperationKind
from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.domain.insight.series import DailyCount
from devsync.domain.insight.span import Span
from devsync.domain.model import Model
from devsync.storage.database import Database
from devsync.storage.owned import RunKey, done_for
from devsync.storage.statistics import (
    ErrorGroup,
    Source,
    Statistics,
    errors_of,
    group_of,
    grouped,
    joined,
    single_errors,
    whole,
)
from devsync.storage.tables import ALL_TEAMS, error_counts, errors, operations


class Among(Model):
    """Which errors are meant; what is empty or None leaves none out."""

    teams: tuple[str, ...] | None = None
    service: str = ""
    category: ErrorCategory | None = None
    severity: ErrorSeverity | None = None
    fingerprint: str = ""


class ErrorOrder(StrEnum):
    FREQUENT = "frequent"
    """The most frequent first."""
    LATEST = "latest"
    """What was met last first."""


class ErrorSample(ErrorRecord):
    """One failed attempt."""

    was_healed_by_retry: bool
    """A later attempt of the same activity succeeded."""

    @property
    def run_of_week(self) -> str:
        """Id of the edition's, dry run's or amendment's run that it is of; empty where nobody knows."""
        if names.week_key(self.workflow_id):
            return self.owner_run_id or self.run_id
        works_for_one = self.workflow_id.startswith(("recovery:", "delivery:"))  # another that was reset names itself
        return (works_for_one and self.owner_run_id) or ""


class TeamCount(Model):
    team: str
    """Empty: work that belongs to no team."""
    count: int


class ErrorList:
    """All raise DatabaseUnavailable and NotMigrated."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def groups(
        self, span: Span, among: Among, *, order: ErrorOrder = ErrorOrder.FREQUENT, offset: int = 0, limit: int
    ) -> list[ErrorGroup]:
        """Alike errors together. Two queries, however many groups."""
        found = errors_of(span, among.teams)
        first, second = ("count", "last_seen") if order is ErrorOrder.FREQUENT else ("last_seen", "count")
        query = grouped(found).where(*_are(found, among)).order_by(desc(first), desc(second), "fingerprint", "code")
        rows = await self._database.execute(query.offset(offset).limit(limit))
        shown = [row.fingerprint for row in rows]
        teams = await Statistics(self._database).teams_that_met(span, shown, among=among.teams) if rows else {}
        return [group_of(row, teams.get(row.fingerprint, 1)) for row in rows]

    async def total(self, span: Span, among: Among) -> int:
        """Of all groups."""
        found = errors_of(span, among.teams)
        query = select(func.coalesce(whole(found.c["count"]), 0)).where(*_are(found, among))
        ((total,),) = await self._database.execute(query)
        return int(total)

    async def daily(
        self, span: Span, fingerprints: Sequence[str], teams: Sequence[str] | None
    ) -> dict[str, list[DailyCount]]:
        """By fingerprint, how often on each day of UTC that had any."""
        found = errors_of(span, teams)
        day = func.date(func.timezone("UTC", found.c.since))
        query = (
            select(found.c.fingerprint, day.label("day"), whole(found.c["count"]).label("count"))
            .where(found.c.fingerprint.in_(fingerprints))
            .group_by(found.c.fingerprint, day)
            .order_by(day)
        )
        days: dict[str, list[DailyCount]] = defaultdict(list)
        for row in await self._database.execute(query):
            days[row.fingerprint].append(DailyCount.model_validate(row._asdict()))
        return dict(days)

    async def by_team(
        self, span: Span, fingerprint: str, teams: Sequence[str] | None, *, limit: int
    ) -> list[TeamCount]:
        """Which teams met it how often, who most first."""
        single, counted = errors.c, error_counts.c
        rows = select(single.fingerprint, single.team, literal(1).label("count"))
        counts = select(counted.fingerprint, counted.team, counted["count"]).where(counted.team != ALL_TEAMS)
        found = joined(span, Source(rows, single.occurred_at), Source(counts, counted.since), counted.grain)
        query = (
            select(found.c.team, whole(found.c["count"]).label("count"))
            .where(found.c.fingerprint == fingerprint)
            .group_by(found.c.team)
            .order_by(desc("count"), found.c.team)
            .limit(limit)
        )
        if teams is not None:
            query = query.where(found.c.team.in_(teams))
        return [TeamCount.model_validate(row._mapping) for row in await self._database.execute(query)]

    async def samples(
        self, span: Span, fingerprint: str, teams: Sequence[str] | None, *, limit: int
    ) -> list[ErrorSample]:
        """The latest first. The span should be no longer than that of the group: each error of it is looked at."""
        retry = operations.alias("retry")
        was_healed = exists().where(
            retry.c.workflow_id == errors.c.workflow_id,
            retry.c.run_id == errors.c.run_id,
            retry.c.activity_id == errors.c.activity_id,
            retry.c.attempt > errors.c.attempt,
            retry.c.kind == OperationKind.ATTEMPT.value,
            retry.c.succeeded,
        )
        query = (
            select(errors, was_healed.label("was_healed_by_retry"))
            .where(*met(span, fingerprint, teams))
            .order_by(errors.c.occurred_at.desc(), errors.c.run_id, errors.c.activity_id, errors.c.attempt.desc())
            .limit(limit)
        )
        return [ErrorSample.model_validate(row._mapping) for row in await self._database.execute(query)]

    async def of_run(self, run: RunKey, *, limit: int) -> list[ErrorGroup]:
        """Of the attempts that the run made, or others for it, alike ones together."""
        found = single_errors().where(done_for(errors, run))
        query = grouped(found.subquery()).order_by(desc("count"), desc("last_seen"), "fingerprint", "code")
        return [group_of(row, 1) for row in await self._database.execute(query.limit(limit))]


def met(span: Span, fingerprint: str, teams: Sequence[str] | None) -> list[ColumnElement[bool]]:
    """The errors of one kind."""
    at = errors.c.occurred_at
    which = [at >= span.start, at < span.end, errors.c.fingerprint == fingerprint]
    return which if teams is None else [*which, errors.c.team.in_(teams)]


def _are(found: Subquery, among: Among) -> list[ColumnElement[bool]]:
    asked = among.model_dump(exclude={"teams"})
    return [found.c[name] == value for name, value in asked.items() if value]
