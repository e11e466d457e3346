"""What the metrics make of attempts, of their calls and of their failures."""

from datetime import UTC, datetime
from typing import Any

import pytest

from devsync.contracts.errors import ErrorRecord
from devsync.contracts.operations import OperationKind, OperationRecord
from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.runtime.metrics.attempts import AttemptMetrics
from tests.metric_buffer import Buffered


def operation(kind: OperationKind, **changes: Any) -> OperationRecord:
    values: dict[str, Any] = {
        "workflow_id": "changelog:payments:2026-W47",
        "run_id": "run-1",
        "activity_id": "4",
        "kind": kind,
        "team": "payments",
        "service": "github",
        "operation": "collect_repository",
        "ended_at": datetime(2026, 11, 23, tzinfo=UTC),
        "seconds": 1.5,
        "succeeded": True,
    }
    return OperationRecord.model_validate(values | changes)


def test_a_call_is_a_duration_of_its_service_operation_and_outcome(buffered: Buffered) -> None:
    metrics = AttemptMetrics(buffered.meter)
    metrics.ended(operation(OperationKind.CALL, succeeded=False))
    labels = {"service": "github", "operation": "collect_repository", "outcome": "failure"}
    assert buffered.told() == [("devsync_api_call", labels, 1.5)]


def test_a_refused_call_is_told_by_the_breaker_alone(buffered: Buffered) -> None:
    AttemptMetrics(buffered.meter).ended(operation(OperationKind.REFUSAL, succeeded=False))
    assert buffered.told() == []


def test_an_attempt_is_counted_by_service_and_outcome_alone(buffered: Buffered) -> None:
    """Neither team nor run is a label: their number grows."""
    metrics = AttemptMetrics(buffered.meter)
    metrics.ended(operation(OperationKind.ATTEMPT))
    assert buffered.told() == [("devsync_activity_attempts", {"service": "github", "outcome": "success"}, 1)]


@pytest.mark.parametrize(("was_remembered", "found"), [(True, "remembered"), (False, "changed")])
def test_a_collection_says_whether_what_was_remembered_still_held(
    buffered: Buffered, was_remembered: bool, found: str
) -> None:
    metrics = AttemptMetrics(buffered.meter)
    metrics.ended(operation(OperationKind.ATTEMPT, was_remembered=was_remembered))
    assert buffered.told()[1:] == [("devsync_collections", {"service": "github", "found": found}, 1)]


def test_a_failure_is_counted_by_its_category(buffered: Buffered) -> None:
    metrics = AttemptMetrics(buffered.meter)
    metrics.failed(
        ErrorRecord(
            run_id="run-1",
            activity_id="4",
            attempt=1,
            workflow_id="changelog:payments:2026-W47",
            team="payments",
            service="github",
            operation="collect_repository",
            category=ErrorCategory.RATE_LIMITING,
            severity=ErrorSeverity.LOW,
            code="429",
            fingerprint="f",
            message="too many",
            occurred_at=datetime(2026, 11, 23, tzinfo=UTC),
        )
    )
    assert buffered.told() == [("devsync_activity_failures", {"service": "github", "category": "rate_limiting"}, 1)]


def test_services_that_are_served_begin_at_zero(buffered: Buffered) -> None:
    AttemptMetrics(buffered.meter, ["jira"])
    assert buffered.told() == [
        ("devsync_activity_attempts", {"service": "jira", "outcome": "success"}, 0),
        ("devsync_activity_attempts", {"service": "jira", "outcome": "failure"}, 0),
    ]
