"""Whatever is said to a recovery: what it cannot take is refused, visibly, and changes nothing."""

import asyncio
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.common import RawValue
from temporalio.exceptions import CancelledError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import names
from devsync.contracts.escalation import EscalationDecided
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from tests.workflows.recovery_stage import API, Escalation, Ground, heals, plan_of, request, stage, step
from workflows.recovery.recovery import Recovery

PLAN = plan_of(step("retry", "github.collect_again"), step("cached"))
PLAIN = RawValue(Payload(metadata={"encoding": b"binary/plain"}, data=b"retry, please"))
NONSENSE: dict[str, tuple[str, list[Any], str]] = {
    "no argument": ("resolve", [], "signal 'resolve'"),
    "two arguments": ("resolve", [{"by": "anna", "decision": "skip"}, 2], "signal 'resolve'"),
    "not JSON": ("resolve", [PLAIN], "signal 'resolve': not a Resolve"),
    "not an object": ("resolve", ["retry"], "signal 'resolve': "),
    "no such decision": (
        "resolve",
        [{"by": "anna", "decision": "explode"}],
        "signal 'resolve': decision: Input should",
    ),
    "no decision": (
        "resolve",
        [{"by": "anna"}],
        "signal 'resolve': decision: is missing; there are retry, skip, abort",
    ),
    "nobody": ("resolve", [{"decision": "retry"}], "signal 'resolve': by: Field required"),
    "an empty name": ("resolve", [{"by": " ", "decision": "retry"}], "signal 'resolve': by: String should have"),
    "a misspelt field": ("resolve", [{"by": "anna", "decison": "retry"}], "signal 'resolve': decison: not known here"),
    "an unknown field": ("resolve", [{"by": "a", "decision": "skip", "now": 1}], "signal 'resolve': now: not known"),
    "null": ("resolve", [None], "signal 'resolve': "),
    "an unreadable report": (
        "delivery_reported",
        ["it is there"],
        "signal 'delivery_reported': Input should be an obj",
    ),
    "an unreadable release": ("service_released", [PLAIN], "signal 'service_released': not a ServiceReleased"),
    "escalate without a person": ("escalate", [{}], "signal 'escalate': by: Field required"),
    "escalate twice over": ("escalate", [{"by": "anna"}, {"by": "ben"}], "signal 'escalate'"),
    "escalate in plain text": ("escalate", [PLAIN], "signal 'escalate': not a Escalate"),
    "an escalation that was not joined": (
        "decided",
        [EscalationDecided(escalation_id="escalation:other", decision=Decision.ABORT, by="ben")],
        "signal 'decided' of escalation:other, which was not joined",
    ),
    "unknown": ("explode", [{"now": True}], "signal 'explode'"),
}


async def test_wrong_messages_are_refused_and_leave_the_run_unharmed(own_time: WorkflowEnvironment) -> None:
    held = asyncio.Event()
    ground = Ground({"cached": [heals(ProvenanceKind.CACHED)]}, holds={"cached": held})
    async with stage(own_time, ground) as on:
        with own_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), plan=PLAN))
            await ground.was_asked["cached"].wait()
            for name, arguments, why in NONSENSE.values():
                await handle.signal(name, args=arguments)
                (*_, last) = (await handle.query(Recovery.progress)).refused_messages
                assert last.startswith(why), (name, arguments)
            held.set()
            report = await handle.result()
            metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    assert report.outcome is RecoveryOutcome.STAND_IN
    assert len(report.refused_messages) == 10  # the newest ones
    assert metadata.current_details.count("- Refused signal") == 10


async def test_the_first_decision_counts(own_time: WorkflowEnvironment) -> None:
    held = asyncio.Event()
    ground = Ground({"cached": [heals(ProvenanceKind.CACHED, only=[API])]}, holds={"retry": held})
    async with stage(own_time, ground) as on:
        with own_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), plan=PLAN))
            await ground.was_asked["retry"].wait()
            await handle.signal("resolve", {"by": "anna", "decision": "use_fallback"})
            both = [{"by": name, "decision": "skip"} for name in ("ben", "cleo")]
            await asyncio.gather(*(handle.signal("resolve", one) for one in both))
            report = await handle.result()
            held.set()
            with pytest.raises(RPCError, match="Completed"):
                await handle.signal("resolve", both[0])
    nothing, second = report.refused_messages
    assert nothing.startswith(
        "signal 'resolve': nothing stands in yet; use_fallback is possible when one of these steps has something: "
        "cached; there are retry, skip, abort"
    )
    assert "skip, decided by " in second or "is over" in second  # it may end between the two
    assert report.decision is Decision.SKIP


