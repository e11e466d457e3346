"""What a board shows, from both kinds of JIRA: sprints, how far they are, and what is in progress."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from jira import JIRAError
from temporalio.testing import ActivityEnvironment

from activities.collection import Shelf
from activities.jira import JiraActivities
from activities.jira_boards import MOST_NAMED
from devsync.contracts.collection import CollectBoard, UnitCollected
from devsync.domain.changelog.surroundings import BoardData
from devsync.domain.changelog.window import week_window
from devsync.runtime.classification import MalformedAnswer
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.collected import CollectedUnits
from devsync.storage.database import Database
from devsync.storage.pages import CollectionPages
from devsync.storage.threads import LoopBridge
from sandbox.faults import Fault, FaultKind
from sandbox.world import Board, Issue, Project, Sprint, World
from tests.activities.jira_clients import JiraSandbox, Kind, jira_client, jira_sandbox
from tests.sandbox.jira_samples import ANNA, at, done, issue, small_world

KINDS: list[Kind] = ["cloud", "data-center"]


@dataclass
class Stage:
    sandbox: JiraSandbox
    store: ArtifactStore
    activities: JiraActivities

    async def collect(self, board: int = 3) -> UnitCollected:
        message = CollectBoard(collection_id="one", team="payments", board=board, window=week_window("2026-W47", "UTC"))
        run: Any = ActivityEnvironment().run
        collected: UnitCollected = await asyncio.to_thread(run, self.activities.collect_board, message)
        return collected

    async def data(self, board: int = 3) -> BoardData:
        return BoardData.model_validate_json(await self.store.get((await self.collect(board)).artifact))


@asynccontextmanager
async def stage(kind: Kind, world: World, url: str) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(jira_sandbox(kind, world))
        database = Database(url, pool_size=2)
        stack.push_async_callback(database.dispose)
        store = ArtifactStore(database)
        shelf = Shelf(CollectionPages(database), store, LoopBridge(asyncio.get_running_loop()))
        yield Stage(sandbox, store, JiraActivities(jira_client(sandbox), shelf, CollectedUnits(database)))


def started(number: int, **more: Any) -> Issue:
    return issue(number, status="In Progress", status_category="indeterminate", **more)


def planned(*sprints: Sprint, issues: list[Issue] | None = None, **board: Any) -> World:
    project = Project(1, "CORE", "Core", issues or [])
    return World(projects={"CORE": project}, boards=[Board(3, "Core board", "CORE", list(sprints), **board)])


@pytest.mark.parametrize("kind", KINDS)
async def test_a_board_tells_its_sprint_and_what_is_in_progress(kind: Kind, url: str) -> None:
    async with stage(kind, small_world(), url) as one:
        collected, data = await one.collect(), await one.data()
        (sprint,), (in_progress,) = data.active, data.in_progress
    assert collected.unit == "jira:board/3"
    assert (data.board, data.name, data.upcoming) == (3, "Core board", None)
    assert (sprint.name, sprint.goal, sprint.starts_at, sprint.ends_at) == ("Core 7", "Ship the login", at(16), at(30))
    assert (sprint.done, sprint.total) == (1, 2)
    assert (in_progress.key, in_progress.assignee) == ("CORE-3", "Ben Ito")
    assert in_progress.url.endswith("/browse/CORE-3")


async def test_a_sprint_of_many_pages_is_counted_whole_and_its_subtasks_are_not_counted_twice(url: str) -> None:
    issues = [done(number, at(17)) for number in range(1, 151)]
    issues += [started(number, updated_at=at(18) + timedelta(minutes=number)) for number in range(200, 240)]
    issues += [started(300, issue_type="Sub-task", parent_key="CORE-200")]
    sprint = Sprint(7, "Large", "active", at(16), at(30), issue_keys=[one.key for one in issues])
    async with stage("cloud", planned(sprint, issues=issues), url) as one:
        collected, data = await one.collect(), await one.data()
    assert (data.active[0].done, data.active[0].total) == (150, 190)
    assert (len(data.in_progress), data.in_progress_total) == (MOST_NAMED, 40)
    assert data.in_progress[0].key == "CORE-239"  # changed last
    assert collected.api_calls == 4  # the board, its sprints, two pages of issues


async def test_the_next_sprint_is_the_first_by_date(url: str) -> None:
    someday = Sprint(9, "Someday", "future")
    later = Sprint(10, "Later", "future", at(28), at(30))
    sooner = Sprint(11, "Sooner", "future", at(24), at(28), issue_keys=["CORE-1", "CORE-2"])
    world = planned(someday, later, sooner, issues=[issue(1), issue(2)])
    async with stage("cloud", world, url) as one:
        data = await one.data()
    assert data.upcoming is not None
    assert (data.upcoming.name, data.upcoming.total) == ("Sooner", 2)
    assert data.active == ()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_kanban_board_tells_what_is_in_progress(kind: Kind, url: str) -> None:
    issues = [started(1, assignee=ANNA, updated_at=at(18)), started(2, updated_at=at(19)), done(3, at(17)), issue(4)]
    async with stage(kind, planned(issues=issues, type="kanban"), url) as one:
        data = await one.data()
    assert [work.key for work in data.in_progress] == ["CORE-2", "CORE-1"]
    assert (data.in_progress_total, data.active, data.upcoming) == (2, (), None)


async def test_a_board_that_is_not_there_is_an_error(url: str) -> None:
    async with stage("cloud", small_world(), url) as one:
        with pytest.raises(JIRAError) as caught:
            await one.collect(board=99)
    assert caught.value.status_code == 404


@pytest.mark.parametrize(
    ("route", "field"),
    [
        ("/board/3$", "name"),
        ("/board/3/sprint", "values"),
        ("/board/3/sprint", "values.*.id"),
        ("/sprint/7/issue", "issues"),
        ("/sprint/7/issue", "issues.*.fields.status"),
        ("/sprint/7/issue", "issues.*.key"),
    ],
)
async def test_a_null_where_none_may_be_is_a_malformed_answer(url: str, route: str, field: str) -> None:
    async with stage("cloud", small_world(), url) as one:
        one.sandbox.faults.add(Fault(kind=FaultKind.NULLS, service="jira", route=route, field=field))
        with pytest.raises(MalformedAnswer):
            await one.collect()
