"""What the tests of storage do to PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import psutil
import psycopg

from sandbox.postgres import PostgresServer


@contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    """The server keeps its sockets open and answers nothing."""
    first = psutil.Process(server.pid)
    processes = [first, *first.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@asynccontextmanager
async def held_up(url: str, statement: str, writers: int) -> AsyncIterator[None]:
    """What the statement locks stays locked until so many others wait for locks: then they go on all at once.

    Two that take the same rows in different orders and are held up in the middle must end in a deadlock.
    """
    async with (
        await psycopg.AsyncConnection.connect(url) as holder,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as watcher,
    ):
        await holder.execute(statement.encode())
        yield
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        while await (await watcher.execute(waiting.encode())).fetchone() != (writers,):
            await asyncio.sleep(0.01)
        await holder.rollback()
