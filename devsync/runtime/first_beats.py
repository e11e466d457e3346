"""Signs of life of a young attempt are told a little later: most attempts are over by then, and cost none.

Each one told is a write at the server, as dear as the start of an activity (bench/fleet.py). The SDK tells the first at
once, and the next ones after most of the time in which one is due.
"""

import asyncio
from datetime import timedelta
from typing import Any, Final

from temporalio import activity
from temporalio.worker import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

QUIET: Final = 0.2
"""The share of its heartbeat time-out for which an attempt is quiet at first, as the SDK is between two later ones."""


class FirstBeatsLater(Interceptor):
    """The last one of that time is told at its end, and a lost call is noticed no later than others. Of an attempt that
    succeeds before that, which nobody takes up, none is told; of one that fails before it, the last."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 (the SDK's name)
        return _Attempt(next)


class _Attempt(ActivityInboundInterceptor):
    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        self._beats = _Beats(outbound, (activity.info().heartbeat_timeout or timedelta()) * QUIET)
        super().init(self._beats)

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 (the SDK's name)
        try:
            return await super().execute_activity(input)
        except BaseException:
            self._beats.tell_what_is_kept()
            raise
        finally:
            self._beats.end()


class _Beats(ActivityOutboundInterceptor):
    """Called in the event loop, also for what works in a thread."""

    def __init__(self, outbound: ActivityOutboundInterceptor, quiet: timedelta) -> None:
        super().__init__(outbound)
        self._loop = asyncio.get_running_loop()
        self._quiet_until = self._loop.time() + quiet.total_seconds()
        self._newest: tuple[Any, ...] = ()
        self._telling: asyncio.TimerHandle | None = None

    def heartbeat(self, *details: Any) -> None:
        if self._loop.time() >= self._quiet_until:
            super().heartbeat(*details)
            return
        self._newest = details
        if self._telling is None:
            self._telling = self._loop.call_at(self._quiet_until, self._tell)

    def tell_what_is_kept(self) -> None:
        """The next attempt begins where this one was."""
        if self._telling is not None:
            self._tell()

    def end(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None

    def _tell(self) -> None:
        self.end()
        super().heartbeat(*self._newest)
