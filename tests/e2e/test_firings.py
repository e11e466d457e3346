"""What comes of a schedule's firings: each of them counts, and a week has one edition, delivered once."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import ScheduleBackfill, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from commands.editions import root_cause, start_edition
from devsync.contracts import names
from devsync.contracts.due import DueOutcome, DueRequest
from devsync.contracts.edition import EditionProgress, Phase
from devsync.contracts.names import SEARCH_ATTRIBUTES
from devsync.domain.changelog.window import last_week_ended_by
from devsync.runtime.schedules import handle_of
from sandbox.faults import Fault, FaultKind
from sandbox.temporal_server import dev_server
from sandbox.worlds.demo import demo_world
from tests.e2e.firing import apply, executions, fast_schedule, firings, starter, until_quiet
from tests.e2e.stage import Servers, Stage, eventually, forget, stage_for

BERLIN = "Europe/Berlin"
SECONDS = timedelta(seconds=1)


def week_now() -> str:
    """The week that a firing means which is due now."""
    return last_week_ended_by(datetime.now(UTC), BERLIN)


@pytest.fixture
async def stage(servers: Servers, tmp_path: Path) -> AsyncIterator[Stage]:
    """A team whose busy week is the one that is due now."""
    async with stage_for(demo_world(week_now()), servers, tmp_path) as ready:
        yield ready
        await forget(ready.client, ready.team)


async def edition_of(stage: Stage, week: str) -> EditionProgress:
    handle = stage.client.get_workflow_handle(names.edition_id(stage.team, week))
    progress: EditionProgress = await handle.query("progress", result_type=EditionProgress)
    return progress


async def told_in_the_web_ui(stage: Stage, workflow_id: str) -> str:
    handle = stage.client.get_workflow_handle(workflow_id)
    metadata: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return metadata.current_details


def one_message_a_part(stage: Stage) -> bool:
    return len(stage.keys) == len(set(stage.keys)) == len(stage.messages) == stage.slack.counts.posts > 0


async def test_real_firings_of_one_week_make_one_edition_and_one_delivery(stage: Stage) -> None:
    async with stage.worker():
        handle = await fast_schedule(stage, every=8 * SECONDS)

        async def have_fired() -> bool:
            return (await handle.describe()).info.num_actions >= 2

        await eventually(have_fired)
        await handle.pause()
        due = await firings(stage, (await handle.describe()).info.num_actions)
        await until_quiet(stage)
    assert due[1].scheduled_at - due[0].scheduled_at == 8 * SECONDS
    assert {one.edition_id for one in due} == {names.edition_id(stage.team, week_now())}
    assert [row["revision"] for row in stage.rows("SELECT revision FROM editions")] == [1]
    assert one_message_a_part(stage)


async def test_two_triggers_in_one_second_make_one_edition(stage: Stage) -> None:
    async with stage.worker():
        await apply(stage, day="monday", time="09:00")
        handle = handle_of(stage.client, stage.team)
        await asyncio.sleep(1.02 - time.time() % 1)
        await asyncio.gather(handle.trigger(), handle.trigger())
        await until_quiet(stage)
    triggers = await executions(stage, names.EDITION_TRIGGER)
    assert {run.status for run in triggers} == {WorkflowExecutionStatus.COMPLETED}
    assert len(stage.rows("SELECT * FROM editions")) == 1
    assert one_message_a_part(stage)


async def test_a_firing_while_the_weeks_edition_runs_by_hand_joins_it(stage: Stage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=4000))
    async with stage.worker():
        by_hand = await stage.start(week_now())
        await stage.until_phase(by_hand, Phase.COLLECTING)
        await apply(stage, day="monday", time="09:00")
        code, output, _ = await starter(stage, "schedule", "trigger", stage.team)
        assert code == 0
        assert f"{by_hand.id} runs already, and will be delivered" in output
        result = await by_hand.result()
        (due,) = await firings(stage, 1)
        await until_quiet(stage)
    assert (due.outcome, due.edition_run_id) == (DueOutcome.ALREADY_RUNNING, "")
    assert [run.run_id for run in await executions(stage, names.WEEKLY_CHANGELOG)] == [result.run_id]
    assert one_message_a_part(stage)


async def test_a_firing_after_a_run_by_hand_posts_nothing_new(stage: Stage) -> None:
    async with stage.worker():
        first = await stage.run(week_now())
        posts = stage.slack.counts.posts
        await apply(stage, day="monday", time="09:00")
        await handle_of(stage.client, stage.team).trigger()
        (due,) = await firings(stage, 1)
        await until_quiet(stage)
    assert due.outcome is DueOutcome.STARTED
    assert due.edition_run_id != first.run_id
    assert [row["revision"] for row in stage.rows("SELECT revision FROM editions")] == [1]
    assert (stage.slack.counts.posts, stage.slack.counts.updates) == (posts, 0)


@pytest.mark.parametrize("phase", [Phase.COLLECTING, Phase.RECORDING])
async def test_a_firing_while_a_backfill_only_stores_makes_it_deliver(stage: Stage, phase: Phase) -> None:
    """The backfill holds the week's lock; left alone it would cost the team its edition."""
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=1500))
    async with stage.worker():
        backfill = await start_edition(stage.client, stage.team, week_now(), deliver=False)
        await stage.until_phase(backfill, Phase.COLLECTING)
        assert not (await edition_of(stage, week_now())).will_deliver
        if phase is Phase.RECORDING:
            await stage.servers.postgres.stop()
        try:
            await stage.until_phase(backfill, phase)
            assert stage.messages == []
            await apply(stage, day="monday", time="09:00")
            await handle_of(stage.client, stage.team).trigger()
            (due,) = await firings(stage, 1)
        finally:
            if phase is Phase.RECORDING:
                await stage.servers.postgres.start()
        result = await asyncio.wait_for(backfill.result(), 90)
        await until_quiet(stage)
    assert due.outcome is DueOutcome.ALREADY_RUNNING
    assert [channel.state.value for channel in result.channels] == ["delivered"]
    assert one_message_a_part(stage)


