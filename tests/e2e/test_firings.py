"""What comes of a schedule's firings: each of them counts, and a week has one edition, delivered once."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import ScheduleActionExecutionStartWorkflow, ScheduleBackfill

from commands.editions import start_edition
from devsync.contracts import names
from devsync.contracts.due import DueOutcome
from devsync.contracts.edition import EditionProgress, Phase
from devsync.domain.changelog.window import last_week_ended_by
from devsync.runtime import schedule_deeds
from devsync.runtime.schedules import Change, handle_of, started_by
from devsync.settings.team import DAYS
from sandbox.faults import Fault, FaultKind
from sandbox.world import World
from sandbox.worlds.demo import demo_world
from tests.checkout import Edit, changed_checkout
from tests.e2e.firing import apply, described, fast_schedule, firings, until_quiet
from tests.e2e.stage import Stage, eventually, stage_for
from tests.servers import Servers, running_temporal

BERLIN = ZoneInfo("Europe/Berlin")
SECONDS = timedelta(seconds=1)


def world_of_now() -> World:
    """Its busy week is the one that is due now."""
    return demo_world(last_week_ended_by(datetime.now(UTC), BERLIN.key))


@pytest.fixture
async def stage(servers: Servers, tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage_for(world_of_now(), servers, tmp_path) as ready:
        yield ready


@pytest.fixture(scope="module", autouse=True)
async def made_early(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """With a schedule that is older than a minute when the last test here asks for it: times have whole minutes."""
    async with stage_for(world_of_now(), servers, tmp_path_factory.mktemp("early")) as stage:
        await apply(stage, day=DAYS[(datetime.now(BERLIN).weekday() + 3) % 7], time="09:00")
        yield stage


async def progress_of(stage: Stage, week: str) -> EditionProgress:
    handle = stage.client.get_workflow_handle(names.edition_id(stage.team, week))
    progress: EditionProgress = await handle.query("progress", result_type=EditionProgress)
    return progress


async def told_in_the_web_ui(stage: Stage, workflow_id: str) -> str:
    handle = stage.client.get_workflow_handle(workflow_id)
    metadata: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return metadata.current_details


def one_message_a_part(stage: Stage) -> bool:
    """And nothing was posted and taken away anywhere; the monitor, which a schedule brings, posts to channels too."""
    everywhere = sum(len(channel.messages) for channel in stage.slack.channels.values())
    return len(stage.keys) == len(set(stage.keys)) == len(stage.messages) > 0 and stage.slack.counts.posts == everywhere


async def test_real_firings_of_one_week_make_one_edition_and_one_delivery(stage: Stage) -> None:
    async with stage.worker():
        handle = await fast_schedule(stage, every=3 * SECONDS)

        async def have_fired() -> bool:
            return (await handle.describe()).info.num_actions >= 2

        await eventually(have_fired)
        await handle.pause()
        due = await firings(stage, (await handle.describe()).info.num_actions)
        await until_quiet(stage, *due)
    assert due[1].scheduled_at - due[0].scheduled_at == 3 * SECONDS
    assert {one.edition_id for one in due} == {names.edition_id(stage.team, stage.week)}
    assert [row["revision"] for row in stage.rows("SELECT revision FROM editions")] == [1]
    assert one_message_a_part(stage)


async def test_two_triggers_in_one_second_make_one_edition(stage: Stage) -> None:
    async with stage.worker():
        await apply(stage, day="monday", time="09:00")
        handle = handle_of(stage.client, stage.team)
        await asyncio.sleep(1.02 - time.time() % 1)
        await asyncio.gather(handle.trigger(), handle.trigger())

        async def have_fired() -> bool:
            return bool((await handle.describe()).info.num_actions)

        await eventually(have_fired)
        # One or two, as the server likes: both have the same id, and the first may be over before the second comes.
        await until_quiet(stage, *await firings(stage, (await handle.describe()).info.num_actions))
    assert len(stage.rows("SELECT * FROM editions")) == 1
    assert one_message_a_part(stage)


async def test_a_firing_while_the_weeks_edition_runs_by_hand_joins_it(stage: Stage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=8000))
    async with stage.worker():
        by_hand = await stage.start()
        await stage.until_phase(by_hand, Phase.COLLECTING)
        await apply(stage, day="monday", time="09:00")
        code, output, _ = await stage.starter("schedule", "trigger", stage.team)
        assert code == 0
        assert f"{by_hand.id} runs already, and will be delivered" in output
        stage.sandbox.faults.clear()
        result = await by_hand.result()
        (due,) = await firings(stage, 1)
        await until_quiet(stage, due)
        newest = await stage.client.get_workflow_handle(by_hand.id).describe()
    assert (due.outcome, due.edition_run_id) == (DueOutcome.ALREADY_RUNNING, "")
    assert newest.run_id == result.run_id
    assert one_message_a_part(stage)


@pytest.mark.parametrize("phase", [Phase.COLLECTING, Phase.RECORDING])
async def test_a_firing_while_a_backfill_only_stores_makes_it_deliver(stage: Stage, phase: Phase) -> None:
    """The backfill holds the week's lock; left alone it would cost the team its edition."""
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=4000))
    async with stage.worker():
        backfill = await start_edition(stage.client, stage.team, stage.week, deliver=False)
        await stage.until_phase(backfill, Phase.COLLECTING)
        assert not (await progress_of(stage, stage.week)).will_deliver
        if phase is Phase.RECORDING:
            await stage.servers.postgres.stop()
            stage.sandbox.faults.clear()
        try:
            await stage.until_phase(backfill, phase)
            assert stage.messages == []
            await apply(stage, day="monday", time="09:00")
            await handle_of(stage.client, stage.team).trigger()
            (due,) = await firings(stage, 1)
        finally:
            if phase is Phase.RECORDING:
                await stage.servers.postgres.start()
        stage.sandbox.faults.clear()
        result = await asyncio.wait_for(backfill.result(), 90)
        await until_quiet(stage, due)
    assert due.outcome is DueOutcome.ALREADY_RUNNING
    assert [channel.state.value for channel in result.channels] == ["delivered"]
    assert one_message_a_part(stage)


