"""What a program's own operations took: measured here, kept for a while in memory, put on record."""

import math
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from statistics import fmean
from types import TracebackType
from typing import Any, Final, Self

from devsync.api.core import Core
from devsync.contracts import names
from devsync.contracts.operations import OperationKind, OperationRecord
from devsync.runtime.resident import resident_megabytes

REMEMBERED: Final = 1_000
"""Of each operation, the latest ones; the records have all."""
OPERATIONS: Final = 200
"""Names: a program that makes them of ids would fill its memory."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One operation that ended."""

    operation: str
    service: str
    ended_at: datetime
    seconds: float
    succeeded: bool
    peak_memory_mb: float | None


class Measurements:
    """Of one core. `add` may be called from any thread."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._kept: dict[str, deque[Measured]] = defaultdict(lambda: deque(maxlen=REMEMBERED))
        self._numbers = count(1)
        self.since = datetime.now(UTC)

    def add(self, measured: Measured) -> None:
        """Remembers it, and has it recorded; waits for nothing."""
        with self._lock:
            if measured.operation in self._kept or len(self._kept) < OPERATIONS:
                self._kept[measured.operation].append(measured)
            number = next(self._numbers)
        record = OperationRecord(
            workflow_id=f"{names.PROGRAM}:{self._core.program}",
            run_id=self._core.instance,
            activity_id=str(number),
            attempt=1,
            kind=OperationKind.ATTEMPT,
            team="",
            service=measured.service,
            operation=measured.operation,
            ended_at=measured.ended_at,
            seconds=measured.seconds,
            succeeded=measured.succeeded,
            peak_memory_mb=measured.peak_memory_mb,
        )
        self._core.keep_operation(record)

    def statistics(self) -> dict[str, Any]:
        """Of all operations together, and of each. Without any, durations and rates are not a number: nothing was
        measured, which is not 0 s."""
        with self._lock:
            kept = {name: tuple(measured) for name, measured in self._kept.items()}
        together = [one for measured in kept.values() for one in measured]
        return {
            **_numbers(together),
            "since": self.since,
            "operations": {name: _numbers(measured) for name, measured in sorted(kept.items())},
        }


class Monitored:
    """`async with`, or `with`: measures the block and never changes what becomes of it."""

    __slots__ = ("_began", "_operation", "_service", "_tell")

    def __init__(self, operation: str, service: str, tell: Callable[[Measured], None]) -> None:
        self._operation = operation
        self._service = service
        self._tell = tell
        self._began = 0.0

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, Exception):
            return  # interrupted: it has not ended
        measured = Measured(
            operation=self._operation,
            service=self._service,
            ended_at=datetime.now(UTC),
            seconds=time.perf_counter() - self._began,
            succeeded=error is None,
            peak_memory_mb=resident_megabytes(),
        )
        self._tell(measured)


def _numbers(measured: Sequence[Measured]) -> dict[str, Any]:
    seconds = sorted(one.seconds for one in measured)
    failed = sum(not one.succeeded for one in measured)
    total = len(measured)
    return {
        "total_operations": total,
        "failed_operations": failed,
        "success_rate": (total - failed) / total if total else math.nan,
        "error_rate": failed / total if total else math.nan,
        "average_duration": fmean(seconds) if seconds else math.nan,
        "median_duration": _at(seconds, 0.5),
        "p95_duration": _at(seconds, 0.95),
        "max_duration": seconds[-1] if seconds else math.nan,
        "memory_usage_mb": max((one.peak_memory_mb or math.nan for one in measured), default=math.nan),
    }


def _at(ordered: Sequence[float], share: float) -> float:
    """One of the values themselves, which that share of them does not exceed."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] if ordered else math.nan
