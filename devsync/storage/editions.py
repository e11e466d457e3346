"""Editions on record: one row a revision, whose content is in the artifact store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import Executable, Row, func, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.edition import EditionStatus
from devsync.domain.changelog.edition import Contributor, Gap
from devsync.domain.model import Model
from devsync.storage.database import Database
from devsync.storage.deliveries import has_reached_readers, is_for_readers
from devsync.storage.tables import deliveries, editions
from devsync.storage.upsert import upsert

_READABLE = (EditionStatus.COMPLETE.value, EditionStatus.PARTIAL.value)


class EditionRecord(Model):
    """One revision of one team's week."""

    team: str
    iso_week: str
    revision: int = Field(ge=1)
    status: EditionStatus
    content_digest: str = ""
    """sha256 of the edition's bytes: an equal digest is an unchanged edition."""
    completeness: float
    item_count: int
    unclassified_ratio: float
    gaps: tuple[Gap, ...] = ()
    contributors: tuple[Contributor, ...] = ()
    workflow_id: str
    run_id: str
    """`original_execution_run_id`."""
    window_start: datetime
    window_end: datetime
    composed_at: datetime
    """Workflow time. The later composition of the same revision stays."""
    edition: ArtifactRef | None = None
    renderings: dict[str, ArtifactRef] = {}
    """By format."""


class Editions:
    """Queries. `devsync.storage.records.Records` writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(self, team: str, iso_week: str, *, not_by_run: str | None = None) -> EditionRecord | None:
        """The newest revision of the week; `not_by_run` leaves out what that run itself recorded."""
        query = select(editions).where(editions.c.team == team, editions.c.iso_week == iso_week)
        if not_by_run is not None:
            query = query.where(editions.c.run_id != not_by_run)
        rows = await self._database.execute(query.order_by(editions.c.revision.desc()).limit(1))
        return _record(rows[0]) if rows else None

    async def revision(self, team: str, iso_week: str, revision: int) -> EditionRecord | None:
        """One revision of the week."""
        query = select(editions).where(
            editions.c.team == team, editions.c.iso_week == iso_week, editions.c.revision == revision
        )
        rows = await self._database.execute(query)
        return _record(rows[0]) if rows else None

    async def sent_out(self, team: str, limit: int) -> list[EditionRecord]:
        """The newest revision of each of the team's last weeks that was let out to its channels, whatever became of it
        there; the latest first. What was backfilled, rejected or given up is not among them."""
        was_sent = (
            select(deliveries.c.part)
            .where(deliveries.c.team == editions.c.team, deliveries.c.iso_week == editions.c.iso_week, is_for_readers())
            .exists()
        )
        query = select(editions).ext(distinct_on(editions.c.iso_week))
        query = query.where(editions.c.team == team, editions.c.status.in_(_READABLE), was_sent)
        query = query.order_by(editions.c.iso_week.desc(), editions.c.revision.desc()).limit(limit)
        return [_record(row) for row in await self._database.execute(query)]

    async def known_people(self, team: str, *, before_week: str) -> frozenset[str]:
        """Names and logins of everybody who contributed to the team's editions of earlier weeks."""
        rows = await self._database.execute(_KNOWN_PEOPLE.bindparams(team=team, before_week=before_week))
        return frozenset(row.person for row in rows)

    async def weeks_on_record(self, *, since: str) -> dict[str, set[str]]:
        """By team, the weeks from `since` on of which there is an edition, delivered or not."""
        query = select(editions.c.team, editions.c.iso_week).where(editions.c.iso_week >= since).distinct()
        found: dict[str, set[str]] = {}
        for row in await self._database.execute(query):
            found.setdefault(row.team, set()).add(row.iso_week)
        return found

    async def last_delivered_window_end(self, team: str, *, before_week: str) -> datetime | None:
        """Where the team's last edition of an earlier week ended that reached a channel; None before the first.

        The week's own earlier revisions do not count: the next one replaces them and tells all that they told.
        """
        was_delivered = (
            select(deliveries.c.part)
            .where(
                deliveries.c.team == editions.c.team,
                deliveries.c.iso_week == editions.c.iso_week,
                has_reached_readers(),
            )
            .exists()
        )
        query = select(func.max(editions.c.window_end)).where(
            editions.c.team == team, editions.c.iso_week < before_week, was_delivered
        )
        (row,) = await self._database.execute(query)
        end: datetime | None = row[0]
        return end


_KNOWN_PEOPLE = text(
    """
    SELECT DISTINCT known.person
    FROM editions, jsonb_array_elements(editions.contributors) AS contributor,
         LATERAL (VALUES (contributor ->> 'name'), (contributor ->> 'login')) AS known (person)
    WHERE editions.team = :team AND editions.iso_week < :before_week AND known.person <> ''
    """
)


def upsert_editions(records: Sequence[EditionRecord]) -> Executable:
    """Writes revisions, each distinct. Their references point into the store: `Records` sees to it."""
    return upsert(
        editions,
        [_row(record) for record in records],
        may_replace=lambda new: new.excluded.composed_at >= editions.c.composed_at,
    )


def _row(record: EditionRecord) -> dict[str, Any]:
    as_json = record.model_dump(mode="json")
    json_columns = ("gaps", "contributors", "edition", "renderings")
    return record.model_dump() | {name: as_json[name] for name in json_columns}


def _record(row: Row[Any]) -> EditionRecord:
    return EditionRecord.model_validate(dict(row._mapping))
