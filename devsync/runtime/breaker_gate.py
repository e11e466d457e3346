"""The worker's side of the circuit breakers: what every HTTP call to an outside service passes."""

from types import TracebackType
from typing import Protocol, Self


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
    def call(self, operation: str) -> Call:
        """For one call, named for people: `GET /repos/acme/api/pulls`."""


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


_FREE = _FreeCall()

UNGATED: CallGate = _NoGate()
"""Lets every call through and counts none: for `doctor`, which wants to see what a service answers."""
