"""What surrounds a week's changes: who is away, what is planned, how far the sprint is, what was deployed.

Like `collected`: an activity maps a service's answer to these models and stores them as one artifact per unit (a
calendar, a board, a repository's deployments). Days are those of the team's own timezone.
"""

from datetime import date, datetime
from enum import StrEnum

from devsync.domain.model import Model


class Absence(Model):
    """Somebody, or everybody, is away. `who` is what the calendar calls it: "Anna: vacation"."""

    who: str
    first_day: date
    last_day: date
    """Included."""


class Milestone(Model):
    """A day that the team's calendar marks."""

    title: str
    first_day: date
    last_day: date
    """Included."""


class CalendarData(Model):
    """What a team's calendar says of the two weeks after a window."""

    absences: tuple[Absence, ...] = ()
    milestones: tuple[Milestone, ...] = ()


class Holiday(Model):
    """A day on which nobody works in the team's region."""

    day: date
    name: str


class StartedIssue(Model):
    """An issue that somebody works on."""

    key: str
    summary: str
    assignee: str | None = None
    url: str = ""


class Sprint(Model):
    """A sprint and how far it is. A planned one may have no dates yet."""

    id: int
    name: str
    goal: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    done: int = 0
    total: int = 0


class BoardData(Model):
    """What a JIRA board shows at the moment of asking."""

    board: int
    name: str = ""
    active: tuple[Sprint, ...] = ()
    upcoming: Sprint | None = None
    """The next one, where it is planned."""
    in_progress: tuple[StartedIssue, ...] = ()
    """Those changed last first; a bounded number of them."""
    in_progress_total: int = 0


class DeploymentOutcome(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNFINISHED = "unfinished"


class Deployment(Model):
    """One deployment; `created_at` decides the week."""

    id: str
    environment: str
    outcome: DeploymentOutcome
    created_at: datetime


class DeploymentData(Model):
    """What of one repository was deployed in a window."""

    repository: str
    deployments: tuple[Deployment, ...] = ()
