"""What a failed activity says of itself."""

import pytest
from temporalio.exceptions import ActivityError, ApplicationError, RetryState, TimeoutError, TimeoutType  # noqa: A004

from devsync.domain.errors import ErrorCategory, Failure
from workflows.shared.failures import failure_of

FAILURE = Failure(category=ErrorCategory.EXTERNAL_SERVICE, message="github answered 503", is_retryable=True, code="503")


def gave_up(cause: BaseException) -> ActivityError:
    error = ActivityError(
        "activity failed", scheduled_event_id=1, started_event_id=2, identity="", activity_type="x",
        activity_id="1", retry_state=RetryState.TIMEOUT,
    )  # fmt: skip
    error.__cause__ = cause
    return error


def classified() -> ApplicationError:
    return ApplicationError(FAILURE.message, FAILURE.model_dump(mode="json"), type="external_service")


def timed_out(kind: TimeoutType) -> TimeoutError:
    return TimeoutError("timed out", type=kind, last_heartbeat_details=[])


def test_a_classified_failure_is_read_from_the_error() -> None:
    assert failure_of(gave_up(classified())) == FAILURE


def test_when_the_budget_runs_out_the_last_attempts_failure_tells_why() -> None:
    budget = timed_out(TimeoutType.SCHEDULE_TO_CLOSE)
    budget.__cause__ = classified()
    assert failure_of(gave_up(budget)) == FAILURE


@pytest.mark.parametrize(
    ("kind", "may_have_taken_effect"),
    [
        (TimeoutType.START_TO_CLOSE, True),
        (TimeoutType.HEARTBEAT, True),
        (TimeoutType.SCHEDULE_TO_CLOSE, True),
        (TimeoutType.SCHEDULE_TO_START, False),
    ],
)
def test_silence_leaves_open_whether_a_write_took_effect_unless_nobody_began(
    kind: TimeoutType, may_have_taken_effect: bool
) -> None:
    failure = failure_of(gave_up(timed_out(kind)))
    assert failure.may_have_taken_effect is may_have_taken_effect
    assert failure.is_retryable
