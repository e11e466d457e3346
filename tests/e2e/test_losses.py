"""What our own store loses of an edition: it goes out in time and names each loss, and an amendment brings it later."""

import asyncio
import json
import random
import string
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from devsync.contracts import names
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionProgress, EditionResult, EditionStatus, Phase
from sandbox.expectation import expected_items
from sandbox.faults import Fault, FaultKind
from sandbox.world import TeamSpec, World
from sandbox.worlds import phrases
from sandbox.worlds.assembly import assemble
from sandbox.worlds.calendar import Week
from sandbox.worlds.people import crowd
from sandbox.worlds.planning import Plan, PlannedChange
from tests.e2e.stage import PATIENCE_SECONDS, Stage, eventually, stage_for
from tests.servers import Servers

pytestmark = pytest.mark.timeout(300)

WEEK = "2026-W47"
TIMEZONE = "Europe/Berlin"
LONGEST_TITLE = 256
"""GitHub's own limit."""

CANNOT_BE_READ = "collected, but our own store cannot be read"
WITHOUT_TEXTS = "collected without descriptions"
TOO_LARGE_TOGETHER = "all sources together are too large to carry"
TOO_LARGE_ALONE = "too large to travel without it"


@asynccontextmanager
async def without_database(stage: Stage) -> AsyncIterator[None]:
    await stage.servers.postgres.stop()
    try:
        yield
    finally:
        await stage.servers.postgres.start()


def be_in_a_hurry(stage: Stage, deliver_by: timedelta, reserve: timedelta) -> None:
    stage.change_team(deliver_by=f"{deliver_by.seconds}s")
    stage.change_delivery(delivery_reserve=f"{reserve.seconds}s")
    stage.change_service("local", "retry", maximum="1s")


async def as_delivered(stage: Stage, handle: WorkflowHandle[Any, EditionResult]) -> EditionResult:
    """When it is out, and its records wait for the database."""
    await stage.until_phase(handle, Phase.RECORDING)
    progress: EditionProgress = await handle.query("progress", result_type=EditionProgress)
    assert progress.result is not None
    return progress.result


def posted_at(stage: Stage) -> datetime:
    """When the first message stood in the channel."""
    return datetime.fromtimestamp(float(stage.messages[0].ts), UTC)


def said(stage: Stage) -> str:
    """All that stands in the team's channel."""
    return json.dumps([message.blocks for message in stage.messages])


def losses(result: EditionResult) -> dict[str, str]:
    """Reasons by unit."""
    return {gap.unit: gap.reason for gap in result.gaps}


def items_without(world: World, lost: set[str]) -> int:
    """How many items the edition has when it lacks those repositories."""
    team = world.teams[0]
    kept = [name for name in team.repositories if names.repository_unit(name) not in lost]
    complete, team.repositories = team.repositories, kept
    try:
        return len(expected_items(world, team, WEEK))
    finally:
        team.repositories = complete


async def healed(stage: Stage) -> AmendmentProgress:
    """What the week's amendment has done, when it is over; somebody asks it to begin now."""
    amendment = stage.client.get_workflow_handle(names.amendment_id(stage.team, WEEK), result_type=AmendmentProgress)
    await amendment.signal("try_now", {"by": "anna"})
    return await asyncio.wait_for(amendment.result(), 120)


async def is_whole_and_on_record(stage: Stage) -> None:
    """Both revisions are on record, the second with everything that the sources know, and nothing stands twice."""
    rows = stage.rows("SELECT revision, status FROM editions ORDER BY revision")
    assert [(row["revision"], row["status"]) for row in rows] == [(1, "partial"), (2, "complete")]
    (second,) = stage.rows("SELECT item_count, gaps FROM editions WHERE revision = 2")
    assert (second["item_count"], second["gaps"]) == (items_without(stage.sandbox.world, set()), [])

    async def is_delivery_on_record() -> bool:
        rows = stage.rows("SELECT state, revision FROM deliveries")
        return {(row["state"], row["revision"]) for row in rows} == {("delivered", 2)}

    await eventually(is_delivery_on_record)
    assert len(stage.keys) == len(set(stage.keys)) == len(stage.messages)


