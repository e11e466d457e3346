"""The spool: nothing waits for it, nothing is written twice, and what is lost is counted and said."""

import asyncio
import logging
from collections.abc import Sequence

import pytest

from devsync.storage import spool as module
from devsync.storage.connection import DatabaseUnavailable
from devsync.storage.spool import Spool


class Book:
    """Takes what is written, unless it is away."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.is_away = False
        self.refuses: set[int] = set()
        self.tries = 0
        self.was_tried = asyncio.Event()

    async def write(self, entries: Sequence[int]) -> None:
        self.tries += 1
        self.was_tried.set()
        if self.is_away:
            raise DatabaseUnavailable("away")
        if self.refuses & set(entries):
            raise ValueError("cannot be stored")
        self.batches.append(list(entries))

    @property
    def entries(self) -> list[int]:
        return [entry for batch in self.batches for entry in batch]


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Book:
    monkeypatch.setattr(module, "_GATHERING_SECONDS", 0.01)
    monkeypatch.setattr(module, "_AWAY_SECONDS", 0.01)
    return Book()


async def until(book: Book, count: int) -> None:
    async with asyncio.timeout(10):
        while len(book.entries) < count:
            await asyncio.sleep(0.005)


async def test_what_is_kept_is_written_in_batches_and_in_order(book: Book) -> None:
    spool = Spool[int]("errors")
    async with spool.written_by(book.write):
        for number in range(450):
            spool.keep(number)
        await until(book, 450)
    assert book.entries == list(range(450))
    assert [len(batch) for batch in book.batches] == [200, 200, 50]
    assert spool.lost == 0


async def test_how_many_are_written_at_once_is_the_spools_own(book: Book) -> None:
    spool = Spool[int]("operations", batch=300)
    async with spool.written_by(book.write):
        for number in range(450):
            spool.keep(number)
        await until(book, 450)
    assert [len(batch) for batch in book.batches] == [300, 150]


async def test_a_patient_spool_gathers_for_longer(book: Book) -> None:
    spool = Spool[int]("operations", patience=20)
    async with spool.written_by(book.write):
        spool.keep(1)
        await asyncio.sleep(0.05)
        spool.keep(2)
        await until(book, 2)
    assert book.batches == [[1, 2]]


async def test_at_the_end_the_rest_is_written(book: Book) -> None:
    spool = Spool[int]("errors")
    async with spool.written_by(book.write):
        for number in range(450):
            spool.keep(number)
    assert (book.entries, spool.lost, len(spool)) == (list(range(450)), 0, 0)


async def test_while_the_database_is_away_entries_wait_for_it(book: Book) -> None:
    spool = Spool[int]("errors")
    book.is_away = True
    async with spool.written_by(book.write):
        spool.keep(1)
        await book.was_tried.wait()
        spool.keep(2)
        assert book.entries == []
        book.is_away = False
        await until(book, 2)
    assert (book.entries, spool.lost) == ([1, 2], 0)


async def test_a_full_spool_loses_the_oldest_and_says_how_many(book: Book, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "devsync.spool")
    spool = Spool[int]("errors", limit=100)
    book.is_away = True
    async with spool.written_by(book.write):
        for number in range(150):
            spool.keep(number)
        await book.was_tried.wait()
        assert (len(spool), spool.lost) == (100, 50)
        book.is_away = False
        await until(book, 100)
    assert book.entries == list(range(50, 150))
    assert "50 errors were not recorded" in caplog.text


async def test_what_the_database_does_not_take_at_the_end_is_lost_and_said(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "devsync.spool")
    spool = Spool[int]("errors")
    book.is_away = True
    async with spool.written_by(book.write):
        for number in range(450):
            spool.keep(number)
        await book.was_tried.wait()
        tries = book.tries
    assert book.tries <= tries + 2, "a database that is away does not hold up a shutdown"
    assert (book.entries, spool.lost) == ([], 450)
    assert "450 errors were not recorded" in caplog.text


async def test_entries_that_the_database_refuses_hold_up_no_others(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool[int]("errors")
    book.refuses = {3}
    async with spool.written_by(book.write):
        for number in range(450):
            spool.keep(number)
        await until(book, 250)
    assert book.entries == list(range(200, 450))
    assert spool.lost == 200
    assert "refused 200 errors" in caplog.text


async def test_what_came_before_the_database_is_written_then(book: Book) -> None:
    spool = Spool[int]("errors")
    spool.keep(1)
    async with spool.written_by(book.write):
        await until(book, 1)
    assert book.entries == [1]


async def test_a_flush_waits_for_what_was_kept_before_it_and_gathers_nothing(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_GATHERING_SECONDS", 60.0)
    spool = Spool[int]("errors")
    async with spool.written_by(book.write):
        spool.keep(1)
        assert await spool.flush(5)
        assert book.entries == [1]


async def test_a_flush_ends_in_time_while_the_database_is_away(book: Book) -> None:
    spool = Spool[int]("errors")
    book.is_away = True
    async with spool.written_by(book.write):
        spool.keep(1)
        assert not await spool.flush(0.05)
