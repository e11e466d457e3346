"""The one door to PostgreSQL: a pooled async engine whose every call ends in bounded time."""

import asyncio
import copy
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Executable, Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from devsync.storage.connection import DatabaseUnavailable, NotMigrated, not_migrated
from devsync.storage.engine import CONNECT_SECONDS, STATEMENT_SECONDS, engine_url, place_of, translated

T = TypeVar("T")

_FREE_CONNECTION_SECONDS = 3
_CALL_SECONDS = 5.0
"""No call takes longer, whatever the network does: a frozen server answers neither queries nor cancellations."""
PATIENT_SECONDS = 60
_AWAY_SECONDS = 2.0
"""After a call that had to be given up, the next ones fail at once for this long: 300 pages would each wait."""


_PATIENTLY = text(f"SET LOCAL statement_timeout = '{PATIENT_SECONDS}s'")
_STATE = text(
    "SELECT current_setting('server_version') AS version,"
    " current_setting('transaction_read_only') = 'on' AS is_read_only"
)
_FOR_TEAM = text("SELECT set_config('app.current_team_id', :team, true)")
"""Until the end of the transaction: the connection goes back to the pool without it."""


@dataclass(frozen=True)
class DatabaseState:
    """What `check` found. `is_newer`: migrated by a newer build; this one can still work with it. `is_read_only`: it
    takes nothing for now, as after a fail-over; editions go out, and records follow."""

    server_version: str
    revision: str
    head: str
    is_newer: bool
    is_read_only: bool


class Database:
    """Runs statements on a pool of connections.

    Belongs to the event loop that first uses it; activities in threads come through
    `devsync.storage.threads.LoopBridge`. `pool_size` connections stay open, as many again in a rush.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        parsed = engine_url(url)
        self.place = place_of(parsed)
        self._engine = create_async_engine(
            parsed,
            # One statement is one transaction and one round trip; `execute` opens a real one for several.
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=_FREE_CONNECTION_SECONDS,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": CONNECT_SECONDS,
                "tcp_user_timeout": STATEMENT_SECONDS * 1000,  # a partition: unacknowledged bytes
                "options": f"-c statement_timeout={STATEMENT_SECONDS}s -c timezone=UTC",
                "application_name": "devsync",
            },
        )
        self._given_up: set[asyncio.Task[Any]] = set()
        self._away_until = 0.0
        self._team: str | None = None

    def of_team(self, team: str) -> "Database":
        """The same pool, for one team's sake: where the role is not one for all teams, row-level security shows and
        takes that team's rows alone. Close the pool itself, not this.
        """
        of_team = copy.copy(self)
        of_team._team = team
        return of_team

    async def execute(self, *statements: Executable) -> Sequence[Row[Any]]:
        """Runs the statements, several in one transaction; gives the rows of the last one.

        Raises DatabaseUnavailable (within about 5 s) and NotMigrated.
        """
        return await self._in_bounded_time(self._execute(statements))

    async def ask_patiently(self, statement: Executable) -> Sequence[Row[Any]]:
        """The rows of a statement that reads whole tables, for work that nobody waits for: within PATIENT_SECONDS."""

        async def work(connection: AsyncConnection) -> Sequence[Row[Any]]:
            await connection.execute(_PATIENTLY)
            return await _all(connection, [statement])

        return await self._in_bounded_time(self._transact(work), PATIENT_SECONDS + 1)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """The database as it is at one moment, to be read at leisure: each statement, or piece of a stream, within
        PATIENT_SECONDS. For commands; what others wait for has bounds. Raises as `execute` does.
        """
        with translated(self.place):
            async with self._engine.connect() as connection:
                await connection.execution_options(isolation_level="REPEATABLE READ")
                await connection.execute(_PATIENTLY)
                yield connection

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Runs `work` in one transaction, which is taken back when it raises; gives what it gives.

        For statements that follow from the rows of others. Raises as `execute` does.
        """
        return await self._in_bounded_time(self._transact(work))

    async def check(self) -> DatabaseState:
        """What doctor and a starting worker ask: reachable, and migrated to this build's head.

        Raises DatabaseUnavailable or NotMigrated, whose messages name the cure. A revision that this build
        does not know is a newer build's: migrations only add, so that a roll-back can go on working.
        """
        # Imported here: programs that only write and read need no alembic.
        from devsync.storage import migrate

        now = (await self.execute(_STATE))[0]
        head = migrate.head()
        try:
            rows = await self.execute(text("SELECT version_num FROM alembic_version"))
        except NotMigrated:
            rows = ()
        if not rows:
            raise not_migrated(self.place, f"has no tables of ours yet (this build needs {head})")
        revision = str(rows[0][0])
        is_known = migrate.knows(revision)
        if is_known and revision != head:
            raise not_migrated(self.place, f"is at revision {revision}, this build needs {head}")
        return DatabaseState(now.version, revision, head, is_newer=not is_known, is_read_only=now.is_read_only)

    async def dispose(self) -> None:
        """Closes every connection; calls that were given up are left behind."""
        for task in self._given_up:
            task.cancel()
        await self._engine.dispose()

    async def _execute(self, statements: tuple[Executable, ...]) -> Sequence[Row[Any]]:
        if len(statements) > 1 or self._team is not None:
            return await self._transact(lambda connection: _all(connection, statements))
        with translated(self.place):
            async with self._engine.connect() as connection:
                return await _all(connection, statements)

    async def _transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        with translated(self.place):
            async with self._engine.connect() as connection:
                await connection.execution_options(isolation_level="READ COMMITTED")
                if self._team is not None:
                    await connection.execute(_FOR_TEAM.bindparams(team=self._team))
                result = await work(connection)
                await connection.commit()
        return result

    async def _in_bounded_time(self, call: Coroutine[Any, Any, T], seconds: float = _CALL_SECONDS) -> T:
        if time.monotonic() < self._away_until:
            call.close()
            raise DatabaseUnavailable(f"{self.place} did not answer a moment ago")
        task = asyncio.create_task(call)
        try:
            # Not wait_for: cancelling makes psycopg ask the server to cancel the query and wait for that.
            await asyncio.wait((task,), timeout=seconds)
        except asyncio.CancelledError:
            self._give_up(task)
            raise
        if not task.done():
            self._give_up(task)
            self._away_until = time.monotonic() + _AWAY_SECONDS
            raise DatabaseUnavailable(f"{self.place} did not answer within {seconds:.0f} s")
        return task.result()

    def _give_up(self, task: asyncio.Task[Any]) -> None:
        self._given_up.add(task)
        task.add_done_callback(self._forget)
        task.cancel()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._given_up.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not log it as lost


async def _all(connection: AsyncConnection, statements: Sequence[Executable]) -> Sequence[Row[Any]]:
    rows: Sequence[Row[Any]] = ()
    for statement in statements:
        result = await connection.execute(statement)
        rows = result.all() if result.returns_rows else ()
    return rows
