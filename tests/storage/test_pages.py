import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from devsync.storage.connection import DatabaseUnavailable
from devsync.storage.database import Database
from devsync.storage.pages import CollectionPages, StoredPage
from devsync.storage.threads import LoopBridge

UNIT = "github:acme/payments-api"


@pytest.fixture
def pages(database: Database) -> CollectionPages:
    return CollectionPages(database)


async def keep(
    pages: CollectionPages,
    page: int,
    content: bytes = b"[]",
    *,
    collection_id: str = "run-1",
    part: str = "pulls",
    unit: str = UNIT,
    next_cursor: str | None = None,
) -> None:
    await pages.store_page(
        team="payments",
        collection_id=collection_id,
        unit=unit,
        part=part,
        page=page,
        next_cursor=next_cursor,
        content=content,
    )


async def test_pages_come_back_in_order_with_their_cursors(pages: CollectionPages) -> None:
    await keep(pages, 2, b"second", next_cursor=None)
    await keep(pages, 1, b"first", next_cursor="after-1")
    await keep(pages, 1, b"log", part="commits", next_cursor="c-1")
    await keep(pages, 1, b"elsewhere", unit="github:acme/payments-web")
    await keep(pages, 1, b"another run", collection_id="run-2")
    assert await pages.stored_pages("run-1", UNIT) == [
        StoredPage("commits", 1, "c-1", b"log"),
        StoredPage("pulls", 1, "after-1", b"first"),
        StoredPage("pulls", 2, None, b"second"),
    ]


async def test_pages_behind_a_hole_do_not_count(pages: CollectionPages) -> None:
    for page in (1, 2, 4, 5):
        await keep(pages, page)
    await keep(pages, 2, part="releases")
    stored = await pages.stored_pages("run-1", UNIT)
    assert [(page.part, page.page) for page in stored] == [("pulls", 1), ("pulls", 2)]


async def test_the_first_writer_of_a_page_wins(pages: CollectionPages) -> None:
    await keep(pages, 1, b"first", next_cursor="a")
    await keep(pages, 1, b"late", next_cursor="b")
    assert await pages.stored_pages("run-1", UNIT) == [StoredPage("pulls", 1, "a", b"first")]


async def test_twenty_writers_of_one_page_leave_one_consistent_page(pages: CollectionPages) -> None:
    await asyncio.gather(*(keep(pages, 1, f"by {n}".encode(), next_cursor=f"by {n}") for n in range(20)))
    (page,) = await pages.stored_pages("run-1", UNIT)
    assert page.content.decode() == page.next_cursor


async def test_pages_are_counted_from_one(pages: CollectionPages) -> None:
    with pytest.raises(IntegrityError, match="ck_collection_pages_page"):
        await keep(pages, 0)


async def test_a_finished_collection_is_deleted_and_no_other(pages: CollectionPages) -> None:
    await keep(pages, 1)
    await keep(pages, 1, collection_id="run-2")
    await pages.delete_collection("run-1")
    assert await pages.stored_pages("run-1", UNIT) == []
    assert len(await pages.stored_pages("run-2", UNIT)) == 1


async def test_only_old_pages_are_cleaned_up(pages: CollectionPages, database: Database) -> None:
    await keep(pages, 1, collection_id="old")
    await keep(pages, 1, collection_id="new")
    await database.execute(
        text("UPDATE collection_pages SET stored_at = now() - interval '8 days' WHERE collection_id = 'old'")
    )
    await pages.delete_older_than(timedelta(days=7))
    assert await pages.stored_pages("old", UNIT) == []
    assert len(await pages.stored_pages("new", UNIT)) == 1


async def test_threads_store_pages_through_the_loop(pages: CollectionPages) -> None:
    bridge = LoopBridge(asyncio.get_running_loop())

    def collect(unit: str) -> list[StoredPage]:
        for page in (1, 2, 3):
            bridge.run(keep(pages, page, f"{unit} {page}".encode(), unit=unit))
        return bridge.run(pages.stored_pages("run-1", unit))

    units = [f"github:acme/{number}" for number in range(10)]
    collected = await asyncio.gather(*(asyncio.to_thread(collect, unit) for unit in units))
    for unit, stored in zip(units, collected, strict=True):
        assert [page.content for page in stored] == [f"{unit} {page}".encode() for page in (1, 2, 3)]


async def test_an_error_reaches_the_thread_as_it_was_raised(pages: CollectionPages) -> None:
    bridge = LoopBridge(asyncio.get_running_loop())
    with pytest.raises(IntegrityError):
        await asyncio.to_thread(bridge.run, keep(pages, 0))


def test_a_thread_that_outlives_the_loop_is_told_so() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    with pytest.raises(DatabaseUnavailable, match="shutting down"):
        LoopBridge(loop).run(asyncio.sleep(0))
