"""What people and other workflows say to a running delivery, and what it says."""

import asyncio
import uuid

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowFailureError
from temporalio.common import RawValue
from temporalio.exceptions import CancelledError
from temporalio.testing import WorkflowEnvironment

from devsync.contracts.delivery import DeliveryState
from devsync.domain.errors import ErrorCategory, Failure
from tests.workflows.slack_channel import (
    REFUSED_FOR_NOW,
    Channel,
    Edition,
    request,
    serving,
    standing,
    start,
    until_waiting,
)
from workflows.delivery.delivery import Delivery


async def test_malformed_and_unknown_signals_leave_the_run_unharmed(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request())
            await channel.was_tried.wait()
            await handle.signal("revise")
            await handle.signal("revise", args=[1, 2])
            await handle.signal("revise", "nonsense")
            await handle.signal("explode", {"now": True})
            await handle.signal("try_now", RawValue(Payload(metadata={"encoding": b"binary/plain"}, data=b"now!")))
            queried = await handle.query(Delivery.outcome)
        outcome = await handle.result()
        metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    refused = [
        "signal 'revise'",
        "signal 'revise'",
        "signal 'revise': Input should be an object",
        "signal 'explode'",
        "signal 'try_now': not a TryNow",
    ]
    assert [line.split(" at ")[0] for line in queried.refused_messages] == refused
    shown = [line.split(" at ")[0] for line in metadata.current_details.splitlines() if "Refused" in line]
    assert shown == [f"- Refused {what}" for what in refused]
    assert outcome.state is DeliveryState.DELIVERED
    assert outcome.revision == 1


async def test_a_run_again_over_a_queued_delivery_is_told_how_it_ended(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            edition = await skipping_time.client.start_workflow(
                Edition.run, id=f"edition:{uuid.uuid4()}", task_queue=queue
            )
            handle = await start(skipping_time, queue, request(reply_to=edition.id))
            await channel.was_tried.wait()
            await handle.signal("revise", request(reply_to=edition.id))
        reports = await edition.result()
    assert [one.state for one in reports if one.state is not DeliveryState.PENDING] == [DeliveryState.DELIVERED]


async def test_a_cancelled_delivery_says_so_to_its_edition_and_in_the_records(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    channel.recalled = standing(channel, "a", "b")
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            edition = await skipping_time.client.start_workflow(
                Edition.run, id=f"edition:{uuid.uuid4()}", task_queue=queue
            )
            handle = await start(skipping_time, queue, request(revision=2, parts=("A", "b"), reply_to=edition.id))
            await until_waiting(handle)
            await handle.cancel(reason="anna: wrong channel")
            with pytest.raises(WorkflowFailureError) as failure:
                await handle.result()
            *_, report = await edition.result()
    assert isinstance(failure.value.cause, CancelledError)
    assert report.state is DeliveryState.FAILED
    assert report.reason.startswith("the delivery was cancelled: ")
    recorded = channel.records[-1].outcome
    assert (recorded.state, recorded.parts) == (report.state, report.parts)
    assert [part.message_id for part in recorded.parts] == ["0.0", "0.1"]


async def test_a_delivery_that_cannot_learn_what_stands_there_tells_its_edition(
    skipping_time: WorkflowEnvironment,
) -> None:
    forbidden = Failure(category=ErrorCategory.AUTHENTICATION, message="Temporal refuses us", is_retryable=False)
    channel = Channel(recalled=forbidden)
    async with serving(skipping_time, channel) as queue:
        edition = await skipping_time.client.start_workflow(Edition.run, id=f"edition:{uuid.uuid4()}", task_queue=queue)
        handle = await start(skipping_time, queue, request(reply_to=edition.id))
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        (report,) = await asyncio.wait_for(edition.result(), 60)
    assert (report.state, report.reason) == (DeliveryState.FAILED, "Temporal refuses us")
    assert channel.sends == []
