"""What composition is given: the collected units with their provenance, and the team's rules. Frozen, serialisable."""

from __future__ import annotations

from devsync.domain.changelog.collected import ProjectData, RepositoryData
from devsync.domain.changelog.edition import Gap, Provenance
from devsync.domain.changelog.surroundings import BoardData, CalendarData, DeploymentData, Holiday
from devsync.domain.changelog.window import Window
from devsync.domain.model import Model


class RepositoryUnit(Model):
    """One repository as it was collected, and how."""

    data: RepositoryData
    provenance: Provenance = Provenance()

    @property
    def unit(self) -> str:
        return f"github:{self.data.repository}"


class ProjectUnit(Model):
    """One JIRA project as it was collected, and how."""

    data: ProjectData
    provenance: Provenance = Provenance()

    @property
    def unit(self) -> str:
        return f"jira:{self.data.project}"


class BoardUnit(Model):
    """One JIRA board as it was collected, and how."""

    data: BoardData
    provenance: Provenance = Provenance()

    @property
    def unit(self) -> str:
        return f"jira:board/{self.data.board}"


class DeploymentsUnit(Model):
    """One repository's deployments as they were collected, and how."""

    data: DeploymentData
    provenance: Provenance = Provenance()

    @property
    def unit(self) -> str:
        return f"github:{self.data.repository}/deployments"


class CalendarUnit(Model):
    """The team's calendar as it was collected, and how."""

    unit: str
    data: CalendarData
    provenance: Provenance = Provenance()


class CompositionRules(Model):
    """What a team decides about its own edition. Labels are compared by `labels.plain_label`."""

    include_labels: tuple[str, ...] = ()
    """When not empty, only pull requests with one of these are told. Lone commits and issues stay: nobody could
    have labelled them."""
    exclude_labels: tuple[str, ...] = ()
    """Pull requests and issues done without code that have one of these are left out."""
    project_keys: tuple[str, ...] = ()
    """JIRA projects whose keys are links, beyond the collected ones."""
    incident_types: tuple[str, ...] = ()
    """JIRA issue types that count as incidents, hence as fixes."""


class CompositionInput(Model):
    """All that one edition is made of. The same input gives the same bytes."""

    team: str
    iso_week: str
    window: Window
    audience: str = "engineering"
    rules: CompositionRules = CompositionRules()
    repositories: tuple[RepositoryUnit, ...] = ()
    projects: tuple[ProjectUnit, ...] = ()
    boards: tuple[BoardUnit, ...] = ()
    deployments: tuple[DeploymentsUnit, ...] = ()
    calendars: tuple[CalendarUnit, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    """Of the team's region, in the weeks after the window."""
    units_asked: tuple[str, ...] = ()
    """`github:owner/name`, `jira:KEY`, `jira:board/42`, `calendar:payments`: what the team's configuration asks for."""
    gaps: tuple[Gap, ...] = ()
    """What collection knows to be missing; composition adds whatever else was asked and is not live."""
    known_people: tuple[str, ...] | None = None
    """Logins and names of all earlier editions; who is not among them is a first-timer.
    None where no earlier edition is known: then only GitHub's `author_association` tells."""
