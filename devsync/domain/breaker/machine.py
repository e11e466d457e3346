"""The circuit breaker itself: a state machine without a clock, that anybody can run and anybody can store."""

from datetime import datetime, timedelta

from devsync.domain.breaker.config import BreakerConfig
from devsync.domain.breaker.counts import Counts
from devsync.domain.breaker.probes import Probes
from devsync.domain.breaker.record import BREAKER, BreakerRecord, Event, Lease, Transition
from devsync.domain.breaker.spoken import counted, spoken
from devsync.domain.breaker.standing import Mode, Standing, State
from devsync.domain.breaker.window import Outcome, Outcomes, Tally

LONGEST_PAUSE = timedelta(hours=24)
"""No API asks for more patience than this; a longer pause would be a mistake that stops a service for good."""

LONGEST_MODE = timedelta(days=366)
"""A mode that shall last longer has no end of its own."""

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
        self._counts = Counts(record.config, record.slices, record.letters)
        self._would_be_open_until = record.would_be_open_until
        self._probes = Probes(
            record.leases, made=record.leases_made, since=record.probing_since, successes=record.probe_successes
        )
        self._last_failure = record.last_failure
        self._totals = record.totals.model_dump()

    def to_record(self) -> BreakerRecord:
        """All there is to know: `Breaker(breaker.to_record())` behaves the same."""
        return BreakerRecord(
            config=self._config,
            standing=self._standing,
            openings=self._openings,
            slices=self._counts.slices,
            letters=self._counts.letters,
            would_be_open_until=self._would_be_open_until,
            leases=self._probes.leases,
            leases_made=self._probes.made,
            probing_since=self._probes.since,
            probe_successes=self._probes.successes,
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
        """Those that are lent out now."""
        return self._probes.leases

    def tally(self, now: datetime) -> Tally:
        """What this generation counted within the monitoring window."""
        return self._counts.recent(now)

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
        if self._would_be_open_until is not None and now < self._would_be_open_until:
            return []  # in metrics-only: an open breaker would not have let these calls out
        self._counts.add(outcomes, now)
        return self._judge(now)

    def acquire(self, count: int, holder: str, now: datetime, request: str = "") -> list[Lease]:
        """Leases for up to `count` probes, as many as are free; none unless half-open and not paused.

        `request` names the asking: whose answer was lost and who asks again under the same name gets the same leases.
        """
        lent = [lease for lease in self.leases if request and lease.request == request]
        if lent:
            return lent
        if self._standing.state is not State.HALF_OPEN or self._standing.paused_until is not None:
            return []
        generation = self._standing.generation
        leases = list(self._probes.lend(count, holder, request, generation, self._config, now))
        self._count("probes_lent", len(leases))
        return leases

    def settle(self, lease_id: str, outcome: Outcome, now: datetime, failure: str = "") -> list[Transition]:
        """The result of a probe; `failure` is one line on what went wrong. An unknown or lost lease changes nothing."""
        if not self._probes.take_back(lease_id):
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
        self._probes.successes += 1
        if self._probes.successes < self._config.success_threshold:
            return []
        succeeded = counted(self._probes.successes, "probe")
        return [self._change(Event.CLOSED, f"{succeeded} succeeded", BREAKER, now)]

    def pause(self, until: datetime, reason: str, now: datetime) -> list[Transition]:
        """The service asks for patience until then; the longest of several counts, up to LONGEST_PAUSE.

        In whole seconds, rounded up: many callers that are told the same instant shall not each make it a little later.
        """
        longest = now + LONGEST_PAUSE
        until = min(_next_second(min(until, longest)), longest)
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
        times = (
            standing.paused_until,
            standing.mode_until,
            standing.retry_at,  # of a forced-open one, the same as the mode's
            self._probes.next_deadline(),
            self._probes.decided_by(self._config),
        )
        return min((time for time in times if time is not None), default=None)

    # What operators decide. An impossible `until` raises ValueError, see `refuse_impossible_end`.

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
        """New rules, also for what is counted already: a closed breaker opens where they are broken, an open one never
        waits longer than they say. Else state, mode and counts stay. The same rules again change nothing.
        """
        changes = _differences(self._config, config)
        if not changes:
            return []
        self._counts = self._counts.under(config, now)
        self._config = config
        self._standing = self._standing.model_copy(update={"probes_allowed": config.half_open_max_calls})
        self._never_wait_longer_than_the_rules_say(now)
        configured = self._note(Event.CONFIGURED, f"{reason}: {changes}" if reason else changes, actor, now)
        return [configured, *self._judge(now)]

    # How it is done.

    def _judge(self, now: datetime) -> list[Transition]:
        mode = self._standing.mode
        if mode not in {Mode.NORMAL, Mode.METRICS_ONLY} or self._standing.state is not State.CLOSED:
            return []
        broken = self._counts.breach(now)
        if not broken:
            return []
        if mode is Mode.NORMAL:
            return [self._open(f"{broken}{self._last()}", now)]
        self._counts = Counts(self._config)
        self._would_be_open_until = now + self._config.recovery_timeout
        return [self._note(Event.WOULD_HAVE_OPENED, f"{broken}{self._last()}", BREAKER, now)]

    def _open(self, reason: str, now: datetime) -> Transition:
        self._openings += 1
        retry_at = now + self._config.recovery_timeout_of(self._openings)
        return self._change(Event.OPENED, reason, BREAKER, now, state=State.OPEN, until=retry_at)

    def _half_open(self, event: Event, reason: str, now: datetime) -> Transition:
        return self._change(event, reason, BREAKER, now, state=State.HALF_OPEN)

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
            waited = spoken(max(now - standing.changed_at, timedelta()))
            reason = f"open for {waited}; {counted(config.success_threshold, 'probe')} must succeed"
            return [self._half_open(Event.HALF_OPENED, reason, now)]
        self._count("probes_expired", self._probes.expire(now))
        decided_by = self._probes.decided_by(config)
        return [self._decide_by_what_there_is(now)] if decided_by is not None and decided_by <= now else []

    def _decide_by_what_there_is(self, now: datetime) -> Transition:
        """No probe failed. What is called once a week has no three in ten minutes: one that succeeded will do.
        Else it would open again after each, and people would be alarmed about a service that answers."""
        succeeded = f"{self._probes.successes} of {counted(self._config.success_threshold, 'probe')} succeeded"
        within = spoken(self._config.half_open_max_wait)
        if self._probes.successes:
            return self._change(Event.CLOSED, f"{succeeded}, none failed within {within}", BREAKER, now)
        return self._open(f"not decided within {within}: {succeeded}", now)

    def _never_wait_longer_than_the_rules_say(self, now: datetime) -> None:
        """The clock went back, or the rules were made shorter: what is waited for comes nearer."""
        standing = self._standing
        retry_by, paused_by = now + self._config.recovery_timeout_of(self._openings), now + LONGEST_PAUSE
        if standing.mode is Mode.NORMAL and standing.retry_at is not None and standing.retry_at > retry_by:
            self._standing = self._standing.model_copy(update={"retry_at": retry_by})
        if standing.paused_until is not None and standing.paused_until > paused_by:
            self._standing = self._standing.model_copy(update={"paused_until": paused_by})
        if self._would_be_open_until is not None:
            self._would_be_open_until = min(self._would_be_open_until, now + self._config.recovery_timeout)
        self._probes.never_longer_than(self._config, now)

    def _enter_mode(
        self, mode: Mode, until: datetime | None, reason: str, actor: str, now: datetime
    ) -> list[Transition]:
        if until is not None:
            refuse_impossible_end(until, now)
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
        self._counts = Counts(self._config)
        self._would_be_open_until = None
        self._probes = Probes()
        if state is State.CLOSED:
            self._last_failure = ""
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

    def _count(self, name: str, number: int = 1) -> None:
        self._totals[name] += number

    def _last(self) -> str:
        return f", last: {self._last_failure}" if self._last_failure else ""


def refuse_impossible_end(until: datetime, now: datetime) -> None:
    """Raises ValueError, with the cure, for an end of a mode that is past or too far away."""
    told = until.isoformat(timespec="seconds")
    if until <= now:
        raise ValueError(f"{told} is not in the future; give a later time, or none")
    if until - now > LONGEST_MODE:
        raise ValueError(f"{told} is more than {LONGEST_MODE.days} days away; give no time for no end")


def _next_second(at: datetime) -> datetime:
    whole = at.replace(microsecond=0)
    return whole if whole == at else whole + timedelta(seconds=1)


def _differences(old: BreakerConfig, new: BreakerConfig) -> str:
    """`failure_threshold 10 -> 5, recovery_timeout 5 min -> 1 min`; empty where they are equal."""
    changed = [(name, was, getattr(new, name)) for name, was in old if was != getattr(new, name)]
    return ", ".join(f"{name} {_told(was)} -> {_told(becomes)}" for name, was, becomes in changed)


def _told(value: object) -> str:
    if isinstance(value, timedelta):
        return spoken(value)
    return "off" if value is None else str(value)
