"""One service's port on loopback, which can be closed and opened again while the service lives on."""

from __future__ import annotations

import asyncio
import socket

from aiohttp import web

from sandbox.fault_effects import abort_with_reset

_BACKLOG = 256


class ServicePort:
    """Serves an application on a free port of 127.0.0.1.

    While closed, the port stays bound without listening: the kernel refuses connections, and nobody else can take
    the number. Refused attempts never reach this process, so they cannot be counted.
    """

    def __init__(self, app: web.Application) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self._socket = _bound_socket(0)
        self._server: asyncio.Server | None = None
        self._starting: asyncio.Task[None] | None = None
        self._reopening: asyncio.TimerHandle | None = None
        self.number: int = self._socket.getsockname()[1]

    @property
    def is_open(self) -> bool:
        return self._server is not None or self._starting is not None

    async def start(self) -> None:
        await self._runner.setup()
        self.open()
        await self._listening()

    async def stop(self) -> None:
        """For good: others may have the number from now on."""
        self._end_listening()
        self._reset_connections()
        await self._runner.cleanup()
        self._socket.close()

    def close(self, seconds: float = 0.0) -> None:
        """Refuses connections and resets the open ones, for `seconds`, or until `open` when 0."""
        if self._end_listening():
            self._socket.close()
            self._socket = _bound_socket(self.number)
        self._reset_connections()
        if seconds:
            self._reopening = asyncio.get_running_loop().call_later(seconds, self.open)

    def open(self) -> None:
        """Accepts connections again. From the return on the kernel takes them; the loop answers in its next turn."""
        self._forget_reopening()
        if self.is_open:
            return
        self._socket.listen(_BACKLOG)
        self._starting = asyncio.get_running_loop().create_task(self._serve())

    async def _listening(self) -> None:
        if self._starting is not None:
            await self._starting

    async def _serve(self) -> None:
        handler = self._runner.server
        assert handler is not None, "start() sets the runner up first"
        self._server = await asyncio.get_running_loop().create_server(handler, sock=self._socket, backlog=_BACKLOG)
        self._starting = None

    def _end_listening(self) -> bool:
        """Whether it did listen, or was about to."""
        self._forget_reopening()
        was_open = self.is_open
        if self._starting is not None:
            self._starting.cancel()
            self._starting = None
        if self._server is not None:
            self._server.close()
            self._server = None
        return was_open

    def _reset_connections(self) -> None:
        if self._runner.server is not None:
            for connection in self._runner.server.connections:
                if connection.transport is not None:
                    abort_with_reset(connection.transport)

    def _forget_reopening(self) -> None:
        if self._reopening is not None:
            self._reopening.cancel()
            self._reopening = None


def _bound_socket(number: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Without it the port could not be taken again while closed connections wait out their time.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", number))
    return bound
