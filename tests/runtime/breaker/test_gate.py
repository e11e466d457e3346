"""A gate by itself: what is an outcome, which calls it refuses, and what it has to tell."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from temporalio.exceptions import CancelledError

from devsync.domain.breaker import BreakerConfig, Lease, Mode, Outcomes, Standing, State
from devsync.domain.breaker.refusals import CallRefused, CircuitOpen, ServicePaused
from devsync.domain.errors import ErrorCategory
from devsync.runtime.breaker.gate import RECHECK, SOON, Gate
from devsync.runtime.classification import MalformedAnswer, classify

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OPERATION = "GET /repos/acme/ledger/pulls"


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


class Answered(requests.HTTPError):
    """As requests raises it for an error status."""

    def __init__(self, status: int, **headers: str) -> None:
        answer = requests.Response()
        answer.status_code = status
        answer.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        super().__init__(response=answer)


def gate_of(clock: Clock | None = None, **config: Any) -> Gate:
    return Gate("github", BreakerConfig(**config), now=clock or Clock())


def call(gate: Gate, error: BaseException | None = None, meanwhile: Callable[[], object] = lambda: None) -> None:
    """One call; the error that ends it is what was expected."""
    try:
        with gate.call(OPERATION):
            meanwhile()
            if error is not None:
                raise error
    except BaseException as raised:
        if raised is not error:
            raise


def take_time() -> None:
    time.sleep(0.002)


def counted_so_far(gate: Gate) -> dict[str, Any]:
    report = gate.report()
    outcomes = report.outcomes if report else Outcomes()
    return {name: value for name, value in outcomes if value and name not in {"earliest", "latest", "last_failure"}}


def counted(gate: Gate) -> dict[str, Any]:
    """What the next report says, taken."""
    found = counted_so_far(gate)
    gate.confirmed()
    return found


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "successes"),
        (Answered(500), "failures"),
        (Answered(503), "failures"),
        (requests.ReadTimeout(), "failures"),
        (requests.ConnectionError(), "failures"),
        (TimeoutError(), "failures"),
        (MalformedAnswer("github", OPERATION, "an empty body"), "failures"),
        (Answered(401), "ignored"),
        (Answered(403), "ignored"),
        (Answered(404), "ignored"),
        (Answered(422), "ignored"),
        (KeyError("a mistake of ours"), "ignored"),
        (Answered(429, retry_after="30"), "throttled"),
        (CancelledError("the edition was cancelled"), "ignored"),
        (asyncio.CancelledError(), "ignored"),
        (KeyboardInterrupt(), "ignored"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value,
)
def test_one_call_is_one_outcome(error: BaseException | None, outcome: str) -> None:
    gate = gate_of()
    call(gate, error)
    assert counted(gate) == {outcome: 1}


@pytest.mark.parametrize(
    ("error", "is_excused", "outcome"),
    [
        (Answered(502), True, "ignored"),
        (Answered(502), False, "failures"),
        (requests.ReadTimeout(), True, "ignored"),
        (Answered(404), False, "ignored"),
        (Answered(429, retry_after="30"), True, "throttled"),
        (None, True, "successes"),
    ],
)
def test_a_failure_that_is_excused_does_not_count(error: Exception | None, is_excused: bool, outcome: str) -> None:
    gate = gate_of()
    with suppress(requests.RequestException), gate.excused_call(OPERATION, lambda _error: is_excused):
        if error is not None:
            raise error
    assert counted(gate) == {outcome: 1}


async def test_a_call_in_the_event_loop_is_no_different() -> None:
    gate = gate_of()
    async with gate.call("chat.postMessage"):
        pass
    with suppress(TimeoutError):
        async with gate.call("chat.postMessage"):
            raise TimeoutError
    assert counted(gate) == {"successes": 1, "failures": 1}


def test_a_failure_is_told_in_one_line_with_what_was_asked() -> None:
    gate = gate_of()
    call(gate, Answered(503))
    report = gate.report()
    assert report is not None
    assert report.outcomes.last_failure == f"github answered 503 ({OPERATION})"


def test_a_report_is_the_same_until_it_is_taken_and_is_then_not_told_again() -> None:
    gate = gate_of()
    call(gate)
    first = gate.report()
    call(gate)
    assert gate.report() == first
    gate.confirmed()
    assert counted(gate) == {"successes": 1}
    assert gate.report() is None


def test_failures_that_nobody_could_be_told_of_are_not_told_once_the_service_has_healed() -> None:
    clock = Clock()
    gate = gate_of(clock, failure_threshold=2, success_threshold=1)
    call(gate, Answered(503))
    assert counted_so_far(gate) == {"failures": 1}
    call(gate, Answered(503))
    clock.now += 5 * MINUTE
    call(gate)
    assert counted(gate) == {}, "what was on its way, without its failure"
    assert counted(gate) == {"successes": 1}


def test_an_open_gate_refuses_at_once_and_says_until_when_and_why() -> None:
    gate = gate_of(failure_threshold=2)
    for _ in range(2):
        call(gate, Answered(503))
    with pytest.raises(CircuitOpen) as refused:
        call(gate)
    assert refused.value.retry_at == NOON + 5 * MINUTE
    assert "github before 2026-11-23 12:05:00 UTC" in str(refused.value)
    assert "2 failures in 15 min, last: github answered 503" in str(refused.value)
    failure = classify(refused.value, "github", NOON)
    assert (failure.category, failure.code) == (ErrorCategory.EXTERNAL_SERVICE, "circuit_open")
    assert (failure.retry_at, failure.probes_allowed) == (NOON + 5 * MINUTE, 5)
    assert (failure.is_retryable, failure.is_expected, failure.counts_for_breaker) == (False, True, False)


def test_a_refused_call_is_no_outcome() -> None:
    gate = gate_of(failure_threshold=1)
    call(gate, Answered(503))
    assert counted(gate) == {"failures": 1}
    with pytest.raises(CircuitOpen):
        call(gate)
    assert gate.report() is None
    assert dict(gate.take_told().refusals) == {"open": 1}


def test_an_open_gate_lets_probes_through_when_its_time_is_over_and_comes_back_by_itself() -> None:
    clock = Clock()
    gate = gate_of(clock, failure_threshold=1, success_threshold=2)
    call(gate, Answered(503))
    clock.now += 5 * MINUTE
    call(gate)
    assert gate.road is None, "one success is not enough"
    call(gate)
    assert gate.road is not None
    assert gate.take_told().probes.total() == 2


def test_no_more_probes_at_once_than_allowed_and_the_rest_comes_back_soon() -> None:
    clock = Clock()
    gate = gate_of(clock, failure_threshold=1, half_open_max_calls=1)
    call(gate, Answered(503))
    clock.now += 5 * MINUTE
    with gate.call(OPERATION), pytest.raises(CircuitOpen) as refused:
        call(gate)
    assert clock.now < refused.value.retry_at <= clock.now + SOON


def test_a_probe_that_says_nothing_is_given_back() -> None:
    clock = Clock()
    gate = gate_of(clock, failure_threshold=1, half_open_max_calls=1)
    call(gate, Answered(503))
    clock.now += 5 * MINUTE
    for _ in range(3):
        call(gate, Answered(404))
    call(gate)


def test_a_probe_whose_failure_is_excused_is_given_back() -> None:
    clock = Clock()
    gate = gate_of(clock, failure_threshold=1, half_open_max_calls=1, success_threshold=1)
    call(gate, Answered(503))
    clock.now += 5 * MINUTE
    for _ in range(3):
        with suppress(Answered), gate.excused_call(OPERATION, lambda _error: True):
            raise Answered(502)
    call(gate)
    assert gate.road is not None


class SlowOffice:
    """Gives no lease: things have changed, again and again, and it takes its time to say so."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.asked = 0

    def report_soon(self, gate: Gate) -> None: ...

    def ask_for_lease(self, gate: Gate) -> "Future[Lease | None]":
        self.asked += 1
        waiter: Future[Lease | None] = Future()

        def answer() -> None:
            if waiter.set_running_or_notify_cancel():
                waiter.set_result(None)

        threading.Timer(self.seconds, answer).start()
        return waiter


