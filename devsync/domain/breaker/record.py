"""Everything a breaker remembers, as a value: it crosses continue-as-new and is read back after a restart."""

from datetime import datetime
from enum import StrEnum

from devsync.domain.breaker.config import BreakerConfig
from devsync.domain.breaker.standing import Mode, Standing, State
from devsync.domain.breaker.window import TimeSlice
from devsync.domain.model import Model

BREAKER = "breaker"
"""The actor of what the rules and the timers do."""


class Event(StrEnum):
    """What happened to a breaker."""

    OPENED = "opened"
    HALF_OPENED = "half_opened"
    CLOSED = "closed"
    FORCED_OPEN = "forced_open"
    FORCED_CLOSED = "forced_closed"
    DISABLED = "disabled"
    METRICS_ONLY = "metrics_only"
    MODE_ENDED = "mode_ended"
    WOULD_HAVE_OPENED = "would_have_opened"
    """In metrics-only: a rule was broken, and nothing followed."""
    PAUSED = "paused"
    PAUSE_ENDED = "pause_ended"
    RESET = "reset"
    CONFIGURED = "configured"


class Transition(Model):
    """One thing that happened to a breaker, with who and why."""

    at: datetime
    event: Event
    from_state: State
    to_state: State
    mode: Mode
    """After it."""
    reason: str
    actor: str
    generation: int
    """After it; the same as before where nothing that is under way is affected (a pause, a configuration)."""
    until: datetime | None = None
    """How long what began here lasts at most: the wait of an open breaker, a mode, a pause."""


class Lease(Model):
    """The right to send one probe. Settled with its outcome before `deadline`, or lost."""

    id: str
    holder: str
    request: str = ""
    """What it was lent for: the same request again gets the same leases, not more."""
    generation: int
    deadline: datetime


class Totals(Model):
    """Counted since the breaker exists, never reset: for metrics, and to show that nothing was lost."""

    successes: int = 0
    failures: int = 0
    slow: int = 0
    ignored: int = 0
    throttled: int = 0
    of_other_generations: int = 0
    """Calls reported too late to count."""
    probes_lent: int = 0
    probes_succeeded: int = 0
    probes_failed: int = 0
    probes_given_back: int = 0
    """Ignored or throttled: they decided nothing."""
    probes_expired: int = 0
    probes_unknown: int = 0
    """Results for a lease that is not (or no longer) there."""


class BreakerRecord(Model):
    """The state of a `Breaker` between two processes."""

    config: BreakerConfig
    standing: Standing
    openings: int = 0
    """Openings since it was last closed."""
    slices: tuple[TimeSlice, ...] = ()
    letters: str = ""
    would_be_open_until: datetime | None = None
    """In metrics-only: until when an open breaker would have refused all calls."""
    leases: tuple[Lease, ...] = ()
    leases_made: int = 0
    """In this generation; makes their ids."""
    probing_since: datetime | None = None
    """When the first probe of this half-open was lent."""
    probe_successes: int = 0
    last_failure: str = ""
    totals: Totals = Totals()

    @classmethod
    def fresh(cls, service: str, config: BreakerConfig, now: datetime) -> "BreakerRecord":
        """A closed breaker that has seen nothing."""
        standing = Standing(
            service=service, changed_at=now, probes_allowed=config.half_open_max_calls, reason="new", actor=BREAKER
        )
        return cls(config=config, standing=standing)
