"""What goes over the wire, kept whole: the requests of the product and the answers of the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.running import SERVICES, Sandbox
from sandbox.service import Credentials, system_clock
from sandbox.world import World


@dataclass(frozen=True)
class Exchange:
    """One request and its answer. Header names are in lower case."""

    service: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    body: bytes
    status: int
    answer_headers: dict[str, str]
    answer: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.path} → {self.status}"

    @property
    def json(self) -> Any:
        """The answer's JSON, None when it has no body. Raises JSONDecodeError."""
        return orjson.loads(self.answer) if self.answer else None

    @property
    def arguments(self) -> dict[str, Any]:
        """What a request says beside its path: its query, its form or its JSON object."""
        said: dict[str, Any] = dict(self.query)
        kind = self.headers.get("content-type", "")
        if self.body and kind.startswith("application/json"):
            said |= orjson.loads(self.body)
        elif self.body and kind.startswith("application/x-www-form-urlencoded"):
            said |= dict(parse_qsl(self.body.decode(), keep_blank_values=True))
        return said


class RecordingSandbox(Sandbox):
    """All stand-ins of a world; `exchanges` fills as they are asked. Faults stand outside: they are not recorded."""

    def __init__(self, world: World) -> None:
        super().__init__(world, Credentials(), system_clock, SERVICES)
        self.exchanges: list[Exchange] = []
        for service, app in self.apps.items():
            app.middlewares.insert(2, self._recorder(service))

    def _recorder(self, service: str) -> Any:
        @web.middleware
        async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
            body = await request.read()
            answer = await handler(request)
            content = answer.body if isinstance(answer, web.Response) else b""
            self.exchanges.append(
                Exchange(
                    service=service,
                    method=request.method,
                    path=request.path,
                    query=tuple(request.query.items()),
                    headers={name.lower(): value for name, value in request.headers.items()},
                    body=body,
                    status=answer.status,
                    answer_headers={name.lower(): value for name, value in answer.headers.items()},
                    answer=bytes(content) if isinstance(content, bytes | bytearray) else b"",
                )
            )
            return answer

        return record


@asynccontextmanager
async def recording_sandbox(world: World) -> AsyncIterator[RecordingSandbox]:
    sandbox = RecordingSandbox(world)
    async with AsyncExitStack() as stack:
        await sandbox.start(stack)
        yield sandbox
