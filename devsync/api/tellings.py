"""What a program's callbacks are given: one dict each, of plain values, without secrets."""

from datetime import UTC, datetime
from typing import Any

from devsync.api.measured import Measured
from devsync.domain.errors import ErrorContext, ErrorSeverity, Failure, RecoveryResult


def error(context: ErrorContext, failure: Failure, result: RecoveryResult) -> dict[str, Any]:
    """For the monitoring callback: an error that was handled."""
    return {
        "type": "error",
        "at": datetime.now(UTC),
        **_about(context, failure),
        "success": result.success,
        "action_taken": result.action_taken.value,
        "escalation_required": result.escalation_required,
        "workflow_id": result.metadata.get("workflow_id", ""),
    }


def operation(measured: Measured) -> dict[str, Any]:
    """For the monitoring callback: a measured piece of work that ended."""
    return {
        "type": "operation",
        "at": measured.ended_at,
        "service": measured.service,
        "operation": measured.operation,
        "duration_seconds": measured.seconds,
        "success": measured.succeeded,
        "memory_usage_mb": measured.peak_memory_mb,
    }


def alert(context: ErrorContext, failure: Failure, result: RecoveryResult, alike: int) -> dict[str, Any]:
    """For the alerting callback: `count` errors like this since it was told last."""
    return {**error(context, failure, result), "message": result.message, "count": alike}


def slow(measured: Measured, limit_seconds: float) -> dict[str, Any]:
    """For the alerting callback: a measured piece of work that took longer than the limit."""
    return {
        **operation(measured),
        "type": "performance",
        "severity": ErrorSeverity.MEDIUM.value,
        "threshold_seconds": limit_seconds,
        "message": f"{measured.operation} took {measured.seconds:.1f} s, more than {limit_seconds:g} s",
    }


def _about(context: ErrorContext, failure: Failure) -> dict[str, Any]:
    return {
        "service": context.service,
        "operation": context.operation,
        "team_id": context.team_id,
        "category": failure.category.value,
        "severity": failure.severity.value,
        "message": failure.message,
        "fingerprint": failure.fingerprint,
    }