async def test_a_firing_whose_edition_closes_before_it_is_asked_to_deliver_starts_the_next(
    stage: Stage, tmp_path: Path
) -> None:
    asking = '            if await signal_if_open(edition_id, "deliver"):'
    later = Edit("workflows/edition/edition_trigger.py", asking, f"            await workflow.sleep(3)\n{asking}")
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=4000))
    async with stage.worker(checkout=changed_checkout(tmp_path / "asks-later", [later])):
        by_hand = await stage.start()
        await stage.until_phase(by_hand, Phase.COLLECTING)
        await apply(stage, day="monday", time="09:00")
        await handle_of(stage.client, stage.team).trigger()

        async def is_about_to_ask() -> bool:
            actions = (await described(stage)).info.recent_actions
            if not actions:
                return False
            history = await stage.client.get_workflow_handle(started_by(actions[0])).fetch_history()
            return history.events[-1].HasField("timer_started_event_attributes")

        await eventually(is_about_to_ask)
        await by_hand.terminate("an operator was faster")
        stage.sandbox.faults.clear()
        (due,) = await firings(stage, 1)
        await until_quiet(stage, due)
    assert due.outcome is DueOutcome.STARTED
    assert due.edition_run_id not in ("", by_hand.first_execution_run_id)
    assert one_message_a_part(stage)


@pytest.mark.timeout(300)
async def test_what_fell_due_while_the_server_was_down_is_caught_up_and_nothing_is_lost(
    servers: Servers, tmp_path: Path
) -> None:
    every = 3 * SECONDS
    async with (
        running_temporal() as temporal,
        stage_for(world_of_now(), Servers(servers.postgres, temporal), tmp_path) as stage,
    ):
        async with stage.worker():
            handle = await fast_schedule(stage, every)

            async def have_fired(count: int) -> bool:
                return (await handle.describe()).info.num_actions >= count

            await eventually(partial(have_fired, 1))
            await temporal.kill()
            down_since = datetime.now(UTC)
            await asyncio.sleep(4 * every.total_seconds())
            up_since = datetime.now(UTC)
            await temporal.start()
            await eventually(partial(have_fired, 5))
            await handle.pause()
            actions = (await handle.describe()).info.num_actions
            due = await firings(stage, actions)
            await until_quiet(stage, *due)
            info = (await handle.describe()).info
        missed = [one.scheduled_at for one in due if down_since < one.scheduled_at < up_since]
        assert len(missed) >= 3
        scheduled = [one.scheduled_at for one in due]
        assert scheduled == [scheduled[0] + number * every for number in range(actions)]
        assert (info.num_actions_missed_catchup_window, info.num_actions_skipped_overlap) == (0, 0)
        assert {one.iso_week for one in due} == {stage.week}
        assert [row["revision"] for row in stage.rows("SELECT revision FROM editions")] == [1]
        assert one_message_a_part(stage)


