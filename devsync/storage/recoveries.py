"""Recoveries on record: each written once with its steps, and counted by plan and outcome."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, case, func, select
from sqlalchemy.dialects.postgresql import insert

from devsync.contracts.recovery import RecordRecovery
from devsync.domain.audit import AuditEntry
from devsync.domain.model import Model
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import StepState
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from devsync.storage.tables import recoveries, recovery_steps
from devsync.storage.upsert import storable


class RecordedStep(Model):
    """One step of a recovery on record."""

    step: str
    activity: str
    state: StepState
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

    async def recent(self, limit: int, *, ids_begin: str = "") -> list[RecordedRecovery]:
        """The last ones that ended, newest first, with their steps; those alone whose workflow ids begin so."""
        newest = select(recoveries).order_by(recoveries.c.ended_at.desc(), recoveries.c.workflow_id).limit(limit)
        if ids_begin:
            newest = newest.where(recoveries.c.workflow_id.startswith(ids_begin, autoescape=True))
        rows = await self._database.execute(newest)
        runs = [row.run_id for row in rows]
        steps = await self._database.execute(
            select(recovery_steps).where(recovery_steps.c.run_id.in_(runs)).order_by(recovery_steps.c.number)
        )
        return [
            RecordedRecovery.model_validate(
                {**row._mapping, "steps": tuple(dict(one._mapping) for one in steps if one.run_id == row.run_id)}
            )
            for row in rows
        ]

    async def by_outcome(self, since: datetime) -> list[PlanStatistics]:
        """Of what has ended since then; plans in their order, the most frequent outcome first."""
        seconds = func.extract("epoch", recoveries.c.ended_at - recoveries.c.started_at)
        query = (
            select(
                recoveries.c.plan,
                recoveries.c.outcome,
                func.count().label("count"),
                func.percentile_cont(0.5).within_group(seconds).label("median_seconds"),
            )
            .where(recoveries.c.ended_at >= since)
            .group_by(recoveries.c.plan, recoveries.c.outcome)
            .order_by(recoveries.c.plan, func.count().desc(), recoveries.c.outcome)
        )
        return [PlanStatistics.model_validate(dict(row._mapping)) for row in await self._database.execute(query)]

    async def by_step(self, since: datetime) -> list[StepStatistics]:
        """Of the steps that ran; within a plan the one that healed most often first."""
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
            .where(recoveries.c.ended_at >= since, recovery_steps.c.state != StepState.SKIPPED.value)
            .group_by(recoveries.c.plan, recovery_steps.c.step)
            .order_by(recoveries.c.plan, has_healed.desc(), func.count().desc(), recovery_steps.c.step)
        )
        return [StepStatistics.model_validate(dict(row._mapping)) for row in await self._database.execute(query)]


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
