"""How an open breaker comes back: its timer, leased probes, and what they decide."""

from datetime import timedelta

import pytest

from devsync.domain.breaker import Event, Outcome, State
from tests.domain.breaker.makers import MINUTE, NOON, SECOND, fail, half_open, opened


def test_it_is_half_open_when_its_time_is_over_and_not_before() -> None:
    one = opened()
    assert one.next_tick_at == NOON + 5 * MINUTE
    assert one.tick(NOON + 5 * MINUTE - SECOND) == []
    [transition] = one.tick(NOON + 5 * MINUTE)
    assert (transition.event, transition.reason) == (Event.HALF_OPENED, "open for 5 min; 3 probes must succeed")
    assert one.next_tick_at is None, "without a probe there is nothing to wait for"


def test_no_more_probes_are_out_than_allowed() -> None:
    one, at = half_open(half_open_max_calls=5)
    assert len(one.acquire(3, "a", at)) == 3
    assert len(one.acquire(100, "b", at)) == 2
    assert one.acquire(1, "c", at) == []


def test_who_asks_again_for_a_lost_answer_gets_the_same_leases() -> None:
    one, at = half_open(half_open_max_calls=5)
    leases = one.acquire(3, "a", at, request="first")
    assert one.acquire(3, "a", at + SECOND, request="first") == leases
    assert len(one.acquire(3, "a", at, request="second")) == 2
    assert one.to_record().totals.probes_lent == 5


def test_only_a_half_open_breaker_lends() -> None:
    closed, _ = half_open(success_threshold=1)
    for one in (opened(), closed):
        if one is closed:
            one.reset("healed", "anna", NOON)
        assert one.acquire(1, "a", NOON) == []


def test_three_probes_that_succeed_close_it() -> None:
    one, at = half_open()
    leases = one.acquire(5, "a", at)
    assert one.settle(leases[0].id, Outcome.SUCCESS, at) == []
    assert one.settle(leases[1].id, Outcome.SUCCESS, at) == []
    [transition] = one.settle(leases[2].id, Outcome.SUCCESS, at)
    assert (transition.event, transition.reason) == (Event.CLOSED, "3 probes succeeded")
    assert one.leases == (), "what else is out decides nothing any more"
    assert one.settle(leases[3].id, Outcome.FAILURE, at) == []


def test_one_probe_that_fails_opens_it_again() -> None:
    one, at = half_open()
    first, second, *_ = one.acquire(5, "a", at)
    one.settle(first.id, Outcome.SUCCESS, at)
    [transition] = one.settle(second.id, Outcome.FAILURE, at, "502 from GET /rate_limit")
    assert transition.reason == "a probe failed, last: 502 from GET /rate_limit"
    assert one.standing.retry_at == at + 5 * MINUTE


def test_a_failure_without_a_lease_opens_it_again_too() -> None:
    one, at = half_open()
    [transition] = fail(one, at=at)
    assert transition.event is Event.OPENED


@pytest.mark.parametrize("outcome", [Outcome.IGNORED, Outcome.THROTTLED])
def test_a_probe_that_says_nothing_of_the_service_is_given_back(outcome: Outcome) -> None:
    one, at = half_open(half_open_max_calls=1, success_threshold=1)
    [lease] = one.acquire(1, "a", at)
    assert one.settle(lease.id, outcome, at) == []
    [again] = one.acquire(1, "b", at)
    assert again.id != lease.id
    [transition] = one.settle(again.id, Outcome.SUCCESS, at)
    assert transition.event is Event.CLOSED


def test_a_probe_whose_holder_died_is_given_back_after_its_lease() -> None:
    one, at = half_open(half_open_max_calls=1)
    [lease] = one.acquire(1, "a", at)
    assert one.next_tick_at == lease.deadline == at + 30 * SECOND
    one.tick(at + 29 * SECOND)
    assert one.acquire(1, "b", at + 29 * SECOND) == []
    one.tick(lease.deadline)
    assert one.settle(lease.id, Outcome.FAILURE, lease.deadline) == [], "too late"
    assert len(one.acquire(1, "b", lease.deadline)) == 1
    assert one.to_record().totals.probes_expired == 1
    assert one.to_record().totals.probes_unknown == 1


def test_recovery_is_decided_in_time_or_it_opens_again() -> None:
    one, at = half_open(half_open_max_wait=2 * MINUTE)
    one.tick(at + 60 * MINUTE)
    assert one.standing.state is State.HALF_OPEN, "nobody has asked for a probe: nobody waits"
    first = at + 60 * MINUTE
    one.acquire(1, "a", first)
    one.acquire(1, "b", first + MINUTE)
    assert one.tick(first + 2 * MINUTE - SECOND) == []
    [transition] = one.tick(first + 2 * MINUTE)
    assert (transition.event, transition.reason) == (
        Event.OPENED, "not decided within 2 min: 0 of 3 probes succeeded"
    )  # fmt: skip


def test_what_is_seldom_called_closes_by_the_probes_that_there_were() -> None:
    """Slack, of a team that posts once a week."""
    one, at = half_open(half_open_max_wait=2 * MINUTE)
    lost, lease = one.acquire(2, "a", at)
    one.settle(lease.id, Outcome.SUCCESS, at + SECOND)
    assert one.tick(at + 2 * MINUTE - SECOND) == []
    [transition] = one.tick(at + 2 * MINUTE)
    assert (transition.event, transition.reason) == (
        Event.CLOSED, "1 of 3 probes succeeded, none failed within 2 min"
    )  # fmt: skip
    assert one.standing.state is State.CLOSED
    assert one.settle(lost.id, Outcome.FAILURE, at + 2 * MINUTE) == [], "of the half-open that is over"


def test_each_failed_recovery_makes_the_next_wait_longer_up_to_the_maximum() -> None:
    growth = {"recovery_timeout_growth": 2, "recovery_timeout_maximum": 15 * MINUTE}
    one, at = half_open(**growth)
    waits = []
    for _ in range(4):
        [lease] = one.acquire(1, "a", at)
        one.settle(lease.id, Outcome.FAILURE, at)
        assert one.standing.retry_at is not None
        waits.append(one.standing.retry_at - at)
        at = one.standing.retry_at
        one.tick(at)
    assert waits == [10 * MINUTE, 15 * MINUTE, 15 * MINUTE, 15 * MINUTE]


def test_a_recovery_that_succeeds_makes_the_waits_short_again() -> None:
    growth = {"recovery_timeout_growth": 2, "recovery_timeout_maximum": 60 * MINUTE}
    one, at = half_open(success_threshold=1, **growth)
    [lease] = one.acquire(1, "a", at)
    one.settle(lease.id, Outcome.FAILURE, at)
    at += 10 * MINUTE
    one.tick(at)
    [lease] = one.acquire(1, "a", at)
    one.settle(lease.id, Outcome.SUCCESS, at)
    fail(one, 10, at)
    assert one.standing.retry_at == at + 5 * MINUTE


def test_a_clock_that_goes_back_makes_nothing_wait_longer() -> None:
    back = NOON - timedelta(days=365)
    one = opened()
    one.tick(back)
    assert one.standing.retry_at == back + 5 * MINUTE

    one, at = half_open()
    [lease] = one.acquire(1, "a", at)
    one.tick(back)
    [lease] = one.leases
    assert lease.deadline == back + 30 * SECOND
    one.tick(back + 30 * SECOND)
    assert one.leases == ()
    [transition] = one.tick(back + 10 * MINUTE)
    assert transition.event is Event.OPENED
