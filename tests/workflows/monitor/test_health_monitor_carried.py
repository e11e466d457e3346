"""The monitor on a server that suggests continue-as-new early: what it has told crosses the seam."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from devsync.contracts.monitor import MonitorAnswer
from devsync.runtime.plugin import DevSyncPlugin
from sandbox.temporal_server import TemporalServer
from tests.domain.health.makers import calls
from tests.e2e.stage import eventually
from tests.servers import SHORT_HISTORY
from tests.workflows.monitor_stage import ALERTS, SETTINGS, Channels, Stage, World, monitor_stage, served

pytestmark = pytest.mark.timeout(180)

EVENTS_A_LOOK = 11
"""A timer (2), an activity (3), and a workflow task for each (6)."""
LONGEST = next(iter(SHORT_HISTORY.values())) + 60
"""What is under way when the server suggests to continue, and one more look."""


HASTY = SETTINGS.model_copy(
    update={
        "interval": timedelta(milliseconds=1),
        "policy": SETTINGS.policy.model_copy(update={"resolve_after": timedelta()}),
    }
)


@pytest.fixture
async def client(hasty_temporal: TemporalServer) -> Client:
    return await Client.connect(hasty_temporal.address, plugins=[DevSyncPlugin()])


@pytest.fixture
async def stage(client: Client) -> AsyncIterator[Stage]:
    async with monitor_stage(client) as stage:
        stage.world.settings = HASTY
        yield stage


async def run_id(stage: Stage) -> str:
    return str((await stage.handle.describe()).run_id)


async def until_new_run(stage: Stage) -> str:
    """Nonsense makes the history longer, so that nobody has to wait. Returns the run that ended."""
    before = await run_id(stage)

    async def is_another() -> bool:
        await stage.say("nonsense")
        return await run_id(stage) != before

    await eventually(is_another)
    return before


async def test_what_was_told_is_not_told_again_by_the_next_run_and_its_message_is_still_changed(stage: Stage) -> None:
    stage.world.is_now(services=(calls(failures=10),))
    await stage.start()
    await stage.until_titled("Alert")
    await stage.handle.execute_update(
        "acknowledge", {"by": "anna", "alert": "error_rate:github"}, result_type=MonitorAnswer
    )
    await stage.handle.execute_update(
        "mute", {"by": "anna", "pattern": "*:jira", "minutes": 60}, result_type=MonitorAnswer
    )
    await until_new_run(stage)
    await until_new_run(stage)
    looks = len(stage.world.looks)
    view = await stage.until(lambda _: len(stage.world.looks) > looks + 1)
    (error_rate,) = [alert for alert in view.alerts if alert.key == "error_rate:github"]
    assert (error_rate.acknowledged_by, [mute.pattern for mute in view.mutes]) == ("anna", ["*:jira"])
    assert stage.people.pages() == [ALERTS]
    stage.world.is_now()
    await stage.until_titled("Resolved")
    await stage.until(lambda view: view.unrecorded == 0)
    assert [state for key, state in stage.world.history if key == "error_rate:github"] == [
        "firing", "acknowledged", "resolved",
    ]  # fmt: skip


async def test_another_worker_goes_on_and_tells_nothing_again(client: Client) -> None:
    stage = Stage(client, World(settings=HASTY), Channels())
    stage.world.is_now(services=(calls(failures=10),))
    async with served(stage):
        await stage.start()
        await stage.until_titled("Alert")
    looks = len(stage.world.looks)
    async with served(stage):
        await stage.until(lambda _: len(stage.world.looks) > looks + 2)
        assert stage.people.pages() == [ALERTS]
        assert not stage.people.notes()
        stage.world.is_now()
        await stage.until_titled("Resolved")
        await stage.handle.terminate("its test is over")


async def test_a_message_that_could_not_be_sent_crosses_the_seam(stage: Stage) -> None:
    stage.people.away.add(ALERTS)
    stage.world.is_now(services=(calls(failures=10),))
    await stage.start()
    await stage.until(lambda view: bool(view.told))
    await until_new_run(stage)
    stage.people.away.clear()
    await stage.until_titled("Alert")


async def test_changes_that_wait_for_the_database_cross_the_seam(stage: Stage) -> None:
    stage.world.is_database_away, stage.world.records_retried_after = True, timedelta(seconds=1)
    stage.world.is_now(services=(calls(failures=10),))
    await stage.start()
    await stage.until(lambda view: view.unrecorded > 0)
    await until_new_run(stage)
    stage.world.is_database_away = False
    await stage.until(lambda view: view.unrecorded == 0)
    assert stage.world.history.count(("error_rate:github", "firing")) == 1


async def test_a_look_is_a_few_events_and_a_run_is_bounded(stage: Stage) -> None:
    await stage.start()
    first = await run_id(stage)
    looks = len(stage.world.looks)

    async def have_passed() -> bool:
        return len(stage.world.looks) >= looks + 5

    began = (await stage.handle.describe()).history_length
    await eventually(have_passed)
    added, passed = (await stage.handle.describe()).history_length - began, len(stage.world.looks) - looks
    assert added <= EVENTS_A_LOOK * (passed + 1)
    await until_new_run(stage)
    ended = stage.client.get_workflow_handle(stage.handle.id, run_id=first)
    assert (await ended.describe()).history_length <= LONGEST


async def test_it_can_be_started_again_after_somebody_ended_it(stage: Stage) -> None:
    await stage.start()
    await stage.handle.terminate("by mistake")
    with pytest.raises(RPCError):
        await asyncio.wait_for(stage.handle.signal("mute"), 60)
    await stage.start()
