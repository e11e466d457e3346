"""What opens a breaker, and what does not."""

from datetime import timedelta

import pytest

from devsync.domain.breaker import Event, Outcomes, State
from tests.domain.breaker.makers import MINUTE, NOON, SECOND, breaker, fail, opened, succeed


def test_ten_failures_in_a_quarter_of_an_hour_open_it_for_five_minutes() -> None:
    one = breaker()
    assert fail(one, 9) == []
    [transition] = fail(one)
    assert (transition.event, transition.from_state, transition.to_state) == (Event.OPENED, State.CLOSED, State.OPEN)
    assert transition.reason == "10 failures in 15 min, last: 503 from GET /repos"
    assert (transition.actor, transition.at, transition.until) == ("breaker", NOON, NOON + 5 * MINUTE)
    assert (one.standing.retry_at, one.standing.generation) == (NOON + 5 * MINUTE, 1)


def test_failures_that_are_too_far_apart_do_not_open_it() -> None:
    one = breaker()
    for minute in range(0, 60, 2):
        assert fail(one, at=NOON + minute * MINUTE) == []
    assert one.tally(NOON + 58 * MINUTE).failures == 8


@pytest.mark.parametrize(("age", "opens"), [(15 * MINUTE, True), (15 * MINUTE + 16 * SECOND, False)])
def test_a_failure_counts_until_its_sixtieth_of_the_window_is_past(age: timedelta, opens: bool) -> None:
    one = breaker()
    fail(one, 9)
    assert bool(fail(one, at=NOON + age)) is opens


def test_calls_count_as_of_when_they_ended_not_when_they_were_reported() -> None:
    one = breaker()
    fail(one, 5)
    late = Outcomes(failures=5, latest=NOON - 14 * MINUTE)
    assert one.record(late, 0, NOON + 2 * MINUTE) == []


def test_calls_never_count_as_of_later_than_now() -> None:
    one = breaker()
    one.record(Outcomes(failures=9, latest=NOON + timedelta(days=400)), 0, NOON)
    assert one.tally(NOON).failures == 9
    assert one.tally(NOON + 16 * MINUTE).failures == 0


def test_what_was_counted_before_the_clock_went_back_is_forgotten_in_time() -> None:
    one = breaker()
    fail(one, 9)
    earlier = NOON - 60 * MINUTE
    succeed(one, 1, earlier)
    assert one.tally(earlier).failures == 9
    assert one.tally(earlier + 16 * MINUTE).failures == 0


@pytest.mark.parametrize("outcomes", [Outcomes(successes=500), Outcomes(ignored=500), Outcomes(throttled=500)])
def test_successes_our_own_mistakes_and_throttling_never_open_it(outcomes: Outcomes) -> None:
    one = breaker(failure_rate_threshold=0.1, minimum_calls=1)
    assert one.record(outcomes, 0, NOON) == []
    assert one.standing.state is State.CLOSED


def test_half_of_the_calls_failing_open_it_once_there_are_enough_calls() -> None:
    one = breaker(failure_threshold=1000, failure_rate_threshold=0.5, minimum_calls=20)
    assert fail(one, 19) == []
    [transition] = succeed(one)
    assert transition.reason == "95% of 20 calls in 15 min failed, last: 503 from GET /repos"


def test_less_than_the_rate_does_not_open_it() -> None:
    one = breaker(failure_threshold=1000, failure_rate_threshold=0.5, minimum_calls=20)
    assert one.record(Outcomes(successes=51, failures=49), 0, NOON) == []


def test_a_window_of_calls_forgets_by_calls_and_not_by_time() -> None:
    one = breaker(failure_threshold=1000, failure_rate_threshold=0.5, minimum_calls=10, window_calls=10)
    fail(one, 4)
    assert succeed(one, 6, NOON + 24 * 60 * MINUTE) == []
    assert succeed(one, 3, NOON + 25 * 60 * MINUTE) == []
    [transition] = fail(one, 5, NOON + 26 * 60 * MINUTE)
    assert transition.reason == "50% of 10 calls failed, last: 503 from GET /repos"


def test_slow_calls_open_it_although_they_succeed() -> None:
    one = breaker(slow_call_rate_threshold=0.8, slow_call_duration=5 * SECOND, minimum_calls=10)
    assert one.record(Outcomes(successes=9, slow=8), 0, NOON) == []
    [transition] = one.record(Outcomes(successes=1, slow=1), 0, NOON)
    assert transition.reason == "90% of 10 calls in 15 min took 5 s or longer"


def test_a_slow_failure_is_one_call() -> None:
    one = breaker(slow_call_rate_threshold=0.5, slow_call_duration=SECOND, minimum_calls=4, window_calls=4)
    one.record(Outcomes(successes=2, failures=1, slow=1), 0, NOON)
    assert (one.tally(NOON).calls, one.tally(NOON).failures, one.tally(NOON).slow) == (3, 1, 1)


def test_a_million_calls_in_one_report_cost_no_more_than_the_window() -> None:
    one = breaker(failure_threshold=10**6, failure_rate_threshold=0.9, minimum_calls=1, window_calls=1000)
    one.record(Outcomes(successes=10**6, failures=800), 0, NOON)
    assert one.to_record().letters == 200 * "." + 800 * "x"


def test_calls_of_an_older_generation_change_nothing_and_are_counted_as_such() -> None:
    one = opened()
    one.reset("healed", "anna", NOON)
    assert one.record(Outcomes(failures=50, ignored=1), 0, NOON) == []
    assert one.record(Outcomes(failures=50), 1, NOON) == []
    assert one.to_record().totals.of_other_generations == 101
    assert one.tally(NOON).failures == 0


def test_a_breaker_without_a_past_takes_over_the_generation_that_callers_still_have() -> None:
    one = breaker()
    fail(one, 5)
    assert one.record(Outcomes(failures=4), 7, NOON) == []
    assert one.standing.generation == 7
    [transition] = one.record(Outcomes(failures=1), 7, NOON)
    assert transition.generation == 8


def test_a_failure_while_open_changes_nothing() -> None:
    one = opened()
    assert fail(one, 100, NOON + MINUTE) == []
    assert one.standing.retry_at == NOON + 5 * MINUTE


def test_each_generation_counts_anew() -> None:
    one = opened()
    one.reset("healed", "anna", NOON)
    assert fail(one, 9) == []
