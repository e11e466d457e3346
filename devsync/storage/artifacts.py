"""Content-addressed, compressed, immutable artifacts, and what happens while they cannot be stored."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Insert

from devsync.contracts.artifacts import INLINE_LIMIT_BYTES, ArtifactRef
from devsync.storage.connection import DatabaseUnavailable, StorageError
from devsync.storage.content import Packed, pack, unpack
from devsync.storage.database import Database
from devsync.storage.recent import RecentContents
from devsync.storage.tables import artifacts
from devsync.storage.upsert import insert_rows

_PACK_IN_THREAD_BYTES = 256 * 1024
"""Above about a millisecond of packing, the loop's other work should not wait for it."""
_YOUNG = timedelta(days=1)
"""Far from any age at which artifacts are removed, and seldom enough to cost nothing."""


class StoreUnavailable(DatabaseUnavailable):
    """The store is away, and the content is too large to travel in a reference, or is in the store only."""


class ArtifactMissing(StorageError):
    """The store answers and does not have the artifact: it was never stored here, or retention removed it."""


class ArtifactStore:
    """Puts and gets artifacts; each call ends within the bounds of `Database`.

    For activities in threads: `LoopBridge.run(store.put(…))`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent = RecentContents()

    async def put(self, content: bytes, *, kind: str, team: str) -> ArtifactRef:
        """Stores the content, once however often it is put, and gives its reference.

        With the database away the reference carries the content. Raises StoreUnavailable when its compressed
        form is too large for that (INLINE_LIMIT_BYTES), and NotMigrated.
        """
        (reference,) = await self.put_many([(kind, content)], team=team)
        return reference

    async def put_many(self, contents: Sequence[tuple[str, bytes]], *, team: str) -> list[ArtifactRef]:
        """Stores (kind, content) pairs in one statement, all or none; references in the same order.

        Falls back and raises as `put` does: StoreUnavailable when any of them is too large to travel inline.
        """
        packed = [(kind, await _packed(content)) for kind, content in contents]
        try:
            return await self._put_packed(packed, team)
        except DatabaseUnavailable as error:
            return [_inline(kind, pack_, error) for kind, pack_ in packed]

    async def put_or_carry(
        self, contents: Sequence[tuple[str, bytes]], *, team: str, budget: int
    ) -> list[ArtifactRef | None]:
        """Stores (kind, content) pairs as `put_many` does. With the database away it gives, in their order, inline
        references as far as they fit into `budget` characters together, and None for each other content.
        """
        packed = [(kind, await _packed(content)) for kind, content in contents]
        try:
            return [*await self._put_packed(packed, team)]
        except DatabaseUnavailable:
            return _carried(packed, budget)

    async def settle(self, references: Sequence[ArtifactRef], *, team: str) -> list[ArtifactRef]:
        """Stores what travelled inline; gives references to stored artifacts only, in the same order.

        Raises DatabaseUnavailable: the caller is the recording step, which is retried until it succeeds.
        """
        settled = list(references)
        packed = {
            at: (reference.kind, await _packed(await self.get(reference)))
            for at, reference in enumerate(references)
            if reference.inline is not None
        }
        await self._insert(list(packed.values()), team)
        for at, (kind, pack_) in packed.items():
            settled[at] = ArtifactRef(digest=pack_.digest, size=pack_.size, kind=kind)
        return settled

    async def get(self, reference: ArtifactRef) -> bytes:
        """The uncompressed content; inline content needs no database.

        Raises ArtifactMissing, ContentDamaged, StoreUnavailable and NotMigrated.
        """
        inline = reference.inline_content
        if inline is not None:
            return unpack(inline, size=reference.size, digest=None)
        recent = self._recent.get(reference.digest)
        if recent is not None:
            return unpack(recent, size=reference.size, digest=reference.digest)
        query = select(artifacts.c.content).where(artifacts.c.digest == reference.digest).limit(1)
        try:
            rows = await self._database.execute(query)
        except DatabaseUnavailable as error:
            raise StoreUnavailable(str(error)) from error
        if not rows:
            raise ArtifactMissing(f"{reference.kind} {reference.digest} is not in the store")
        return unpack(rows[0].content, size=reference.size, digest=reference.digest)

    async def get_many(self, references: Sequence[ArtifactRef]) -> dict[ArtifactRef, bytes]:
        """The uncompressed contents of those that the store has, in one query however many.

        Raises ContentDamaged, StoreUnavailable and NotMigrated.
        """
        wanted = {reference.digest for reference in references if reference.inline is None}
        query = select(artifacts.c.digest, artifacts.c.content).where(artifacts.c.digest.in_(wanted))
        try:
            rows = await self._database.execute(query) if wanted else []
        except DatabaseUnavailable as error:
            raise StoreUnavailable(str(error)) from error
        stored = {row.digest: row.content for row in rows}
        return {
            reference: unpack(packed, size=reference.size, digest=reference.digest)
            for reference in references
            if (packed := reference.inline_content or stored.get(reference.digest)) is not None
        }

    async def _put_packed(self, packed: Sequence[tuple[str, Packed]], team: str) -> list[ArtifactRef]:
        await self._insert(packed, team)
        return [ArtifactRef(digest=pack_.digest, size=pack_.size, kind=kind) for kind, pack_ in packed]

    async def _insert(self, packed: Sequence[tuple[str, Packed]], team: str) -> None:
        # One row a digest, in one order everywhere: two writers of the same artifacts cannot deadlock.
        unique = {pack_.digest: (kind, pack_) for kind, pack_ in packed}
        rows = [
            {"digest": digest, "team": team, "kind": kind, "size": pack_.size, "content": pack_.compressed}
            for digest, (kind, pack_) in sorted(unique.items())
        ]
        if rows:
            await self._database.execute(_put(rows))
        for digest, (_, pack_) in unique.items():
            self._recent.keep(digest, pack_.compressed)


def _put(rows: Sequence[Mapping[str, object]]) -> Insert:
    """What is there stays, and is young again: retention must not take what is about to be referred to."""
    statement = insert_rows(artifacts, rows)
    return statement.on_conflict_do_update(
        index_elements=["digest", "team"],
        set_={"created_at": func.now()},
        where=artifacts.c.created_at < func.now() - _YOUNG,
    )


async def _packed(content: bytes) -> Packed:
    if len(content) > _PACK_IN_THREAD_BYTES:
        return await asyncio.to_thread(pack, content)
    return pack(content)


def _carried(packed: Sequence[tuple[str, Packed]], budget: int) -> list[ArtifactRef | None]:
    carried: list[ArtifactRef | None] = []
    for kind, pack_ in packed:
        reference = None
        if len(pack_.compressed) <= INLINE_LIMIT_BYTES:
            reference = ArtifactRef.of_inline(pack_.compressed, size=pack_.size, kind=kind)
        if reference is not None and reference.inline_size > budget:
            reference = None
        carried.append(reference)
        budget -= reference.inline_size if reference is not None else 0
    return carried


def _inline(kind: str, packed: Packed, reason: DatabaseUnavailable) -> ArtifactRef:
    length = len(packed.compressed)
    if length > INLINE_LIMIT_BYTES:
        raise StoreUnavailable(
            f"{reason}, and {kind} is too large to travel without it: {length} bytes compressed, "
            f"{INLINE_LIMIT_BYTES} allowed"
        ) from reason
    return ArtifactRef.of_inline(packed.compressed, size=packed.size, kind=kind)
