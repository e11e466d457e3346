"""What every object of the API stands on: Temporal's client, the database and the spools, on one daemon thread's loop.

A program has one `Core` for each set of servers that it names, usually one. It starts with the first use, and is closed
by `close()` and when the program ends. The database's libraries are loaded by who has a database.
"""

import asyncio
import atexit
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import uuid4

from temporalio.client import Client
from temporalio.runtime import Runtime

from devsync.api.connection import Connection, name_of_script
from devsync.api.loop import LoopThread
from devsync.api.steps import ProgramSteps
from devsync.api.unavailable import DevSyncUnavailable
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.errors import ErrorRecord
from devsync.contracts.operations import OperationRecord
from devsync.domain.breaker import BreakerConfig
from devsync.domain.errors import RecoveryResult
from devsync.runtime.breaker.gate import Gate
from devsync.runtime.breaker.gates import Gates
from devsync.runtime.connection import TemporalUnreachable, connect
from devsync.runtime.leaving import let_threads_of_the_sdk_leave
from devsync.runtime.plugin import DevSyncPlugin
from devsync.runtime.telemetry import quiet_runtime
from devsync.storage.prose import keep_out
from devsync.storage.spool import Spool

if TYPE_CHECKING:
    from devsync.settings.configuration import Configuration
    from devsync.storage.artifacts import ArtifactStore
    from devsync.storage.database import Database

T = TypeVar("T")

CONNECTS_WITHIN: Final = 5.0
"""Seconds; a server that refuses says so at once."""
BLOCKS_FOR: Final = 1.0
"""Seconds that a blocking call may take."""
CLOSES_WITHIN: Final = 5.0
_AWAY_SECONDS: Final = 2.0
"""For this long after a connection that failed others hear the same at once: a storm of errors would wait in a row."""
_TAKEN_AFTER: Final = 0.05
_READ_AGAIN: Final = 60.0
"""Seconds after which the configuration is read anew."""

_log = logging.getLogger("devsync.api")


