"""The circuit breaker as pure rules: no I/O, no clock, no Temporal. Entity, gates and CLI stand on the same ones."""

from devsync.domain.breaker.config import LEASE_PATIENCE, BreakerConfig
from devsync.domain.breaker.machine import LONGEST_PAUSE, Breaker, refuse_impossible_end
from devsync.domain.breaker.record import BREAKER, BreakerRecord, Event, Lease, Totals, Transition
from devsync.domain.breaker.spoken import spoken
from devsync.domain.breaker.standing import Admission, AdmissionKind, Mode, Standing, State, admission
from devsync.domain.breaker.window import Outcome, Outcomes, Tally

__all__ = [
    "BREAKER",
    "LEASE_PATIENCE",
    "LONGEST_PAUSE",
    "Admission",
    "AdmissionKind",
    "Breaker",
    "BreakerConfig",
    "BreakerRecord",
    "Event",
    "Lease",
    "Mode",
    "Outcome",
    "Outcomes",
    "Standing",
    "State",
    "Tally",
    "Totals",
    "Transition",
    "admission",
    "refuse_impossible_end",
    "spoken",
]
