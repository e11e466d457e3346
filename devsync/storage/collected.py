"""Finished collections, remembered by unit and window: what a conditional probe asks, what it may reuse, and what
stands in while the service does not answer."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from devsync.contracts.artifacts import ArtifactRef
from devsync.domain.changelog.window import Window
from devsync.domain.model import Model
from devsync.storage.database import Database
from devsync.storage.tables import artifacts, collected_units
from devsync.storage.upsert import upsert


class Validator(Model):
    """One conditional GET: answered 304 as long as what it stands for has not changed."""

    path: str
    parameters: dict[str, str] = {}
    etag: str
    """As the server sent it, quotes and weakness mark included."""
    accept: str = ""
    """The media type, where it is not the API's own JSON: the entity tag belongs to one form."""
    says: str = ""
    """A digest of what the answer said, for servers whose tags change with our token; empty: the tag alone tells."""
    is_last: bool = False
    """A list's last page: a 304 that links to a next one says that the list has grown behind it."""


class RememberedUnit(Model):
    """One finished collection. It holds while every validator is answered 304; without any, nothing confirms it."""

    artifact: ArtifactRef
    validators: tuple[Validator, ...] = ()
    road: str = ""
    counts: dict[str, int] = {}
    notes: tuple[str, ...] = ()
    collected_at: datetime


class CollectedUnits:
    """For activities in threads: `LoopBridge.run(units.recall(…))`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remember(self, *, team: str, unit: str, window: Window, form: int, remembered: RememberedUnit) -> None:
        """Replaces an older memory of the same team, unit and window. Raises DatabaseUnavailable and NotMigrated."""
        row = {
            "team": team,
            "unit": unit,
            "window_start": window.start,
            "window_end": window.end,
            "form": form,
            **remembered.model_dump(mode="json", exclude={"collected_at"}),
            "collected_at": remembered.collected_at,
        }
        statement = upsert(
            collected_units,
            [row],
            may_replace=lambda new: collected_units.c.collected_at <= new.excluded.collected_at,
        )
        await self._database.execute(statement)

    async def recall(self, *, team: str, unit: str, window: Window, form: int) -> RememberedUnit | None:
        """The memory of that unit and window whose artifact is in the store and has that form; None without one.

        Raises DatabaseUnavailable and NotMigrated.
        """
        return (await self.recall_all(team=team, window=window, forms={unit: form})).get(unit)

    async def recall_all(self, *, team: str, window: Window, forms: Mapping[str, int]) -> dict[str, RememberedUnit]:
        """Likewise for many units, by name, each with the form that its artifact must have."""
        columns = collected_units.c
        rows = await self._database.execute(
            select(
                columns.unit,
                columns.form,
                columns.artifact,
                columns.validators,
                columns.road,
                columns.counts,
                columns.notes,
                columns.collected_at,
            )
            .join(
                artifacts,
                (artifacts.c.digest == columns.artifact["digest"].astext) & (artifacts.c.team == columns.team),
            )
            .where(
                columns.team == team,
                columns.unit.in_(forms),
                columns.window_start == window.start,
                columns.window_end == window.end,
            )
        )
        return {row.unit: RememberedUnit.model_validate(row._asdict()) for row in rows if row.form == forms[row.unit]}
