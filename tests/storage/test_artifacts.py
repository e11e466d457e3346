import asyncio
import hashlib
import os

import pytest
from sqlalchemy import func, select, update

from devsync.contracts.artifacts import INLINE_LIMIT_BYTES, ArtifactRef
from devsync.storage.artifacts import ArtifactMissing, ArtifactStore, StoreUnavailable
from devsync.storage.connection import DatabaseUnavailable, NotMigrated
from devsync.storage.content import ContentDamaged, pack
from devsync.storage.database import Database
from devsync.storage.tables import artifacts
from sandbox.postgres import PostgresServer
from tests.storage.server import frozen, held_up

CONTENT = b'{"title": "Pay by card"}' * 100
PATIENCE = 30  # seconds: not a measure, only the end of a test that hangs


def inline(content: bytes) -> ArtifactRef:
    packed = pack(content)
    return ArtifactRef.of_inline(packed.compressed, size=packed.size, kind="edition")


async def stored_count(database: Database) -> int:
    ((count,),) = await database.execute(select(func.count()).select_from(artifacts))
    return int(count)


@pytest.mark.parametrize("content", [b"", b"x", CONTENT, os.urandom(600_000)], ids=["none", "one", "text", "big"])
async def test_content_comes_back_by_its_digest(store: ArtifactStore, content: bytes) -> None:
    reference = await store.put(content, kind="edition", team="payments")
    assert reference == ArtifactRef(digest=hashlib.sha256(content).hexdigest(), size=len(content), kind="edition")
    assert await store.get(reference) == content


async def test_twenty_writers_of_the_same_content_store_it_once(store: ArtifactStore, database: Database) -> None:
    references = await asyncio.gather(*(store.put(CONTENT, kind="edition", team="payments") for _ in range(20)))
    assert len(set(references)) == 1
    assert await stored_count(database) == 1


async def test_writers_of_many_contents_in_different_orders_do_not_block_each_other(
    store: ArtifactStore, database: Database, url: str
) -> None:
    contents = [("collected", bytes([number]) * 1000) for number in range(20)]
    in_the_middle = (
        "INSERT INTO artifacts (digest, team, kind, size, content) "
        f"VALUES ('{hashlib.sha256(contents[10][1]).hexdigest()}', 'payments', 'collected', 1, '')"
    )
    async with held_up(url, in_the_middle, writers=2):
        writers = [asyncio.create_task(store.put_many(order, team="payments")) for order in (contents, contents[::-1])]
    # A deadlock's victim would have fallen back to inline references.
    assert {reference.inline for references in await asyncio.gather(*writers) for reference in references} == {None}
    assert await stored_count(database) == len(contents)


async def test_many_contents_give_references_in_their_order(store: ArtifactStore) -> None:
    contents = [("rendering.slack", b"b"), ("rendering.html", b"a"), ("rendering.md", b"b")]
    references = await store.put_many(contents, team="payments")
    assert [(reference.kind, await store.get(reference)) for reference in references] == contents
    assert await store.put_many([], team="payments") == []


async def test_many_come_back_at_once_and_those_that_are_gone_do_not(store: ArtifactStore) -> None:
    stored = await store.put_many([("edition", b"one"), ("edition", b"two")], team="payments")
    gone = ArtifactRef(digest="0" * 64, size=1, kind="edition")
    found = await store.get_many([*stored, gone, inline(CONTENT)])
    assert found == {stored[0]: b"one", stored[1]: b"two", inline(CONTENT): CONTENT}
    assert await store.get_many([]) == {}


async def test_two_teams_own_their_copies(store: ArtifactStore, database: Database) -> None:
    first = await store.put(CONTENT, kind="collected", team="payments")
    assert await store.put(CONTENT, kind="collected", team="platform") == first
    assert await stored_count(database) == 2


async def test_an_artifact_that_was_never_stored_is_missing(store: ArtifactStore) -> None:
    with pytest.raises(ArtifactMissing, match=r"edition 0{64} is not in the store"):
        await store.get(ArtifactRef(digest="0" * 64, size=1, kind="edition"))


async def test_content_that_was_changed_in_the_table_is_detected(store: ArtifactStore, database: Database) -> None:
    reference = await store.put(CONTENT, kind="edition", team="payments")
    await database.execute(update(artifacts).values(content=pack(CONTENT[::-1]).compressed))
    with pytest.raises(ContentDamaged, match="does not match its digest"):
        await ArtifactStore(database).get(reference)


async def test_settling_stores_what_travelled_inline(store: ArtifactStore, database: Database) -> None:
    stored = await store.put(b"stored before", kind="edition", team="payments")
    settled = await store.settle([inline(CONTENT), stored, inline(b"other")], team="payments")
    assert [reference.inline for reference in settled] == [None, None, None]
    store = ArtifactStore(database)
    assert [await store.get(reference) for reference in settled] == [CONTENT, b"stored before", b"other"]
    assert await stored_count(database) == 3


async def test_an_unmigrated_store_is_named_and_not_taken_for_an_outage(empty_url: str) -> None:
    database = Database(empty_url)
    with pytest.raises(NotMigrated, match=r"python starter\.py db upgrade"):
        await ArtifactStore(database).put(CONTENT, kind="edition", team="payments")
    await database.dispose()


async def test_with_the_server_stopped_content_travels_inline_until_it_is_back(
    breakable: tuple[PostgresServer, Database],
) -> None:
    server, database = breakable
    store = ArtifactStore(database)
    before = await store.put(CONTENT, kind="edition", team="payments")
    await server.kill()
    async with asyncio.timeout(PATIENCE):
        reference = await store.put(b"composed meanwhile", kind="edition", team="payments")
        assert reference.digest is None
        assert await store.get(reference) == b"composed meanwhile"
        assert await store.get(before) == CONTENT
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await ArtifactStore(database).get(before)
        with pytest.raises(StoreUnavailable, match="too large to travel without it"):
            await store.put(os.urandom(INLINE_LIMIT_BYTES + 1), kind="collected", team="payments")
        with pytest.raises(DatabaseUnavailable):
            await store.settle([reference], team="payments")
        some = [
            ("a", os.urandom(3000)),
            ("b", os.urandom(INLINE_LIMIT_BYTES + 1)),
            ("c", os.urandom(3000)),
            ("d", b"x"),
        ]
        carried = await store.put_or_carry(some, team="payments", budget=5000)
        assert [reference.kind for reference in carried if reference is not None] == ["a", "d"]
        assert [reference is None for reference in carried] == [False, True, True, False]
    await server.start()
    assert [one.inline for one in await store.put_or_carry(some, team="payments", budget=0) if one] == [None] * 4
    (settled,) = await store.settle([reference], team="payments")
    assert await store.get(settled) == b"composed meanwhile"
    assert await ArtifactStore(database).get(before) == CONTENT


async def test_a_frozen_server_holds_nobody_and_is_used_again_when_it_thaws(
    breakable: tuple[PostgresServer, Database],
) -> None:
    server, database = breakable
    store = ArtifactStore(database)
    await store.put(CONTENT, kind="edition", team="payments")
    async with asyncio.timeout(PATIENCE):
        with frozen(server):
            references = await asyncio.gather(
                *(store.put(f"page {n}".encode(), kind="collected", team="payments") for n in range(30))
            )
            assert all(reference.digest is None for reference in references)
            # One wait was enough: who comes right after is not made to wait again.
            with pytest.raises(DatabaseUnavailable, match="a moment ago"):
                await database.execute(select(1))
        while (await store.put(CONTENT, kind="edition", team="payments")).digest is None:
            await asyncio.sleep(0.1)
