"""A recovery plan: ordered steps, what each waits for and depends on, and what is escalated. Data, no behaviour."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from devsync.domain.errors import ErrorCategory
from devsync.domain.model import Model
from devsync.domain.recovery.decision import Decision

ANY = "any"
"""As the service or phase of what a plan handles: all of them."""


class StepState(StrEnum):
    """How a step ended."""

    RESOLVED = "resolved"
    """Nothing is left to heal: the plan ends here."""
    SUCCEEDED = "succeeded"
    """It did its work; what it healed, if anything, was not all."""
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"
    """A dependency or a condition was not met, or no time was left; the record says which."""


class StepRetry(Model):
    attempts: int = 1
    initial: timedelta = timedelta(seconds=1)
    factor: float = 2.0


class When(Model):
    """The closed list of conditions of a step; all that are given must hold."""

    category: tuple[ErrorCategory, ...] = ()
    """At least one of the failed units has one of these."""
    outcome: dict[str, tuple[StepState, ...]] = {}
    """By the id of an earlier step: how it ended."""
    fact: dict[str, tuple[str, ...]] = {}
    """What an earlier step found out (`StepResult.facts`): `{indicator: [major, critical]}`; without the fact it does
    not hold."""
    not_fact: dict[str, tuple[str, ...]] = {}
    """What no earlier step may have found out."""
    time_left: timedelta | None = None
    """At least this long until the deadline."""


class PlanStep(Model):
    id: str
    activity: str
    """`service.operation` of an activity, or `workflow.name` of a step that the interpreter does itself."""
    timeout: timedelta
    """Of the whole step, its retries included."""
    heartbeat: timedelta | None = None
    """An attempt without a sign of life for this long has lost its worker. None: its activity gives none."""
    retry: StepRetry = StepRetry()
    depends_on: tuple[str, ...] = ()
    """Steps that must have resolved or succeeded."""
    when: When = When()
    arguments: dict[str, Any] = {}
    """Given to the activity as they stand in the file (`with:`)."""
    task_queue: str = ""
    """Empty: that of the activity's service. Of a step that another program does, that program's."""


class Need(StrEnum):
    """What is reason enough to ask people, or to tell them."""

    MISSING = "missing"
    """For some unit nothing stands in at all."""
    STAND_IN = "stand_in"
    """Also that something stands in that is not live."""
    NEVER = "never"
    """Nothing is."""


class Escalates(Model):
    """What of a plan's end reaches people."""

    ask: Need = Need.MISSING
    """When people are asked and waited for, until the deadline. Where they are told but not asked, the edition goes on
    at once with what stands in."""
    tell: Need = Need.STAND_IN
    """When people are told at all."""
    default: Decision = Decision.USE_FALLBACK
    """Taken when nobody has answered at the deadline. Without anything that stands in, it is `skip`."""


class Handles(Model):
    service: str
    """Whose failed units; `any`."""
    phase: str
    """`collect`, `render`, `deliver` or `any`."""
    categories: tuple[ErrorCategory, ...] = ()
    """Empty: all."""


class RecoveryPlan(Model):
    """One plan of config/recovery.yaml, resolved: frozen in the input of the recovery that follows it."""

    name: str
    handles: tuple[Handles, ...]
    steps: tuple[PlanStep, ...]
    escalates: Escalates = Escalates()


class StepRecord(Model):
    """What became of one step, as the records and the Web UI have it."""

    id: str
    activity: str
    state: StepState
    started_at: datetime
    duration: timedelta
    attempts: int = 0
    healed: tuple[str, ...] = ()
    """Units."""
    message: str = ""
    facts: dict[str, str] = {}
