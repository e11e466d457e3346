"""An edition over hours and days: outages, deadlines, and messages that come late. Its services answer as told."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ActivityError, CancelledError
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import activities, names
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionProgress, EditionStatus, Phase
from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.failures.temporal import timed_out
from tests.workflows.office import DELIVER_BY, WEEK, Office, make, serving, start
from tests.workflows.waits import until_between_tries

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RESERVE = 2 * MINUTE
"""delivery_reserve of the shipped delivery.yaml."""
SILENT = timed_out(None)
"""As a time-out is read that nobody has reported; this server's clock stands still where there is no worker."""
BROKEN = Failure(category=ErrorCategory.CONFIGURATION, message="teams/a.yaml:3: is wrong", is_retryable=False)


@pytest.mark.parametrize(
    "step",
    [activities.PLAN_EDITION, activities.FIND_PREVIOUS, activities.COMPOSE_EDITION, activities.RENDER_EDITION],
    ids=lambda step: step.operation,
)
@pytest.mark.parametrize("outage", [12 * MINUTE, 5 * HOUR], ids=["minutes", "hours"])
async def test_a_step_that_nobody_could_do_for_long_is_done_when_somebody_can(
    step: activities.ActivityContract[Any, Any], outage: timedelta, own_time: WorkflowEnvironment
) -> None:
    office = Office(away={step.name: outage})
    result = await make(own_time, office)
    assert result.status is EditionStatus.COMPLETE
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert office.after(step.name) >= outage


async def test_a_late_deliver_is_not_held_up_by_records_that_wait_for_the_database(
    own_time: WorkflowEnvironment,
) -> None:
    office = Office(away={activities.RECORD_EDITION.name: 2 * HOUR})
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time, deliver=False)
            await office.was_asked[activities.RECORD_EDITION.name].wait()
            await handle.signal("deliver")
        result = await handle.result()
    assert len(office.posts) == 2
    assert office.after(activities.SEND_SLACK_PART.name) < 10 * MINUTE
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert office.records[-1].result.channels == result.channels


async def test_a_run_tells_how_long_its_phases_took_and_since_when_it_is_in_this_one(
    own_time: WorkflowEnvironment,
) -> None:
    office = Office(away={activities.COMPOSE_EDITION.name: 12 * MINUTE})
    async with serving(own_time, office):
        handle = await start(own_time)
        await handle.result()
        progress = await handle.query("progress", result_type=EditionProgress)
    assert progress.phase is Phase.DONE
    assert progress.phase_since is not None
    assert progress.seconds["compose"] >= 12 * 60 > progress.seconds["collect"]
    spent = sum(seconds for phase, seconds in progress.seconds.items() if phase != "total")
    assert progress.seconds["total"] == pytest.approx(spent, abs=0.01)


@pytest.mark.parametrize(
    "step", [activities.PLAN_EDITION, activities.COMPOSE_EDITION, activities.RENDER_EDITION], ids=lambda s: s.operation
)
async def test_an_edition_that_fails_for_good_is_on_record_as_failed(
    step: activities.ActivityContract[Any, Any], own_time: WorkflowEnvironment
) -> None:
    office = Office(refused={step.name: BROKEN})
    async with serving(own_time, office):
        handle = await start(own_time)
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        progress = await handle.query("progress", result_type=EditionProgress)
        attributes = (await handle.describe()).typed_search_attributes
    assert isinstance(failure.value.cause, ActivityError)
    assert [(record.result.status, record.failed_because, record.kept) for record in office.records] == [
        (EditionStatus.FAILED, BROKEN.message, None)
    ]
    assert attributes.get(names.EDITION_STATUS) == "failed"
    assert progress.result is not None
    assert progress.result.status is EditionStatus.FAILED


async def test_a_run_cancelled_while_it_is_planned_is_on_record(own_time: WorkflowEnvironment) -> None:
    office = Office(away={activities.PLAN_EDITION.name: DAY})
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await office.was_asked[activities.PLAN_EDITION.name].wait()
            await until_between_tries(handle)
            await handle.cancel(reason="anna: wrong week")
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        attributes = (await handle.describe()).typed_search_attributes
    assert isinstance(failure.value.cause, CancelledError)
    assert [(record.result.status, record.cancelled_because) for record in office.records] == [
        (EditionStatus.CANCELLED, "anna: wrong week")
    ]
    assert attributes.get(names.EDITION_STATUS) == "cancelled"


