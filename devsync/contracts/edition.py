"""Messages of one edition, from request to result."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from devsync.contracts import names
from devsync.contracts.approval import ApprovalPlan, ApprovalProgress
from devsync.contracts.artifacts import INLINE_BUDGET, ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.contracts.delivery import IS_THERE, ChannelPlan, DeliverySchedule, DeliveryState
from devsync.contracts.policies import Policies
from devsync.domain.changelog.difference import Difference
from devsync.domain.changelog.edition import Gap
from devsync.domain.changelog.edits import Edits
from devsync.domain.changelog.surroundings import Holiday
from devsync.domain.changelog.telling import Telling
from devsync.domain.changelog.window import Window
from devsync.domain.model import Model
from devsync.domain.recovery.decision import ABOUT_AN_EDITION, Decision
from devsync.domain.recovery.plan import RecoveryPlan, StepState


class EditionStatus(StrEnum):
    COMPLETE = "complete"
    PARTIAL = "partial"
    REJECTED = "rejected"
    ABORTED = "aborted"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def has_edition(self) -> bool:
        """Whether the run made one; the other ends leave none."""
        return self in {EditionStatus.COMPLETE, EditionStatus.PARTIAL}


class EditionRequest(Model):
    """Input of WeeklyChangelog."""

    team: str
    iso_week: str
    scheduled_at: datetime | None = None
    """When the schedule meant it to start; None for a run by hand."""
    is_dry_run: bool = False
    """Compose and store, post nothing, leave no edition on record."""
    deliver: bool = True
    """False: compose and record, post nothing (a backfill without --deliver)."""
    requested_by: str = ""
    replace: bool = False
    """Post it also over a revision that is more complete."""


class PlanEdition(Model):
    team: str
    iso_week: str
    scheduled_at: datetime | None = None
    started_at: datetime | None = None
    """When the run started: where a run by hand ends the period `since_last_edition`."""


class EditionPlan(Model):
    """What the configuration said when the edition was planned; a replay sees the same."""

    team: str
    iso_week: str
    window: Window
    timezone: str
    audience: str
    repositories: tuple[str, ...] = ()
    github_api: str = "auto"
    """Which road to GitHub: `auto`, `graphql` or `rest`."""
    projects: tuple[str, ...] = ()
    boards: tuple[int, ...] = ()
    """JIRA boards whose sprints and work in progress are told."""
    deployment_environments: tuple[str, ...] = ()
    """Deployments to these are counted in every repository; none: nobody is asked for deployments."""
    has_calendar: bool = False
    """The team's calendar is asked. Its address stays in the team's file: with many calendars it is the password."""
    holidays: tuple[Holiday, ...] = ()
    """Of the team's region, in the two weeks after the window."""
    include_labels: tuple[str, ...] = ()
    exclude_labels: tuple[str, ...] = ()
    incident_types: tuple[str, ...] = ()
    mirrors: dict[str, str] = {}
    """Git addresses by repository."""
    status_pages: dict[str, str] = {}
    """Addresses by service."""
    escalation: str = "default"
    """The name of the team's escalation policy."""
    approval: ApprovalPlan | None = None
    """None: it is posted without anybody being asked."""
    channels: tuple[ChannelPlan, ...] = ()
    amend_for: timedelta = timedelta(hours=72)
    """How long after the deadline what is missing is asked for again."""
    deliver_by: timedelta
    delivery_reserve: timedelta
    delivery_schedules: dict[str, DeliverySchedule] = {}
    """By kind of channel."""
    policies: Policies
    recovery_plans: tuple[RecoveryPlan, ...] = ()
    """How what fails is recovered; `devsync.domain.recovery.choosing.plan_for` chooses among them."""
    notes: tuple[str, ...] = ()
    """What planning has to say: how late the edition starts, which period stands in for the one asked for."""

    @property
    def units(self) -> tuple[str, ...]:
        """Every unit that is asked for: what completeness counts."""
        return (
            *map(names.repository_unit, self.repositories),
            *map(names.project_unit, self.projects),
            *map(names.board_unit, self.boards),
            *(map(names.deployments_unit, self.repositories) if self.deployment_environments else ()),
            *([names.calendar_unit(self.team)] if self.has_calendar else []),
        )

    @property
    def of_content(self) -> Self:
        """Without how calls, deliveries and recoveries are made: nine tenths of a small team's plan."""
        return self.model_copy(update={"policies": {}, "delivery_schedules": {}, "recovery_plans": ()})


class ComposeEdition(Model):
    plan: EditionPlan
    """What is composed depends on; how calls, deliveries and recoveries are made is left out."""
    units: tuple[UnitCollected, ...]
    gaps: tuple[Gap, ...]
    patient_until: datetime
    """Until then a unit whose artifact cannot be read is waited for; after it the edition goes on without."""
    edits: Edits = Edits()
    """What reviewers changed."""
    since: ArtifactRef | None = None
    """The revision before, where what is different from it is to be told."""


