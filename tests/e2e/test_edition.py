"""One edition end to end: what it holds, where it goes, what stays on record."""

import json

import httpx
import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from commands.console import Told
from commands.editions import watch_edition
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionProgress, EditionResult, EditionStatus, Phase
from devsync.domain.changelog.edition import Edition
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from sandbox.expectation import expected_items
from sandbox.faults import Fault, FaultKind
from tests.e2e.stage import Stage, eventually

IMPATIENT = {"schedule_to_close": "5s", "start_to_close": "5s", "heartbeat": "4s", "http_read": "2s"}


async def edition_of(stage: Stage, result: EditionResult) -> Edition:
    database = Database(stage.environment["DATABASE_URL"], pool_size=1)
    try:
        assert result.edition is not None
        return Edition.model_validate_json(await ArtifactStore(database).get(result.edition))
    finally:
        await database.dispose()


async def test_a_calm_week_is_complete_posted_once_and_on_record(stage: Stage) -> None:
    async with stage.worker():
        result = await stage.run()
    assert result.status is EditionStatus.COMPLETE
    edition = await edition_of(stage, result)
    world = stage.sandbox.world
    expected = {item.id: set(item.commits) for item in expected_items(world, world.teams[0], "2026-W47")}
    assert {item.id: set(item.commits) for item in edition.items} == expected
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert len(stage.keys) == len(set(stage.keys)) == len(stage.messages)
    assert stage.messages[0].thread_ts is None
    assert all(message.thread_ts == stage.messages[0].ts for message in stage.messages[1:])
    (run,) = stage.rows("SELECT status, api_calls FROM runs")
    assert run["status"] == "complete"
    (recorded,) = stage.rows("SELECT revision, item_count, content_digest FROM editions")
    assert recorded == {"revision": 1, "item_count": result.item_count, "content_digest": result.digest}
    deliveries = stage.rows("SELECT part, state, message_id FROM deliveries ORDER BY part")
    assert [(row["part"], row["state"]) for row in deliveries] == [(n, "delivered") for n in range(len(stage.messages))]
    assert deliveries[0]["message_id"] == stage.messages[0].ts
    assert stage.rows("SELECT * FROM collection_pages") == []


async def test_an_unchanged_week_run_again_posts_nothing(stage: Stage) -> None:
    async with stage.worker():
        first = await stage.run()
        posts = stage.slack.counts.posts
        second = await stage.run()
    assert second.run_id != first.run_id
    assert (second.revision, second.digest) == (first.revision, first.digest)
    assert second.channels == first.channels
    assert first.api_calls["slack"] == posts
    assert "slack" not in second.api_calls
    assert (stage.slack.counts.posts, stage.slack.counts.updates) == (posts, 0)


async def test_a_changed_week_becomes_the_next_revision_in_the_same_messages(stage: Stage) -> None:
    async with stage.worker():
        await stage.run()
        before = [message.ts for message in stage.messages]
        stage.change_team(github={"repositories": stage.sandbox.world.teams[0].repositories})
        second = await stage.run()
    assert second.revision == 2
    assert [message.ts for message in stage.messages] == before
    assert stage.slack.counts.updates >= 1
    skipped = next(
        pull.title
        for repository in stage.sandbox.world.repositories.values()
        for pull in repository.pull_requests
        if "skip-changelog" in pull.labels
    )
    assert skipped.removeprefix("chore: ") in json.dumps([message.blocks for message in stage.messages])


async def test_a_source_that_stays_down_leaves_a_named_gap_and_the_edition_goes_out(stage: Stage) -> None:
    stage.change_service("github", "timeouts", **IMPATIENT)
    stage.change_service("github", "retry", maximum="1s")
    stage.choose_road("rest")
    broken = next(iter(stage.sandbox.world.repositories))
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route=f"/repos/{broken}/"))
    async with stage.worker():
        result = await stage.run()
    assert result.status is EditionStatus.PARTIAL
    assert [gap.unit for gap in result.gaps] == [f"github:{broken}"]
    assert "503" in result.gaps[0].reason
    units = len(stage.sandbox.world.repositories) + len(stage.sandbox.world.projects)
    assert result.completeness == pytest.approx((units - 1) / units)
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert broken in json.dumps([message.blocks for message in stage.messages])


async def test_every_source_down_still_gives_an_honest_edition(stage: Stage) -> None:
    for service in ("github", "jira"):
        stage.change_service(service, "timeouts", **IMPATIENT)
        stage.sandbox.pause(service)
    async with stage.worker():
        result = await stage.run()
    assert result.status is EditionStatus.PARTIAL
    assert (result.completeness, result.item_count) == (0.0, 0)
    assert len(stage.messages) >= 1


