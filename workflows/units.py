"""The sources of an edition: what each is asked, and how an answer or its absence is told."""

from typing import Any, NamedTuple

from devsync.contracts import activities, names
from devsync.contracts.collection import CollectProject, CollectRepository, UnitCollected
from devsync.contracts.edition import EditionPlan
from devsync.domain.errors import Failure
from workflows.failures import SILENCE


class Ask(NamedTuple):
    """One unit that is to be collected."""

    unit: str
    contract: activities.ActivityContract[Any, UnitCollected]
    message: CollectRepository | CollectProject

    @property
    def service(self) -> str:
        return self.contract.service


Answer = UnitCollected | Failure


def asks_of(plan: EditionPlan, collection_id: str) -> tuple[Ask, ...]:
    """Every unit that the plan names: repositories, then projects."""
    repositories = (
        Ask(
            names.repository_unit(repository),
            activities.COLLECT_REPOSITORY,
            CollectRepository(
                collection_id=collection_id,
                team=plan.team,
                repository=repository,
                window=plan.window,
                api=plan.github_api,
            ),
        )
        for repository in plan.repositories
    )
    projects = (
        Ask(
            names.project_unit(project),
            activities.COLLECT_PROJECT,
            CollectProject(collection_id=collection_id, team=plan.team, project=project, window=plan.window),
        )
        for project in plan.projects
    )
    return (*repositories, *projects)


def was_silent(answer: Answer) -> bool:
    """Nobody said anything until the time was up: not the service failed, but no worker was there to ask it."""
    return isinstance(answer, Failure) and answer.code == SILENCE
