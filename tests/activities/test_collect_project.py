"""A project's week, collected from both kinds of JIRA: the same data, however the list behaves meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.collection import Shelf
from activities.jira import JiraActivities
from devsync.contracts.collection import CollectProject, UnitCollected
from devsync.domain.changelog.collected import ProjectData
from devsync.domain.changelog.window import Window, week_window
from devsync.runtime.breaker.calls import UNGATED, CallGate
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.collected import CollectedUnits
from devsync.storage.database import Database
from devsync.storage.pages import CollectionPages
from devsync.storage.threads import LoopBridge
from sandbox.faults import Fault, FaultKind
from sandbox.world import Issue, Project, World
from tests.activities.jira_clients import JiraSandbox, Kind, jira_client, jira_sandbox
from tests.sandbox.jira_samples import ANNA, at, done, issue, small_world

KINDS: list[Kind] = ["cloud", "data-center"]
WEEK = week_window("2026-W47", "UTC")


@dataclass
class Stage:
    sandbox: JiraSandbox
    store: ArtifactStore
    activities: JiraActivities

    async def collect(
        self,
        project: str = "CORE",
        window: Window = WEEK,
        name: str = "one",
        on_beat: Callable[..., None] = lambda *_details: None,
    ) -> UnitCollected:
        """One attempt; attempts of one name share their pages."""
        environment = ActivityEnvironment()
        environment.on_heartbeat = on_beat
        run: Callable[..., UnitCollected] = environment.run
        message = CollectProject(collection_id=name, team="payments", project=project, window=window)
        return await asyncio.to_thread(run, self.activities.collect_project, message)

    async def data(self, window: Window = WEEK) -> ProjectData:
        collected = await self.collect(window=window, name=self.sandbox.world.jira_deployment)
        return ProjectData.model_validate_json(await self.store.get(collected.artifact))


@asynccontextmanager
async def stage(kind: Kind, world: World, url: str, gate: CallGate = UNGATED) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(jira_sandbox(kind, world))
        database = Database(url, pool_size=2)
        stack.push_async_callback(database.dispose)
        store = ArtifactStore(database)
        shelf = Shelf(CollectionPages(database), store, LoopBridge(asyncio.get_running_loop()))
        yield Stage(sandbox, store, JiraActivities(jira_client(sandbox, gate=gate), shelf, CollectedUnits(database)))


def resolved(number: int, **more: Any) -> Issue:
    return done(number, at(17, 12), created_at=at(1) + timedelta(minutes=number), **more)


def world_of(issues: list[Issue]) -> World:
    return World(projects={"CORE": Project(1, "CORE", "Core", issues)})


def family() -> World:
    """Every tie that an issue can have to a parent: an epic, a story, an epic of another project, none."""
    world = small_world()
    core = world.projects["CORE"].issues
    core += [
        issue(12, issue_type="Epic", summary="Sign in with a passkey"),
        done(13, at(18), issue_type="Story", parent_key="CORE-12", priority="High", labels=["web"], assignee=ANNA),
        done(14, at(19), issue_type="Sub-task", parent_key="CORE-13"),
        done(15, at(19, 23, 59, 59), issue_type="Bug", parent_key="CORE-12", resolution="Won't Do"),
        done(16, at(20), parent_key="OPS-1"),
        done(17, at(20), parent_key="CORE-12"),
    ]
    world.projects["OPS"] = Project(
        3, "OPS", "Operations", [issue(1, "OPS", issue_type="Epic", summary="Quiet nights")]
    )
    return world


async def both(make: Callable[[], World], url: str, window: Window = WEEK, zone: str = "UTC") -> list[ProjectData]:
    found = []
    for kind in KINDS:
        async with stage(kind, make(), url) as one:
            one.sandbox.site.timezone = zone
            data = await one.data(window=window)
        site = one.sandbox.jira_url
        issues = tuple(entry.model_copy(update={"url": entry.url.removeprefix(site)}) for entry in data.issues)
        found.append(data.model_copy(update={"issues": issues}))
    return found


async def test_both_kinds_of_jira_give_the_same_project_data(url: str) -> None:
    cloud, data_center = await both(family, url)
    assert cloud == data_center
    told = {entry.key: (entry.parent_key, entry.parent_summary) for entry in cloud.issues}
    assert told["CORE-13"] == told["CORE-15"] == ("CORE-12", "Sign in with a passkey")
    assert told["CORE-14"] == ("CORE-13", "Issue 13 of CORE")
    assert told["CORE-16"] == ("OPS-1", "Quiet nights")
    assert {entry.url for entry in cloud.issues} == {f"/browse/{entry.key}" for entry in cloud.issues}


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"])
async def test_whatever_the_users_timezone_no_issue_of_the_week_is_missed(url: str, zone: str) -> None:
    edges = [at(16), at(16, 0, 0, 30), at(22, 23, 59, 59), at(15, 23, 59, 59), at(23)]
    cloud, data_center = await both(
        lambda: world_of([done(n, when) for n, when in enumerate(edges, 1)]), url, zone=zone
    )
    assert cloud == data_center
    inside = {entry.key for entry in cloud.issues if entry.resolved_at is not None and entry.resolved_at in WEEK}
    assert inside == {"CORE-1", "CORE-2", "CORE-3"}


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("week", ["2026-W13", "2026-W43", "2026-W44", "2026-W10"])
async def test_the_weeks_of_clock_changes_are_whole(url: str, week: str, zone: str) -> None:
    window = week_window(week, "Europe/Berlin")
    step = timedelta(hours=1)
    hours = [window.start - 3 * step + n * step for n in range(int((window.end - window.start) / step) + 6)]
    cloud, data_center = await both(
        lambda: world_of([done(n, when, created_at=when) for n, when in enumerate(hours, 1)]), url, window, zone
    )
    assert cloud == data_center
    inside = [entry.key for entry in cloud.issues if entry.resolved_at is not None and entry.resolved_at in window]
    assert len(inside) == (window.end - window.start) / step


async def test_an_epic_that_nobody_may_see_is_told_by_its_key_and_makes_no_error(url: str) -> None:
    async with stage("data-center", world_of([resolved(1, parent_key="HIDDEN-7"), resolved(2)]), url) as one:
        data = await one.data()
    assert [(entry.parent_key, entry.parent_summary) for entry in data.issues] == [("HIDDEN-7", None), (None, None)]


async def test_the_calls_of_both_are_counted_and_as_few_as_can_be(url: str) -> None:
    def world() -> World:
        epic = issue(900, issue_type="Epic")
        return world_of([epic, *(resolved(n, parent_key="CORE-900" if n == 3 else None) for n in range(1, 251))])

    for kind, calls in zip(KINDS, (3, 4), strict=True):
        async with stage(kind, world(), url) as one:
            collected = await one.collect(name=kind)
            assert (collected.api_calls, collected.counts) == (calls, {"issues": 250})
            assert len(one.sandbox.log.select("jira", path="/search")) == calls


@pytest.mark.parametrize("kind", KINDS)
async def test_a_retry_goes_on_from_the_last_stored_issue_and_asks_for_no_page_again(url: str, kind: Kind) -> None:
    async with stage(kind, world_of([resolved(number) for number in range(1, 251)]), url) as one:
        one.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="jira", route="/search", after=2, count=1))
        with pytest.raises(Exception, match="503"):
            await one.collect()
        asked = len(one.sandbox.log.select("jira", path="/search", status=200))
        collected = await one.collect()
        data = ProjectData.model_validate_json(await one.store.get(collected.artifact))
        again = one.sandbox.log.select("jira", path="/search", status=200)[asked:]
    assert (asked, collected.pages_resumed, len(again)) == (2, 2, 1)
    assert "AND created >" in again[0].query
    assert [entry.key for entry in data.issues] == [f"CORE-{number}" for number in range(1, 251)]


@pytest.mark.parametrize("same_minute", [False, True], ids=["apart", "one bulk import"])
async def test_at_data_center_a_list_that_moves_while_it_is_read_loses_no_issue(url: str, same_minute: bool) -> None:
    """Issues are reopened behind our back: those behind them move up, over the edge of the page."""
    issues = [resolved(number) for number in range(1, 351)]
    if same_minute:
        for one_issue in issues:
            one_issue.created_at = at(1)
    async with stage("data-center", world_of(issues), url) as one:
        to_reopen = iter(issues[:15])

        def reopen_five() -> None:
            for reopened in islice(to_reopen, 5):
                reopened.resolved_at = None

        one.sandbox.meanwhile = reopen_five
        data = await one.data()
    still = {entry.key for entry in issues if entry.resolved_at is not None}
    assert still <= {entry.key for entry in data.issues}
    assert len(data.issues) == len({entry.key for entry in data.issues})
