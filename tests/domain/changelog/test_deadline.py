"""How long steps may take: in time, near the deadline, and when it is lost."""

from datetime import UTC, datetime, timedelta

import pytest

from devsync.domain.changelog.deadline import Deadline

BEGIN = datetime(2026, 11, 23, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TWO_HOURS = Deadline.of(BEGIN, deliver_by=120 * MINUTE, reserve=2 * MINUTE)
TIGHT = Deadline.of(BEGIN, deliver_by=3 * MINUTE, reserve=2 * MINUTE)


@pytest.mark.parametrize(
    ("deadline", "minutes", "to_collect", "to_deliver"),
    [
        (TWO_HOURS, 0, 118, 120),
        (TWO_HOURS, 60, 58, 60),
        (TWO_HOURS, 117, 2, 3),  # late or not, what was kept for posting is enough to collect in
        (TWO_HOURS, 119, 2, 2),
        (TWO_HOURS, 600, 2, 2),
        (TIGHT, 0, 1, 3),
        (TIGHT, 2, 1, 1),
        (TIGHT, 600, 1, 1),
    ],
)
def test_what_is_left_to_collect_and_to_deliver(
    deadline: Deadline, minutes: int, to_collect: int, to_deliver: int
) -> None:
    now = BEGIN + minutes * MINUTE
    assert deadline.time_to_collect(now) == to_collect * MINUTE
    assert deadline.time_to_deliver(now) == to_deliver * MINUTE


@pytest.mark.parametrize(("minutes", "may"), [(0, True), (117, True), (118, False), (119, False), (120, True)])
def test_a_second_question_never_takes_the_time_that_is_kept_for_posting(minutes: int, may: bool) -> None:
    assert TWO_HOURS.may_collect_again(BEGIN + minutes * MINUTE) is may


def test_lateness_is_counted_from_the_deadline() -> None:
    assert TWO_HOURS.missed_by(BEGIN + 120 * MINUTE) is None
    assert TWO_HOURS.missed_by(BEGIN + 150 * MINUTE) == 30 * MINUTE
