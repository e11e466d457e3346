"""Whatever happens, in whatever order, by whatever clock: the breaker does what a naive one does."""

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from devsync.domain.breaker import (
    LONGEST_PAUSE,
    AdmissionKind,
    Breaker,
    BreakerConfig,
    BreakerRecord,
    Mode,
    Outcome,
    Outcomes,
    State,
    Transition,
    admission,
)
from tests.domain.breaker.naive import Naive

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

CONFIGS = (
    BreakerConfig(),
    BreakerConfig(failure_threshold=3, monitoring_window=MINUTE, recovery_timeout=10 * MINUTE, success_threshold=1),
    BreakerConfig(failure_threshold=1000, failure_rate_threshold=0.5, minimum_calls=4, monitoring_window=5 * MINUTE),
    BreakerConfig(failure_threshold=50, failure_rate_threshold=0.4, minimum_calls=5, window_calls=8),
    BreakerConfig(
        slow_call_rate_threshold=0.5, slow_call_duration=MINUTE, minimum_calls=3, window_calls=12, half_open_max_calls=2
    ),
    BreakerConfig(
        failure_threshold=2,
        recovery_timeout=MINUTE,
        recovery_timeout_growth=2,
        recovery_timeout_maximum=5 * MINUTE,
        half_open_max_calls=3,
        half_open_max_wait=2 * MINUTE,
        success_threshold=4,
    ),
)

MODES = [mode for mode in Mode if mode is not Mode.NORMAL]

seconds = st.one_of(st.integers(0, 90), st.integers(0, 3000), st.integers(0, 200_000)).map(
    lambda s: timedelta(seconds=s)
)
likely_outcomes = st.sampled_from([*3 * [Outcome.SUCCESS], *Outcome])
few = st.integers(0, 6)


