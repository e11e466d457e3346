"""Messages of recovery: what failed, the steps that heal it, and what came of them."""

from datetime import datetime
from typing import Any

from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.collection import Collect, UnitCollected
from devsync.contracts.delivery import DeliveryRequest
from devsync.contracts.edition import RenderEdition
from devsync.contracts.policies import Policies
from devsync.domain.changelog.window import Window
from devsync.domain.errors import Failure, RecoveryResult
from devsync.domain.model import Model
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import RecoveryPlan, StepRecord


class ProgramError(Model):
    """What travels of the error that another program wants recovered: the exception itself stays in its process."""

    operation: str = ""
    error_type: str = ""
    """The name of the exception's class."""
    team_id: str = ""
    user_facing: bool = False
    critical: bool = False
    metadata: dict[str, Any] = {}
    """What else the program knows of it, as JSON; without secrets."""


class FailedUnit(Model):
    """One unit of an edition that failed, and the operation that did."""

    unit: str
    """`github:acme/ledger`, `jira:PAY`, `calendar:payments`, `slack-payments` for a channel,
    `rendering` for the formats."""
    service: str
    failure: Failure
    ask: Collect | None = None
    """Of collection: the message to ask it again with."""
    error: ProgramError | None = None
    """Of phase `program`: what the program that asked knows of its error."""


class EditionSources(Model):
    """What steps may know of the edition beside the failed units."""

    repositories: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    mirrors: dict[str, str] = {}
    """Git addresses by repository."""
    status_pages: dict[str, str] = {}
    """Address of the Statuspage by service."""
    collected: tuple[UnitCollected, ...] = ()
    """What is live already: titles and keys can be derived from it."""


class RecoveryRequest(Model):
    """Input of Recovery: all failed units of one service and phase of one edition."""

    team: str
    iso_week: str
    service: str
    phase: str
    """`collect`, `render`, `deliver`; `program` where another program asks for something of its own."""
    window: Window | None = None
    plan: RecoveryPlan
    units: tuple[FailedUnit, ...]
    sources: EditionSources = EditionSources()
    deadline: datetime
    """It has ended by then: for collection the edition's deadline less its delivery reserve."""
    policies: Policies
    render: RenderEdition | None = None
    """Of phase `render`: what could not be rendered."""
    deliveries: tuple[DeliveryRequest, ...] = ()
    """Of phase `deliver`: the channels in trouble, by unit; each has its own Delivery already, which goes on."""
    alternatives: dict[str, tuple[DeliveryRequest, ...]] = {}
    """By unit: channels that may stand in, in order."""
    mails: tuple[DeliveryRequest, ...] = ()
    """The team's mail channels that are only fallbacks."""
    program: str = ""
    """The name of the program that asked, through the Python API; empty: an edition did. Team and week may be empty
    then."""
    escalation: str = "default"
    """Name of the team's escalation policy; it is read and frozen when an escalation starts."""
    owner_run_id: str = ""
    """`original_execution_run_id` of the edition's or amendment's run that it works for; empty: of a program's."""


class StepRequest(Model):
    """Input of every step that is an activity."""

    step: str
    team: str
    iso_week: str
    service: str
    phase: str
    window: Window | None = None
    units: tuple[FailedUnit, ...]
    """What is left to heal."""
    sources: EditionSources = EditionSources()
    render: RenderEdition | None = None
    arguments: dict[str, Any] = {}
    """`with:` of the plan's step."""
    facts: dict[str, str] = {}
    """What earlier steps found out."""
    answers: dict[str, RecoveryResult] = {}
    """Of a program's step: what the program's earlier steps told, by their ids, without their data."""
    until: datetime
    """The step is given up then."""


class StepResult(Model):
    """What a step did. It fails by raising, not by returning."""

    healed: tuple[UnitCollected, ...] = ()
    """Units with their data; `provenance` says whether it is live or what stands in."""
    healed_without_data: tuple[str, ...] = ()
    """Units of a phase that collects nothing: a rendering, a channel."""
    renderings: dict[str, ArtifactRef] = {}
    part_digests: tuple[str, ...] = ()
    """Of a rendering for Slack: sha256 of each message."""
    digests: dict[str, str] = {}
    """sha256 of each rendering, by format."""
    failures: dict[str, Failure] = {}
    """By unit: why it is still not healed, where that is news."""
    message: str = ""
    """One sentence for people."""
    facts: dict[str, str] = {}
    """For the conditions of later steps: `{"indicator": "major"}`."""
    answer: RecoveryResult | None = None
    """Of a program's step: what it told, with the data that stand in."""
    attempts: int = 1


class RecoveryReport(Model):
    """Result of Recovery, and its answer to the query `progress` while it runs (`outcome` is None then)."""

    plan: str
    service: str
    phase: str
    outcome: RecoveryOutcome | None = None
    healed: tuple[UnitCollected, ...] = ()
    healed_without_data: tuple[str, ...] = ()
    renderings: dict[str, ArtifactRef] = {}
    part_digests: tuple[str, ...] = ()
    digests: dict[str, str] = {}
    missing: tuple[FailedUnit, ...] = ()
    """Each with its last failure."""
    steps: tuple[StepRecord, ...] = ()
    decision: Decision | None = None
    decided_by: str = ""
    """A person; or the policy, with why; or `healed by itself`."""
    note: str = ""
    escalations: tuple[str, ...] = ()
    """Ids of those that were joined, one a cause; they may still be open."""
    escalation_level: str = ""
    """Where the last one that was joined begins, or would have begun."""
    has_told_the_end: bool = False
    """Its channel's Delivery was over by then: people know how that ended, on the pages where it takes our place."""
    answers: dict[str, RecoveryResult] = {}
    """What a program's steps told, by their ids; with its data that of the step whose answer stands."""
    workflow_id: str = ""
    run_id: str = ""
    owner_run_id: str = ""
    """As the request has it."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    is_recorded: bool = False
    """False: the database did not answer in the time that a recovery has for it; whoever waited records it later."""
    refused_messages: tuple[str, ...] = ()


class PeopleAsked(Model):
    """Argument of the signal `people_asked` that a recovery sends the run that it works for: from now on it waits for
    an answer, also while it tries again as it was told. The report says what came of it."""

    recovery: str
    """Its workflow id."""
    escalations: tuple[str, ...]
    """Ids of those that it has joined; the decision of any counts."""
    choices: tuple[Decision, ...]
    """What it can do with an answer."""


class RecordRecovery(Model):
    """A recovery and its steps, written once however often."""

    team: str
    iso_week: str
    report: RecoveryReport
    started_at: datetime
    ended_at: datetime
