"""Runs on record: one row for each workflow run that worked on an edition, dry runs included."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Executable, select

from devsync.domain.model import Model
from devsync.storage.database import Database
from devsync.storage.tables import runs
from devsync.storage.upsert import upsert


class RunRecord(Model):
    """One run, written when it ends. Times are workflow time. `devsync.storage.records.Records` writes it."""

    workflow_id: str
    run_id: str
    """`original_execution_run_id`: it survives a reset."""
    team: str
    iso_week: str
    status: str
    """How the edition ended."""
    requested_by: str = ""
    cancelled_because: str = ""
    """Who cancelled it and why; empty for a run that was not."""
    failed_because: str = ""
    """Why it brought no edition; empty for a run that did, or was cancelled."""
    started_at: datetime
    ended_at: datetime
    """A run that was reset, or told to deliver while it wrote its records, ends more than once: the last one stays."""
    seconds: dict[str, float] = {}
    """By phase, and `total`."""
    api_calls: dict[str, int] = {}
    """By service."""


async def runs_of_week(database: Database, team: str, iso_week: str, *, limit: int) -> list[RunRecord]:
    """The last that began first: of the edition, of dry runs, of amendments. Raises DatabaseUnavailable."""
    query = select(runs).where(runs.c.team == team, runs.c.iso_week == iso_week, runs.c.ended_at.is_not(None))
    rows = await database.execute(query.order_by(runs.c.started_at.desc(), runs.c.ended_at.desc()).limit(limit))
    return [RunRecord.model_validate(row._mapping) for row in rows]


def upsert_runs(records: Sequence[RunRecord]) -> Executable:
    """Writes distinct runs; an earlier end never replaces a later one."""
    return upsert(
        runs,
        [record.model_dump() for record in records],
        may_replace=lambda new: new.excluded.ended_at >= runs.c.ended_at,
    )
