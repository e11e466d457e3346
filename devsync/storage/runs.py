"""Runs on record: one row for each workflow run that worked on an edition, dry runs included."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Executable, or_, select

from devsync.domain.model import Model
from devsync.storage.database import Database
from devsync.storage.tables import runs
from devsync.storage.upsert import upsert


class RunRecord(Model):
    """One run. Times are workflow time."""

    workflow_id: str
    run_id: str
    """`original_execution_run_id`: it survives a reset."""
    team: str
    iso_week: str
    status: str
    """`running`, or how the edition ended."""
    requested_by: str = ""
    cancelled_because: str = ""
    """Who cancelled it and why; empty for a run that was not."""
    started_at: datetime
    ended_at: datetime | None = None
    seconds: dict[str, float] = {}
    """By phase, and `total`."""
    api_calls: dict[str, int] = {}
    """By service."""


class Runs:
    """Queries. `devsync.storage.records.Records` writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def recent(self, *, team: str | None = None, limit: int = 20) -> list[RunRecord]:
        """The runs that started last, of one team or of all, newest first."""
        query = select(runs).order_by(runs.c.started_at.desc(), runs.c.run_id).limit(limit)
        if team is not None:
            query = query.where(runs.c.team == team)
        rows = await self._database.execute(query)
        return [RunRecord.model_validate(dict(row._mapping)) for row in rows]


def upsert_runs(records: Sequence[RunRecord]) -> Executable:
    """Writes distinct runs; a late report of the start never overwrites the end."""
    return upsert(
        runs,
        [record.model_dump() for record in records],
        may_replace=lambda new: or_(runs.c.ended_at.is_(None), new.excluded.ended_at.is_not(None)),
    )
