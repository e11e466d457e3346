"""When a recovery tells people, waits for them, and what it makes of what they decide."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import names
from devsync.contracts.breaker import ServiceReleased
from devsync.contracts.escalation import EscalationDecided, SubscriberLeft
from devsync.contracts.recovery import FailedUnit, RecoveryReport
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from tests.workflows.recovery_stage import (
    API,
    AWAY,
    EXPIRED,
    MINUTE,
    WEB,
    Answer,
    Ground,
    Stage,
    failed,
    heals,
    plan_of,
    request,
    stage,
    step,
)
from workflows.recovery.recovery import Recovery

pytestmark = pytest.mark.timeout(60)

CACHED = heals(ProvenanceKind.CACHED)
RETRY = step("retry", "github.collect_again")
Handle = WorkflowHandle[Recovery, RecoveryReport]


def laddered(*, api: Answer | None = None, **escalates: Any) -> tuple[Ground, Any]:
    """A plan whose retry fails until a case says otherwise, and whose cache stands in for one of both."""
    ground = Ground({"cached": [heals(ProvenanceKind.CACHED, only=[API])]})
    return ground, plan_of(RETRY, step("cached"), **escalates)


def took(report: RecoveryReport) -> timedelta:
    assert report.started_at is not None
    assert report.ended_at is not None
    return report.ended_at - report.started_at


async def until_asked(on: Stage, handle: Handle) -> None:
    """Until the recovery waits for people."""
    await on.ground.was_joined.wait()
    while on.ground.escalation_id not in (await handle.query(Recovery.progress)).escalations:
        await asyncio.sleep(0.02)


async def test_what_stands_in_is_told_and_not_waited_for(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground({"cached": [CACHED]})
    async with stage(skipping_time, ground) as on:
        ground.escalation_id = "escalation:service:github"
        report = await on.recover(request(await on.now()))
    (join,) = ground.joins
    assert (join.service, join.severity, join.failure.message) == ("github", ErrorSeverity.HIGH, AWAY.message)
    assert (join.subscriber.is_waiting, join.subscriber.choices) == (False, ())
    assert join.subscriber.subject == "payments 2026-W47: github, 2 units"
    assert (report.outcome, report.escalations) == (RecoveryOutcome.STAND_IN, ("escalation:service:github",))
    assert took(report) < MINUTE


async def test_a_unit_with_nothing_is_asked_for_and_the_default_taken_at_the_deadline(
    skipping_time: WorkflowEnvironment,
) -> None:
    ground, plan = laddered()
    async with stage(skipping_time, ground) as on:
        await on.with_escalation()
        message = request(await on.now(), plan=plan)
        report = await on.recover(message)
    (join,) = ground.joins
    assert (join.subscriber.is_waiting, join.subscriber.deadline) == (True, message.deadline)
    assert set(join.subscriber.choices) == set(Decision)
    assert (report.decision, report.outcome) == (Decision.USE_FALLBACK, RecoveryOutcome.PARTIAL)
    assert report.decided_by == f"policy: nobody answered by {message.deadline:%Y-%m-%d %H:%M} UTC"
    assert [unit.unit for unit in report.missing] == [WEB]
    assert report.ended_at is not None
    assert abs(report.ended_at - message.deadline) < timedelta(seconds=5)


async def test_while_people_are_asked_it_is_tried_again_at_growing_intervals(
    skipping_time: WorkflowEnvironment,
) -> None:
    ground, plan = laddered()
    async with stage(skipping_time, ground) as on:
        await on.with_escalation()
        await on.recover(request(await on.now(), plan=plan, within=120 * MINUTE))
    first, *again = ground.at["retry"]
    waits = [round((later - earlier) / MINUTE) for earlier, later in zip([first, *again], again, strict=False)]
    assert waits == [5, 10, 20, 30, 30]
    assert {unit.unit for unit in ground.given["retry"][-1].units} == {API, WEB}


async def test_what_heals_by_itself_ends_the_wait_and_tells_the_escalation(skipping_time: WorkflowEnvironment) -> None:
    ground, plan = laddered()
    ground.answers["retry"] = [AWAY, AWAY, heals()]
    async with stage(skipping_time, ground) as on:
        escalation = await on.with_escalation()
        report = await on.recover(request(await on.now(), plan=plan))
        (left,) = await escalation.result()
    assert (report.outcome, report.decision, report.decided_by) == (RecoveryOutcome.HEALED, None, "healed by itself")
    assert left == SubscriberLeft(workflow_id=report.workflow_id, is_healed=True, note="everything is live")
    assert {unit.provenance.kind for unit in report.healed} == {ProvenanceKind.LIVE}


@pytest.mark.parametrize(
    ("decision", "outcome", "healed", "missing"),
    [
        ("retry", RecoveryOutcome.HEALED, [API, WEB], []),
        ("use_fallback", RecoveryOutcome.PARTIAL, [API], [WEB]),
        ("skip", RecoveryOutcome.FAILED, [], [API, WEB]),
        ("abort", RecoveryOutcome.ABORTED, [API], [WEB]),
    ],
)
async def test_a_decision_of_the_escalation_goes_on_with_what_it_says(
    skipping_time: WorkflowEnvironment, decision: str, outcome: RecoveryOutcome, healed: list[str], missing: list[str]
) -> None:
    ground, plan = laddered()
    async with stage(skipping_time, ground) as on:
        escalation = await on.with_escalation()
        with skipping_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), plan=plan))
            await until_asked(on, handle)
            ground.answers["retry"] = [AWAY, heals()]
            await handle.signal("decided", EscalationDecided(
                escalation_id=escalation.id, decision=Decision(decision), by="anna", note="as agreed"
            ))  # fmt: skip
            report = await handle.result()
    assert (report.outcome, report.decision, report.decided_by) == (outcome, Decision(decision), "anna")
    assert [unit.unit for unit in report.healed] == healed
    assert [unit.unit for unit in report.missing] == missing
    assert report.note == "as agreed"


async def test_a_retry_that_fails_asks_again(skipping_time: WorkflowEnvironment) -> None:
    ground, plan = laddered()
    async with stage(skipping_time, ground) as on:
        await on.with_escalation()
        with skipping_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), plan=plan))
            await until_asked(on, handle)
            await handle.signal("resolve", {"by": "anna", "decision": "retry"})
            while len(ground.joins) < 2:
                await asyncio.sleep(0.02)
            await handle.signal("resolve", {"by": "ben", "decision": "use_fallback", "note": "enough"})
            report = await handle.result()
    assert [record.id for record in report.steps] == ["retry", "cached", "retry"]
    assert (report.decision, report.decided_by, report.note) == (Decision.USE_FALLBACK, "ben", "enough")


async def test_a_decision_made_here_is_told_to_the_escalation(skipping_time: WorkflowEnvironment) -> None:
    ground, plan = laddered()
    async with stage(skipping_time, ground) as on:
        escalation = await on.with_escalation()
        with skipping_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), plan=plan))
            await until_asked(on, handle)
            await handle.signal("resolve", {"by": "anna", "decision": "skip"})
            (left,) = await escalation.result()
    assert (left.is_healed, left.note) == (False, "skip, decided by anna")


async def test_a_decision_of_somebody_unknown_is_refused_where_people_are_listed(
    skipping_time: WorkflowEnvironment,
) -> None:
    ground, plan = laddered()
    ground.people = ("anna",)
    async with stage(skipping_time, ground) as on:
        await on.with_escalation()
        with skipping_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), plan=plan))
            await until_asked(on, handle)
            await handle.signal("resolve", {"by": "mallory", "decision": "abort"})
            await handle.signal("resolve", {"by": "Anna", "decision": "skip"})
            report = await handle.result()
    assert (report.decision, report.decided_by) == (Decision.SKIP, "Anna")
    (refused,) = report.refused_messages
    assert refused.startswith("signal 'resolve': by: 'mallory' is not of the people in escalation.yaml: anna at ")


# The test server skips no time any more after it has lost an activity that was under way: a server of its own.
async def test_a_decision_cuts_the_running_step_short(own_time: WorkflowEnvironment) -> None:
    ground, plan = laddered()
    ground.holds = {"cached": asyncio.Event()}
    async with stage(own_time, ground) as on:
        with own_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), plan=plan))
            await ground.was_asked["cached"].wait()
            await handle.signal("resolve", {"by": "anna", "decision": "abort"})
            report = await handle.result()
        ground.holds["cached"].set()
    assert report.outcome is RecoveryOutcome.ABORTED
    assert report.steps[-1].message == "cut short: abort, decided by anna"
    assert not ground.joins


async def test_a_retry_decided_on_the_way_goes_on_with_the_plan(own_time: WorkflowEnvironment) -> None:
    ground, plan = laddered(ask="never", tell="never")
    ground.holds = {"cached": asyncio.Event()}
    ground.answers["last"] = [heals()]
    plan = plan.model_copy(update={"steps": (*plan.steps, step("last"))})
    async with stage(own_time, ground) as on:
        with own_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), plan=plan))
            await ground.was_asked["cached"].wait()
            await handle.signal("resolve", {"by": "anna", "decision": "retry"})
            report = await handle.result()
        ground.holds["cached"].set()
    assert [record.id for record in report.steps] == ["retry", "cached", "retry", "last"]
    assert report.outcome is RecoveryOutcome.HEALED


async def test_people_can_be_called_while_the_plan_is_followed(skipping_time: WorkflowEnvironment) -> None:
    ground, plan = laddered(ask="never", tell="never")
    ground.holds = {"cached": asyncio.Event()}
    async with stage(skipping_time, ground) as on:
        await on.with_escalation()
        with skipping_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), plan=plan))
            await ground.was_asked["cached"].wait()
            await handle.signal("escalate", {"by": "anna", "reason": "a customer waits", "level": "executive"})
            await until_asked(on, handle)
            ground.holds["cached"].set()
            await handle.result()
    (join,) = ground.joins
    assert (join.requested_by, join.reason, join.level) == ("anna", "a customer waits", "executive")


async def test_without_anything_that_stands_in_the_default_is_to_skip(skipping_time: WorkflowEnvironment) -> None:
    async with stage(skipping_time, Ground()) as on:
        await on.with_escalation()
        report = await on.recover(request(await on.now(), plan=plan_of(step("cached"))))
        (join,) = on.ground.joins
    assert (report.decision, report.outcome) == (Decision.SKIP, RecoveryOutcome.FAILED)
    assert Decision.USE_FALLBACK not in join.subscriber.choices


async def test_where_the_policy_tells_nobody_nobody_is_waited_for(skipping_time: WorkflowEnvironment) -> None:
    ground, plan = laddered()
    async with stage(skipping_time, ground) as on:
        report = await on.recover(request(await on.now(), plan=plan))
    assert took(report) < MINUTE
    assert report.decided_by == "policy: the escalation policy tells nobody of it"


async def test_where_people_cannot_be_told_it_goes_on_trying(skipping_time: WorkflowEnvironment) -> None:
    ground, plan = laddered()
    ground.join_fails = AWAY.model_copy(update={"message": "Temporal is away", "is_retryable": False})
    async with stage(skipping_time, ground) as on:
        report = await on.recover(request(await on.now(), plan=plan))
    assert len(ground.given["retry"]) > 2
    assert report.note == "people could not be told: Temporal is away"


async def test_an_expired_token_is_not_retried_blindly_and_people_are_asked_with_the_fix(
    skipping_time: WorkflowEnvironment,
) -> None:
    ground = Ground({"cached": [CACHED]})
    async with stage(skipping_time, ground) as on:
        await on.with_escalation()
        report = await on.recover(
            request(await on.now(), failed(API, EXPIRED), failed(WEB, EXPIRED), within=4 * MINUTE)
        )
    (join,) = ground.joins
    assert [record.id for record in report.steps] == ["cached"]
    assert (join.failure.category, join.subscriber.is_waiting) == (ErrorCategory.AUTHENTICATION, True)
    assert join.failure.message == "the token has expired; set GITHUB_TOKEN"
    assert report.outcome is RecoveryOutcome.STAND_IN


async def test_a_cause_of_one_repository_alone_is_no_matter_of_the_service(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground()
    gone = AWAY.model_copy(update={"category": ErrorCategory.DATA_COLLECTION, "message": "no such repository"})
    async with stage(skipping_time, ground) as on:
        await on.recover(request(await on.now(), failed(API, gone), plan=plan_of(step("cached"))))
    assert ground.joins[0].service == ""


@pytest.mark.parametrize("decides", ["shared", "own"])
async def test_in_two_escalations_it_follows_either_and_leaves_both(
    skipping_time: WorkflowEnvironment, decides: str
) -> None:
    """The service was down; then it answered, and refused these units: another cause, about which others are asked."""
    gone = AWAY.model_copy(update={"category": ErrorCategory.DATA_COLLECTION, "message": "no such repository"})
    ground = Ground({"retry": [AWAY, gone]})
    async with stage(skipping_time, ground) as on:
        own = await on.with_escalation()
        shared = await on.with_escalation()
        ground.own_escalation_id = own.id
        with skipping_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), plan=plan_of(RETRY)))
            await until_asked(on, handle)
            await handle.signal("service_released", ServiceReleased(service="github"))
            while len(ground.given["retry"]) < 2:
                await asyncio.sleep(0.02)
            await handle.signal("escalate", {"by": "anna", "reason": "it is urgent"})
            while len((await handle.query(Recovery.progress)).escalations) < 2:
                await asyncio.sleep(0.02)
            told, other = (shared, own) if decides == "shared" else (own, shared)
            await handle.signal("decided", EscalationDecided(escalation_id=told.id, decision=Decision.SKIP, by="ben"))
            report = await handle.result()
            (left,) = await other.result()
            assert (await told.describe()).status is WorkflowExecutionStatus.RUNNING  # it knows
            await told.terminate("its test is over")
    assert [join.service for join in ground.joins] == ["github", ""]
    assert (report.decision, report.decided_by, report.escalations) == (Decision.SKIP, "ben", (shared.id, own.id))
    assert (left.is_healed, left.note) == (False, "skip, decided by ben")


async def test_a_webhook_that_is_down_says_nothing_of_those_of_other_teams(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground()
    units = (FailedUnit(unit="webhook-hooks", service=names.WEBHOOK, failure=AWAY),)
    async with stage(skipping_time, ground) as on:
        message = request(await on.now(), plan=plan_of(step("cached")), service=names.WEBHOOK, phase="deliver")
        await on.recover(message.model_copy(update={"units": units}))
    assert [join.service for join in ground.joins] == [""]


async def test_what_an_escalation_of_a_newer_build_says_beside_its_decision_is_no_matter(
    skipping_time: WorkflowEnvironment,
) -> None:
    ground, plan = laddered()
    async with stage(skipping_time, ground) as on:
        escalation = await on.with_escalation()
        with skipping_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), plan=plan))
            await until_asked(on, handle)
            said = EscalationDecided(escalation_id=escalation.id, decision=Decision.SKIP, by="anna")
            await handle.signal("decided", said.model_dump(mode="json") | {"new_field": "of the next build"})
            report = await handle.result()
    assert (report.decision, report.refused_messages) == (Decision.SKIP, ())


async def test_a_decision_that_comes_before_the_join_is_known_counts(own_time: WorkflowEnvironment) -> None:
    """So it is when all workers of a recovery were away for a while: signals are told first."""
    ground, plan = laddered()
    ground.joining = asyncio.Event()
    async with stage(own_time, ground) as on:
        ground.escalation_id = "escalation:service:github"
        with own_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), plan=plan))
            await ground.was_joined.wait()
            await handle.signal("decided", EscalationDecided(
                escalation_id="escalation:service:github", decision=Decision.SKIP, by="anna"
            ))  # fmt: skip
            ground.joining.set()
            report = await handle.result()
    assert (report.decision, report.decided_by, report.refused_messages) == (Decision.SKIP, "anna", ())


async def test_a_release_brings_one_try_at_once_and_no_more(skipping_time: WorkflowEnvironment) -> None:
    ground, plan = laddered()
    async with stage(skipping_time, ground) as on:
        await on.with_escalation()
        with skipping_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), plan=plan))
            await until_asked(on, handle)
            await handle.signal("service_released", ServiceReleased(service="github"))
            while len(ground.given["retry"]) < 2:
                await asyncio.sleep(0.02)
        await handle.result()
    released, *others = [later - ground.at["retry"][0] for later in ground.at["retry"][1:]]
    assert released < MINUTE
    assert len(others) == 2  # after 10 min and 20 more of the hour
    assert min(others) > 9 * MINUTE
