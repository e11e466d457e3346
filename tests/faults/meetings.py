"""Each fault of the matrix met once, by a client behind a gate of its own, for all tests that look at it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from devsync.domain.breaker import Outcomes
from devsync.runtime.breaker.gate import Gate
from devsync.runtime.breaker.ledger import Report
from tests.faults.attempts import Failed
from tests.faults.callers import Caller
from tests.faults.matrix import Row

NOTHING = Report(0, Outcomes(), (), None)


def now() -> datetime:
    return datetime.now(UTC)


class Meeting(NamedTuple):
    failed: Failed | None
    """None: the attempt succeeded."""
    report: Report
    """What the gate tells the breaker."""


class Meetings:
    """By row, as they are asked for."""

    def __init__(self, callers: Mapping[str, Caller]) -> None:
        self._callers = callers
        self._met: dict[tuple[str, str], Meeting] = {}

    async def of(self, row: Row) -> Meeting:
        """One attempt, as a worker makes it that has just started."""
        key = row.api, row.name
        if key not in self._met:
            caller, gate = self.prepared(row)
            failed = await caller.attempt(row.fault)
            self._met[key] = Meeting(failed, gate.report() or NOTHING)
        return self._met[key]

    def prepared(self, row: Row) -> tuple[Caller, Gate]:
        """The caller of the row's API, with a gate that has seen nothing, under the shipped rules."""
        caller = self._callers[row.api]
        return caller, caller.new_gate()
