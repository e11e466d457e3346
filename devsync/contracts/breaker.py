"""Messages of the circuit breaker: what workers report and ask, what operators decide, what everybody reads."""

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from devsync.contracts.people import Person
from devsync.domain.breaker import (
    BreakerConfig,
    BreakerRecord,
    Lease,
    Outcome,
    Outcomes,
    Standing,
    Tally,
    Totals,
    Transition,
)
from devsync.domain.breaker.journal import JournalRecord
from devsync.domain.breaker.reports import ReporterMemory
from devsync.domain.model import Model

STANDING_MEMO = "standing"
"""The memo's key under which the entity keeps its `Standing`."""
CONFIG_MEMO = "config"
"""Its `BreakerConfig`."""
REPORTERS_MEMO = "reporters"
"""About how many processes have reported within the last minute, rounded up to 16, 32, 64, …: they pace by it."""

ABOUT = (
    "All workers report here what their calls to the service come to. *Current details* say whether calls go out, and "
    "every worker follows within two seconds.\n\n"
    "All of them: `python starter.py breaker list`. To decide otherwise: the commands beside it, or the updates of "
    "this workflow (docs/how-to/operate-a-breaker.md)."
)
"""The entity's static details, for people in the Web UI, which breaks lines where the text does."""

Reporter = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""One worker process, new after a restart: `host:pid:random`."""
Line = Annotated[str, StringConstraints(max_length=500)]
Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class ProbeResult(Model):
    """What became of a leased probe. A lease that was not used is given back as `ignored`."""

    lease_id: str
    outcome: Outcome
    failure: Line = ""
    """One line, for `failure`."""


class ReportBatch(Model):
    """Argument of the signal `report`: what one process saw since its last report.

    A reporter sends one at a time, numbered from 1, and repeats it under the same number until the server has taken
    it: a number that came before is ignored.
    """

    service: str
    reporter: Reporter
    sequence: Annotated[int, Field(ge=1)]
    generation: Annotated[int, Field(ge=0, lt=2**53)] = 0
    """Of the standing under which these calls began; 0 while none is known."""
    outcomes: Outcomes = Outcomes()
    """Calls without a lease."""
    probes: tuple[ProbeResult, ...] = ()
    pause_until: AwareDatetime | None = None
    """The service asks for patience until then."""
    pause_reason: Line = ""
    sent_at: AwareDatetime | None = None


class AskProbe(Model):
    """Argument of the update `acquire_probe`: one process asks for all its waiters."""

    reporter: Reporter
    wanted: Annotated[int, Field(ge=1, le=1000)] = 1


class ProbeAnswer(Model):
    """Leases, up to as many as were wanted. None: ask again at `retry_at`, or see from `standing` that it is over."""

    leases: tuple[Lease, ...] = ()
    retry_at: AwareDatetime | None = None
    """When asking again can help, spread a little; None: not by waiting, `standing` says why."""
    standing: Standing


class Decision(Model):
    """Who decided, and why: argument of the update `reset` and of the signal `read_rules`."""

    by: Person
    reason: Why
    generation: int | None = None
    """Of the standing that its sender had before their eyes: where another one stands by then, it is refused. None:
    whatever stands there."""


class ModeDecision(Decision):
    """Argument of the updates `force_open`, `force_close`, `disable` and `metrics_only`."""

    until: AwareDatetime | None = None
    """When it ends by itself; None: when somebody ends it."""


class Configure(Decision):
    """Argument of the update `configure`; state, mode and counts stay."""

    config: BreakerConfig


class BreakerSnapshot(Model):
    """Answer of the query `snapshot`."""

    standing: Standing
    config: BreakerConfig
    counts: Tally
    """Of this generation, within the monitoring window."""
    last_failure: str = ""
    leases: tuple[Lease, ...] = ()
    """Probes that are under way."""
    probe_successes: int = 0
    transitions: tuple[Transition, ...] = ()
    """The last ones, oldest first."""
    totals: Totals = Totals()
    reports: int = 0
    """Reports taken since the breaker exists."""
    duplicates: int = 0
    """Reports that came again."""
    refused: tuple[str, ...] = ()
    """The last messages that could not be read or had no sense, with why."""
    refused_count: int = 0
    unrecorded: int = 0
    """Transitions that are not in the database yet."""
    records_lost: int = 0
    """Transitions that never will be: it was away for longer than they are kept trying."""
    is_configured: bool = True
    """False: config/services.yaml is still to be read; a new breaker goes by the defaults until then."""


class BreakerStart(Model):
    """Input of CircuitBreaker. Whoever starts one gives the service; the rest is carried by continue-as-new."""

    service: str
    config: BreakerConfig | None = None
    """The rules by which a new one goes until it has read its own; None: the defaults."""
    record: BreakerRecord | None = None
    """None: a new one, which reads its rules from the configuration."""
    rules_due: Decision | None = None
    """Somebody wants the rules read from the configuration, and they are not yet."""
    reporters: tuple[ReporterMemory, ...] = ()
    """Least recently heard of first."""
    journal: JournalRecord = JournalRecord()
    reports: int = 0
    duplicates: int = 0
    refused: tuple[str, ...] = ()
    refused_count: int = 0
    release_due: bool = False
    """Those who wait for the service are still to be told that they need not."""


class ServiceReleased(Model):
    """Argument of the signal `service_released` to editions and deliveries: calls are no longer refused."""

    service: str


class ReleaseWaiting(Model):
    """Tell those who wait for this service."""

    service: str


class Released(Model):
    told: int


class ReadBreakerSettings(Model):
    """Ask for a service's rules in services.yaml."""

    service: str


class BreakerSettingsRead(Model):
    config: BreakerConfig


class RecordBreaker(Model):
    """Write transitions down; one that is there already stays as it is."""

    service: str
    entity: str
    """The id of the entity's first run: a re-created one numbers anew."""
    first_number: int
    """Of the first of these transitions; the others follow."""
    transitions: tuple[Transition, ...]
