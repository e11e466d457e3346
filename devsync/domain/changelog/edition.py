"""The edition: what composition makes, renderings show and channels receive."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum

from pydantic import Field

from devsync.domain.changelog.window import Window
from devsync.domain.model import Model


class Section(StrEnum):
    """Where an item stands, in the order in which a reader meets the sections."""

    BREAKING = "breaking"
    FEATURES = "features"
    FIXES = "fixes"
    PERFORMANCE = "performance"
    SECURITY = "security"
    REVERTED = "reverted"
    ISSUES = "issues"
    """Resolved JIRA issues without code in the window, whose type says no more."""
    DOCUMENTATION = "documentation"
    INTERNAL = "internal"
    DEPENDENCIES = "dependencies"
    OTHER = "other"
    """Unclassified. Their share is a measure of quality: `Edition.unclassified_ratio`."""


class ProvenanceKind(StrEnum):
    LIVE = "live"
    CACHED = "cached"
    PARTIAL = "partial"
    MIRROR = "mirror"
    FEED = "feed"
    DERIVED = "derived"


class Provenance(Model):
    """Where an item's data came from; `as_of` says how old it is when it is not live."""

    kind: ProvenanceKind = ProvenanceKind.LIVE
    as_of: datetime | None = None


class ClassifiedBy(StrEnum):
    """Which rule put an item into its section; the first that matches wins, in this order."""

    LABEL = "label"
    CONVENTIONAL_COMMIT = "conventional_commit"
    JIRA_TYPE = "jira_type"
    HEURISTIC = "heuristic"
    NOTHING = "nothing"


class IssueLink(Model):
    """A JIRA issue named by an item. `summary` and `status` are empty where JIRA did not answer for it."""

    key: str
    url: str = ""
    summary: str = ""
    issue_type: str = ""
    status: str = ""


class Item(Model):
    """One change, told once: a pull request with its commits, a lone commit, an issue done without code."""

    id: str
    """`owner/name#12`, `owner/name@<12 hex digits>` or `PAY-12`: unique within the edition."""
    section: Section
    title: str
    """Plain text, one line; not escaped for any format."""
    type: str = ""
    """The conventional commit type in lower case, or empty."""
    scope: str = ""
    is_breaking: bool = False
    breaking_note: str = ""
    repository: str = ""
    pull_request: int | None = None
    url: str = ""
    commits: tuple[str, ...] = ()
    """Full SHAs, oldest first: the merge commit included."""
    issues: tuple[IssueLink, ...] = ()
    people: tuple[str, ...] = ()
    """Display names or `@login`s of authors and co-authors, author first."""
    labels: tuple[str, ...] = ()
    shipped_at: datetime
    is_automated: bool = False
    """A bot made it (dependency bumps, releases): folded into one line a section by the renderings."""
    classified_by: ClassifiedBy = ClassifiedBy.NOTHING
    provenance: Provenance = Provenance()


class ReleaseNote(Model):
    repository: str
    tag: str
    name: str = ""
    is_prerelease: bool = False
    published_at: datetime
    url: str = ""


class Contributor(Model):
    """A person (never a bot), with the number of items that name them; in order of name: no ranking."""

    name: str
    login: str | None = None
    item_count: int
    is_first_time: bool = False


class Gap(Model):
    """A unit that was asked for and is not live in this edition: the box in the edition names each."""

    unit: str
    """`github:acme/payments-api`, `jira:PAY`."""
    service: str
    reason: str
    """For operators, in full and with the cure, without secrets: "github answered 401: check GITHUB_TOKEN …".

    Renderings tell readers the category in plain words instead (`devsync/rendering/wording.py`)."""
    category: str = ""
    as_of: datetime | None = None
    """Set when older data of the same window stands in for the live answer."""
    stand_in: ProvenanceKind | None = None
    """What stands in for the live answer, if anything does."""


