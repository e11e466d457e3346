"""Outcomes counted by many threads, and kept until a report carries them."""

import threading
from datetime import UTC, datetime, timedelta

from devsync.domain.breaker import Outcome, Outcomes
from devsync.runtime.breaker.counts import COARSEST, KEPT, CallCounts, Unsent

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_nothing_is_lost_or_counted_twice_however_many_threads_count_and_however_often_it_is_taken() -> None:
    counts, each, threads = CallCounts(1), 20_000, 4

    def count() -> None:
        for _ in range(each):
            counts.success()

    running = [threading.Thread(target=count) for _ in range(threads)]
    for thread in running:
        thread.start()
    taken = 0
    while any(thread.is_alive() for thread in running):
        taken += (counts.take(NOON) or Outcomes()).successes
    taken += (counts.take(NOON) or Outcomes()).successes
    assert taken == each * threads


def test_what_is_taken_is_new() -> None:
    counts = CallCounts(1)
    assert counts.take(NOON) is None
    counts.add(Outcome.FAILURE, is_slow=True, failure="503")
    counts.add(Outcome.IGNORED, is_slow=True)
    counts.success()
    taken = counts.take(NOON + SECOND)
    assert taken == Outcomes(
        successes=1, failures=1, slow=1, ignored=1, last_failure="503", earliest=NOON, latest=NOON + SECOND
    )
    assert counts.take(NOON + SECOND) is None


def failures(at: datetime, count: int = 1) -> Outcomes:
    return Outcomes(failures=count, last_failure=f"{at:%H:%M:%S}", earliest=at, latest=at)


def test_what_waits_for_a_report_is_told_together_as_far_as_it_belongs_together() -> None:
    unsent = Unsent()
    unsent.add(1, failures(NOON))
    unsent.add(1, failures(NOON + COARSEST, 2))
    unsent.add(1, failures(NOON + COARSEST + SECOND))
    unsent.add(2, failures(NOON + COARSEST + SECOND))
    told = [unsent.take() for _ in range(4)]
    assert [(entry[0], entry[1].failures, entry[1].last_failure) for entry in told if entry] == [
        (1, 3, "12:00:15"),
        (1, 1, "12:00:16"),
        (2, 1, "12:00:16"),
    ]
    assert told[3] is None


def test_an_outage_of_temporal_costs_no_memory() -> None:
    unsent = Unsent()
    for number in range(10_000):
        unsent.add(1, failures(NOON + number * SECOND))
    kept = []
    while entry := unsent.take():
        kept.append(entry[1])
    assert len(kept) == KEPT
    assert kept[-1].latest == NOON + 9_999 * SECOND


def test_a_clock_that_goes_back_keeps_times_apart() -> None:
    unsent = Unsent()
    unsent.add(1, failures(NOON))
    unsent.add(1, failures(NOON - SECOND))
    assert (unsent.take(), unsent.take()) == ((1, failures(NOON)), (1, failures(NOON - SECOND)))


def test_failures_of_what_has_healed_are_taken_out_of_what_waits() -> None:
    unsent = Unsent()
    unsent.add(1, Outcomes(successes=2, failures=3, slow=4, last_failure="503", earliest=NOON, latest=NOON))
    unsent.forgive()
    assert unsent.take() == (1, Outcomes(successes=2, earliest=NOON, latest=NOON))
