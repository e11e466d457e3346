"""When teams' schedules were paused, by what people did to them: the server forgets a pause that is over."""

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import text

from devsync.storage.database import Database

# With its actions written out: the index is of these alone.
_DEEDS: Final = text(
    """
    SELECT team, at, actor, action = 'schedule.pause' AS is_pause, coalesce(context ->> 'note', '') AS note
    FROM audit
    WHERE action IN ('schedule.pause', 'schedule.resume') AND team = ANY(:teams)
    ORDER BY team, at, number
    """
)


class Pause(NamedTuple):
    """One that is over."""

    since: datetime
    until: datetime
    by: str
    note: str

    def covers(self, instant: datetime) -> bool:
        return self.since <= instant < self.until


async def pauses(database: Database, teams: Collection[str]) -> dict[str, list[Pause]]:
    """Of each of those teams that had any, the oldest first. Raises DatabaseUnavailable and NotMigrated.

    From each resumption back to the last pause before it. A pause without a resumption of its own says nothing: the
    schedule may have been resumed by other means, and an edition that is missing would not be missed.
    """
    found: dict[str, list[Pause]] = {}
    begun = {}
    for row in await database.execute(_DEEDS.bindparams(teams=list(teams))):
        if row.is_pause:
            begun[row.team] = row
        elif (pause := begun.pop(row.team, None)) is not None:
            found.setdefault(row.team, []).append(Pause(pause.at, row.at, pause.actor, pause.note))
    return found