class Composition(Model):
    """The recorded input of one composition: from the same artifacts it gives the same bytes again."""

    message: ComposeEdition
    """With the units that could be read, and a gap for each other one."""
    known_people: tuple[str, ...] | None = None


MadeEdition = ArtifactRef | Composition
"""Where an edition is. While the store is away one that is too large to travel is made again, of the same input, by
each step that needs it."""


class EditionComposed(Model):
    """What composition made, in numbers and references."""

    edition: MadeEdition
    composition: ArtifactRef | None = None
    """The recorded input of composition: the same bytes come out of it again. None while the store was away."""
    digest: str
    """Equal digests are equal weeks: sha256 of the edition without what surrounds it (boards, calendar, numbers)."""
    item_count: int
    unclassified_ratio: float
    completeness: float
    gaps: tuple[Gap, ...] = ()
    unread: tuple[str, ...] = ()
    """Units whose artifacts the store did not give: nothing of them is in the edition, and gaps name them."""
    unknown_edits: tuple[str, ...] = ()
    """Ids that reviewers wanted to change and that the edition does not have."""
    difference: Difference | None = None
    """From `since`; None where it was not asked for, or cannot be read."""


class FindUnknownItems(Model):
    """Which of the items that reviewers want to change does the edition not have?"""

    edition: MadeEdition
    edits: Edits


class UnknownItems(Model):
    ids: tuple[str, ...] = ()


class PreviousEdition(Model):
    """The newest revision of the same week; revision 0 when there is none."""

    revision: int = 0
    digest: str = ""
    is_amended: bool = False
    """An amendment of the week is open, which may make the next one."""
    open_run: str = ""
    """`original_execution_run_id` of the week's run that is open, which may make the next one; empty where none is."""


class FindPreviousEdition(Model):
    team: str
    iso_week: str
    run_id: str
    """`original_execution_run_id` of the run that asks: what it recorded itself is not meant."""


class RenderEdition(Model):
    team: str
    edition: MadeEdition
    revision: int
    needed: tuple[str, ...] = ("slack",)
    """The formats without which a channel of the team gets nothing."""
    inline_budget: int = INLINE_BUDGET
    """Characters that the renderings may carry inline while the store is away."""
    telling: Telling = Telling()


class EditionRendered(Model):
    """References to the renderings, by format."""

    formats: dict[str, ArtifactRef]
    slack_part_digests: tuple[str, ...]
    digests: dict[str, str] = {}
    """sha256 of each rendering, by format."""
    left_out: tuple[str, ...] = ()
    """Formats that no channel needs and that were too large to carry: the store was away."""


class ChannelResult(Model):
    """What became of the edition in one channel."""

    channel: str
    """The target as the team file names it: `#payments`."""
    key: str = ""
    """Of its plan: by it the channel's Delivery is found."""
    kind: str
    """`slack`, `email`, `webhook`."""
    state: DeliveryState
    message_id: str | None = None
    """The service's own id of the message: Slack's `ts`."""
    stands_in: bool = False
    """Nobody had asked for this one: another channel could not be reached."""
    was_stopped: bool = False
    """Somebody stopped its delivery, or another channel stands in for good: an amendment does not begin it again."""
    reason: str = ""
    """Why it is not delivered, with the cure where there is one; what is not as it should be although it is."""


class Phase(StrEnum):
    PLANNING = "plan"
    COLLECTING = "collect"
    COMPOSING = "compose"
    APPROVING = "approve"
    DELIVERING = "deliver"
    RECORDING = "record"
    DONE = "done"


class StepSummary(Model):
    id: str
    state: StepState
    seconds: float
    healed: tuple[str, ...] = ()


class RecoverySummary(Model):
    """A recovery, as the edition that it worked for tells it."""

    workflow_id: str
    service: str
    phase: str
    plan: str = ""
    units: tuple[str, ...] = ()
    """What it was to heal; of channels, their keys."""
    outcome: str = "running"
    """A RecoveryOutcome, or `running`."""
    steps: tuple[StepSummary, ...] = ()
    decision: str = ""
    decided_by: str = ""
    escalations: tuple[str, ...] = ()
    """Ids of those that it has joined."""
    has_told_the_end: bool = False
    """Of a channel: people know how its Delivery ended, which has the places in escalations now."""
    choices: tuple[Decision, ...] = ()
    """While it waits for people: what they can decide."""

    @property
    def is_running(self) -> bool:
        return self.outcome == "running"

    @property
    def told(self) -> str:
        """As people are told of it, and of no other one of its edition: `github (collect)`, `slack (deliver 2)`."""
        number = self.workflow_id.rpartition(":")[2]
        return f"{self.service} ({self.phase})" if number in {"", "1"} else f"{self.service} ({self.phase} {number})"


