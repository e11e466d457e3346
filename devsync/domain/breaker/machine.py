"""The circuit breaker itself: a state machine without a clock, that anybody can run and anybody can store."""

from datetime import datetime, timedelta

from devsync.domain.breaker.config import BreakerConfig
from devsync.domain.breaker.record import BREAKER, BreakerRecord, Event, Lease, Transition
from devsync.domain.breaker.rules import breach, spoken
from devsync.domain.breaker.standing import Mode, Standing, State
from devsync.domain.breaker.window import CallWindow, Outcome, Outcomes, Tally, TimeWindow

LONGEST_PAUSE = timedelta(hours=24)
"""No API asks for more patience than this; a longer pause would be a mistake that stops a service for good."""

_STATE_OF_MODE = {
    Mode.FORCED_OPEN: State.OPEN,
    Mode.FORCED_CLOSED: State.CLOSED,
    Mode.DISABLED: State.CLOSED,
    Mode.METRICS_ONLY: State.CLOSED,
}
_EVENT_OF_MODE = {
    Mode.FORCED_OPEN: Event.FORCED_OPEN,
    Mode.FORCED_CLOSED: Event.FORCED_CLOSED,
    Mode.DISABLED: Event.DISABLED,
    Mode.METRICS_ONLY: Event.METRICS_ONLY,
}
_MODES_THAT_PAUSE = {Mode.NORMAL, Mode.METRICS_ONLY, Mode.FORCED_OPEN}


