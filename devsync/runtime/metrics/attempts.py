"""Metrics of attempts, their calls and their failures, made of what the records get of them."""

from collections.abc import Iterable
from datetime import timedelta

from temporalio.common import MetricMeter

from devsync.contracts.errors import ErrorRecord
from devsync.contracts.operations import OperationKind, OperationRecord
from devsync.runtime.metrics import declared

OUTCOMES = ("success", "failure")


class AttemptMetrics:
    """`services`: whose attempts are counted from zero, so that the first one is seen as an increase."""

    def __init__(self, meter: MetricMeter, services: Iterable[str] = ()) -> None:
        self._calls = declared.API_CALL.durations(meter)
        self._attempts = declared.ATTEMPTS.counter(meter)
        self._failures = declared.FAILURES.counter(meter)
        self._collections = declared.COLLECTIONS.counter(meter)
        for service in services:
            for outcome in OUTCOMES:
                self._attempts.add(0, {"service": service, "outcome": outcome})

    def ended(self, record: OperationRecord) -> None:
        """An attempt, or a call of one. Of those that did not go out the breakers' own metrics tell."""
        if record.kind is OperationKind.REFUSAL:
            return
        outcome = OUTCOMES[not record.succeeded]
        if record.kind is OperationKind.CALL:
            labels = {"service": record.service, "operation": record.operation, "outcome": outcome}
            self._calls.record(timedelta(seconds=record.seconds), labels)
            return
        self._attempts.add(1, {"service": record.service, "outcome": outcome})
        if record.was_remembered is not None:
            found = "remembered" if record.was_remembered else "changed"
            self._collections.add(1, {"service": record.service, "found": found})

    def failed(self, record: ErrorRecord) -> None:
        self._failures.add(1, {"service": record.service, "category": record.category.value})