class EditionResult(Model):
    """Result of WeeklyChangelog, and what the CLI prints."""

    team: str
    iso_week: str
    status: EditionStatus
    revision: int
    """From 1; a later run of the same week that finds something else makes the next. A dry run makes none: 0."""
    completeness: float
    """Sources collected live ÷ sources asked for, from 0 to 1."""
    item_count: int
    unclassified_ratio: float
    """Items that no rule could put into a section ÷ all items."""
    gaps: tuple[Gap, ...] = ()
    """What is missing; empty for a complete edition."""
    workflow_id: str
    run_id: str
    """`original_execution_run_id`: a reset keeps it."""
    channels: tuple[ChannelResult, ...] = ()
    """Empty for a dry run."""
    api_calls: dict[str, int] = {}
    """Calls by service, of the attempts that succeeded; of Slack also posts that failed."""
    calls_by_road: dict[str, int] = {}
    """`api_calls` of services with two APIs, by API: `github.graphql`, `github.rest`."""
    recoveries: tuple[RecoverySummary, ...] = ()
    escalations: tuple[str, ...] = ()
    """Workflow ids of the escalations that it joined; some may still be open."""
    approval: ApprovalProgress | None = None
    """None: nobody was asked."""
    notes: tuple[str, ...] = ()
    """What an operator should know, each with what it is about: a source's unit, `schedule` (how late it started),
    `period` (which one stands in for the one asked for). Nothing of it is missing in the edition."""
    seconds: dict[str, float] = {}
    """Workflow time by phase, and `total`."""
    edition: ArtifactRef | None = None
    """The edition itself, as JSON. None where it was too large to carry while the store was away: it is on record."""
    renderings: dict[str, ArtifactRef] = {}
    """By format: `markdown`, `html`, `text`, `json`, `slack`, and `webhook` where a channel needs it; a note names
    those that were too large to carry."""
    digest: str = ""
    """Equal digests are equal weeks: sha256 of the edition without what surrounds it (boards, calendar, numbers)."""

    @property
    def is_everywhere(self) -> bool:
        """Whether every channel that was asked for has the edition, or a more complete one."""
        return all(channel.state in IS_THERE for channel in self.channels if not channel.stands_in)


class KeptEdition(Model):
    """What the records keep of an edition beyond the run's result."""

    window: Window
    edition: MadeEdition


class EditionProgress(Model):
    """Answer of the query `progress`."""

    phase: Phase = Phase.PLANNING
    phase_since: datetime | None = None
    """When that began; None before the first."""
    seconds: dict[str, float] = {}
    """Workflow time by phase until then, and `total`."""
    units_total: int = 0
    """Repositories, projects, boards and whatever else is asked for."""
    units_done: tuple[str, ...] = ()
    """Those that are collected: `github:acme/ledger`, `jira:PAY`."""
    gaps: tuple[Gap, ...] = ()
    """Those that are missing, so far."""
    recoveries: tuple[RecoverySummary, ...] = ()
    """Of what failed: running and ended ones."""
    escalations: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    """Those of them that have told this run what was decided."""
    approval: ApprovalProgress | None = None
    notes: tuple[str, ...] = ()
    """As in the result."""
    item_count: int | None = None
    """None before composition."""
    revision: int = 0
    """0 before composition, and of a dry run."""
    channels: tuple[ChannelResult, ...] = ()
    deadline: datetime | None = None
    """The instant at which the edition goes out whatever is missing."""
    refused_messages: tuple[str, ...] = ()
    """Signals that the run does not know."""
    cancelled_because: str = ""
    """The reason that was given with the cancellation."""
    failed_because: str = ""
    """Why the run ended without an edition."""
    will_deliver: bool = True
    """False while it is a backfill that only composes and stores."""
    result: EditionResult | None = None
    """Set as soon as the edition is delivered, or will not be: recording may still be under way."""

    @property
    def asked(self) -> dict[str, tuple[Decision, ...]]:
        """Escalations whose answer is waited for, with what can be decided there."""
        if self.result is not None:
            return {}
        joined = {escalation for one in self.recoveries for escalation in one.escalations}
        own = [one for one in self.escalations if one not in joined and one not in self.answered]
        of_the_run = dict.fromkeys(own, ABOUT_AN_EDITION)
        waiting = {escalation: one.choices for one in self.recoveries for escalation in one.escalations if one.choices}
        return of_the_run | waiting


class RecordEdition(Model):
    """Everything the records say of a run, written in one transaction with deterministic keys."""

    result: EditionResult
    kept: KeptEdition | None = None
    """None for a dry run and for a run that made none: the run is recorded, no edition is."""
    requested_by: str = ""
    cancelled_because: str = ""
    failed_because: str = ""
    ended_in: Phase | None = None
    """The phase in which the run came to its end; None where what made the revision has no phases: an amendment."""
    started_at: datetime
    ended_at: datetime


class Recorded(Model):
    """Acknowledges a record."""
