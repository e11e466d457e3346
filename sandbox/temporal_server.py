"""The real Temporal server with its Web UI on one machine, its state in an SQLite file."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError

from sandbox.processes import ChildProcess, ProcessFailed, accepts_connections, free_port, start_process
from sandbox.sole_use import SoleUse, sole_use
from sandbox.temporal_cli import temporal_cli

SearchAttributeType = Literal["Text", "Keyword", "Int", "Double", "Bool", "Datetime", "KeywordList"]
LogLevel = Literal["debug", "info", "warn", "error", "never"]

_NAMESPACE: Final = "default"  # start-dev makes it
_PORT_TAKEN: Final = "address already in use"
_PORT_TRIES: Final = 3
_RPC_TIMEOUT: Final = timedelta(seconds=5)

_INDEXED_TYPES: Final[Mapping[SearchAttributeType, IndexedValueType.ValueType]] = {
    "Text": IndexedValueType.INDEXED_VALUE_TYPE_TEXT,
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Int": IndexedValueType.INDEXED_VALUE_TYPE_INT,
    "Double": IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
    "Bool": IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
    "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
    "KeywordList": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
}


class TemporalServer:
    """A server on 127.0.0.1, for one owner; `dev_server` makes and ends it. It can be restarted meanwhile."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log_file: Path,
        port: int,
        ui_port: int,
        search_attributes: Mapping[str, SearchAttributeType],
        lock: SoleUse,
    ) -> None:
        self.port = port
        self.ui_port = ui_port
        self.log_file = log_file
        self._command = [*command, "--port", str(port), "--ui-port", str(ui_port)]
        self._search_attributes = search_attributes
        self._lock = lock
        self._process: ChildProcess | None = None

    @property
    def address(self) -> str:
        """For a client, as `127.0.0.1:7233`."""
        return f"127.0.0.1:{self.port}"

    @property
    def ui_url(self) -> str:
        return f"http://127.0.0.1:{self.ui_port}"

    @property
    def pid(self) -> int:
        return self._running().pid

    async def start(self) -> None:
        """Until it answers and knows the search attributes. Raises InUse, ProcessFailed."""
        await self._lock.previous_server_ended()
        # Its environment holds no token of ours.
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        self._process = start_process("Temporal", self._command, self.log_file, environment=environment)
        self._lock.remember(self._process)
        try:
            await self._process.wait_until(self._is_ready)
        except BaseException:
            await self._process.stop()
            raise

    async def stop(self) -> None:
        await self._running().stop()

    async def kill(self) -> None:
        """As `kill -9` does."""
        await self._running().kill()

    def _running(self) -> ChildProcess:
        if self._process is None:
            raise ProcessFailed("Temporal has not been started")
        return self._process

    async def _is_ready(self) -> bool:
        if not await accepts_connections(self.port):
            return False
        try:
            client = await Client.connect(self.address)
            await self._register_search_attributes(client)
        except (RPCError, RuntimeError):  # the latter while its port is open but nobody speaks yet
            return False
        return True

    async def _register_search_attributes(self, client: Client) -> None:
        """By call: start-dev's own `--search-attribute` is heeded only where it makes the file."""
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=_NAMESPACE), timeout=_RPC_TIMEOUT
        )
        missing = {
            name: _INDEXED_TYPES[kind]
            for name, kind in self._search_attributes.items()
            if name not in known.custom_attributes
        }
        if missing:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=_NAMESPACE, search_attributes=missing), timeout=_RPC_TIMEOUT
            )


@asynccontextmanager
async def dev_server(
    db_file: Path,
    *,
    port: int | None = None,
    ui_port: int | None = None,
    search_attributes: Mapping[str, SearchAttributeType] | None = None,
    dynamic_config: Mapping[str, Any] | None = None,
    codec_endpoint: str | None = None,
    log_level: LogLevel = "warn",
    log_format: Literal["text", "json"] = "text",
) -> AsyncIterator[TemporalServer]:
    """A running server with its state in `db_file` and its log beside it; it ends with the block, or with us.

    Ports: None takes a free one. `dynamic_config` values are anything that JSON can say. `codec_endpoint`: where pages
    of the Web UI have payloads opened.
    Raises TemporalNotFound, InUse, ProcessFailed.
    """
    db_file = db_file.resolve()
    with sole_use(db_file.with_suffix(".lock")) as lock:
        dynamic = [f"{key}={json.dumps(value)}" for key, value in (dynamic_config or {}).items()]
        command = [
            *(await temporal_cli(), "server", "start-dev", "--ip", "127.0.0.1", "--db-filename", db_file),
            *("--log-level", log_level, "--log-format", log_format),
            *(part for setting in dynamic for part in ("--dynamic-config-value", setting)),
            *(("--ui-codec-endpoint", codec_endpoint) if codec_endpoint else ()),
        ]

        def build() -> TemporalServer:
            return TemporalServer(
                command,
                log_file=db_file.with_suffix(".log"),
                port=port or free_port(),
                ui_port=ui_port or free_port(),
                search_attributes=search_attributes or {},
                lock=lock,
            )

        server = await _started(build)
        try:
            yield server
        finally:
            await server.stop()


async def _started(build: Callable[[], TemporalServer]) -> TemporalServer:
    """A free port is only free until somebody takes it: start-dev picks some of its own, too, before it binds them."""
    for _ in range(_PORT_TRIES - 1):
        server = build()
        try:
            await server.start()
        except ProcessFailed as error:
            if _PORT_TAKEN not in str(error):
                raise
        else:
            return server
    server = build()
    await server.start()
    return server
