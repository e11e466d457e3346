"""Editions that nothing stands in the way of: one team, one worker, and a week of its own for whoever needs one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import NamedTuple

import httpx
import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from devsync.contracts import names
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.due import DueOutcome, DueRequest
from devsync.contracts.edition import EditionResult, EditionStatus
from devsync.domain.changelog.window import last_week_ended_by
from devsync.runtime.causes import root_cause
from devsync.runtime.schedules import handle_of
from sandbox.expectation import expected_items
from sandbox.worlds.demo import demo_world
from tests.e2e.firing import apply, firings, until_quiet
from tests.e2e.stage import Stage, eventually, stage_for
from tests.servers import Servers


class Calm(NamedTuple):
    stage: Stage
    first: EditionResult
    """Of the week that is due now: a schedule that fires means the same."""


@pytest.fixture(scope="module")
async def calm(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Calm]:
    week = last_week_ended_by(datetime.now(UTC), "Europe/Berlin")
    async with stage_for(demo_world(week), servers, tmp_path_factory.mktemp("calm")) as stage, stage.worker():
        yield Calm(stage, await stage.run())


def posted(stage: Stage) -> tuple[int, int]:
    return stage.slack.counts.posts, stage.slack.counts.updates


async def test_the_edition_is_complete_posted_once_and_on_record(calm: Calm) -> None:
    stage, result = calm
    assert result.status is EditionStatus.COMPLETE
    edition = await stage.edition(result)
    world = stage.sandbox.world
    expected = {item.id: set(item.commits) for item in expected_items(world, world.teams[0], stage.week)}
    assert {item.id: set(item.commits) for item in edition.items} == expected
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert len(stage.keys) == len(set(stage.keys)) == len(stage.messages)
    main, *thread = stage.messages_of(stage.week)
    assert main.thread_ts is None
    assert all(message.thread_ts == main.ts for message in thread)
    assert stage.rows(f"SELECT status FROM runs WHERE run_id = '{result.run_id}'") == [{"status": "complete"}]
    (recorded,) = stage.rows(f"SELECT * FROM editions WHERE iso_week = '{stage.week}'")
    assert (recorded["revision"], recorded["item_count"]) == (1, result.item_count)
    assert recorded["content_digest"] == result.digest
    deliveries = stage.rows(f"SELECT * FROM deliveries WHERE iso_week = '{stage.week}' ORDER BY part")
    assert [(row["part"], row["state"]) for row in deliveries] == [(n, "delivered") for n in range(1 + len(thread))]
    assert deliveries[0]["message_id"] == main.ts
    assert stage.rows("SELECT * FROM collection_pages") == []


async def test_an_unchanged_week_run_again_posts_nothing(calm: Calm) -> None:
    stage, first = calm
    before = posted(stage)
    assert first.api_calls["slack"] == len(stage.messages_of(stage.week))
    second = await stage.run()
    assert "slack" not in second.api_calls
    assert second.run_id != first.run_id
    assert (second.revision, second.digest) == (first.revision, first.digest)
    assert second.channels == first.channels
    assert posted(stage) == before


async def test_a_firing_after_a_run_by_hand_posts_nothing_new(calm: Calm) -> None:
    stage, first = calm
    before = posted(stage)
    await apply(stage, day="monday", time="09:00")
    await handle_of(stage.client, stage.team).trigger()
    (due,) = await firings(stage, 1)
    await until_quiet(stage, due)
    assert due.outcome is DueOutcome.STARTED
    assert due.edition_run_id != first.run_id
    assert stage.rows(f"SELECT revision FROM editions WHERE iso_week = '{stage.week}'") == [{"revision": 1}]
    assert posted(stage) == before


async def test_a_trigger_started_by_hand_knows_no_week_and_says_so(calm: Calm) -> None:
    handle = await calm.stage.client.start_workflow(
        names.EDITION_TRIGGER,
        DueRequest(team=calm.stage.team),
        id=names.due_id(calm.stage.team),
        task_queue=names.CONTROL_QUEUE,
    )
    with pytest.raises(WorkflowFailureError) as failure:
        await asyncio.wait_for(handle.result(), 60)
    assert isinstance(failure.value.cause, ApplicationError)
    assert "no schedule started this run" in root_cause(failure.value)


async def test_a_week_without_activity_gives_a_short_honest_edition(calm: Calm) -> None:
    result = await calm.stage.run("2020-W10")
    assert (result.status, result.item_count) == (EditionStatus.COMPLETE, 0)
    assert len(calm.stage.messages_of("2020-W10")) == 1


async def test_two_starts_in_the_same_moment_make_one_edition(calm: Calm) -> None:
    stage, week = calm.stage, "2020-W11"
    first, second = await asyncio.gather(stage.start(week), stage.start(week))
    results = [await first.result(), await second.result()]
    assert results[0].run_id == results[1].run_id
    assert len(stage.rows(f"SELECT * FROM runs WHERE iso_week = '{week}'")) == 1
    assert len(stage.rows(f"SELECT * FROM editions WHERE iso_week = '{week}'")) == 1
    assert len(stage.messages_of(week)) == 1


async def test_a_dry_run_posts_nothing_and_leaves_no_edition_on_record(calm: Calm) -> None:
    stage = calm.stage
    before, recorded = posted(stage), stage.rows("SELECT * FROM editions")
    result = await (await stage.start(is_dry_run=True)).result()
    assert result.item_count > 0
    assert posted(stage) == before
    assert stage.rows("SELECT * FROM editions") == recorded
    preview = names.preview_id(stage.team, stage.week)
    assert stage.rows(f"SELECT status FROM runs WHERE workflow_id = '{preview}'") == [{"status": "complete"}]


async def test_the_web_ui_is_told_the_story(calm: Calm) -> None:
    stage, result = calm
    handle = stage.client.get_workflow_handle(result.workflow_id, run_id=result.run_id)
    metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    described = [*metadata.definition.query_definitions, *metadata.definition.signal_definitions]
    ours = {message.name: message.description for message in described if not message.name.startswith("__")}
    assert {"progress", "delivery_reported"} <= set(ours)
    assert all(ours.values())
    assert "**done**" in metadata.current_details
    description = await handle.describe()
    assert await description.static_summary() == f"Changelog of {stage.team} for {stage.week}"

    async def is_found() -> bool:
        query = f'Team = "{stage.team}" AND IsoWeek = "{stage.week}" AND EditionStatus = "complete"'
        return result.run_id in [execution.run_id async for execution in stage.client.list_workflows(query)]

    await eventually(is_found)
    history = await handle.fetch_history()
    scheduled = [event for event in history.events if event.HasField("activity_task_scheduled_event_attributes")]
    assert scheduled
    assert all(event.user_metadata.HasField("summary") for event in scheduled)
    assert all(
        event.user_metadata.HasField("summary")
        for event in history.events
        if event.HasField("timer_started_event_attributes")
    )
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(stage.servers.temporal.ui_url)).status_code == 200