def test_patience_for_a_lease_is_that_of_a_call_and_not_of_each_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devsync.runtime.breaker.calls.LEASE_PATIENCE", timedelta(seconds=0.5))
    office = SlowOffice(seconds=0.4)
    gate = Gate("github", BreakerConfig(), office, now=Clock())
    gate.learn(standing(1, state=State.HALF_OPEN), None)
    with suppress(CircuitOpen):
        call(gate)
    assert office.asked <= 2
    assert not gate.is_in_touch


def test_calls_that_began_before_the_gate_opened_do_not_count_afterwards() -> None:
    clock = Clock()
    gate = gate_of(clock, failure_threshold=1)

    def meanwhile() -> None:
        call(gate, Answered(503))
        clock.now += 5 * MINUTE
        gate.ruling()

    call(gate, Answered(503), meanwhile)
    call(gate)  # half-open still: the old failure did not open it again


def test_slow_calls_are_counted_where_the_rules_ask_for_them_from_the_call_on_that_follows_the_rule() -> None:
    gate = gate_of()
    gate.learn(standing(1), None)
    call(gate, None, take_time)
    rules = BreakerConfig(slow_call_duration=timedelta(milliseconds=1), slow_call_rate_threshold=0.5)
    gate.learn(standing(1), rules)
    call(gate, None, take_time)
    call(gate, Answered(503), take_time)
    assert counted(gate) == {"successes": 2, "failures": 1, "slow": 2}


