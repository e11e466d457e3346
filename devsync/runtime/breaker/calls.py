"""One HTTP call as its client sees it: a block that the breaker's gate lets in and that ends with an outcome."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic, perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, Self

from devsync.domain.breaker import LEASE_PATIENCE, Lease
from devsync.runtime.breaker.counts import CallCounts

if TYPE_CHECKING:
    from devsync.runtime.breaker.gate import Gate

_DECISIONS: Final = 3
"""A call asks no more than so often while everything changes around it."""

Excuses = Callable[[Exception], bool]
"""Whether that failure of a call is no evidence against the service: it is not counted, and gives a probe back."""


class Call(Protocol):
    """One HTTP call, sending and reading: a block that ends with its outcome, in a thread or in the event loop."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class CallGate(Protocol):
    """What a client is given: the `Gate` of its service (gate.py), or UNGATED."""

    def call(self, operation: str) -> Call:
        """For one call, named for people: `GET /repos/acme/api/pulls`.

        Entering it raises CircuitOpen or ServicePaused, at once, where no call may go out.
        """

    def excused_call(self, operation: str, excuses: Excuses) -> Call:
        """Likewise, for a call of which some failures do not count."""


class _FreeCall:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


class _NoGate:
    def call(self, operation: str) -> Call:
        return _FREE

    def excused_call(self, operation: str, excuses: Excuses) -> Call:
        return _FREE


_FREE = _FreeCall()

UNGATED: CallGate = _NoGate()
"""Lets every call through and counts none: for `doctor`, which wants to see what a service answers."""


class Probe(NamedTuple):
    """The admission of one call under a lease."""

    lease: Lease
    generation: int
    is_local: bool

    @property
    def is_timed(self) -> bool:
        """Only whether a probe succeeds counts, not how soon."""
        return False


Admitted = CallCounts | Probe


class GatedCall:
    """One call through a gate; see `Call`."""

    __slots__ = ("_admitted", "_began", "_gate", "_operation")

    _excuses: Excuses | None = None

    def __init__(self, gate: "Gate", operation: str) -> None:
        self._gate = gate
        self._operation = operation

    def __enter__(self) -> Self:
        self._admitted: Admitted = self._gate.road or self._wait_in_thread()
        self._began = perf_counter() if self._admitted.is_timed else 0.0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        admitted = self._admitted
        seconds = perf_counter() - self._began if admitted.is_timed else 0.0
        if error is None and isinstance(admitted, CallCounts) and seconds < admitted.slow_from:
            admitted.success()
        else:
            self._gate.ended(admitted, error, seconds, self._operation, self._excuses)

    async def __aenter__(self) -> Self:
        self._admitted = self._gate.road or await self._wait_in_loop()
        self._began = perf_counter() if self._admitted.is_timed else 0.0
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def _wait_in_thread(self) -> Admitted:
        patient_until = monotonic() + LEASE_PATIENCE.total_seconds()
        for _ in range(_DECISIONS):
            found = self._gate.admit()
            if not isinstance(found, Future):
                return found
            try:
                lease = found.result(max(patient_until - monotonic(), 0))
            except BaseException as error:
                self._gone(found, is_lost=isinstance(error, TimeoutError))
                if not isinstance(error, TimeoutError):
                    raise
                continue
            if lease is not None:
                return Probe(lease, lease.generation, is_local=False)
        raise self._gate.all_leased()

    async def _wait_in_loop(self) -> Admitted:
        patient_until = monotonic() + LEASE_PATIENCE.total_seconds()
        for _ in range(_DECISIONS):
            found = self._gate.admit()
            if not isinstance(found, Future):
                return found
            try:
                # Not wait_for: before Python 3.12 it forgets a cancellation in the moment in which the lease comes.
                async with asyncio.timeout(max(patient_until - monotonic(), 0)):
                    lease = await asyncio.wrap_future(found)
            except BaseException as error:
                self._gone(found, is_lost=isinstance(error, TimeoutError))
                if not isinstance(error, TimeoutError):
                    raise
                continue
            if lease is not None:
                return Probe(lease, lease.generation, is_local=False)
        raise self._gate.all_leased()

    def _gone(self, asked: Future[Lease | None], *, is_lost: bool) -> None:
        """Nobody waits for this lease any more; `is_lost`: since the entity gives no answer."""
        if not asked.cancel() and asked.exception() is None and (lease := asked.result()) is not None:
            self._gate.give_back(lease)
        if is_lost:
            self._gate.lose_touch(LEASE_PATIENCE)


class ExcusedCall(GatedCall):
    """One of which some failures do not count. A class of its own: the common call must stay as cheap as it is."""

    __slots__ = ("_excuses",)

    def __init__(self, gate: "Gate", operation: str, excuses: Excuses) -> None:
        super().__init__(gate, operation)
        self._excuses = excuses