class Breaker:
    """One service's breaker (design, section 6).

    Time passes in `tick` alone: call it before anything else, with the same `now`. Every other method looks at the
    state that `tick` left. Each returns what it made happen, oldest first. `now` is an aware datetime and may go back:
    nothing is then waited for longer than the rules say.

    Each generation counts anew: a transition, a change of mode and a reset empty the windows, take back the leases,
    and what was begun before no longer counts.
    """

    def __init__(self, record: BreakerRecord) -> None:
        self._config = record.config
        self._standing = record.standing
        self._openings = record.openings
        self._recent = TimeWindow(record.config.monitoring_window, record.slices)
        self._last_calls = _call_window(record.config, record.letters)
        self._leases = {lease.id: lease for lease in record.leases}
        self._leases_made = record.leases_made
        self._probing_since = record.probing_since
        self._probe_successes = record.probe_successes
        self._last_failure = record.last_failure
        self._totals = record.totals.model_dump()

    def to_record(self) -> BreakerRecord:
        """All there is to know: `Breaker(breaker.to_record())` behaves the same."""
        return BreakerRecord(
            config=self._config,
            standing=self._standing,
            openings=self._openings,
            slices=self._recent.slices(),
            letters="" if self._last_calls is None else self._last_calls.letters,
            leases=tuple(self._leases.values()),
            leases_made=self._leases_made,
            probing_since=self._probing_since,
            probe_successes=self._probe_successes,
            last_failure=self._last_failure,
            totals=self._totals,
        )

    @property
    def standing(self) -> Standing:
        return self._standing

    @property
    def config(self) -> BreakerConfig:
        return self._config

    @property
    def leases(self) -> tuple[Lease, ...]:
        """Those that are out."""
        return tuple(self._leases.values())

    def tally(self, now: datetime) -> Tally:
        """What this generation counted within the monitoring window."""
        return self._recent.tally(now)

    # What calls report.

    def record(self, outcomes: Outcomes, generation: int, now: datetime) -> list[Transition]:
        """Counts calls that began under `generation` and had no lease.

        Those of another generation are only counted as such. A breaker that has seen nothing takes a newer one over:
        it stands in for one that was lost, and whose generation the callers still have.
        """
        if self._standing.generation == 0 < generation:
            self._standing = self._standing.model_copy(update={"generation": generation})
        if generation != self._standing.generation:
            self._count("of_other_generations", outcomes.calls + outcomes.ignored + outcomes.throttled)
            return []
        if self._standing.mode is Mode.DISABLED:
            return []
        for name in ("successes", "failures", "slow", "ignored", "throttled"):
            self._count(name, getattr(outcomes, name))
        self._last_failure = outcomes.last_failure or self._last_failure
        if self._standing.state is State.HALF_OPEN and outcomes.failures:
            return [self._open(f"a call failed while half-open{self._last()}", now)]
        if self._standing.state is not State.CLOSED or not outcomes.calls:
            return []
        self._recent.add(outcomes, now)
        if self._last_calls is not None:
            self._last_calls.add(outcomes)
        return self._judge(now)

    def acquire(self, count: int, holder: str, now: datetime) -> list[Lease]:
        """Leases for up to `count` probes, as many as are free; none unless half-open and not paused."""
        if self._standing.state is not State.HALF_OPEN or self._standing.paused_until is not None:
            return []
        free = max(self._config.half_open_max_calls - len(self._leases), 0)
        return [self._lend(holder, now) for _ in range(min(count, free))]

    def settle(self, lease_id: str, outcome: Outcome, now: datetime, failure: str = "") -> list[Transition]:
        """The result of a probe; `failure` is one line on what went wrong. An unknown or lost lease changes nothing."""
        if self._leases.pop(lease_id, None) is None:
            self._count("probes_unknown")
            return []
        if outcome is Outcome.FAILURE:
            self._count("probes_failed")
            self._last_failure = failure or self._last_failure
            return [self._open(f"a probe failed{self._last()}", now)]
        if outcome is not Outcome.SUCCESS:
            self._count("probes_given_back")
            return []
        self._count("probes_succeeded")
        self._probe_successes += 1
        if self._probe_successes < self._config.success_threshold:
            return []
        return [self._change(Event.CLOSED, f"{self._probe_successes} probes succeeded", BREAKER, now)]

    def pause(self, until: datetime, reason: str, now: datetime) -> list[Transition]:
        """The service asks for patience until then; the longest of several counts, up to LONGEST_PAUSE."""
        until = min(until, now + LONGEST_PAUSE)
        paused_until = self._standing.paused_until
        if until <= (paused_until or now) or self._standing.mode not in _MODES_THAT_PAUSE:
            return []
        self._standing = self._standing.model_copy(update={"paused_until": until, "pause_reason": reason})
        return [] if paused_until else [self._note(Event.PAUSED, reason, BREAKER, now, until)]

    # What time does.

    def tick(self, now: datetime) -> list[Transition]:
        """Ends what has run out: a pause, a mode, the wait of an open breaker, leases, the wait while half-open."""
        self._never_wait_longer_than_the_rules_say(now)
        return [*self._end_pause(now), *self._move_on(now)]

    @property
    def next_tick_at(self) -> datetime | None:
        """When `tick` has something to do next; None: never by itself."""
        standing = self._standing
        times = [standing.paused_until, standing.mode_until, *(lease.deadline for lease in self._leases.values())]
        if standing.mode is Mode.NORMAL:
            times.append(standing.retry_at)
        if self._probing_since is not None:
            times.append(self._probing_since + self._config.half_open_max_wait)
        return min((time for time in times if time is not None), default=None)

    # What operators decide. A time that is not in the future raises ValueError.

    def force_open(self, until: datetime | None, reason: str, actor: str, now: datetime) -> list[Transition]:
        """Refuses all calls until then; after it, probes decide."""
        return self._enter_mode(Mode.FORCED_OPEN, until, reason, actor, now)

    def force_close(self, until: datetime | None, reason: str, actor: str, now: datetime) -> list[Transition]:
        """Lets all calls through until then, whatever fails; also ends a pause."""
        return self._enter_mode(Mode.FORCED_CLOSED, until, reason, actor, now)

    def disable(self, until: datetime | None, reason: str, actor: str, now: datetime) -> list[Transition]:
        """Lets all calls through until then and counts nothing; also ends a pause."""
        return self._enter_mode(Mode.DISABLED, until, reason, actor, now)

    def metrics_only(self, until: datetime | None, reason: str, actor: str, now: datetime) -> list[Transition]:
        """Counts, and says when it would have opened, but opens nothing until then."""
        return self._enter_mode(Mode.METRICS_ONLY, until, reason, actor, now)

    def reset(self, reason: str, actor: str, now: datetime) -> list[Transition]:
        """Closed, no mode, no pause, nothing counted."""
        self._end_any_pause()
        return [self._change(Event.RESET, reason, actor, now)]

    def configure(self, config: BreakerConfig, actor: str, now: datetime, reason: str = "") -> list[Transition]:
        """New rules for what comes: state, mode and counts stay, an open breaker never waits longer than they say.

        The same rules again change nothing.
        """
        changes = _differences(self._config, config)
        if not changes:
            return []
        if config.monitoring_window != self._config.monitoring_window:
            self._recent = self._recent.resized(config.monitoring_window)
        self._last_calls = _call_window(config, "" if self._last_calls is None else self._last_calls.letters)
        self._config = config
        self._standing = self._standing.model_copy(update={"probes_allowed": config.half_open_max_calls})
        self._never_wait_longer_than_the_rules_say(now)
        return [self._note(Event.CONFIGURED, f"{reason}: {changes}" if reason else changes, actor, now)]

    # How it is done.

    def _judge(self, now: datetime) -> list[Transition]:
        mode = self._standing.mode
        if mode not in {Mode.NORMAL, Mode.METRICS_ONLY}:
            return []
        last_calls = None if self._last_calls is None else self._last_calls.tally()
        broken = breach(self._config, self._recent.tally(now), last_calls)
        if not broken:
            return []
        if mode is Mode.NORMAL:
            return [self._open(f"{broken}{self._last()}", now)]
        self._forget_counts()
        return [self._note(Event.WOULD_HAVE_OPENED, f"{broken}{self._last()}", BREAKER, now)]

    def _open(self, reason: str, now: datetime) -> Transition:
        self._openings += 1
        retry_at = now + self._config.recovery_timeout_of(self._openings)
        return self._change(Event.OPENED, reason, BREAKER, now, state=State.OPEN, until=retry_at)

    def _half_open(self, event: Event, reason: str, now: datetime) -> Transition:
        return self._change(event, reason, BREAKER, now, state=State.HALF_OPEN)

    def _lend(self, holder: str, now: datetime) -> Lease:
        self._leases_made += 1
        self._count("probes_lent")
        self._probing_since = self._probing_since or now
        generation = self._standing.generation
        lease = Lease(
            id=f"{generation}.{self._leases_made}",
            holder=holder,
            generation=generation,
            deadline=now + self._config.probe_lease,
        )
        self._leases[lease.id] = lease
        return lease

    def _end_pause(self, now: datetime) -> list[Transition]:
        paused_until = self._standing.paused_until
        if paused_until is None or now < paused_until:
            return []
        self._end_any_pause()
        return [self._note(Event.PAUSE_ENDED, "the pause is over", BREAKER, now)]

    def _move_on(self, now: datetime) -> list[Transition]:
        standing, config = self._standing, self._config
        if standing.mode is not Mode.NORMAL:
            if standing.mode_until is None or now < standing.mode_until:
                return []
            reason = f"{standing.mode.value.replace('_', ' ')} is over"
            if standing.mode is Mode.FORCED_OPEN:
                return [self._half_open(Event.MODE_ENDED, reason, now)]
            return [self._change(Event.MODE_ENDED, reason, BREAKER, now)]
        if standing.retry_at is not None and standing.retry_at <= now:
            reason = f"open for {spoken(now - standing.changed_at)}; {config.success_threshold} probes must succeed"
            return [self._half_open(Event.HALF_OPENED, reason, now)]
        for lease in [lease for lease in self._leases.values() if lease.deadline <= now]:
            del self._leases[lease.id]
            self._count("probes_expired")
        if self._probing_since is not None and self._probing_since + config.half_open_max_wait <= now:
            wait = spoken(config.half_open_max_wait)
            decided = f"{self._probe_successes} of {config.success_threshold} probes succeeded"
            return [self._open(f"not decided within {wait}: {decided}", now)]
        return []

    def _never_wait_longer_than_the_rules_say(self, now: datetime) -> None:
        """The clock went back, or the rules were made shorter: what is waited for comes nearer."""
        standing, changes = self._standing, dict[str, datetime]()
        if standing.mode is Mode.NORMAL and standing.retry_at is not None:
            changes["retry_at"] = min(standing.retry_at, now + self._config.recovery_timeout_of(self._openings))
        if standing.paused_until is not None:
            changes["paused_until"] = min(standing.paused_until, now + LONGEST_PAUSE)
        self._standing = standing.model_copy(update=changes)
        latest = now + self._config.probe_lease
        for lease in self._leases.values():
            if lease.deadline > latest:
                self._leases[lease.id] = lease.model_copy(update={"deadline": latest})
        if self._probing_since is not None:
            self._probing_since = min(self._probing_since, now)

    def _enter_mode(
        self, mode: Mode, until: datetime | None, reason: str, actor: str, now: datetime
    ) -> list[Transition]:
        if until is not None and until <= now:
            raise ValueError(f"{until.isoformat()} is not in the future; give a later time, or none")
        if mode not in _MODES_THAT_PAUSE:
            self._end_any_pause()
        event, state = _EVENT_OF_MODE[mode], _STATE_OF_MODE[mode]
        return [self._change(event, reason, actor, now, state=state, mode=mode, until=until)]

    def _change(
        self,
        event: Event,
        reason: str,
        actor: str,
        now: datetime,
        *,
        state: State = State.CLOSED,
        mode: Mode = Mode.NORMAL,
        until: datetime | None = None,
    ) -> Transition:
        """Begins a new generation."""
        before = self._standing
        self._standing = before.model_copy(
            update={
                "state": state,
                "mode": mode,
                "generation": before.generation + 1,
                "retry_at": until if state is State.OPEN else None,
                "mode_until": until if mode is not Mode.NORMAL else None,
                "reason": reason,
                "actor": actor,
                "changed_at": now,
            }
        )
        self._forget_counts()
        self._leases.clear()
        self._leases_made = 0
        self._probing_since = None
        self._probe_successes = 0
        if state is State.CLOSED or mode is Mode.FORCED_OPEN:
            self._openings = 0
        return self._note(event, reason, actor, now, until, before.state)

    def _note(
        self,
        event: Event,
        reason: str,
        actor: str,
        now: datetime,
        until: datetime | None = None,
        from_state: State | None = None,
    ) -> Transition:
        standing = self._standing
        return Transition(
            at=now,
            event=event,
            from_state=from_state or standing.state,
            to_state=standing.state,
            mode=standing.mode,
            reason=reason,
            actor=actor,
            generation=standing.generation,
            until=until,
        )

    def _end_any_pause(self) -> None:
        self._standing = self._standing.model_copy(update={"paused_until": None, "pause_reason": ""})

    def _forget_counts(self) -> None:
        self._recent = TimeWindow(self._config.monitoring_window)
        self._last_calls = _call_window(self._config, "")

    def _count(self, name: str, number: int = 1) -> None:
        self._totals[name] += number

    def _last(self) -> str:
        return f", last: {self._last_failure}" if self._last_failure else ""


def _call_window(config: BreakerConfig, letters: str) -> CallWindow | None:
    return None if config.window_calls is None else CallWindow(config.window_calls, letters)


def _differences(old: BreakerConfig, new: BreakerConfig) -> str:
    """`failure_threshold 10 -> 5, recovery_timeout 5 min -> 1 min`; empty where they are equal."""
    changed = [(name, was, getattr(new, name)) for name, was in old if was != getattr(new, name)]
    return ", ".join(f"{name} {_told(was)} -> {_told(becomes)}" for name, was, becomes in changed)


def _told(value: object) -> str:
    if isinstance(value, timedelta):
        return spoken(value)
    return "off" if value is None else str(value)
