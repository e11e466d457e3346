"""How long a board waits before it tries a target again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devsync.domain.errors import ErrorCategory, Failure
from workflows.escalation.board import Board

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


class Sending:
    policies: dict[str, Any] = {}
    uncertain_wait = MINUTE
    retry_after = (10 * SECOND, MINUTE)


@pytest.mark.parametrize(
    ("failures", "hint", "wait"),
    [
        (0, {}, 10 * SECOND),
        (1, {}, MINUTE),
        (9, {}, MINUTE),
        (0, {"retry_after": HOUR}, HOUR),
        (0, {"retry_at": NOW + 30 * SECOND}, 30 * SECOND),
        (0, {"retry_at": NOW + HOUR}, MINUTE),
        (0, {"retry_at": NOW - HOUR}, 10 * SECOND),
    ],
    ids=["first", "second", "last", "the server's hint", "breaker", "a breaker that a person may reset", "over"],
)
def test_it_waits_by_its_schedule_and_as_long_as_it_is_told_to(
    failures: int, hint: dict[str, Any], wait: timedelta
) -> None:
    board = Board((), lambda _: None, lambda: None)
    board.configure("escalation/1", Sending())
    failure = Failure(category=ErrorCategory.NETWORK, message="away", is_retryable=True, **hint)
    assert board.wait_after(failure, failures, NOW, lambda low, _: low) == wait
