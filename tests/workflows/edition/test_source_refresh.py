"""A refresh over its minutes: what answers late, what a breaker refuses, what never answers, what people send it."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.planning import LastDelivered, plan_edition
from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.collection import (
    CollectBoard,
    CollectCalendar,
    CollectDeployments,
    CollectProject,
    CollectRepository,
    UnitCollected,
)
from devsync.contracts.edition import EditionPlan, PlanEdition
from devsync.contracts.refresh import PlanRefresh, RefreshRequest, RefreshResult
from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.activity_errors import to_application_error
from devsync.settings.configuration import load_team
from tests.configuration import shipped_settings
from tests.workflows.office import AWAY, WEEK, stored
from workflows.edition.source_refresh import TIME_TO_ASK, SourceRefresh

SHUT = Failure(
    category=ErrorCategory.EXTERNAL_SERVICE,
    message="its circuit breaker is open",
    is_retryable=False,
    retry_at=datetime(2030, 1, 1, tzinfo=UTC),
)
WRONG = Failure(category=ErrorCategory.CONFIGURATION, message="teams/payments.yaml:3: is wrong", is_retryable=False)
TEAM = """\
team: payments
timezone: Europe/Berlin
github: {repositories: [acme/api], deployments: [production]}
jira: {projects: [PAY], boards: [42]}
calendar: {ics: "https://calendar.acme.dev/payments.ics"}
channels: [{kind: slack, channel: "#payments"}]
"""
EVERYTHING = (
    "github:acme/api",
    "jira:PAY",
    "jira:board/42",
    "github:acme/api/deployments",
    "calendar:payments",
)


@dataclass
class Sources:
    """`failing` is by unit, and `plan` for the plan."""

    config: Path
    failing: dict[str, Failure] = field(default_factory=dict)
    unchanged: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)
    times: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    """When each was asked, all attempts, in the server's time."""

    @activity.defn(name=contracts.PLAN_REFRESH.name)
    async def plan(self, message: PlanRefresh) -> EditionPlan:
        if "plan" in self.failing:
            raise to_application_error(self.failing["plan"], None)
        (self.config / "teams" / "payments.yaml").write_text(TEAM)
        configuration = load_team(self.config, message.team)
        return plan_edition(configuration, PlanEdition(team=message.team, iso_week=WEEK), LastDelivered())

    @activity.defn(name=contracts.COLLECT_REPOSITORY.name)
    async def repository(self, message: CollectRepository) -> UnitCollected:
        return self._answer(names.repository_unit(message.repository))

    @activity.defn(name=contracts.COLLECT_PROJECT.name)
    async def project(self, message: CollectProject) -> UnitCollected:
        return self._answer(names.project_unit(message.project))

    @activity.defn(name=contracts.COLLECT_BOARD.name)
    async def board(self, message: CollectBoard) -> UnitCollected:
        return self._answer(names.board_unit(message.board))

    @activity.defn(name=contracts.COLLECT_DEPLOYMENTS.name)
    async def deployments(self, message: CollectDeployments) -> UnitCollected:
        return self._answer(names.deployments_unit(message.repository))

    @activity.defn(name=contracts.COLLECT_CALENDAR.name)
    async def calendar(self, message: CollectCalendar) -> UnitCollected:
        return self._answer(names.calendar_unit(message.team))

    def _answer(self, unit: str) -> UnitCollected:
        self.asked.append(unit)
        self.times[unit].append(activity.info().current_attempt_scheduled_time)
        if unit in self.failing:
            raise to_application_error(self.failing[unit], None)
        now = activity.info().current_attempt_scheduled_time
        is_unchanged = unit in self.unchanged
        return UnitCollected(
            unit=unit, artifact=stored("collected"), api_calls=2, is_unchanged=is_unchanged, collected_at=now
        )


