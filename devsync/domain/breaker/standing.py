"""What everybody knows of a breaker, and the one rule that says whether a call may go out."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from devsync.domain.model import Model

WHILE_ALL_PROBES_ARE_OUT = timedelta(seconds=1)
SPREAD = timedelta(seconds=1)
"""Those that got no probe come back spread over this time, so that they do not come as one."""


class State(StrEnum):
    CLOSED = "closed"
    """Calls go out."""
    OPEN = "open"
    """The service is down: calls are refused, and cost nothing."""
    HALF_OPEN = "half_open"
    """A few leased probes go out; they decide."""


class Mode(StrEnum):
    """What an operator has decided; the state follows: open while forced open, closed in the other three."""

    NORMAL = "normal"
    """The rules decide."""
    FORCED_OPEN = "forced_open"
    FORCED_CLOSED = "forced_closed"
    """Outcomes are counted, no rule looks at them."""
    DISABLED = "disabled"
    """Nothing is counted."""
    METRICS_ONLY = "metrics_only"
    """The rules look, say when they would have opened, and open nothing."""


class Standing(Model):
    """The small truth about one breaker: the entity's memo, and what gates, workflows and the CLI read."""

    service: str
    state: State = State.CLOSED
    mode: Mode = Mode.NORMAL
    generation: int = 0
    """Grows with every transition, change of mode and reset: what belongs to an older one no longer counts."""
    retry_at: datetime | None = None
    """When an open breaker lets probes through; None while it is not open, or until an operator ends it."""
    mode_until: datetime | None = None
    """When the mode ends by itself; None: when an operator ends it."""
    paused_until: datetime | None = None
    """The service throttles us: no call before this instant."""
    pause_reason: str = ""
    reason: str = ""
    """Why the state is what it is, in one sentence."""
    actor: str = ""
    """Who brought it there: a person, or `breaker`, the rules themselves."""
    changed_at: datetime
    """Since when state and mode are what they are."""
    probes_allowed: int
    """How many probes may be under way at once while half-open."""

    @property
    def label(self) -> str:
        """State and mode in one word, as the search attribute BreakerState has it: the mode where it is not normal."""
        return self.state.value if self.mode is Mode.NORMAL else self.mode.value


class AdmissionKind(StrEnum):
    CALL = "call"
    PROBE = "probe"
    """Only with a lease."""
    OPEN = "open"
    PAUSED = "paused"


class Admission(NamedTuple):
    """Whether a call may go out now. Refused are `open` and `paused`."""

    kind: AdmissionKind
    until: datetime | None = None
    """Until when it is refused; None: not refused, or until an operator ends it."""

    @property
    def is_refused(self) -> bool:
        return self.kind in {AdmissionKind.OPEN, AdmissionKind.PAUSED}


_CALL = Admission(AdmissionKind.CALL)
_PROBE = Admission(AdmissionKind.PROBE)


def admission(standing: Standing, now: datetime) -> Admission:
    """The one rule for gates, workflows and the CLI.

    What has run out by `now` is as if it were not there, whether or not the entity has noticed yet: a mode, a pause,
    and the wait of an open breaker (from then on it is half-open: a probe, which the entity leases).
    """
    paused_until = standing.paused_until
    is_paused = paused_until is not None and now < paused_until
    if standing.state is State.OPEN:
        retry_at = standing.retry_at
        if retry_at is None or now < retry_at:
            latest = retry_at and paused_until and max(retry_at, paused_until)
            return Admission(AdmissionKind.OPEN, latest or retry_at)
    if is_paused:
        return Admission(AdmissionKind.PAUSED, paused_until)
    return _CALL if standing.state is State.CLOSED else _PROBE


def worth_asking_again(standing: Standing, now: datetime, random: Callable[[], float]) -> datetime | None:
    """When one that got no probe may ask for one again; `random` is from 0 to 1.

    None where waiting alone will not help: calls go out without a lease, or somebody must decide.
    """
    verdict = admission(standing, now)
    if standing.state is State.CLOSED and not verdict.is_refused:
        return None
    if verdict.is_refused and verdict.until is None:
        return None
    return (verdict.until or now + WHILE_ALL_PROBES_ARE_OUT) + SPREAD * random()