class BreakerAgainstNaive(RuleBasedStateMachine):
    @initialize(config=st.sampled_from(CONFIGS))
    def begin(self, config: BreakerConfig) -> None:
        self.now = START
        self.breaker = Breaker(BreakerRecord.fresh("github", config, START))
        self.naive = Naive(config)
        self.transitions: list[Transition] = []
        self.past_leases: list[str] = []

    def tick(self) -> None:
        self.transitions += self.breaker.tick(self.now)
        self.naive.tick(self.now)

    @rule(step=seconds)
    def time_passes(self, step: timedelta) -> None:
        self.now += step + timedelta(milliseconds=7)
        self.tick()

    @rule()
    def time_comes_to_the_next_tick(self) -> None:
        """Half-open after open, without luck."""
        if self.breaker.next_tick_at is not None:
            self.now = max(self.now, self.breaker.next_tick_at)
            self.tick()

    @rule(step=seconds)
    def the_clock_goes_back(self, step: timedelta) -> None:
        self.now -= step
        self.tick()

    @rule(successes=few, failures=few, slow=few, ignored=few, late=seconds, age=st.sampled_from([0, 0, 0, 1, -1]))
    def calls_are_reported(
        self, successes: int, failures: int, slow: int, ignored: int, late: timedelta, age: int
    ) -> None:
        outcomes = Outcomes(
            successes=successes,
            failures=failures,
            slow=min(slow, successes + failures),
            ignored=ignored,
            throttled=1,
            latest=self.now - late,
        )
        generation = max(self.breaker.standing.generation - age, 0)
        self.tick()
        self.transitions += self.breaker.record(outcomes, generation, self.now)
        self.naive.report(outcomes, generation, self.now)

    @rule()
    def the_service_goes_down(self) -> None:
        self.tick()
        generation, failures = self.breaker.standing.generation, self.breaker.config.failure_threshold
        outcomes = Outcomes(failures=failures, last_failure="503")
        self.transitions += self.breaker.record(outcomes, generation, self.now)
        self.naive.report(outcomes, generation, self.now)

    @rule(wanted=st.integers(1, 8), outcomes=st.lists(likely_outcomes, max_size=5))
    def probes_are_asked_for(self, wanted: int, outcomes: list[Outcome]) -> None:
        """Some of them have a result before anything else happens."""
        self.tick()
        expected = self.naive.lend(wanted, self.now)
        leases = self.breaker.acquire(wanted, "one", self.now)
        assert len(leases) == expected
        assert len({*self.past_leases, *(lease.id for lease in leases)}) == len(self.past_leases) + len(leases)
        for lease in leases:
            assert lease.deadline == self.now + self.breaker.config.probe_lease
            self.naive.lent(lease.id, lease.deadline, self.now)
            self.past_leases.append(lease.id)
        for lease, outcome in zip(leases, outcomes, strict=False):
            self.settle(lease.id, outcome)

    @precondition(lambda self: self.past_leases)
    @rule(data=st.data(), outcome=likely_outcomes)
    def a_probe_is_settled(self, data: st.DataObject, outcome: Outcome) -> None:
        out = [lease.id for lease in self.breaker.leases]
        lease = data.draw(st.sampled_from([*3 * out, *self.past_leases[-3:]]))
        self.tick()
        self.settle(lease, outcome)

    def settle(self, lease: str, outcome: Outcome) -> None:
        self.transitions += self.breaker.settle(lease, outcome, self.now)
        self.naive.settle(lease, outcome, self.now)

    @rule(length=seconds)
    def the_service_asks_for_patience(self, length: timedelta) -> None:
        until = self.now + length - timedelta(seconds=30)
        self.tick()
        self.transitions += self.breaker.pause(until, "429", self.now)
        self.naive.pause(until, self.now)

    # One rule for all that people do: as rules of their own they would end most outages before anything came of them.
    @rule(decision=st.sampled_from([*MODES, *CONFIGS, None]), length=st.none() | seconds)
    def somebody_decides(self, decision: Mode | BreakerConfig | None, length: timedelta | None) -> None:
        self.tick()
        if decision is None:
            self.transitions += self.breaker.reset("because", "anna", self.now)
            self.naive.reset()
        elif isinstance(decision, BreakerConfig):
            self.transitions += self.breaker.configure(decision, "anna", self.now)
            self.naive.configure(decision, self.now)
            self.tick()  # what was waited for may be over under the new rules
        else:
            until = None if length is None else self.now + length + timedelta(seconds=1)
            decide = {
                Mode.FORCED_OPEN: self.breaker.force_open,
                Mode.FORCED_CLOSED: self.breaker.force_close,
                Mode.DISABLED: self.breaker.disable,
                Mode.METRICS_ONLY: self.breaker.metrics_only,
            }[decision]
            self.transitions += decide(until, "because", "anna", self.now)
            self.naive.enter(decision.value, until)

    @rule()
    def another_process_takes_over(self) -> None:
        stored = self.breaker.to_record().model_dump_json()
        self.breaker = Breaker(BreakerRecord.model_validate_json(stored))
        assert self.breaker.to_record().model_dump_json() == stored

    @invariant()
    def both_are_the_same(self) -> None:
        standing, naive = self.breaker.standing, self.naive
        assert (standing.state, standing.mode, standing.generation) == (naive.state, naive.mode, naive.generation)
        assert standing.retry_at == (naive.until if naive.state == "open" else None)
        assert standing.mode_until == (naive.until if naive.mode != "normal" else None)
        assert standing.paused_until == naive.paused_until
        assert {lease.id: lease.deadline for lease in self.breaker.leases} == naive.leases
        assert [transition.event for transition in self.transitions] == naive.events
        tally, calls = self.breaker.tally(self.now), naive.recent(self.now)
        assert tally.calls == len(calls)
        assert tally.failures == sum(call.failed for call in calls)
        assert tally.slow == sum(call.slow for call in calls)

    @invariant()
    def nothing_is_waited_for_too_long(self) -> None:
        standing, config = self.breaker.standing, self.breaker.config
        if standing.state is State.OPEN and standing.mode is Mode.NORMAL:
            longest = config.recovery_timeout_maximum or config.recovery_timeout
            assert standing.retry_at is not None
            assert standing.retry_at - self.now <= longest
        if standing.paused_until:
            assert standing.paused_until - self.now <= LONGEST_PAUSE
        assert all(lease.deadline - self.now <= config.probe_lease for lease in self.breaker.leases)
        assert self.breaker.next_tick_at is None or self.breaker.next_tick_at > self.now

    @invariant()
    def a_mode_decides_the_state(self) -> None:
        standing = self.breaker.standing
        if standing.mode is not Mode.NORMAL:
            assert standing.state is (State.OPEN if standing.mode is Mode.FORCED_OPEN else State.CLOSED)
        may_call = admission(standing, self.now).kind is AdmissionKind.CALL
        assert may_call == (standing.state is State.CLOSED and standing.paused_until is None)

    @invariant()
    def transitions_tell_a_story(self) -> None:
        """Each begins where the one before ended, and generations never go back."""
        for before, after in zip(self.transitions, self.transitions[1:], strict=False):
            assert before.to_state == after.from_state
            assert before.generation <= after.generation


BreakerAgainstNaive.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_the_breaker_does_what_a_naive_one_does = BreakerAgainstNaive.TestCase