@pytest.mark.timeout(300)
async def test_what_fell_due_while_the_server_was_down_is_caught_up_and_nothing_is_lost(
    servers: Servers, tmp_path: Path
) -> None:
    every = 4 * SECONDS
    async with (
        dev_server(
            tmp_path / "temporal.db", search_attributes={key.name: "Keyword" for key in SEARCH_ATTRIBUTES}
        ) as temporal,
        stage_for(demo_world(week_now()), Servers(servers.postgres, temporal), tmp_path) as stage,
    ):
        async with stage.worker():
            handle = await fast_schedule(stage, every)

            async def have_fired(count: int) -> bool:
                return (await handle.describe()).info.num_actions >= count

            await eventually(partial(have_fired, 1))
            await temporal.kill()
            down_since = datetime.now(UTC)
            await asyncio.sleep(5 * every.total_seconds())
            up_since = datetime.now(UTC)
            await temporal.start()
            await eventually(partial(have_fired, 6))
            await handle.pause()
            actions = (await handle.describe()).info.num_actions
            due = await firings(stage, actions)
            await until_quiet(stage)
            info = (await handle.describe()).info
        missed = [one.scheduled_at for one in due if down_since < one.scheduled_at < up_since]
        assert len(missed) >= 4
        scheduled = [one.scheduled_at for one in due]
        assert scheduled == [scheduled[0] + number * every for number in range(actions)]
        assert (info.num_actions_missed_catchup_window, info.num_actions_skipped_overlap) == (0, 0)
        assert {one.iso_week for one in due} == {week_now()}
        assert [row["revision"] for row in stage.rows("SELECT revision FROM editions")] == [1]
        assert one_message_a_part(stage)


async def test_a_worker_that_comes_late_starts_what_waited_and_says_how_late(stage: Stage) -> None:
    """The server's own backfill stands for firings that found no worker for weeks."""
    await apply(stage, day="monday", time="09:00")
    handle = handle_of(stage.client, stage.team)
    await handle.backfill(ScheduleBackfill(datetime(2026, 10, 18, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)))
    async with stage.worker():
        due = await firings(stage, 3)
        await until_quiet(stage)
        notes = (await edition_of(stage, "2026-W43")).notes
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


async def test_a_broken_configuration_is_waited_for(stage: Stage) -> None:
    await apply(stage, day="monday", time="09:00")
    team_file = stage.directory / "config" / "teams" / f"{stage.team}.yaml"
    async with stage.worker():
        right = team_file.read_text()
        team_file.write_text(right + "deliver_by: soon\n")
        code, output, _ = await starter(stage, "schedule", "trigger", stage.team)
        assert code == 0
        assert "waits: " in output
        assert f"{team_file}:" in output
        assert '"soon" is not a duration' in output
        (waiting,) = await executions(stage, names.EDITION_TRIGGER)
        await stage.client.get_workflow_handle(waiting.id).signal("deliver", "now")
        team_file.write_text(right)
        (due,) = await firings(stage, 1)
        await until_quiet(stage)
        story = await told_in_the_web_ui(stage, waiting.id)
    assert "- Refused signal 'deliver' at " in story
    assert due.outcome is DueOutcome.STARTED
    assert one_message_a_part(stage)


async def test_the_firing_of_a_team_that_is_gone_fails_and_says_what_to_do(stage: Stage) -> None:
    await apply(stage, day="monday", time="09:00")
    async with stage.worker():
        team_file = stage.directory / "config" / "teams" / f"{stage.team}.yaml"
        (team_file.parent / "others.yaml").write_text(team_file.read_text().replace(stage.team, "others"))
        team_file.unlink()
        code, _, errors = await starter(stage, "schedule", "trigger", stage.team)
    assert code == 1
    assert f"python starter.py schedule delete {stage.team}" in errors
    assert stage.messages == []


async def test_a_trigger_started_by_hand_knows_no_week_and_says_so(stage: Stage) -> None:
    async with stage.worker():
        handle = await stage.client.start_workflow(
            names.EDITION_TRIGGER,
            DueRequest(team=stage.team),
            id=names.due_id(stage.team),
            task_queue=names.CONTROL_QUEUE,
        )
        with pytest.raises(WorkflowFailureError) as failure:
            await asyncio.wait_for(handle.result(), 30)
    assert isinstance(failure.value.cause, ApplicationError)
    assert "no schedule started this run" in root_cause(failure.value)