@asynccontextmanager
async def serving(environment: WorkflowEnvironment, sources: Sources) -> AsyncIterator[None]:
    client = environment.client
    by_service: dict[str, list[Callable[..., Any]]] = {
        names.GITHUB: [sources.repository, sources.deployments],
        names.JIRA: [sources.project, sources.board],
        names.CALENDAR: [sources.calendar],
    }
    async with AsyncExitStack() as stack:
        control = Worker(
            client,
            task_queue=names.CONTROL_QUEUE,
            workflows=[SourceRefresh],
            activities=[sources.plan],
            max_cached_workflows=0,
        )
        await stack.enter_async_context(control)
        for service, activities in by_service.items():
            worker = Worker(client, task_queue=names.service_queue(service), activities=activities)
            await stack.enter_async_context(worker)
        yield


async def start(environment: WorkflowEnvironment) -> WorkflowHandle[SourceRefresh, RefreshResult]:
    request = RefreshRequest(team="payments")
    return await environment.client.start_workflow(
        SourceRefresh.run, request, id=names.refresh_id("payments"), task_queue=names.CONTROL_QUEUE
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return shipped_settings(tmp_path / "config")


async def refresh(environment: WorkflowEnvironment, sources: Sources) -> RefreshResult:
    async with serving(environment, sources):
        return await (await start(environment)).result()


async def test_every_unit_of_the_next_edition_is_asked_once(own_time: WorkflowEnvironment, config: Path) -> None:
    sources = Sources(config, unchanged=("github:acme/api",))
    result = await refresh(own_time, sources)
    assert sorted(sources.asked) == sorted(EVERYTHING)
    assert (result.iso_week, result.units_total) == (WEEK, len(EVERYTHING))
    assert result.unchanged == ("github:acme/api",)
    assert {*result.collected, *result.unchanged} == set(EVERYTHING)
    assert result.api_calls == {"github": 4, "jira": 4, "calendar": 2}


async def test_a_source_that_stays_away_is_given_up_after_some_minutes(
    own_time: WorkflowEnvironment, config: Path
) -> None:
    sources = Sources(config, failing={"jira:PAY": AWAY})
    result = await refresh(own_time, sources)
    first, *_, last = sources.times["jira:PAY"]
    assert timedelta(minutes=1) < last - first <= TIME_TO_ASK
    assert [(one.unit, one.reason) for one in result.failed] == [("jira:PAY", AWAY.message)]
    assert set(result.collected) == set(EVERYTHING) - {"jira:PAY"}


async def test_what_a_breaker_refuses_is_skipped_at_once(own_time: WorkflowEnvironment, config: Path) -> None:
    sources = Sources(config, failing={"github:acme/api": SHUT, "github:acme/api/deployments": SHUT})
    result = await refresh(own_time, sources)
    assert {one.unit for one in result.skipped} == {"github:acme/api", "github:acme/api/deployments"}
    assert sorted(sources.asked) == sorted(EVERYTHING)
    assert result.failed == ()


@pytest.mark.parametrize("failure", [WRONG, AWAY.model_copy(update={"message": "config/ cannot be read"})])
async def test_a_plan_that_cannot_be_made_is_told_and_ends_the_refresh(
    own_time: WorkflowEnvironment, config: Path, failure: Failure
) -> None:
    sources = Sources(config, failing={"plan": failure})
    result = await refresh(own_time, sources)
    assert result.problem == failure.message
    assert sources.asked == []


async def test_signals_are_recorded_as_refused_and_harm_nothing(own_time: WorkflowEnvironment, config: Path) -> None:
    async with serving(own_time, Sources(config)):
        handle = await start(own_time)
        await handle.signal("resolve", {"by": "anna"})
        await handle.signal("deliver")
        await handle.signal("deliver", args=[1, 2])
        result = await handle.result()
        shown = await handle.query("progress", result_type=RefreshResult)
    assert [message.partition(" at ")[0] for message in result.refused_messages] == [
        "signal 'resolve'",
        "signal 'deliver'",
        "signal 'deliver'",
    ]
    assert shown == result
