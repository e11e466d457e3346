"""Recoveries on record: each written once with its steps, and counted by plan and outcome."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, case, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from devsync.contracts.recovery import RecordRecovery
from devsync.domain.audit import AuditEntry
from devsync.domain.model import Model
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import StepState
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from devsync.storage.prose import storable
from devsync.storage.tables import recoveries, recovery_steps


class RecordedStep(Model):
    """One step of a recovery on record."""

    step: str
    activity: str
    state: StepState
    started_at: datetime
    seconds: float
    attempts: int
    healed: tuple[str, ...]
    message: str


class RecordedRecovery(Model):
    """One recovery on record."""

    workflow_id: str
    run_id: str
    team: str
    iso_week: str
    plan: str
    service: str
    phase: str
    outcome: RecoveryOutcome
    healed: int
    missing: dict[str, str]
    """Why, by unit."""
    decision: str
    decided_by: str
    note: str
    escalation_id: str
    started_at: datetime
    ended_at: datetime
    owner_run_id: str | None = None
    """Of the run that it worked for; None: a program asked, or an older build wrote it."""
    steps: tuple[RecordedStep, ...] = ()


class PlanStatistics(Model):
    """How often a plan ended in one way."""

    plan: str
    outcome: RecoveryOutcome
    count: int
    median_seconds: float


class StepStatistics(Model):
    """How often a step of a plan healed something."""

    plan: str
    step: str
    count: int
    """How often it ran."""
    healed: int
    """How often it healed something."""
    median_seconds: float


class Recoveries:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._audit = Audit(database)

    async def write(self, message: RecordRecovery) -> None:
        """With its steps, in one transaction; what is there already stays as it is."""
        await self._audit.write([_entry(message)], *_statements(message))

    async def recent(
        self, limit: int, *, ids_begin: str = "", teams: Sequence[str] | None = None
    ) -> list[RecordedRecovery]:
        """The last ones that ended, newest first, with their steps; those alone whose workflow ids begin so, of these
        teams or of all."""
        newest = select(recoveries).order_by(recoveries.c.ended_at.desc(), recoveries.c.workflow_id).limit(limit)
        if ids_begin:
            newest = newest.where(recoveries.c.workflow_id.startswith(ids_begin, autoescape=True))
        if teams is not None:
            newest = newest.where(recoveries.c.team.in_(teams))
        return await with_steps(self._database, newest)

    async def by_outcome(self, since: datetime, *, teams: Sequence[str] | None = None) -> list[PlanStatistics]:
        """Of what has ended since then, of these teams or of all; plans in their order, the most frequent outcome
        first."""
        seconds = func.extract("epoch", recoveries.c.ended_at - recoveries.c.started_at)
        query = (
            select(
                recoveries.c.plan,
                recoveries.c.outcome,
                func.count().label("count"),
                func.percentile_cont(0.5).within_group(seconds).label("median_seconds"),
            )
            .where(*_ended(since, teams))
            .group_by(recoveries.c.plan, recoveries.c.outcome)
            .order_by(recoveries.c.plan, func.count().desc(), recoveries.c.outcome)
        )
        return [PlanStatistics.model_validate(dict(row._mapping)) for row in await self._database.execute(query)]

    async def by_step(self, since: datetime, *, teams: Sequence[str] | None = None) -> list[StepStatistics]:
        """Of the steps that ran, of these teams or of all; within a plan the one that healed most often first."""
        has_healed = func.count(case((func.jsonb_array_length(recovery_steps.c.healed) > 0, 1)))
        is_same = (recovery_steps.c.workflow_id == recoveries.c.workflow_id) & (
            recovery_steps.c.run_id == recoveries.c.run_id
        )
        query = (
            select(
                recoveries.c.plan,
                recovery_steps.c.step,
                func.count().label("count"),
                has_healed.label("healed"),
                func.percentile_cont(0.5).within_group(recovery_steps.c.seconds).label("median_seconds"),
            )
            .join(recovery_steps, is_same)
            .where(*_ended(since, teams), recovery_steps.c.state != StepState.SKIPPED.value)
            .group_by(recoveries.c.plan, recovery_steps.c.step)
            .order_by(recoveries.c.plan, has_healed.desc(), func.count().desc(), recovery_steps.c.step)
        )
        return [StepStatistics.model_validate(dict(row._mapping)) for row in await self._database.execute(query)]


async def with_steps(database: Database, query: Select[Any]) -> list[RecordedRecovery]:
    """The recoveries that the query of their table finds, in its order. Two queries, however many."""
    rows = await database.execute(query)
    key = tuple_(recovery_steps.c.workflow_id, recovery_steps.c.run_id)
    of_these = select(recovery_steps).where(key.in_([(row.workflow_id, row.run_id) for row in rows]))
    steps: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for step in await database.execute(of_these.order_by(recovery_steps.c.number)) if rows else ():
        steps[step.workflow_id, step.run_id].append(dict(step._mapping))
    return [
        RecordedRecovery.model_validate({**row._mapping, "steps": steps[row.workflow_id, row.run_id]}) for row in rows
    ]


def _ended(since: datetime, teams: Sequence[str] | None) -> list[ColumnElement[bool]]:
    is_since = recoveries.c.ended_at >= since
    return [is_since] if teams is None else [is_since, recoveries.c.team.in_(teams)]


def _statements(message: RecordRecovery) -> Sequence[Executable]:
    steps = [_clean(row) for row in _step_rows(message)]
    first = insert(recoveries).values(_clean(_row(message))).on_conflict_do_nothing()
    return [first, *([insert(recovery_steps).values(steps).on_conflict_do_nothing()] if steps else [])]


def _entry(message: RecordRecovery) -> AuditEntry:
    report, row = message.report, _row(message)
    return AuditEntry(
        team=message.team,
        id=f"recovery:{report.workflow_id}:{report.run_id}",
        at=message.ended_at,
        actor=report.decided_by or "recovery",
        what=report.workflow_id,
        action=f"recover by {report.plan}",
        outcome=row["outcome"],
        context={
            "healed": row["healed"],
            "missing": ", ".join(sorted(row["missing"])),
            "decision": row["decision"],
            "note": report.note,
        },
    )


def _row(message: RecordRecovery) -> dict[str, Any]:
    report = message.report
    outcome = report.outcome or RecoveryOutcome.FAILED
    return {
        "workflow_id": report.workflow_id,
        "run_id": report.run_id,
        "team": message.team,
        "iso_week": message.iso_week,
        "plan": report.plan,
        "service": report.service,
        "phase": report.phase,
        "outcome": outcome.value,
        "healed": len(report.healed) + len(report.healed_without_data),
        "missing": {unit.unit: unit.failure.message for unit in report.missing},
        "decision": report.decision.value if report.decision else "",
        "decided_by": report.decided_by,
        "note": report.note,
        "escalation_id": ", ".join(report.escalations),
        "started_at": message.started_at,
        "ended_at": message.ended_at,
        "owner_run_id": report.owner_run_id or None,
    }


def _step_rows(message: RecordRecovery) -> list[dict[str, Any]]:
    report = message.report
    return [
        {
            "workflow_id": report.workflow_id,
            "run_id": report.run_id,
            "number": number,
            "team": message.team,
            "step": step.id,
            "activity": step.activity,
            "state": step.state.value,
            "started_at": step.started_at,
            "seconds": step.duration.total_seconds(),
            "attempts": step.attempts,
            "healed": list(step.healed),
            "message": step.message,
        }
        for number, step in enumerate(report.steps, 1)
    ]


def _clean(row: dict[str, Any]) -> dict[str, Any]:
    return {name: storable(value) for name, value in row.items()}
