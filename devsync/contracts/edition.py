"""Messages of one edition, from request to result."""

from datetime import datetime, timedelta
from enum import StrEnum

from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.contracts.delivery import ChannelPlan, DeliverySchedule, DeliveryState
from devsync.contracts.policies import Policies
from devsync.domain.changelog.edition import Gap
from devsync.domain.changelog.window import Window
from devsync.domain.model import Model


class EditionStatus(StrEnum):
    COMPLETE = "complete"
    PARTIAL = "partial"
    REJECTED = "rejected"
    ABORTED = "aborted"
    CANCELLED = "cancelled"
    FAILED = "failed"


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


class PlanEdition(Model):
    team: str
    iso_week: str


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
    include_labels: tuple[str, ...] = ()
    exclude_labels: tuple[str, ...] = ()
    incident_types: tuple[str, ...] = ()
    channels: tuple[ChannelPlan, ...] = ()
    deliver_by: timedelta
    delivery_reserve: timedelta
    delivery_schedule: DeliverySchedule
    policies: Policies


class ComposeEdition(Model):
    plan: EditionPlan
    units: tuple[UnitCollected, ...]
    gaps: tuple[Gap, ...]


class Composition(Model):
    """The recorded input of one composition: from the same artifacts it gives the same bytes again."""

    message: ComposeEdition
    known_people: tuple[str, ...] | None = None


class EditionComposed(Model):
    """What composition made, in numbers and references."""

    edition: ArtifactRef
    composition: ArtifactRef | None = None
    """The recorded input of composition: the same bytes come out of it again. None while the store was away."""
    digest: str
    """sha256 of the edition's bytes: equal digests are equal editions."""
    item_count: int
    unclassified_ratio: float
    completeness: float
    gaps: tuple[Gap, ...] = ()
    counts: dict[str, int] = {}
    """Items by section."""


class PreviousEdition(Model):
    """The newest revision of the same week; revision 0 when there is none."""

    revision: int = 0
    digest: str = ""


class FindPreviousEdition(Model):
    team: str
    iso_week: str
    workflow_id: str
    run_id: str


class RenderEdition(Model):
    team: str
    edition: ArtifactRef
    revision: int


class EditionRendered(Model):
    """References to the renderings, by format."""

    formats: dict[str, ArtifactRef]
    slack_part_digests: tuple[str, ...]


class ChannelResult(Model):
    channel: str
    kind: str
    state: DeliveryState
    message_id: str | None = None
    reason: str = ""


class Phase(StrEnum):
    PLANNING = "plan"
    COLLECTING = "collect"
    COMPOSING = "compose"
    DELIVERING = "deliver"
    RECORDING = "record"
    DONE = "done"


class EditionResult(Model):
    """Result of WeeklyChangelog, and what the CLI prints."""

    team: str
    iso_week: str
    status: EditionStatus
    revision: int
    completeness: float
    item_count: int
    unclassified_ratio: float
    gaps: tuple[Gap, ...] = ()
    workflow_id: str
    run_id: str
    channels: tuple[ChannelResult, ...] = ()
    api_calls: dict[str, int] = {}
    calls_by_road: dict[str, int] = {}
    """`api_calls` of services with two APIs, by API: `github.graphql`, `github.rest`."""
    notes: tuple[str, ...] = ()
    """What an operator should know of the sources, each with its unit; nothing of it is missing in the edition."""
    seconds: dict[str, float] = {}
    """Workflow time by phase, and `total`."""
    edition: ArtifactRef | None = None
    renderings: dict[str, ArtifactRef] = {}
    digest: str = ""


class EditionProgress(Model):
    """Answer of the query `progress`."""

    phase: Phase = Phase.PLANNING
    units_total: int = 0
    units_done: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()
    item_count: int | None = None
    revision: int = 0
    channels: tuple[ChannelResult, ...] = ()
    deadline: datetime | None = None
    refused_messages: tuple[str, ...] = ()
    cancelled_because: str = ""
    result: EditionResult | None = None
    """Set as soon as the edition is delivered: recording may still be under way."""


class RecordEdition(Model):
    """Everything the records say of a run, written in one transaction with deterministic keys."""

    result: EditionResult
    window: Window
    composed: EditionComposed | None = None
    requested_by: str = ""
    cancelled_because: str = ""
    started_at: datetime
    ended_at: datetime
    keep_edition: bool = True
    """False for a dry run: the run is recorded, no edition is."""


class Recorded(Model):
    """Acknowledges a record."""