async def test_a_cancelled_run_ends_as_cancelled_though_the_database_is_away(
    own_time: WorkflowEnvironment,
) -> None:
    office = Office(away={names.repository_unit("acme/api"): HOUR, activities.RECORD_EDITION.name: DAY})
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await office.was_asked[names.repository_unit("acme/api")].wait()
            await until_between_tries(handle)
            await handle.cancel(reason="anna: wrong week")
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
    assert isinstance(failure.value.cause, CancelledError)
    assert office.posts == []


async def test_a_source_that_stays_away_is_a_gap_before_the_deadline(own_time: WorkflowEnvironment) -> None:
    unit = names.repository_unit("acme/api")
    office = Office(away={unit: DAY})
    result = await make(own_time, office)
    assert [(gap.unit, gap.reason) for gap in result.gaps] == [(unit, "nobody answers")]
    assert office.after(activities.SEND_SLACK_PART.name) <= DELIVER_BY - RESERVE + MINUTE


async def test_a_channel_that_is_not_done_at_the_deadline_is_queued_and_its_delivery_goes_on(
    own_time: WorkflowEnvironment,
) -> None:
    office = Office(away={activities.SEND_SLACK_PART.name: 8 * HOUR})
    async with serving(own_time, office):
        result = await (await start(own_time)).result()
        delivery = own_time.client.get_workflow_handle(names.delivery_id("payments", WEEK, "slack-payments"))
        assert (await delivery.describe()).status is WorkflowExecutionStatus.RUNNING
    assert [channel.state for channel in result.channels] == [DeliveryState.QUEUED]
    assert DELIVER_BY <= timedelta(seconds=result.seconds["total"]) < DELIVER_BY + MINUTE


async def test_an_edition_that_starts_late_has_all_its_time(own_time: WorkflowEnvironment) -> None:
    office = Office(away={activities.SEND_SLACK_PART.name: 8 * HOUR})
    due = await own_time.get_current_time() - 5 * HOUR
    result = await make(own_time, office, scheduled_at=due)
    assert timedelta(seconds=result.seconds["total"]) >= DELIVER_BY
    assert len(result.notes) == 1
    assert "started 5 h late" in result.notes[0]


async def test_an_edition_that_is_ready_after_its_deadline_says_so_and_waits_for_its_channels(
    own_time: WorkflowEnvironment,
) -> None:
    office = Office(away={activities.RENDER_EDITION.name: 5 * HOUR})
    result = await make(own_time, office)
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert [note.split(" 3 h")[0] for note in result.notes] == ["schedule: ready"]


async def test_a_source_that_nobody_could_ask_is_asked_once_more(own_time: WorkflowEnvironment) -> None:
    unit = names.repository_unit("acme/api")
    office = Office(away={unit: 90 * MINUTE}, away_because=SILENT)
    assert (await make(own_time, office)).status is EditionStatus.COMPLETE


async def test_a_source_that_nobody_can_ask_at_all_is_a_gap_in_time(own_time: WorkflowEnvironment) -> None:
    unit = names.repository_unit("acme/api")
    office = Office(away={unit: DAY}, away_because=SILENT)
    result = await make(own_time, office)
    assert [(gap.unit, gap.reason) for gap in result.gaps] == [(unit, SILENT.message)]
    assert timedelta(seconds=result.seconds["collect"]) <= DELIVER_BY - RESERVE + MINUTE


async def test_a_plan_of_an_older_build_may_lack_policies_of_new_activities(own_time: WorkflowEnvironment) -> None:
    office = Office(unknown_to_plan={activities.RENDER_EDITION.name, activities.FIND_SLACK_PART.name})
    result = await make(own_time, office)
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]


async def test_a_dry_run_refuses_to_deliver_and_keeps_no_edition(own_time: WorkflowEnvironment) -> None:
    office = Office(away={activities.COMPOSE_EDITION.name: MINUTE})
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time, is_dry_run=True)
            await office.was_asked[activities.COMPOSE_EDITION.name].wait()
            await handle.signal("deliver")
        result = await handle.result()
        progress = await handle.query("progress", result_type=EditionProgress)
    assert (result.channels, office.posts) == ((), [])
    assert [record.kept for record in office.records] == [None]
    assert (result.revision, progress.revision) == (0, 0)
    assert progress.refused_messages[0].startswith("signal 'deliver' to a dry run")
