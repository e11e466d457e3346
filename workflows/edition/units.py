"""The sources of an edition: what each is asked, and what comes of it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import activities, names
from devsync.contracts.collection import (
    Collect,
    CollectBoard,
    CollectCalendar,
    CollectDeployments,
    CollectProject,
    CollectRepository,
    UnitCollected,
)
from devsync.contracts.edition import EditionPlan
from devsync.contracts.policies import Policies
from devsync.domain.changelog.deadline import Deadline
from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.failures.temporal import SILENT
from devsync.runtime.policies import call
from workflows.edition.carrying import inline_share
from workflows.shared.failures import failure_of


class Ask(NamedTuple):
    """One unit that is to be collected."""

    unit: str
    contract: activities.ActivityContract[Any, UnitCollected]
    message: Collect

    @property
    def service(self) -> str:
        return self.contract.service


Answer = UnitCollected | Failure


def asks_of(plan: EditionPlan, run: workflow.Info) -> tuple[Ask, ...]:
    """Every unit that the plan names: what the edition is made of first, then what surrounds it."""
    # Stable when an operator resets the run: the pages collected before the reset are still good.
    collection_id = names.collection_id(run.workflow_id, run.original_execution_run_id)
    share = inline_share(len(plan.units))
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
                inline_share=share,
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
    return (*repositories, *projects, *_surroundings(plan, collection_id))


def _surroundings(plan: EditionPlan, collection_id: str) -> tuple[Ask, ...]:
    """Boards, deployments and the calendar: without them the edition lacks a section, and no change."""
    boards = (
        Ask(
            names.board_unit(board),
            activities.COLLECT_BOARD,
            CollectBoard(collection_id=collection_id, team=plan.team, board=board, window=plan.window),
        )
        for board in plan.boards
    )
    deployments = (
        Ask(
            names.deployments_unit(repository),
            activities.COLLECT_DEPLOYMENTS,
            CollectDeployments(
                collection_id=collection_id,
                team=plan.team,
                repository=repository,
                environments=plan.deployment_environments,
                window=plan.window,
            ),
        )
        for repository in (plan.repositories if plan.deployment_environments else ())
    )
    calendar = Ask(
        names.calendar_unit(plan.team),
        activities.COLLECT_CALENDAR,
        CollectCalendar(collection_id=collection_id, team=plan.team, window=plan.window),
    )
    return (*boards, *deployments, *([calendar] if plan.has_calendar else []))


Heard = Callable[[Ask, Answer], None]
"""Is told each unit's answer as it comes; a silent one is asked again, and told again."""


async def ask_all(asks: Sequence[Ask], policies: Policies, deadline: Deadline, heard: Heard) -> dict[str, Answer]:
    """All at once, each unit within its policy and the time that is left to collect. By unit."""

    async def ask_one(ask: Ask) -> Answer:
        answer = await ask_once(ask, policies, deadline.time_to_collect(workflow.now()))
        heard(ask, answer)
        return answer

    answers = await asyncio.gather(*map(ask_one, asks))
    return {ask.unit: answer for ask, answer in zip(asks, answers, strict=True)}


async def ask_once(ask: Ask, policies: Policies, time_left: timedelta) -> Answer:
    """One unit, within its policy and the time that is left; a breaker's refusal is an answer like any other."""
    try:
        return await call(ask.contract, ask.message, policies, summary=f"Collect {ask.unit}", time_left=time_left)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        return failure_of(error)


def was_silent(answer: Answer) -> bool:
    """Nobody said anything until the time was up: not the service failed, but no worker was there to ask it."""
    return isinstance(answer, Failure) and answer.category is ErrorCategory.SYSTEM and answer.code in SILENT
