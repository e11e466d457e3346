"""Two builds side by side on the real server: a deploy, its roll-back, and the end of the old build."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from temporalio.client import WorkflowHandle

from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionStatus, Phase
from sandbox.faults import Fault, FaultKind
from sandbox.worlds.demo import demo_world
from tests.checkout import Edit, changed_checkout
from tests.e2e.builds import DRAINAGE, Builds, builds_of, processes_of_activities
from tests.e2e.stage import PATIENCE_SECONDS, eventually, stage_for, until_listed
from tests.servers import Servers, running_temporal

Result = TypeVar("Result")

pytestmark = pytest.mark.timeout(300)

PATIENT = ["3s"] * 20
"""A delivery with it stays open while builds change, and ends soon after Slack is back."""
QUIET_WEEK, QUIETER_WEEK = "2020-W10", "2020-W11"

FIRST = "        plan = await self._plan()\n"
INCOMPATIBLE = Edit("workflows/edition/weekly_changelog.py", FIRST, f"        await workflow.sleep(1)\n{FIRST}")
"""An edition of the old build that came to this one would be stuck for ever."""

MESSAGES = "devsync/contracts/delivery.py"
REQUEST, PART = "class DeliveryRequest(Model):\n", "class PartRecord(Model):\n"
NEW_FIELDS = (
    Edit(MESSAGES, REQUEST, f'{REQUEST}    urgency: str = "high"\n'),
    Edit(MESSAGES, PART, f'{PART}    colour: str = "green"\n'),
)
RECALL = "        await self._recall()\n"
PATCH = '        if workflow.patched("record-first"):\n            await self._record()\n'
PASSED = 'TemporalChangeVersion = "record-first" AND ExecutionStatus = "Running"'
PATCHED = Edit("workflows/delivery/delivery.py", RECALL, f"{RECALL}{PATCH}")
"""A run that has passed here is stuck on a build that knows nothing of the patch."""


@pytest.fixture
async def builds(servers: Servers, tmp_path: Path) -> AsyncIterator[Builds]:
    """A server of its own: on one that has a current version, workers without any would get nothing."""
    async with (
        running_temporal(DRAINAGE) as temporal,
        stage_for(demo_world("2026-W47"), Servers(servers.postgres, temporal), tmp_path) as stage,
    ):
        yield Builds(stage)


async def ended(handle: WorkflowHandle[Any, Result]) -> Result:
    return await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)


async def test_an_edition_ends_on_its_build_while_the_next_one_starts_on_the_new_build(
    builds: Builds, tmp_path: Path
) -> None:
    stage = builds.stage
    second = changed_checkout(tmp_path / "build-2", [INCOMPATIBLE])
    slow = stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=9000))
    async with builds.worker("1") as old:
        await builds.set_current("1")
        async with builds.worker("2", second) as new:
            begun = await stage.start()
            await stage.until_phase(begun, Phase.COLLECTING)
            await builds.set_current("2")
            stage.sandbox.faults.clear(slow)
            fresh = await stage.start(QUIET_WEEK)
            first, next_one = await ended(begun), await ended(fresh)
            assert (first.status, next_one.status) == (EditionStatus.COMPLETE, EditionStatus.COMPLETE)
            assert set(await builds_of(begun)) == {"1"}
            assert await processes_of_activities(begun) == {old.pid}
            assert set(await builds_of(fresh)) == {"2"}
            assert await processes_of_activities(fresh) == {new.pid}

            # The delivery begins where its edition runs, and goes on with the current build.
            delivery = stage.delivery(stage.week)
            assert (await ended(delivery)).state is DeliveryState.DELIVERED
            on_builds = await builds_of(delivery)
            assert (on_builds[0], on_builds[-1]) == ("1", "2")
            assert len(stage.keys) == len(set(stage.keys)) == len(stage.messages)

            await eventually(lambda: builds.is_drained("1"))
            old.popen.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(old.wait(), 40) == 0
            assert (await ended(await stage.start(QUIETER_WEEK))).status is EditionStatus.COMPLETE


async def test_after_a_roll_back_the_old_build_reads_what_the_new_one_wrote(builds: Builds, tmp_path: Path) -> None:
    stage = builds.stage
    stage.change_delivery(delivery_reserve="1s", slack={"retry_schedule": PATIENT})
    stage.change_team(deliver_by="4s")
    second = changed_checkout(tmp_path / "build-2", NEW_FIELDS)
    async with builds.worker("1"), builds.worker("2", second):
        await builds.set_current("2")
        stage.sandbox.pause("slack")
        edition = await stage.start()
        assert (await ended(edition)).channels[0].state is DeliveryState.QUEUED
        delivery = stage.delivery(stage.week)
        started = (await delivery.fetch_history()).events[0].workflow_execution_started_event_attributes
        assert b"urgency" in started.input.payloads[0].data
        await builds.set_current("1")
        stage.sandbox.resume("slack")
        assert (await ended(delivery)).state is DeliveryState.DELIVERED
        on_builds = await builds_of(delivery)
        assert (on_builds[0], on_builds[-1]) == ("2", "1")
        assert len(stage.keys) == len(set(stage.keys)) == len(stage.messages)
        fresh = await stage.start(QUIET_WEEK)
        await ended(fresh)
        assert set(await builds_of(fresh)) == {"1"}


async def test_a_run_that_has_passed_a_new_patch_is_pinned_before_the_roll_back(builds: Builds, tmp_path: Path) -> None:
    stage = builds.stage
    stage.change_delivery(delivery_reserve="1s", slack={"retry_schedule": PATIENT})
    stage.change_team(deliver_by="4s")
    second = changed_checkout(tmp_path / "build-2", [PATCHED])
    async with builds.worker("1"), builds.worker("2", second):
        await builds.set_current("2")
        stage.sandbox.pause("slack")
        await ended(await stage.start())
        delivery = stage.delivery(stage.week)
        # What the server's list does not have yet would be passed over.
        await until_listed(stage.client, PASSED, delivery.id)
        await builds.temporal(
            *("workflow", "update-options", "--yes", "--reason", "roll back"),
            *("--query", PASSED),
            *("--versioning-override-behavior", "pinned", "--versioning-override-build-id", "2"),
            *("--versioning-override-deployment-name", builds.deployment),
        )

        async def is_pinned() -> bool:
            info = (await delivery.describe()).raw_description.workflow_execution_info.versioning_info
            return info.versioning_override.pinned.version.build_id == "2"

        await eventually(is_pinned)
        await builds.set_current("1")
        stage.sandbox.resume("slack")
        assert (await ended(delivery)).state is DeliveryState.DELIVERED
        assert set(await builds_of(delivery)) == {"2"}