def standing(generation: int, **fields: Any) -> Standing:
    at = NOON + generation * MINUTE
    return Standing(service="github", generation=generation, changed_at=at, probes_allowed=3, **fields)


def test_each_outcome_is_told_under_the_generation_in_which_its_call_began() -> None:
    gate = gate_of()
    gate.learn(standing(3), None)
    with gate.call(OPERATION):
        gate.learn(standing(4), None)
        call(gate)
    told = []
    while report := gate.report():
        told.append((report.generation, report.outcomes.successes))
        gate.confirmed()
    assert sorted(told) == [(3, 1), (4, 1)]


def test_an_operator_who_opens_without_an_end_is_asked_again_after_a_while() -> None:
    clock = Clock()
    gate = gate_of(clock)
    gate.learn(standing(1, state=State.OPEN, mode=Mode.FORCED_OPEN, reason="a migration"), None)
    with pytest.raises(CircuitOpen, match="a migration") as refused:
        call(gate)
    assert refused.value.retry_at == clock.now + RECHECK
    failure = classify(refused.value, "github", clock.now)
    assert failure.is_open_ended
    assert failure.message.startswith("no call to github until an operator allows it, "), "no instant is known"


def test_a_pause_refuses_until_its_end_and_goes_into_the_next_report() -> None:
    clock = Clock()
    gate = gate_of(clock)
    paused = gate.pause(NOON + 60 * MINUTE, "github limits our rate (429)")
    assert isinstance(paused, ServicePaused)
    with pytest.raises(ServicePaused, match="limits our rate") as refused:
        call(gate)
    assert refused.value.retry_at == NOON + 60 * MINUTE
    report = gate.report()
    assert report is not None
    assert report.pause == (NOON + 60 * MINUTE, "github limits our rate (429)")
    failure = classify(refused.value, "github", NOON)
    assert (failure.category, failure.code) == (ErrorCategory.RATE_LIMITING, "service_paused")
    clock.now += 60 * MINUTE
    call(gate)


def test_where_an_operator_lets_all_calls_through_there_is_no_pause() -> None:
    gate = gate_of()
    gate.learn(standing(1, mode=Mode.FORCED_CLOSED), None)
    assert gate.pause(NOON + 60 * MINUTE, "429") is None
    call(gate)
    report = gate.report()
    assert report is not None
    assert report.pause is None


def test_services_do_not_know_of_each_other() -> None:
    github, jira = gate_of(failure_threshold=1), Gate("jira", BreakerConfig(), now=Clock())
    call(github, Answered(503))
    with pytest.raises(CallRefused):
        call(github)
    call(jira)
