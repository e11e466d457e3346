"""How long steps may take: in time, near the deadline, and when it is lost."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.changelog.deadline import Deadline

BEGIN = datetime(2026, 11, 23, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TWO_HOURS = Deadline.of(BEGIN, deliver_by=120 * MINUTE, reserve=2 * MINUTE)
TIGHT = Deadline.of(BEGIN, deliver_by=3 * MINUTE, reserve=2 * MINUTE)


@pytest.mark.parametrize(
    ("deadline", "minutes", "to_collect", "to_recover", "to_render", "to_deliver"),
    [
        (TWO_HOURS, 0, 116, 118, 119, 120),
        (TWO_HOURS, 60, 56, 58, 59, 60),
        (TWO_HOURS, 116, 2, 2, 3, 4),  # its time is over, so it has half of what is left
        (TWO_HOURS, 118, 1, 1, 1, 2),
        (TWO_HOURS, 119, 0.5, 0.5, 0.5, 1),
        (TWO_HOURS, 120, 0, 0, 0, 0),
        (TWO_HOURS, 600, 0, 0, 0, 0),
        (TIGHT, 0, 1.5, 1.5, 2, 3),
        (TIGHT, 2, 0.5, 0.5, 0.5, 1),
    ],
)
def test_what_is_left_for_each_phase(
    deadline: Deadline, minutes: int, to_collect: float, to_recover: float, to_render: float, to_deliver: float
) -> None:
    now = BEGIN + minutes * MINUTE
    assert deadline.time_to_collect(now) == to_collect * MINUTE
    assert deadline.time_to_recover(now) == to_recover * MINUTE
    assert deadline.time_to_render(now) == to_render * MINUTE
    assert deadline.time_to_deliver(now) == to_deliver * MINUTE


@given(
    deliver_by=st.timedeltas(min_value=timedelta(seconds=2), max_value=timedelta(days=2)),
    share=st.floats(min_value=0.01, max_value=0.99),
    asked_twice=st.booleans(),
    previews=st.integers(min_value=0, max_value=5),
)
def test_phases_that_use_all_their_time_end_before_the_deadline(
    deliver_by: timedelta, share: float, asked_twice: bool, previews: int
) -> None:
    deadline = Deadline.of(BEGIN, deliver_by, deliver_by * share)
    now = BEGIN
    for _ in range(1 + asked_twice):
        now += deadline.time_to_collect(now) if deadline.may_collect_again(now) else timedelta(0)
    now += deadline.time_to_recover(now)
    now += deadline.time_to_ask_reviewers(now)
    for _ in range(1 + previews):
        now += deadline.time_to_render(now)
        assert now < deadline.at
    assert now + deadline.time_to_deliver(now) == deadline.at


@pytest.mark.parametrize("minutes", [0, 119])
def test_a_deadline_that_can_be_kept_stays(minutes: int) -> None:
    assert TWO_HOURS.or_late(BEGIN + minutes * MINUTE) is TWO_HOURS


@pytest.mark.parametrize("deadline", [TWO_HOURS, TIGHT])
def test_one_that_is_lost_is_followed_by_a_short_one(deadline: Deadline) -> None:
    now = BEGIN + 600 * MINUTE
    late = deadline.or_late(now)
    assert late.at == deadline.at
    assert timedelta(0) < late.time_to_collect(now) < late.time_to_deliver(now) <= 4 * MINUTE
    assert late.or_late(now + MINUTE) is late
    assert late.missed_by(now) == now - deadline.at


@pytest.mark.parametrize(("minutes", "may"), [(0, True), (117, True), (118, False), (119, False), (120, True)])
def test_a_second_question_never_takes_the_time_that_is_kept_for_posting(minutes: int, may: bool) -> None:
    assert TWO_HOURS.may_collect_again(BEGIN + minutes * MINUTE) is may


def test_reviewers_are_not_waited_for_in_the_time_that_is_kept_for_posting() -> None:
    assert TWO_HOURS.time_to_ask_reviewers(BEGIN + 117 * MINUTE) == MINUTE
    assert TWO_HOURS.time_to_ask_reviewers(BEGIN + 119 * MINUTE) == timedelta(0)


def test_lateness_is_counted_from_the_deadline() -> None:
    assert TWO_HOURS.missed_by(BEGIN + 120 * MINUTE) is None
    assert TWO_HOURS.missed_by(BEGIN + 150 * MINUTE) == 30 * MINUTE