class Core:
    """Made by `core_of`. Every method may be called from any thread, the coroutines awaited in any loop."""

    def __init__(self, connection: Connection) -> None:
        """Raises ConfigError for an environment that cannot be used; connects to nothing."""
        self.environment = connection.environment()
        keep_out(self.environment.secrets())
        self.program = connection.program or self.environment.devsync_program or name_of_script()
        self._made = uuid4().hex
        self.steps = ProgramSteps()
        """What the program does itself in recoveries."""
        self.waiting: dict[str, asyncio.AbstractEventLoop] = {}
        """Recoveries that this process waits for, by id, with the loop of who does."""
        self.kept: dict[str, tuple[ArtifactRef | RecoveryResult, Any]] = {}
        """What its own steps have brought to them: the object itself, and as what it has travelled."""
        self.errors = Spool[ErrorRecord]("errors")
        self.operations = Spool[OperationRecord]("operations", limit=20_000, batch=500)
        self._arrived: deque[Callable[[], None]] = deque()
        """Records that are not in their spools yet."""
        self._is_taking = False
        self.stack = AsyncExitStack()
        """On the core's loop: what must be closed at the end, the latest first."""
        self.background: set[asyncio.Task[None]] = set()
        """Work that nobody waits for: asyncio itself would forget it."""
        self._gates: dict[str, Gates] = {}
        self._connection = connection
        self._loop = LoopThread(f"devsync-{self.program}", self._open)
        self._lock: asyncio.Lock | None = None
        self._sdk: Runtime | None = None
        self._client: Client | None = None
        self._database: Database | None = None
        self._away: tuple[float, TemporalUnreachable] | None = None
        self._configuration: tuple[float, Configuration | None] | None = None

    # From any thread and any loop.

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The work's result, done on the core's loop. Raises Closed and AfterFork."""
        return await self._loop.run(work)

    def wait(self, work: Coroutine[Any, Any, T], seconds: float = BLOCKS_FOR) -> T:
        """The same for a caller that blocks; raises NotInTime, too."""
        return self._loop.wait(work, seconds)

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """The same for a caller that does not wait."""
        return self._loop.start(work)

    @property
    def instance(self) -> str:
        """This process of the program, for records: those that are forked from one are others."""
        return f"{self._made}.{os.getpid()}"

    def keep_operation(self, record: OperationRecord) -> None:
        """Has it put on record; waits for nothing, and harms nobody where that cannot be."""
        self._keep(self.operations, record)

    def keep_error(self, record: ErrorRecord) -> None:
        """Likewise."""
        self._keep(self.errors, record)

    def close(self) -> None:
        """Writes what is not written yet, within CLOSES_WITHIN, and ends the thread. Safe to call twice."""
        with _cores_lock:
            for key in [key for key, core in _cores.items() if core is self]:
                del _cores[key]
        if self._loop.has_started:
            try:
                self._loop.wait(self._end(), CLOSES_WITHIN)
            except Exception as error:  # noqa: BLE001 (a program that ends must end)
                _log.warning("devsync did not close in order: %s: %s", type(error).__name__, error)
        self._loop.stop()

    # On the core's loop.

    async def client(self) -> Client:
        """Temporal's, connected. Raises TemporalUnreachable, within CONNECTS_WITHIN."""
        if self._client is not None:
            return self._client
        self._lock = self._lock or asyncio.Lock()
        async with self._lock:
            if self._client is None:
                self._client = await self._connect()
        return self._client

    @property
    def database(self) -> "Database":
        """Raises ConfigError where no DATABASE_URL is set."""
        if self._database is None:
            from devsync.storage.database import Database

            self._database = Database(self.environment.database().get_secret_value(), pool_size=2)
            self.stack.push_async_callback(self._database.dispose)
        return self._database

    @property
    def has_database(self) -> bool:
        return self.environment.database_url is not None

    @property
    def artifacts(self) -> "ArtifactStore":
        """Raises ConfigError where no DATABASE_URL is set."""
        from devsync.storage.artifacts import ArtifactStore

        return ArtifactStore(self.database)

    async def gate(self, service: str, config: BreakerConfig | None = None) -> Gate:
        """Of a service that the product guards: the fleet's breaker as this process follows it. `config` are the rules
        until the entity tells its own. Raises TemporalUnreachable, NamespaceUnusable and ConfigError."""
        client, configuration = await self.client(), await self.configuration()
        if service not in self._gates:
            declared = configuration.services.breaker(service) if configuration else BreakerConfig()
            gates = Gates(client, {service: config or declared}, self._runtime().metric_meter)
            self._gates[service] = gates
            await self.stack.enter_async_context(gates)
        return self._gates[service].gate(service)

    async def configuration(self) -> "Configuration | None":
        """What operators have written, a minute old at most, without the teams whose files are wrong; None where this
        machine has no such folder. Raises ConfigError where what concerns all teams is wrong."""
        if self._configuration is None or time.monotonic() - self._configuration[0] > _READ_AGAIN:
            self._configuration = time.monotonic(), await asyncio.to_thread(self._read_configuration)
        return self._configuration[1]

    async def is_written(self, patience: float) -> bool:
        """Whether all that was recorded until now stands in the database, which has so many seconds for it."""
        if not self.has_database:
            return False
        self._take()
        both = await asyncio.gather(self.errors.flush(patience), self.operations.flush(patience))
        return all(both)

    # Parts.

    def _keep(self, spool: Spool[T], record: T) -> None:
        self._arrived.append(lambda: spool.keep(record))
        if self._is_taking:
            return
        self._is_taking = True
        try:
            self._loop.start(self._take_soon())
        except DevSyncUnavailable as error:
            self._is_taking = False
            self._arrived.clear()
            _log.warning("not put on record: %s", error)

    async def _take_soon(self) -> None:
        """Waking a thread for each record would cost its maker more than the record."""
        await asyncio.sleep(_TAKEN_AFTER)
        self._take()

    def _take(self) -> None:
        self._is_taking = False
        while self._arrived:
            self._arrived.popleft()()

    async def _open(self) -> None:
        if self.has_database:
            from devsync.storage.errors import Errors
            from devsync.storage.operations import Operations

            await self.stack.enter_async_context(self.errors.written_by(Errors(self.database).write))
            await self.stack.enter_async_context(self.operations.written_by(Operations(self.database).write))
        else:
            _log.warning("DATABASE_URL is not set: nothing of this program is put on record")

    async def _end(self) -> None:
        self._take()
        await self.stack.aclose()

    async def _connect(self) -> Client:
        if self._away is not None and time.monotonic() < self._away[0]:
            raise TemporalUnreachable(str(self._away[1]))
        try:
            async with asyncio.timeout(CONNECTS_WITHIN):
                return await connect(
                    DevSyncPlugin(
                        keep_error=self.errors.keep,
                        keep_operation=self.operations.keep,
                        secrets=self.environment.secrets(),
                        keys=self.environment.sealing_keys(),
                    ),
                    address=self._connection.temporal_address or "",
                    namespace=self._connection.temporal_namespace or "",
                    runtime=self._runtime(),
                )
        except TimeoutError:
            error = TemporalUnreachable(f"the Temporal server did not answer within {CONNECTS_WITHIN:g} s")
        except TemporalUnreachable as unreachable:
            error = unreachable
        self._away = time.monotonic() + _AWAY_SECONDS, error
        raise error

    def _runtime(self) -> Runtime:
        if self._sdk is None:
            self._sdk = quiet_runtime()
            _has_used_the_sdk.set()
        return self._sdk

    def _read_configuration(self) -> "Configuration | None":
        directory = self.environment.config_dir
        # A program may have a folder `config` of its own. One that somebody has named must be right.
        is_named = "config_dir" in self.environment.model_fields_set
        if not is_named and not (directory / "services.yaml").is_file():
            return None
        from devsync.settings.configuration import load_what_is_right

        return load_what_is_right(directory)


_cores: dict[tuple[int, Connection], Core] = {}
_cores_lock = threading.Lock()
_has_used_the_sdk = threading.Event()


def core_of(connection: Connection | None = None) -> Core:
    """The one for this connection, made if need be. Raises ConfigError."""
    wanted = connection or Connection()
    with _cores_lock:
        key = (os.getpid(), wanted)
        if key not in _cores:
            forked = next((core for (_, one), core in _cores.items() if one == wanted), None)
            # What was forked with a started core is told so at its first use.
            _cores[key] = forked if forked is not None else Core(wanted)
        return _cores[key]


def close() -> None:
    """Closes all that this program has used of devsync. It is done at the end of the program in any case."""
    while True:
        with _cores_lock:
            core = next(iter(_cores.values()), None)
        if core is None:
            return
        core.close()


def _end_with_the_program() -> None:
    close()
    if _has_used_the_sdk.is_set():
        let_threads_of_the_sdk_leave()


atexit.register(_end_with_the_program)