async def test_what_lay_in_the_store_alone_is_missing_in_time_and_comes_when_the_store_is_back(stage: Stage) -> None:
    """The worker that had collected it is gone, and with it what it had in memory; then the database goes away."""
    deliver_by = timedelta(seconds=75)
    be_in_a_hurry(stage, deliver_by, reserve=timedelta(seconds=25))
    stage.change_service("jira", "retry", initial="500ms", maximum="1s")
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="jira", status=503))
    repositories = {names.repository_unit(name) for name in stage.sandbox.world.teams[0].repositories}
    async with stage.worker("first") as first:
        handle = await stage.start()

        async def are_collected() -> bool:
            progress: EditionProgress = await handle.query("progress", result_type=EditionProgress)
            return set(progress.units_done) == repositories

        await eventually(are_collected)
        async with stage.worker("second"):
            await first.kill()
            async with without_database(stage):
                stage.sandbox.faults.clear()
                made = await as_delivered(stage, handle)
                asked = len(stage.sandbox.log.select("github"))
                first_told = said(stage)
            result = await asyncio.wait_for(handle.result(), 90)
            amended = await healed(stage)
            await is_whole_and_on_record(stage)
    began = (await handle.describe()).start_time
    assert posted_at(stage) <= began + deliver_by
    assert (made.status, made.digest) == (EditionStatus.PARTIAL, result.digest)
    assert set(losses(made)) == repositories
    assert all(reason.startswith(CANNOT_BE_READ) for reason in losses(made).values())
    assert [channel.state for channel in made.channels] == [DeliveryState.DELIVERED]
    assert (amended.ended, set(amended.healed), amended.revision) == ("everything is there", repositories, 2)
    assert CANNOT_BE_READ in first_told
    assert "our own store" not in said(stage), "the second revision, in place of the first"
    asked_again = stage.sandbox.log.select("github")[asked:]
    assert {request.status for request in asked_again} == {304}, "what was remembered still holds"


def wordy_world(*pull_requests: int) -> World:
    """A repository for each number, with so many pull requests in the week. Nothing makes their titles smaller: a few
    weigh as much as thousands of ordinary ones."""
    week, chance, people = Week.of(WEEK, TIMEZONE), random.Random(47), crowd(20)
    plan = Plan(repositories=[f"acme/{phrases.repository_name(position)}" for position in range(len(pull_requests))])
    for repository, count in zip(plan.repositories, pull_requests, strict=True):
        for _ in range(count):
            landed_at = week.working_time(chance)
            change = PlannedChange(
                repository=repository,
                title="".join(chance.choices(string.ascii_letters + string.digits, k=LONGEST_TITLE)),
                author=chance.choice(people),
                opened_at=landed_at - timedelta(hours=3),
                landed_at=landed_at,
                body=phrases.body(chance),
            )
            plan.changes.append(change)
    repositories, projects = assemble(plan, seed=47)
    return World(
        repositories=repositories,
        projects=projects,
        slack_channels=["wordy"],
        teams=[TeamSpec("wordy", TIMEZONE, plan.repositories, [], ["wordy"])],
        week=WEEK,
        github_hourly_limit=1_000_000,
    )


async def test_what_is_too_large_to_carry_together_is_left_out_and_named(servers: Servers, tmp_path: Path) -> None:
    world = wordy_world(*[110] * 30, 5, 5)
    async with stage_for(world, servers, tmp_path) as stage, stage.worker():
        async with without_database(stage):
            handle = await stage.start()
            made = await as_delivered(stage, handle)
        result = await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
        amended = await healed(stage)
        await is_whole_and_on_record(stage)
    reasons = losses(made)
    left_out = {unit for unit, reason in reasons.items() if TOO_LARGE_TOGETHER in reason}
    cut = {unit for unit, reason in reasons.items() if WITHOUT_TEXTS in reason}
    assert left_out
    assert cut
    assert left_out | cut == set(reasons), reasons
    assert len(reasons) == 30, "the two small ones are there, with their texts"
    assert made.item_count == items_without(world, left_out), "what is not named is there"
    assert [channel.state for channel in made.channels] == [DeliveryState.DELIVERED]
    assert (made.status, made.digest) == (EditionStatus.PARTIAL, result.digest)
    assert (amended.ended, set(amended.healed)) == ("everything is there", set(reasons))


async def test_a_source_that_is_too_large_by_itself_is_waited_for_and_named(servers: Servers, tmp_path: Path) -> None:
    world = wordy_world(300, 20)
    largest = names.repository_unit(world.teams[0].repositories[0])
    deliver_by = timedelta(seconds=40)
    async with stage_for(world, servers, tmp_path) as stage, stage.worker():
        be_in_a_hurry(stage, deliver_by, reserve=timedelta(seconds=15))
        stage.keep_steps("github-collection", "cached")
        async with without_database(stage):
            handle = await stage.start()
            made = await as_delivered(stage, handle)
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
        amended = await healed(stage)
        await is_whole_and_on_record(stage)
    assert posted_at(stage) <= (await handle.describe()).start_time + deliver_by
    assert TOO_LARGE_ALONE in losses(made)[largest]
    assert made.item_count == items_without(world, {largest}) > 0
    assert (amended.ended, largest in amended.healed) == ("everything is there", True)