def gaps_by_reason(gaps: Iterable[Gap]) -> dict[str, list[Gap]]:
    """Those that are missing for the same reason together, in the order in which the reasons come first: with a
    service down, that is every source of it."""
    reasons: dict[str, list[Gap]] = {}
    for gap in gaps:
        reasons.setdefault(gap.reason, []).append(gap)
    return reasons


class MedianTime(Model):
    """The middle of some durations: half took longer."""

    median: timedelta
    count: int
    """How many durations there are."""
    from_opening: int = 0
    """Of cycles: how many are counted from opening the pull request, since their first commit is not known."""


class DeploymentCount(Model):
    """Deployments of the window to one environment."""

    environment: str
    total: int
    failed: int = 0
    is_derived: bool = False
    """GitHub did not tell; published releases are counted instead."""


class SprintProgress(Model):
    """A running sprint, as its board stood when it was asked."""

    name: str
    goal: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    done: int = 0
    total: int = 0


class Metrics(Model):
    """The week in numbers, of the team as a whole. What cannot be told with sense is None or empty."""

    merged: int = 0
    """Pull requests of people."""
    merged_by_bots: int = 0
    is_partial: bool = False
    """A repository is missing or not live: there may be more."""
    cycle: MedianTime | None = None
    """From the first commit to the merge."""
    first_review: MedianTime | None = None
    """From opening to the first review by somebody else, of those that were reviewed."""
    deployments: tuple[DeploymentCount, ...] = ()
    sprints: tuple[SprintProgress, ...] = ()


class StartedWork(Model):
    """An issue in progress."""

    key: str
    title: str
    url: str = ""
    assignee: str | None = None


class NextSprint(Model):
    """A sprint that is planned."""

    name: str
    goal: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    issue_count: int = 0


class MarkedDays(Model):
    """One or more days of the two weeks after the window, and what is with them: an absence, a milestone, a holiday."""

    title: str
    first_day: date
    last_day: date
    """Included."""


class Upcoming(Model):
    """What is next, as the sources knew it when they were asked."""

    in_progress: tuple[StartedWork, ...] = ()
    in_progress_total: int = 0
    sprints: tuple[NextSprint, ...] = ()
    away: tuple[MarkedDays, ...] = ()
    milestones: tuple[MarkedDays, ...] = ()
    holidays: tuple[MarkedDays, ...] = ()


class Edition(Model):
    """One team's changelog of one week. Same artifacts in, same bytes out: no clock, no run id."""

    team: str
    iso_week: str
    window: Window
    audience: str = "engineering"
    items: tuple[Item, ...] = ()
    """In reading order: by section, then repository, then time shipped, then id."""
    highlights: tuple[str, ...] = ()
    """Ids of three to seven items worth reading first; fewer in a quiet week."""
    releases: tuple[ReleaseNote, ...] = ()
    contributors: tuple[Contributor, ...] = ()
    gaps: tuple[Gap, ...] = ()
    units_asked: tuple[str, ...] = ()
    completeness: float = Field(default=1.0, ge=0, le=1)
    """Units collected live ÷ units asked for; cached counts as missing."""
    reverted_pairs: int = 0
    """Pairs of a change and its revert inside the window, dropped."""
    excluded_count: int = 0
    """Items left out by the team's label rules."""
    hidden_count: int = 0
    """Items that an editor took out before it was posted."""
    editors_note: str = ""
    """A sentence of the editors' own: plain text, one line."""
    upcoming: Upcoming | None = None
    """None where nothing is known to be next."""
    metrics: Metrics | None = None
    """None where there is nothing to count."""

    @property
    def is_partial(self) -> bool:
        return bool(self.gaps)

    @property
    def item_count(self) -> int:
        return len(self.items)

    @property
    def unclassified_ratio(self) -> float:
        """Share of the items that no rule could classify; 0.0 for an empty edition."""
        if not self.items:
            return 0.0
        return sum(item.section is Section.OTHER for item in self.items) / len(self.items)