async def test_a_worker_that_comes_late_starts_what_waited_and_says_how_late(stage: Stage) -> None:
    """The server's own backfill stands for firings that found no worker for weeks."""
    await apply(stage, day="monday", time="09:00")
    handle = handle_of(stage.client, stage.team)
    await handle.backfill(ScheduleBackfill(datetime(2026, 10, 18, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)))
    async with stage.worker():
        due = await firings(stage, 3)
        await until_quiet(stage, *due)
        notes = (await progress_of(stage, "2026-W43")).notes
        stories = [
            await told_in_the_web_ui(stage, workflow_id)
            for workflow_id in (f"due:{stage.team}-2026-10-26T08:00:00Z", names.edition_id(stage.team, "2026-W43"))
        ]
    assert [(one.iso_week, one.scheduled_at) for one in due] == [
        ("2026-W42", datetime(2026, 10, 19, 7, tzinfo=UTC)),
        ("2026-W43", datetime(2026, 10, 26, 8, tzinfo=UTC)),
        ("2026-W44", datetime(2026, 11, 2, 8, tzinfo=UTC)),
    ]
    assert all(one.late_by is not None for one in due)
    assert [note.partition(", started")[0] for note in notes] == ["schedule: due 2026-10-26 09:00 Europe/Berlin"]
    assert notes[0].endswith(" late")
    assert f"Week 2026-W43: `{names.edition_id(stage.team, '2026-W43')}` **started**" in stories[0]
    assert all(" late" in story for story in stories)
    assert one_message_a_part(stage)


async def test_a_broken_configuration_is_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule_deeds, "WORKER_SECONDS", 2.0)
    await apply(stage, day="monday", time="09:00")
    team_file = stage.directory / "config" / "teams" / f"{stage.team}.yaml"
    async with stage.worker():
        right = team_file.read_text()
        team_file.write_text(right + "deliver_by: soon\n")
        code, output, _ = await stage.starter("schedule", "trigger", stage.team)
        assert code == 0
        assert "waits: " in output
        assert f"{team_file}:" in output
        assert '"soon" is not a duration' in output
        (action,) = (await described(stage)).info.recent_actions
        fired = action.action
        assert isinstance(fired, ScheduleActionExecutionStartWorkflow)
        await stage.client.get_workflow_handle(fired.workflow_id).signal("deliver", "now")
        team_file.write_text(right)
        (due,) = await firings(stage, 1)
        await until_quiet(stage, due)
        story = await told_in_the_web_ui(stage, fired.workflow_id)
    assert "- Refused signal 'deliver' at " in story
    assert due.outcome is DueOutcome.STARTED
    assert one_message_a_part(stage)


async def test_the_firing_of_a_team_that_is_gone_fails_and_says_what_to_do(stage: Stage) -> None:
    await apply(stage, day="monday", time="09:00")
    async with stage.worker():
        team_file = stage.directory / "config" / "teams" / f"{stage.team}.yaml"
        (team_file.parent / "others.yaml").write_text(team_file.read_text().replace(stage.team, "others"))
        team_file.unlink()
        code, _, errors = await stage.starter("schedule", "trigger", stage.team)
    assert code == 1
    assert f"python starter.py schedule delete {stage.team}" in errors
    assert stage.messages == []


async def test_a_week_that_a_new_time_puts_into_the_past_is_started(made_early: Stage) -> None:
    """Moved from nine to eight at half past eight: the server fires only what falls due from now on."""
    stage = made_early
    created_at = (await described(stage)).info.created_at.astimezone(BERLIN)
    minute = created_at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    await asyncio.sleep((minute - datetime.now(UTC)).total_seconds() + 0.5)
    moved = (await apply(stage, day=DAYS[minute.weekday()], time=f"{minute:%H:%M}")).schedules[stage.team]
    assert moved.caught_up is not None
    async with stage.worker():
        (due,) = await firings(stage, 1)
        await until_quiet(stage, due)
    assert (due.scheduled_at, due.iso_week) == (minute, moved.caught_up)
    assert due.edition_id == names.edition_id(stage.team, moved.caught_up)
    # Once it has fired, another change makes nothing of it.
    again = (await apply(stage, day=DAYS[minute.weekday()], time=f"{minute:%H:%M}", jitter="1s")).schedules[stage.team]
    assert (again.change, again.caught_up) == (Change.UPDATED, None)
