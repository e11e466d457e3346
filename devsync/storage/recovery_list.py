"""Recoveries on record as people look at them: the latest that match, one, those of a run or of one kind of error."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, exists, func, literal, select, tuple_, union

from devsync.domain.insight.span import Span
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import StepState
from devsync.storage.database import Database
from devsync.storage.error_list import met
from devsync.storage.recoveries import RecordedRecovery, with_steps
from devsync.storage.tables import errors, recoveries, recovery_steps

_KEY = (recoveries.c.workflow_id, recoveries.c.run_id)
_ERRORS_LOOKED_AT: Final = 200


class RecoveryList:
    """Each answer is two queries, however many recoveries. All raise DatabaseUnavailable and NotMigrated."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(
        self,
        *,
        teams: Sequence[str] | None,
        iso_week: str = "",
        service: str = "",
        outcome: RecoveryOutcome | None = None,
        step: str = "",
        after: tuple[datetime, str] | None = None,
        limit: int,
    ) -> list[RecordedRecovery]:
        """The last that ended first. `step`: one by that name ran. `after`: end and run id of the last one before."""
        query = _latest(teams, limit)
        if iso_week:
            query = query.where(recoveries.c.iso_week == iso_week)
        if service:
            query = query.where(recoveries.c.service == service)
        if outcome is not None:
            query = query.where(recoveries.c.outcome == outcome.value)
        if step:
            query = query.where(_ran(step))
        if after is not None:
            ended_at, run_id = after
            at_most = tuple_(literal(ended_at), literal(run_id))
            query = query.where(tuple_(recoveries.c.ended_at, recoveries.c.run_id) < at_most)
        return await with_steps(self._database, query)

    async def one(self, workflow_id: str, run_id: str) -> RecordedRecovery | None:
        query = select(recoveries).where(recoveries.c.workflow_id == workflow_id, recoveries.c.run_id == run_id)
        found = await with_steps(self._database, query)
        return found[0] if found else None

    async def of_run(self, team: str, iso_week: str, run_id: str, *, limit: int) -> list[RecordedRecovery]:
        """Those that worked for one of the week's runs."""
        query = _latest([team], limit).where(recoveries.c.iso_week == iso_week, recoveries.c.owner_run_id == run_id)
        return await with_steps(self._database, query)

    async def of_errors(
        self, span: Span, fingerprint: str, teams: Sequence[str] | None, *, limit: int
    ) -> list[RecordedRecovery]:
        """Those that were started because of errors of one kind, or met them on their way; of the latest such errors.

        An error belongs to the recoveries of its service in the run that it is of; one that a recovery met, to it.
        """
        of_kind = select(errors).where(*met(span, fingerprint, teams)).order_by(errors.c.occurred_at.desc())
        sample = of_kind.limit(_ERRORS_LOOKED_AT).cte("sample")
        on_its_way = select(*_KEY).join(
            sample, (sample.c.workflow_id == recoveries.c.workflow_id) & (sample.c.run_id == recoveries.c.run_id)
        )
        because = select(*_KEY).join(
            sample,
            (func.coalesce(sample.c.owner_run_id, sample.c.run_id) == recoveries.c.owner_run_id)
            & (sample.c.team == recoveries.c.team)
            & (sample.c.service == recoveries.c.service)
            & ~sample.c.workflow_id.startswith("recovery:"),
        )
        found = union(on_its_way, because).subquery()
        query = _latest(teams, limit).where(tuple_(*_KEY).in_(select(found)))
        return await with_steps(self._database, query)


def _latest(teams: Sequence[str] | None, limit: int) -> Select[Any]:
    query = select(recoveries).order_by(recoveries.c.ended_at.desc(), recoveries.c.run_id.desc()).limit(limit)
    return query if teams is None else query.where(recoveries.c.team.in_(teams))


def _ran(step: str) -> ColumnElement[bool]:
    is_same = (recovery_steps.c.workflow_id == recoveries.c.workflow_id) & (
        recovery_steps.c.run_id == recoveries.c.run_id
    )
    return exists().where(is_same, recovery_steps.c.step == step, recovery_steps.c.state != StepState.SKIPPED.value)
