"""Times each API call where it passes the gate, for the attempt that makes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from time import perf_counter
from types import TracebackType
from typing import NamedTuple, Self

from temporalio.exceptions import TemporalError

from devsync.domain.breaker.refusals import CallRefused
from devsync.runtime.breaker.calls import Call, CallGate, Excuses


class MeasuredCall(NamedTuple):
    service: str
    ended_at: datetime
    seconds: float
    succeeded: bool


class RefusedCall(NamedTuple):
    service: str
    at: datetime


class CallsOfAttempt:
    """Both in the order in which they ended."""

    def __init__(self) -> None:
        self.made: list[MeasuredCall] = []
        self.refused: list[RefusedCall] = []
        """Those that did not go out."""


_calls: ContextVar[CallsOfAttempt | None] = ContextVar("_calls", default=None)


@contextmanager
def calls_of_attempt() -> Iterator[CallsOfAttempt]:
    """The calls that the block makes, in its tasks and in threads that have its context."""
    calls = CallsOfAttempt()
    token = _calls.set(calls)
    try:
        yield calls
    finally:
        _calls.reset(token)


class MeasuringGate:
    """The gate of a service, with a watch. What it lets out is timed from its admission to its end, reading included.

    A call that was not let out is counted apart, and of one that was interrupted nobody knows how it would have ended.
    """

    def __init__(self, service: str, gate: CallGate) -> None:
        self._service = service
        self._gate = gate

    def call(self, operation: str) -> Call:
        return _Timed(self._service, self._gate.call(operation))

    def excused_call(self, operation: str, excuses: Excuses) -> Call:
        return _Timed(self._service, self._gate.excused_call(operation, excuses))


class _Timed:
    __slots__ = ("_began", "_call", "_service")

    def __init__(self, service: str, call: Call) -> None:
        self._service = service
        self._call = call

    def __enter__(self) -> Self:
        try:
            self._call.__enter__()
        except CallRefused:
            self._refused()
            raise
        self._began = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended(error)
        self._call.__exit__(kind, error, traceback)

    async def __aenter__(self) -> Self:
        try:
            await self._call.__aenter__()
        except CallRefused:
            self._refused()
            raise
        self._began = perf_counter()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended(error)
        await self._call.__aexit__(kind, error, traceback)

    def _refused(self) -> None:
        calls = _calls.get()
        if calls is not None:
            calls.refused.append(RefusedCall(self._service, datetime.now(UTC)))

    def _ended(self, error: BaseException | None) -> None:
        seconds = perf_counter() - self._began
        calls = _calls.get()
        is_interrupted = error is not None and (not isinstance(error, Exception) or isinstance(error, TemporalError))
        if calls is not None and not is_interrupted:
            calls.made.append(MeasuredCall(self._service, datetime.now(UTC), seconds, error is None))
