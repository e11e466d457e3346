"""What a run tried, how often again, and its API calls: rows on record, its own and what was done for it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import DateTime, case, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from devsync.contracts.operations import OperationKind
from devsync.domain.insight.counted import ApiCalls
from devsync.domain.model import Model
from devsync.storage.calls import CALL_KINDS, call_counts
from devsync.storage.database import Database
from devsync.storage.owned import RunKey, done_for
from devsync.storage.tables import operations


class AttemptCount(Model):
    """Attempts of one operation that began in one stretch of a run."""

    stretch: int
    """0 before the first bound, 1 from it on, …"""
    service: str
    operation: str
    attempts: int
    retries: int
    """Those that were not an activity's first."""
    failures: int
    seconds: float
    """All of them together."""
    calls_asked: int
    """API calls that went out, answered or not."""
    peak_memory_mb: float | None
    """The most that a worker held meanwhile."""


async def attempts_of(database: Database, run: RunKey, bounds: Sequence[datetime]) -> list[AttemptCount]:
    """In the order of the run, by the stretch in which they began. `bounds` are sorted. Raises DatabaseUnavailable and
    NotMigrated."""
    table = operations.c
    began = table.ended_at - func.make_interval(0, 0, 0, 0, 0, 0, table.seconds)
    stretch = func.width_bucket(began, literal(list(bounds), ARRAY(DateTime(timezone=True)))).label("stretch")
    query = (
        select(
            stretch,
            table.service,
            table.operation,
            func.count().label("attempts"),
            func.count(case((table.attempt > 1, 1))).label("retries"),
            func.count(case((~table.succeeded, 1))).label("failures"),
            func.sum(table.seconds).label("seconds"),
            func.sum(table.api_calls).label("calls_asked"),
            func.max(table.peak_memory_mb).label("peak_memory_mb"),
        )
        .where(done_for(operations, run), table.kind == OperationKind.ATTEMPT.value)
        .group_by(stretch, table.service, table.operation)
        .order_by(stretch, table.service, table.operation)
    )
    return [AttemptCount.model_validate(row._mapping) for row in await database.execute(query)]


async def calls_of(database: Database, run: RunKey) -> list[ApiCalls]:
    """By service, in the order of names. Raises DatabaseUnavailable and NotMigrated."""
    table = operations.c
    query = (
        select(table.service, *call_counts())
        .where(done_for(operations, run), table.kind.in_(CALL_KINDS))
        .group_by(table.service)
        .order_by(table.service)
    )
    return [ApiCalls.model_validate(row._mapping) for row in await database.execute(query)]
