"""The words for what goes wrong, and how much a failure weighs where it happens."""

from typing import Any

import pytest

from devsync.domain.errors import (
    ErrorCategory,
    ErrorContext,
    ErrorSeverity,
    Failure,
    RecoveryAction,
    RecoveryResult,
    assessed,
)

LOW, MEDIUM, HIGH, CRITICAL = ErrorSeverity


def failure(**changes: Any) -> Failure:
    values: dict[str, Any] = {
        "category": ErrorCategory.NETWORK,
        "message": "github cannot be reached (ConnectionError)",
        "is_retryable": True,
    }
    return Failure.model_validate(values | changes)


def context(**changes: Any) -> ErrorContext:
    return ErrorContext(error=ConnectionError(), service="github", operation="collect_repository", **changes)


def test_the_words_are_the_ones_that_people_and_plans_use() -> None:
    assert len(ErrorCategory) == 11
    assert [one.value for one in ErrorSeverity] == ["low", "medium", "high", "critical"]
    assert [one.value for one in RecoveryAction] == [
        "retry", "fallback", "skip", "escalate", "abort", "circuit_break",
    ]  # fmt: skip


def test_severities_are_ordered_by_how_bad_they_are() -> None:
    assert sorted(ErrorSeverity, key=lambda one: one.rank) == [LOW, MEDIUM, HIGH, CRITICAL]
    assert [LOW.raised(1), MEDIUM.raised(2), HIGH.raised(5), CRITICAL.raised(1)] == [
        MEDIUM,
        CRITICAL,
        CRITICAL,
        CRITICAL,
    ]


@pytest.mark.parametrize(
    ("found", "circumstances", "weighs"),
    [
        (MEDIUM, {}, MEDIUM),
        (MEDIUM, {"user_facing": True}, HIGH),
        (MEDIUM, {"critical": True}, HIGH),
        (MEDIUM, {"user_facing": True, "critical": True}, CRITICAL),
        (HIGH, {"user_facing": True, "critical": True}, CRITICAL),
        (LOW, {"critical": True}, MEDIUM),
        (HIGH, {"severity": LOW, "critical": True}, LOW),
    ],
)
def test_the_context_makes_a_failure_more_severe(
    found: ErrorSeverity, circumstances: dict[str, Any], weighs: ErrorSeverity
) -> None:
    assert assessed(failure(severity=found), context(**circumstances)).severity is weighs


def test_throttling_stays_harmless_wherever_it_happens() -> None:
    throttled = failure(category=ErrorCategory.RATE_LIMITING, severity=LOW, is_expected=True)
    assert assessed(throttled, context(user_facing=True, critical=True)).severity is LOW


def test_a_category_that_the_context_states_wins_and_is_in_the_fingerprint() -> None:
    found, stated = assessed(failure(), context()), assessed(failure(), context(category=ErrorCategory.DATABASE))
    assert (found.category, stated.category) == (ErrorCategory.NETWORK, ErrorCategory.DATABASE)
    assert found.fingerprint != stated.fingerprint


def test_a_failure_of_an_older_history_is_read_with_the_new_fields_empty() -> None:
    read = Failure.model_validate({"category": "network", "message": "m", "is_retryable": True, "code": "network"})
    assert (read.severity, read.counts_for_breaker, read.fingerprint, read.retry_at) == (MEDIUM, False, "", None)


def test_a_result_survives_a_history() -> None:
    result = RecoveryResult(
        success=False, action_taken=RecoveryAction.FALLBACK, message="m", fallback_data={"items": [1]}
    )
    assert RecoveryResult.model_validate_json(result.model_dump_json()) == result


@pytest.mark.parametrize(
    "why", ["its circuit breaker is open: 8 failures of 12 calls", "a probe failed: it answered 503"]
)
def test_refused_calls_are_alike_whatever_their_breaker_opened_for(why: str) -> None:
    def refused(why: str, code: str = "circuit_open") -> str:
        words = f"no call to github before 2026-11-23 09:00:30 UTC, {why}"
        return assessed(failure(message=words, code=code, retry_at="2026-11-23T09:00:30Z"), context()).fingerprint

    assert refused(why) == refused("an operator has closed it to calls")
    assert refused(why) != refused(why, code="service_paused")
    assert refused(why) != assessed(failure(message=why), context()).fingerprint
