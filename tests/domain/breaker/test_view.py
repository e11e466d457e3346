"""What one process decides, in touch with the entity and out of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from devsync.domain.breaker import Admission, AdmissionKind, BreakerConfig, Mode, Outcome, Outcomes, Standing, State
from devsync.domain.breaker.view import BreakerView
from tests.domain.breaker.makers import MINUTE, NOON, SECOND

CONFIG = BreakerConfig(failure_threshold=3)
CALL = Admission(AdmissionKind.CALL)
PROBE = Admission(AdmissionKind.PROBE)


def standing(generation: int = 1, at: datetime = NOON, **fields: Any) -> Standing:
    return Standing(service="github", generation=generation, changed_at=at, probes_allowed=5, **fields)


def opened(generation: int = 2, at: datetime = NOON, wait: timedelta = 5 * MINUTE) -> Standing:
    return standing(generation, at, state=State.OPEN, retry_at=at + wait, reason="3 failures in 15 min")


def view_of(known: Standing | None = None, config: BreakerConfig = CONFIG) -> BreakerView:
    view = BreakerView("github", config, NOON)
    if known is not None:
        view.learn(known, config, NOON)
    return view


def fail(view: BreakerView, count: int = 1, at: datetime = NOON) -> bool:
    return view.record(Outcomes(failures=count), at)


def decided(view: BreakerView, at: datetime = NOON) -> tuple[Admission, bool]:
    ruling = view.ruling(at)
    return ruling.admission, ruling.is_local


# In touch.


def test_without_an_entity_the_own_failures_decide() -> None:
    view = view_of()
    fail(view, 2)
    assert decided(view) == (CALL, True)
    fail(view)
    assert decided(view) == (Admission(AdmissionKind.OPEN, NOON + 5 * MINUTE), True)


def test_where_the_standing_refuses_so_does_the_process() -> None:
    assert decided(view_of(opened())) == (Admission(AdmissionKind.OPEN, NOON + 5 * MINUTE), False)
    paused = standing(paused_until=NOON + MINUTE)
    assert decided(view_of(paused)) == (Admission(AdmissionKind.PAUSED, NOON + MINUTE), False)


def test_probes_of_a_half_open_breaker_are_the_entitys_to_lease() -> None:
    assert decided(view_of(standing(3, state=State.HALF_OPEN))) == (PROBE, False)


def test_an_open_breaker_whose_time_is_over_is_probed_before_the_entity_says_so() -> None:
    assert decided(view_of(opened()), NOON + 5 * MINUTE) == (PROBE, False)


def test_the_own_failures_trip_before_the_entity_knows() -> None:
    view = view_of(standing())
    assert fail(view, 3)
    assert decided(view) == (Admission(AdmissionKind.OPEN, NOON + 5 * MINUTE), True)


def test_a_standing_that_says_nothing_new_does_not_take_the_own_trip_back() -> None:
    view = view_of(standing())
    fail(view, 3)
    view.learn(standing(), CONFIG, NOON + SECOND)
    assert decided(view, NOON + SECOND)[0].kind is AdmissionKind.OPEN


def test_a_new_generation_does() -> None:
    view = view_of(standing())
    fail(view, 3)
    assert view.learn(standing(2, NOON + SECOND, reason="reset"), CONFIG, NOON + SECOND)
    assert decided(view, NOON + SECOND) == (CALL, True)


def test_what_was_counted_before_the_first_report_made_the_entity_goes_on_counting() -> None:
    view = view_of()
    fail(view, 2)
    assert not view.learn(standing(0), CONFIG, NOON)
    assert fail(view)


@pytest.mark.parametrize("mode", [Mode.FORCED_CLOSED, Mode.DISABLED, Mode.METRICS_ONLY])
def test_where_an_operator_lets_all_calls_through_nothing_trips(mode: Mode) -> None:
    view = view_of(standing(mode=mode))
    fail(view, 100)
    assert decided(view) == (CALL, True)


def test_rules_that_the_entity_tells_are_followed_at_once_for_what_is_counted_too() -> None:
    view = view_of(standing())
    fail(view, 2)
    assert decided(view) == (CALL, True)
    view.learn(standing(), BreakerConfig(failure_threshold=2), NOON)
    assert decided(view) == (Admission(AdmissionKind.OPEN, NOON + 5 * MINUTE), True)


# Old news.


def test_a_list_that_lags_behind_is_not_believed() -> None:
    view = view_of(opened(2, NOON + SECOND))
    assert not view.learn(standing(1, NOON), CONFIG, NOON + 2 * SECOND)
    assert view.generation == 2


def test_a_new_entity_is_believed_although_it_counts_from_the_beginning() -> None:
    view = view_of(opened(7))
    assert view.learn(standing(0, NOON + SECOND), CONFIG, NOON + SECOND)
    assert (view.generation, decided(view, NOON + SECOND)) == (0, (CALL, True))


def test_an_entity_whose_clock_went_back_is_believed() -> None:
    view = view_of(standing(1, NOON))
    assert view.learn(opened(2, NOON - 60 * MINUTE, wait=70 * MINUTE), CONFIG, NOON)
    assert view.generation == 2


# Out of touch.


def test_a_closed_breaker_out_of_touch_still_trips_on_the_own_failures() -> None:
    view = view_of(standing())
    view.lose_touch()
    assert decided(view) == (CALL, True)
    fail(view, 3)
    assert decided(view)[0].kind is AdmissionKind.OPEN


def test_an_open_breaker_out_of_touch_stays_open_until_its_time_and_is_then_probed_locally() -> None:
    view = view_of(opened())
    view.lose_touch()
    end = NOON + 5 * MINUTE
    assert decided(view, end - SECOND) == (Admission(AdmissionKind.OPEN, end), True)
    assert decided(view, end) == (PROBE, True)
    for _ in range(3):
        lease = view.acquire(end)
        assert lease is not None
        view.settle(lease, Outcome.SUCCESS, "", end)
    assert decided(view, end) == (CALL, True)


def test_a_local_probe_that_fails_opens_again() -> None:
    view = view_of(opened())
    view.lose_touch()
    end = NOON + 5 * MINUTE
    view.ruling(end)
    lease = view.acquire(end)
    assert lease is not None
    assert view.settle(lease, Outcome.FAILURE, "503", end)
    assert decided(view, end) == (Admission(AdmissionKind.OPEN, end + 5 * MINUTE), True)


def test_no_more_local_probes_than_allowed() -> None:
    view = view_of(standing(3, state=State.HALF_OPEN))
    view.lose_touch()
    leases = [view.acquire(NOON) for _ in range(7)]
    assert len([lease for lease in leases if lease]) == 5


def test_a_forced_open_out_of_touch_holds_until_its_end() -> None:
    end = NOON + 30 * MINUTE
    forced = standing(4, state=State.OPEN, mode=Mode.FORCED_OPEN, retry_at=end, mode_until=end)
    view = view_of(forced)
    view.lose_touch()
    assert decided(view, end - SECOND) == (Admission(AdmissionKind.OPEN, end), True)
    assert decided(view, end) == (PROBE, True)


def test_a_grown_wait_is_not_cut_short_out_of_touch() -> None:
    config = BreakerConfig(recovery_timeout_growth=2, recovery_timeout_maximum=40 * MINUTE)
    view = view_of(opened(wait=20 * MINUTE), config)
    view.lose_touch()
    assert decided(view) == (Admission(AdmissionKind.OPEN, NOON + 20 * MINUTE), True)


def test_a_pause_out_of_touch_holds_until_its_end() -> None:
    view = view_of(standing(paused_until=NOON + MINUTE))
    view.lose_touch()
    assert decided(view, NOON + 59 * SECOND)[0].kind is AdmissionKind.PAUSED
    assert decided(view, NOON + MINUTE) == (CALL, True)


def test_any_word_of_the_entity_ends_being_out_of_touch() -> None:
    view = view_of(opened())
    view.lose_touch()
    view.learn(opened(), CONFIG, NOON)
    assert decided(view, NOON + 5 * MINUTE) == (PROBE, False)


def test_an_entity_that_gives_no_answer_is_asked_again_when_the_silence_is_over_or_it_says_something_new() -> None:
    view = view_of(standing(3, state=State.HALF_OPEN))
    view.lose_touch(silent_until=NOON + 10 * SECOND)
    view.learn(standing(3, state=State.HALF_OPEN), CONFIG, NOON + SECOND)
    assert decided(view, NOON + SECOND) == (PROBE, True), "its memo can be read, and nobody answers"
    view.learn(standing(3, state=State.HALF_OPEN), CONFIG, NOON + 10 * SECOND)
    assert decided(view, NOON + 10 * SECOND) == (PROBE, False)
    view.lose_touch(silent_until=NOON + 60 * SECOND)
    view.learn(standing(4, NOON + 11 * SECOND), CONFIG, NOON + 11 * SECOND)
    assert view.is_in_touch


# Pauses.


def test_an_own_pause_holds_at_once_and_a_standing_without_it_does_not_end_it() -> None:
    view = view_of(standing())
    assert view.pause(NOON + MINUTE, "429", NOON) is not None
    view.learn(standing(), CONFIG, NOON + SECOND)
    assert decided(view, NOON + SECOND) == (Admission(AdmissionKind.PAUSED, NOON + MINUTE), True)


def test_a_reset_ends_a_pause() -> None:
    view = view_of(standing())
    view.pause(NOON + MINUTE, "429", NOON)
    view.learn(standing(2, NOON + SECOND), CONFIG, NOON + SECOND)
    assert decided(view, NOON + SECOND) == (CALL, True)


def test_an_operator_who_lets_all_calls_through_lets_no_pause_stop_them() -> None:
    view = view_of(standing(mode=Mode.DISABLED))
    assert view.pause(NOON + MINUTE, "429", NOON) is None
