"""Pages of an unfinished collection: a retry goes on after the last page that is stored here.

Pages are scratch: deleted with their collection once its result is an artifact. They hold their content
themselves, so that one statement stores a page and none is left behind.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from devsync.storage.content import pack, unpack
from devsync.storage.database import Database
from devsync.storage.tables import collection_pages


@dataclass(frozen=True)
class StoredPage:
    """One page as it was stored. `next_cursor` is None after the last page of its part."""

    part: str
    page: int
    next_cursor: str | None
    content: bytes
    etag: str | None = None
    stored_at: datetime | None = field(default=None, compare=False)


class CollectionPages:
    """For activities in threads: `LoopBridge.run(pages.store_page(…))`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def store_page(
        self,
        *,
        team: str,
        collection_id: str,
        unit: str,
        part: str,
        page: int,
        next_cursor: str | None,
        content: bytes,
        etag: str | None = None,
    ) -> None:
        """Stores one page in one round trip. The first writer wins: an attempt that was given up may still be
        running in its thread, and must not change a page from which the next attempt went on.

        `part` is `pulls`, `commits`, `releases`, `graphql` or `issues`; `page` counts from 1 within it.
        Raises DatabaseUnavailable and NotMigrated.
        """
        packed = pack(content)
        row = {
            "team": team,
            "collection_id": collection_id,
            "unit": unit,
            "part": part,
            "page": page,
            "next_cursor": next_cursor,
            "etag": etag,
            "digest": packed.digest,
            "size": packed.size,
            "content": packed.compressed,
        }
        await self._database.execute(insert(collection_pages).values(row).on_conflict_do_nothing())

    async def stored_pages(self, collection_id: str, unit: str) -> list[StoredPage]:
        """The unit's pages, ordered by part and page.

        Each part ends before its first missing page: what lies behind a hole cannot be gone on from.
        Raises ContentDamaged, DatabaseUnavailable and NotMigrated.
        """
        columns = collection_pages.c
        rows = await self._database.execute(
            select(
                columns.part,
                columns.page,
                columns.next_cursor,
                columns.digest,
                columns.size,
                columns.content,
                columns.etag,
                columns.stored_at,
            )
            .where(columns.collection_id == collection_id, columns.unit == unit)
            .order_by(columns.part, columns.page)
        )
        pages: list[StoredPage] = []
        for row in rows:
            before = pages[-1].page if pages and pages[-1].part == row.part else 0
            if row.page == before + 1:
                content = unpack(row.content, size=row.size, digest=row.digest)
                pages.append(StoredPage(row.part, row.page, row.next_cursor, content, row.etag, row.stored_at))
        return pages

    async def delete_collection(self, collection_id: str) -> None:
        """Removes all pages of a collection whose results are stored."""
        await self._database.execute(delete(collection_pages).where(collection_pages.c.collection_id == collection_id))

    async def delete_older_than(self, age: timedelta) -> None:
        """Removes the pages of collections that nobody finished."""
        await self._database.execute(delete(collection_pages).where(collection_pages.c.stored_at < func.now() - age))
