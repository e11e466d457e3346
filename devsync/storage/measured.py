"""Where the time of editions, phases, attempts and API calls went."""

from collections.abc import Sequence
from typing import NamedTuple

from devsync.domain.insight.counted import OperationCalls, OperationCount
from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.recommendations import EditionUse
from devsync.domain.insight.span import Span
from devsync.domain.insight.statistics import Bottleneck, bottlenecks
from devsync.storage.database import Database
from devsync.storage.performance import Performance


class Measured(NamedTuple):
    editions: EditionUse | None
    """None: none was made."""
    stages: tuple[Bottleneck, ...] | NotEnoughData
    attempts: Sequence[OperationCount]
    """What takes most time first, here and below."""
    calls: Sequence[OperationCalls]


async def measured(database: Database, span: Span, *, team: str | None = None) -> Measured:
    """Raises DatabaseUnavailable and NotMigrated."""
    records = Performance(database)
    return Measured(
        editions=await records.edition_use(span, team=team),
        stages=bottlenecks(await records.stages(span, team=team)),
        attempts=await records.operations(span, team=team),
        calls=await records.calls(span, team=team),
    )