async def test_a_week_without_activity_gives_a_short_honest_edition(stage: Stage) -> None:
    async with stage.worker():
        result = await stage.run("2020-W10")
    assert (result.status, result.item_count) == (EditionStatus.COMPLETE, 0)
    assert len(stage.messages) == 1


async def test_a_dry_run_posts_nothing_and_leaves_no_edition_on_record(stage: Stage) -> None:
    async with stage.worker():
        handle = await stage.start(is_dry_run=True)
        result = await handle.result()
    assert result.item_count > 0
    assert stage.messages == []
    assert stage.rows("SELECT * FROM editions") == []
    assert [run["status"] for run in stage.rows("SELECT status FROM runs")] == ["complete"]


async def test_at_the_deadline_an_unreachable_channel_is_queued_and_still_gets_the_edition(stage: Stage) -> None:
    stage.change_delivery(delivery_reserve="2s")
    stage.change_team(deliver_by="6s")
    stage.sandbox.pause("slack")
    async with stage.worker():
        result = await stage.run()
        assert [channel.state for channel in result.channels] == [DeliveryState.QUEUED]
        assert stage.messages == []
        stage.sandbox.resume("slack")

        async def is_delivered() -> bool:
            return bool(stage.rows("SELECT 1 FROM deliveries WHERE state = 'delivered'"))

        await eventually(is_delivered)
    assert len(stage.keys) == len(set(stage.keys)) >= 1


async def test_two_starts_in_the_same_moment_make_one_edition(stage: Stage) -> None:
    async with stage.worker():
        first, second = await stage.start(), await stage.start()
        results = [await first.result(), await second.result()]
    assert results[0].run_id == results[1].run_id
    assert len(stage.keys) == len(set(stage.keys))


async def test_cancelling_before_delivery_posts_nothing_and_records_who(stage: Stage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=3000))
    async with stage.worker():
        handle = await stage.start()
        await stage.until_phase(handle, Phase.COLLECTING)
        await handle.cancel(reason="anna: wrong week")
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
    assert isinstance(failure.value.cause, CancelledError)
    assert stage.messages == []
    (run,) = stage.rows("SELECT status, cancelled_because FROM runs")
    assert run == {"status": "cancelled", "cancelled_because": "anna: wrong week"}


async def test_a_person_cancels_at_the_command_line_and_whoever_watches_is_told(stage: Stage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=8000))
    cancel = ("edition", "cancel", stage.team, "--week", "2026-W47", "--reason", "wrong week")
    async with stage.worker():
        handle = await stage.start()
        await stage.until_phase(handle, Phase.COLLECTING)
        code, output, _ = await stage.starter(*cancel)
        assert (code, "wrong week" in output) == (0, True)
        with pytest.raises(Told, match=f"{handle.id} failed: Workflow cancelled"):
            await watch_edition(handle, lambda now: None)
        code, _, errors = await stage.starter(*cancel)
        assert (code, "is not under way" in errors) == (1, True)
    (run,) = stage.rows("SELECT status, cancelled_because FROM runs")
    assert run["status"] == "cancelled"
    assert run["cancelled_because"].endswith(": wrong week")


async def test_unknown_and_malformed_signals_are_refused_visibly_and_harm_nothing(stage: Stage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=1500))
    async with stage.worker():
        handle = await stage.start()
        await stage.until_phase(handle, Phase.COLLECTING)
        await handle.signal("escalate-everything", {"by": "anna"})
        await handle.signal("delivery_reported")
        await handle.signal("delivery_reported", args=[1, 2])
        await handle.signal("delivery_reported", "nonsense")
        progress = await handle.query("progress", result_type=EditionProgress)
        result = await handle.result()
    assert [text.split(" at ")[0] for text in progress.refused_messages] == [
        "signal 'escalate-everything'",
        "signal 'delivery_reported'",
        "signal 'delivery_reported'",
    ]
    assert result.status is EditionStatus.COMPLETE


async def test_the_web_ui_is_told_the_story(stage: Stage) -> None:
    async with stage.worker():
        result = await stage.run()
        handle = stage.client.get_workflow_handle(result.workflow_id)
        metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    described = [*metadata.definition.query_definitions, *metadata.definition.signal_definitions]
    ours = {message.name: message.description for message in described if not message.name.startswith("__")}
    assert {"progress", "delivery_reported"} <= set(ours)
    assert all(ours.values())
    assert "**done**" in metadata.current_details
    description = await handle.describe()
    assert await description.static_summary() == f"Changelog of {stage.team} for 2026-W47"
    found = [
        execution.id
        async for execution in stage.client.list_workflows(f'Team = "{stage.team}" AND EditionStatus = "complete"')
    ]
    assert found == [result.workflow_id]
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