async def test_the_story_so_far_stands_in_the_current_details(own_time: WorkflowEnvironment) -> None:
    held = asyncio.Event()
    ground = Ground({"cached": [heals(ProvenanceKind.CACHED, only=[API])]}, holds={"cached": held})
    plan = plan_of(step("retry", "github.collect_again"), step("cached"), step("mirror", "git_mirror.collect"))
    async with stage(own_time, ground) as on:
        with own_time.auto_time_skipping_disabled():
            message = request(await on.now(), plan=plan)
            handle = await on.start(message)
            await ground.was_asked["cached"].wait()
            metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
            await handle.cancel()
            held.set()
    lines = metadata.current_details.splitlines()
    took = lines[7].removeprefix("1. retry **failed**, ").partition(" s")[0]
    assert lines == [
        "### payments 2026-W47: github, 2 units, in phase collect",
        "Now: **cached, for github:acme/api, github:acme/web**",
        "",
        f"- Plan: own; it ends by {message.deadline:%Y-%m-%d %H:%M:%S} UTC",
        "- **Failed** github:acme/api: github answered 503",
        "- **Failed** github:acme/web: github answered 503",
        "",
        f"1. retry **failed**, {took} s: github answered 503",
        "- Next: mirror",
    ]


async def test_a_cancelled_recovery_stops_at_once_and_leaves_its_escalation(own_time: WorkflowEnvironment) -> None:
    ground = Ground({"cached": [heals(ProvenanceKind.CACHED, only=[API])]})
    async with stage(own_time, ground) as on:
        escalation = await on.with_escalation()
        with own_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), plan=PLAN))
            await ground.was_joined.wait()
            while not (await handle.query(Recovery.progress)).escalations:
                await asyncio.sleep(0.02)
            await handle.cancel()
            with pytest.raises(WorkflowFailureError) as stopped:
                await handle.result()
            (left,) = await escalation.result()
    assert isinstance(stopped.value.cause, CancelledError)
    assert (left.is_healed, left.note) == (False, "the recovery was cancelled")


async def has_asked_to_cancel(handle: WorkflowHandle[Any, Any]) -> bool:
    events = (await handle.fetch_history()).events
    return any(event.HasField("activity_task_cancel_requested_event_attributes") for event in events)


async def test_one_that_is_cancelled_while_it_joins_leaves_no_page_behind(own_time: WorkflowEnvironment) -> None:
    """The page may be open by then, although nobody has told us yet."""
    ground = Ground({"cached": [heals(ProvenanceKind.CACHED, only=[API])]}, joining=asyncio.Event())
    async with stage(own_time, ground) as on:
        with own_time.auto_time_skipping_disabled():
            escalation = await own_time.client.start_workflow(
                Escalation.run, id=names.service_escalation_id(names.GITHUB), task_queue=on.queue
            )
            handle = await on.start(request(await on.now(), plan=PLAN))
            await ground.was_joined.wait()
            await handle.cancel()
            while not await has_asked_to_cancel(handle):
                await asyncio.sleep(0.02)
            assert ground.joining is not None
            ground.joining.set()
            with pytest.raises(WorkflowFailureError) as stopped:
                await handle.result()
            (left,) = await asyncio.wait_for(escalation.result(), 60)
    assert isinstance(stopped.value.cause, CancelledError)
    assert (left.workflow_id, left.is_healed) == (handle.id, False)


async def test_a_step_that_is_running_is_cancelled_with_its_recovery(own_time: WorkflowEnvironment) -> None:
    held = asyncio.Event()
    ground = Ground(holds={"retry": held})
    async with stage(own_time, ground) as on:
        with own_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), plan=PLAN))
            await ground.was_asked["retry"].wait()
            await handle.cancel()
            with pytest.raises(WorkflowFailureError):
                await handle.result()
            assert await has_asked_to_cancel(handle)
            held.set()
    assert not ground.given["cached"]
