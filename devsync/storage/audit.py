"""The audit in the database: entries are added together with the rows that they tell of, and never changed.

A chain has one writer at a time: whoever adds to it holds the row of its head, from before the rows are written until
all is committed. Writers of other teams do not wait.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CollectionAggregate, Executable, Row, Text, any_, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from devsync.domain.audit import AuditEntry, ChainedEntry, Head, chained
from devsync.storage.database import Database
from devsync.storage.prose import storable, without_secrets
from devsync.storage.tables import audit, audit_anchors, audit_heads
from devsync.storage.upsert import insert_rows

_DATABASE_ID = text(
    "SELECT system_identifier AS server, oid AS database FROM pg_control_system(), pg_database"
    " WHERE datname = current_database()"
)


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, entries: Iterable[AuditEntry], *statements: Executable) -> None:
        """Runs the statements and adds the entries that are not there yet, all in one transaction.

        What is repeated writes nothing twice. Raises DatabaseUnavailable (retry) and NotMigrated.
        """
        # Of two with one id the first stays, as it would had they been written one after the other.
        distinct = {(entry.team, entry.id): entry for entry in reversed(list(map(_storable, entries)))}
        added = list(reversed(distinct.values()))

        async def work(connection: AsyncConnection) -> None:
            heads = await locked_heads(connection, {entry.team for entry in added}) if added else {}
            for statement in statements:
                await connection.execute(statement)
            await add(connection, added, heads)

        await self._database.transact(work)

    async def latest(self, *, team: str | None = None, limit: int) -> list[ChainedEntry]:
        """The last ones to be written, the newest first; of all teams without one."""
        query = select(audit).order_by(audit.c.at.desc(), audit.c.team, audit.c.number.desc()).limit(limit)
        if team is not None:
            query = query.where(audit.c.team == team).order_by(None).order_by(audit.c.number.desc())
        return [entry_of(row) for row in await self._database.execute(query)]

    async def teams(self) -> list[str]:
        """All of which anything is on record, or was."""
        rows = await self._database.execute(select(audit_heads.c.team).order_by(audit_heads.c.team))
        return [row.team for row in rows if row.team]

    async def anchor(self, at: datetime) -> dict[str, Head]:
        """Notes where every chain stands, and gives it by team, to be noted outside the database as well."""
        rows = await self._database.execute(select(audit_heads).where(audit_heads.c.number > 0))
        anchors = [{"team": row.team, "number": row.number, "hash": row.hash, "at": at} for row in rows]
        if anchors:
            await self._database.execute(insert(audit_anchors).values(anchors).on_conflict_do_nothing())
        return {row.team: Head(number=row.number, hash=row.hash) for row in rows}

    async def database_id(self) -> str:
        """Names this database wherever heads are noted outside it, by whatever address it is reached."""
        (row,) = await self._database.execute(_DATABASE_ID)
        return f"{row.server}/{row.database}"


async def locked_heads(connection: AsyncConnection, teams: Iterable[str]) -> dict[str, Head]:
    """Where the teams' chains stand; until the end of the transaction nobody else adds to them."""
    # In one order everywhere: two writers of the same teams cannot deadlock.
    rows = [_head_row(team, Head(), cut=Head()) for team in sorted(teams)]
    held = insert_rows(audit_heads, rows)
    held = held.on_conflict_do_update(index_elements=["team"], set_={"team": held.excluded.team})
    found = await connection.execute(held.returning(audit_heads))
    return {row.team: Head(number=row.number, hash=row.hash) for row in found}


async def add(connection: AsyncConnection, entries: Sequence[AuditEntry], heads: dict[str, Head]) -> None:
    """Those that are not there yet, behind the heads, which are held."""
    # Arrays: the statement is the same for any number of entries, and is prepared once.
    of_these = (audit.c.team == _any_of(heads), audit.c.id == _any_of(entry.id for entry in entries))
    found = await connection.execute(select(audit.c.team, audit.c.id).where(*of_these))
    known = {(row.team, row.id) for row in found}
    added: list[dict[str, Any]] = []
    moved: dict[str, Head] = {}
    for team, head in heads.items():
        news = [entry for entry in entries if entry.team == team and (team, entry.id) not in known]
        rows = list(chained(head, news))
        added += [row.entry.model_dump() | {"number": row.number, "hash": row.hash} for row in rows]
        if rows:
            moved[team] = Head(number=rows[-1].number, hash=rows[-1].hash)
    if added:
        await connection.execute(insert(audit), added)
        await connection.execute(_move(moved))


def _any_of(values: Iterable[str]) -> CollectionAggregate[bool]:
    return any_(literal(list(values), ARRAY(Text)))


def _move(heads: dict[str, Head]) -> Insert:
    statement = insert_rows(audit_heads, [_head_row(team, head, cut=Head()) for team, head in heads.items()])
    new = {name: statement.excluded[name] for name in ("number", "hash")}
    return statement.on_conflict_do_update(index_elements=["team"], set_=new)


def _head_row(team: str, head: Head, *, cut: Head) -> dict[str, Any]:
    return {
        "team": team,
        "number": head.number,
        "hash": head.hash,
        "cut_number": cut.number,
        "cut_hash": cut.hash,
    }


def entry_of(row: Row[Any]) -> ChainedEntry:
    values = dict(row._mapping)
    return ChainedEntry(number=row.number, hash=row.hash, entry=AuditEntry.model_validate(values))


def _storable(entry: AuditEntry) -> AuditEntry:
    """As it comes back from the database: what is hashed is what is read."""
    texts = {name: storable(value) for name, value in entry if name != "at"}
    cleaned = {name: without_secrets(texts[name]) for name in ("actor", "outcome", "context")}
    return entry.model_copy(update=texts | cleaned)
