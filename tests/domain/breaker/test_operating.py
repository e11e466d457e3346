"""What operators decide, until when, and what throttling does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from devsync.domain.breaker import (
    AdmissionKind,
    Breaker,
    BreakerConfig,
    Event,
    Mode,
    Outcome,
    Outcomes,
    State,
    Transition,
    admission,
)
from tests.domain.breaker.makers import MINUTE, NOON, SECOND, breaker, fail, half_open, opened, succeed

Decide = Callable[[Breaker], Callable[[datetime | None, str, str, datetime], list[Transition]]]

MODES: dict[Mode, Decide] = {
    Mode.FORCED_OPEN: lambda one: one.force_open,
    Mode.FORCED_CLOSED: lambda one: one.force_close,
    Mode.DISABLED: lambda one: one.disable,
    Mode.METRICS_ONLY: lambda one: one.metrics_only,
}
each_mode = pytest.mark.parametrize("mode", MODES)


def test_forced_open_refuses_until_its_time_is_over_and_then_probes() -> None:
    one = breaker()
    [transition] = one.force_open(NOON + 60 * MINUTE, "maintenance", "anna", NOON)
    assert (transition.event, transition.actor, transition.reason) == (Event.FORCED_OPEN, "anna", "maintenance")
    assert admission(one.standing, NOON) == (AdmissionKind.OPEN, NOON + 60 * MINUTE)
    assert one.tick(NOON + 60 * MINUTE - SECOND) == [], "the rules' own time does not end it"
    [ended] = one.tick(NOON + 60 * MINUTE)
    assert (ended.event, ended.to_state, ended.mode) == (Event.MODE_ENDED, State.HALF_OPEN, Mode.NORMAL)
    assert ended.reason == "forced open is over"


def test_forced_open_without_an_end_stays_until_somebody_ends_it() -> None:
    one = breaker()
    one.force_open(None, "broken contract", "anna", NOON)
    assert one.next_tick_at is None
    one.tick(NOON + timedelta(days=300))
    assert admission(one.standing, NOON + timedelta(days=300)) == (AdmissionKind.OPEN, None)
    one.reset("new contract", "ben", NOON)
    assert admission(one.standing, NOON).kind is AdmissionKind.CALL


def test_forced_closed_lets_calls_through_whatever_fails() -> None:
    one = opened()
    one.force_close(NOON + 60 * MINUTE, "status page says so", "anna", NOON)
    assert fail(one, 1000) == []
    assert admission(one.standing, NOON).kind is AdmissionKind.CALL
    [ended] = one.tick(NOON + 60 * MINUTE)
    assert (ended.to_state, ended.mode) == (State.CLOSED, Mode.NORMAL)
    assert fail(one, 9, NOON + 60 * MINUTE) == [], "what failed meanwhile does not count"


def test_disabled_counts_nothing() -> None:
    one = breaker()
    one.disable(None, "under test", "anna", NOON)
    assert fail(one, 1000) == []
    assert one.tally(NOON).calls == 0
    assert one.to_record().totals.failures == 0


def test_metrics_only_says_when_it_would_have_opened_and_opens_nothing() -> None:
    one = breaker()
    one.metrics_only(None, "trying the rules", "anna", NOON)
    [would] = fail(one, 10)
    assert (would.event, would.from_state, would.to_state) == (Event.WOULD_HAVE_OPENED, State.CLOSED, State.CLOSED)
    assert would.reason == "10 failures in 15 min, last: 503 from GET /repos"
    assert admission(one.standing, NOON).kind is AdmissionKind.CALL
    assert fail(one, 1000, NOON + 5 * MINUTE - SECOND) == [], "an open one would not have called"
    assert len(fail(one, 10, NOON + 5 * MINUTE)) == 1


@each_mode
def test_each_mode_begins_a_new_generation_and_takes_the_leases_back(mode: Mode) -> None:
    one, at = half_open()
    generation = one.standing.generation
    [lease] = one.acquire(1, "a", at)
    MODES[mode](one)(at + MINUTE, "because", "anna", at)
    assert (one.standing.mode, one.standing.generation) == (mode, generation + 1)
    assert (one.standing.reason, one.standing.actor, one.standing.changed_at) == ("because", "anna", at)
    assert one.settle(lease.id, Outcome.FAILURE, at) == []
    assert one.standing.label == mode


@each_mode
def test_a_mode_that_has_run_out_is_as_if_it_were_not_there(mode: Mode) -> None:
    one = breaker()
    MODES[mode](one)(NOON + MINUTE, "because", "anna", NOON)
    expected = AdmissionKind.PROBE if mode is Mode.FORCED_OPEN else AdmissionKind.CALL
    assert admission(one.standing, NOON + MINUTE).kind is expected, "also before anybody has ticked"
    one.tick(NOON + MINUTE)
    assert admission(one.standing, NOON + MINUTE).kind is expected


@each_mode
@pytest.mark.parametrize(
    ("until", "problem"),
    [
        (NOON, "2026-11-23T12:00:00+00:00 is not in the future; give a later time, or none"),
        (datetime(9999, 12, 31, tzinfo=UTC), "is more than 366 days away; give no time for no end"),
    ],
)
def test_a_mode_without_sense_is_refused_and_changes_nothing(mode: Mode, until: datetime, problem: str) -> None:
    one = breaker()
    before = one.to_record()
    with pytest.raises(ValueError, match=problem.replace("+", r"\+")):
        MODES[mode](one)(until, "because", "anna", NOON)
    assert one.to_record() == before


def test_a_reset_forgets_everything_but_the_totals() -> None:
    one = opened()
    one.pause(NOON + 60 * MINUTE, "429", NOON)
    [transition] = one.reset("healed", "anna", NOON)
    assert (transition.event, transition.from_state, transition.to_state) == (Event.RESET, State.OPEN, State.CLOSED)
    assert admission(one.standing, NOON).kind is AdmissionKind.CALL
    assert fail(one, 9) == []
    assert one.to_record().totals.failures == 19


def test_new_rules_hold_for_what_is_counted_already() -> None:
    one = breaker()
    fail(one, 6)
    configured, opened = one.configure(BreakerConfig(failure_threshold=6), "anna", NOON)
    assert (configured.event, configured.to_state) == (Event.CONFIGURED, State.CLOSED)
    assert (opened.event, opened.reason) == (Event.OPENED, "6 failures in 15 min, last: 503 from GET /repos")


def test_new_rules_keep_state_and_counts() -> None:
    one = breaker()
    fail(one, 6)
    [transition] = one.configure(
        BreakerConfig(failure_threshold=7, recovery_timeout=MINUTE), "anna", NOON, "github is flaky"
    )
    expected = "github is flaky: failure_threshold 10 -> 7, recovery_timeout 5 min -> 1 min"
    assert (transition.event, transition.reason) == (Event.CONFIGURED, expected)
    assert (one.standing.generation, one.standing.state) == (0, State.CLOSED)
    assert len(fail(one)) == 1


def test_the_same_rules_again_change_nothing() -> None:
    one = breaker()
    assert one.configure(BreakerConfig(), "apply", NOON) == []


def test_calls_keep_their_time_in_a_window_of_another_length() -> None:
    one = breaker()
    fail(one, 3, NOON)
    fail(one, 4, NOON + 10 * MINUTE)
    one.configure(BreakerConfig(monitoring_window=5 * MINUTE), "anna", NOON + 10 * MINUTE)
    assert one.tally(NOON + 10 * MINUTE).failures == 4
    one.configure(BreakerConfig(monitoring_window=60 * MINUTE), "anna", NOON + 10 * MINUTE)
    assert one.tally(NOON + 10 * MINUTE).failures == 4, "what was forgotten does not come back"


def test_an_open_breaker_waits_shorter_when_the_rules_say_so_and_never_longer() -> None:
    one = opened()
    one.configure(BreakerConfig(recovery_timeout=60 * MINUTE), "anna", NOON)
    assert one.standing.retry_at == NOON + 5 * MINUTE
    one.configure(BreakerConfig(recovery_timeout=MINUTE), "anna", NOON)
    assert one.standing.retry_at == NOON + MINUTE


def test_a_mode_survives_new_rules() -> None:
    one = breaker()
    one.force_open(NOON + 60 * MINUTE, "maintenance", "anna", NOON)
    one.configure(BreakerConfig(recovery_timeout=MINUTE, half_open_max_calls=2), "apply", NOON)
    assert (one.standing.mode, one.standing.mode_until) == (Mode.FORCED_OPEN, NOON + 60 * MINUTE)
    assert one.standing.probes_allowed == 2


# Throttling.


def test_a_pause_refuses_until_it_is_over_and_is_no_failure() -> None:
    one = breaker()
    [transition] = one.pause(NOON + 10 * MINUTE, "429, resets at 12:10", NOON)
    assert (transition.event, transition.until) == (Event.PAUSED, NOON + 10 * MINUTE)
    assert admission(one.standing, NOON) == (AdmissionKind.PAUSED, NOON + 10 * MINUTE)
    assert one.standing.state is State.CLOSED
    assert admission(one.standing, NOON + 10 * MINUTE).kind is AdmissionKind.CALL
    [ended] = one.tick(NOON + 10 * MINUTE)
    assert (ended.event, one.standing.paused_until) == (Event.PAUSE_ENDED, None)


def test_the_longest_pause_counts_and_is_one_pause() -> None:
    one = breaker()
    one.pause(NOON + 10 * MINUTE, "first", NOON)
    assert one.pause(NOON + 5 * MINUTE, "shorter", NOON) == []
    assert (one.standing.paused_until, one.standing.pause_reason) == (NOON + 10 * MINUTE, "first")
    assert one.pause(NOON + 20 * MINUTE, "longer", NOON) == []
    assert (one.standing.paused_until, one.standing.pause_reason) == (NOON + 20 * MINUTE, "longer")


def test_the_same_instant_told_many_times_a_little_later_is_one_pause() -> None:
    one = breaker()
    one.pause(NOON + timedelta(milliseconds=60_100), "a", NOON)
    before = one.standing
    one.pause(NOON + timedelta(milliseconds=60_900), "b", NOON)
    assert one.standing == before
    assert before.paused_until == NOON + 61 * SECOND, "never earlier than was asked for"


def test_a_pause_that_nobody_can_mean_is_cut() -> None:
    one = breaker()
    one.pause(datetime.max.replace(tzinfo=UTC), "nonsense", NOON)
    assert one.standing.paused_until == NOON + timedelta(hours=24)


def test_a_pause_that_is_past_is_none() -> None:
    one = breaker()
    assert one.pause(NOON, "late", NOON) == []
    assert one.standing.paused_until is None


def test_no_probe_goes_out_during_a_pause() -> None:
    one, at = half_open()
    one.pause(at + MINUTE, "429", at)
    assert one.acquire(1, "a", at) == []
    assert admission(one.standing, at).kind is AdmissionKind.PAUSED
    one.tick(at + MINUTE)
    assert len(one.acquire(1, "a", at + MINUTE)) == 1


def test_an_open_breaker_that_is_paused_longer_says_the_later_time() -> None:
    one = opened()
    one.pause(NOON + 60 * MINUTE, "429", NOON)
    assert admission(one.standing, NOON) == (AdmissionKind.OPEN, NOON + 60 * MINUTE)


@pytest.mark.parametrize("mode", [Mode.FORCED_CLOSED, Mode.DISABLED])
def test_who_lets_all_calls_through_lets_them_through_a_pause(mode: Mode) -> None:
    one = breaker()
    one.pause(NOON + 10 * MINUTE, "429", NOON)
    MODES[mode](one)(None, "because", "anna", NOON)
    assert one.standing.paused_until is None
    assert one.pause(NOON + 10 * MINUTE, "429", NOON) == []


# Two processes.


def test_an_open_breaker_whose_time_is_over_asks_for_a_probe_before_anybody_has_ticked() -> None:
    one = opened()
    assert admission(one.standing, NOON + 5 * MINUTE).kind is AdmissionKind.PROBE


def test_a_stored_breaker_goes_on_where_it_was() -> None:
    one, at = half_open(window_calls=50)
    one.acquire(2, "a", at)
    again = Breaker(type(one.to_record()).model_validate_json(one.to_record().model_dump_json()))
    assert again.to_record() == one.to_record()
    assert len(again.acquire(9, "b", at)) == 3


def test_successes_are_worth_nothing_while_half_open_without_a_lease() -> None:
    one, at = half_open(success_threshold=1)
    assert succeed(one, 100, at) == []
    assert one.record(Outcomes(ignored=5), one.standing.generation, at) == []
    assert one.standing.state is State.HALF_OPEN
