"""Messages of collection: one activity a unit, a small reference as the answer."""

from datetime import datetime

from devsync.contracts.artifacts import INLINE_LIMIT, ArtifactRef
from devsync.domain.changelog.edition import Provenance
from devsync.domain.changelog.window import Window
from devsync.domain.model import Model


class CollectRepository(Model):
    """Collect one GitHub repository's window."""

    collection_id: str
    """Names the pages of this collection in the store; the same over all attempts, new for a new run."""
    team: str
    repository: str
    window: Window
    api: str = "auto"
    """`auto`, `graphql` or `rest`, as the team's file says."""
    inline_share: int = INLINE_LIMIT
    """While the store is away: with more characters of inline content than this the unit's texts are cut."""


class CollectProject(Model):
    """Collect one JIRA project's resolved issues of the window."""

    collection_id: str
    team: str
    project: str
    window: Window


class CollectBoard(Model):
    """Collect what one JIRA board shows now: its sprints, and what is in progress."""

    collection_id: str
    team: str
    board: int
    window: Window
    """Of the edition that it is collected for; a board tells the present alone."""


class CollectDeployments(Model):
    """Collect one GitHub repository's deployments of the window to some environments."""

    collection_id: str
    team: str
    repository: str
    environments: tuple[str, ...]
    window: Window


class CollectCalendar(Model):
    """Collect what the team's calendar says of the two weeks after the window.

    Its address stays in the team's file: with many calendars the address is the password.
    """

    collection_id: str
    team: str
    window: Window


Surrounding = CollectBoard | CollectDeployments | CollectCalendar
"""What surrounds an edition: without it a section is missing, and no change."""

Collect = CollectRepository | CollectProject | Surrounding
"""What a unit is asked with."""


class UnitCollected(Model):
    """What a collecting activity reports to the workflow: references and counts, never bodies."""

    unit: str
    artifact: ArtifactRef
    provenance: Provenance = Provenance()
    api_calls: int
    """HTTP calls of the attempt that succeeded."""
    pages_resumed: int = 0
    """Pages that an earlier attempt had stored, and that were not asked for again."""
    counts: dict[str, int] = {}
    """Things collected by kind: `{"pull_requests": 12, "commits": 30}`."""
    bodies_dropped: bool = False
    """The store was away and the artifact too large to travel inline, by itself or beside the edition's other units:
    texts were cut, and the gap says so."""
    road: str = ""
    """By which API the data came, where a service has two: `graphql` or `rest`."""
    calls_by_road: dict[str, int] = {}
    """`api_calls` by API: a conditional probe is REST, whichever road the data came by."""
    is_unchanged: bool = False
    """The service confirmed that an earlier collection of the same window still holds; the artifact is that one's."""
    notes: tuple[str, ...] = ()
    """What an operator should know and no reader need: a road that failed, a repository that was renamed."""
    collected_at: datetime
