"""Which channels of an edition go to a recovery, and to which plan."""

import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.planning import LastDelivered, plan_edition
from devsync.contracts.delivery import ChannelPlan, DeliveryOutcome, DeliveryRequest, DeliveryState, PartRecord
from devsync.contracts.edition import EditionPlan, PlanEdition
from devsync.contracts.recovery import RecoveryReport, RecoveryRequest
from devsync.domain.changelog.deadline import Deadline
from devsync.domain.errors import ErrorCategory, Failure
from devsync.settings.configuration import load_team
from tests.workflows.office import stored
from workflows.edition.delivering import until_delivered
from workflows.recovery.story import by_hand

CONFIG = Path(__file__).parents[3] / "config"
NO_SCOPE = Failure(category=ErrorCategory.AUTHENTICATION, message="missing_scope", is_retryable=False)
REVOKED = Failure(category=ErrorCategory.AUTHENTICATION, message="token_revoked", is_retryable=False)
RECOVERIES: list[RecoveryRequest] = []


@workflow.defn(name="EditionThatWaits", sandboxed=False)
class EditionThatWaits:
    """For its first channel, of which it has been told this."""

    @workflow.run
    async def run(self, plan: EditionPlan, outcome: DeliveryOutcome) -> bool:
        def request_for(channel: ChannelPlan, stands_in_for: str) -> DeliveryRequest:
            return DeliveryRequest(
                team=plan.team,
                iso_week=plan.iso_week,
                channel=channel,
                revision=1,
                rendering=stored("rendering"),
                part_digests=("a",),
                stands_in_for=stands_in_for,
                policies={},
                schedule=plan.delivery_schedules[channel.kind],
            )

        async def recover(request: RecoveryRequest) -> RecoveryReport:
            RECOVERIES.append(request)
            return RecoveryReport(plan=request.plan.name, service=request.service, phase=request.phase)

        deadline = Deadline.of(workflow.now(), timedelta(hours=2), timedelta(minutes=2))
        outcomes = {outcome.channel: outcome}
        return await until_delivered(plan, plan.channels[:1], 1, outcomes, deadline, request_for, recover)


async def recoveries(
    environment: WorkflowEnvironment, state: DeliveryState, **changes: object
) -> list[RecoveryRequest]:
    RECOVERIES.clear()
    asked = PlanEdition(team="payments", iso_week="2026-W47")
    plan = plan_edition(load_team(CONFIG, "payments"), asked, LastDelivered())
    values = {
        "team": "payments", "iso_week": "2026-W47", "channel": plan.channels[0].key, "kind": "slack", "revision": 1,
        "state": state,
    }  # fmt: skip
    outcome = DeliveryOutcome.model_validate(values | changes)
    queue = f"edition-{uuid.uuid4()}"
    async with Worker(environment.client, task_queue=queue, workflows=[EditionThatWaits]):
        await environment.client.execute_workflow(
            EditionThatWaits.run, args=[plan, outcome], id=f"waits:{uuid.uuid4()}", task_queue=queue
        )
    return [*RECOVERIES]


async def test_a_post_that_may_be_there_goes_to_people_and_nowhere_else(skipping_time: WorkflowEnvironment) -> None:
    why = "a post had no answer, and the channel cannot be asked: missing_scope; not posted again"
    (request,) = await recoveries(skipping_time, DeliveryState.UNCERTAIN, reason=why, setback=NO_SCOPE)
    assert [step.id for step in request.plan.steps] == ["manual"]
    (unit,) = request.units
    assert (unit.failure.message, unit.failure.category) == (why, ErrorCategory.AUTHENTICATION)
    assert by_hand(request).startswith("look into #payments first, it may be there; if it is not, the text to paste")


@pytest.mark.parametrize(("hint_seconds", "tries", "is_helped"), [(30, 1, False), (31, 1, True), (30, 11, True)])
async def test_who_is_put_off_for_a_moment_gets_help_when_it_lasts(
    skipping_time: WorkflowEnvironment, hint_seconds: int, tries: int, is_helped: bool
) -> None:
    """Twenty teams in one channel are told to wait a second, again and again."""
    throttled = Failure(
        category=ErrorCategory.RATE_LIMITING,
        message="slack answered ratelimited",
        is_retryable=True,
        retry_after=timedelta(seconds=hint_seconds),
    )
    parts = (PartRecord(index=0, digest="a", revision=1, attempts=tries),)
    found = await recoveries(skipping_time, DeliveryState.PENDING, setback=throttled, parts=parts)
    assert bool(found) is is_helped


async def test_what_was_refused_for_good_keeps_its_category(skipping_time: WorkflowEnvironment) -> None:
    """So a revoked token is not retried blindly."""
    (request,) = await recoveries(
        skipping_time, DeliveryState.FAILED, reason="slack answered token_revoked", setback=REVOKED
    )
    assert [step.id for step in request.plan.steps] == ["retry", "alternative", "email", "queue", "manual"]
    (unit,) = request.units
    assert (unit.failure.message, unit.failure.category) == (
        "slack answered token_revoked",
        ErrorCategory.AUTHENTICATION,
    )
    assert ErrorCategory.AUTHENTICATION not in request.plan.steps[0].when.category


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        (DeliveryState.DELIVERED, {}),
        (DeliveryState.KEPT, {}),
        (DeliveryState.FAILED, {"was_stopped": True}),
        (DeliveryState.PENDING, {}),
        (DeliveryState.DEAD, {"revision": 0}),
    ],
)
async def test_what_needs_no_help_gets_none(
    skipping_time: WorkflowEnvironment, state: DeliveryState, changes: dict[str, object]
) -> None:
    assert await recoveries(skipping_time, state, **changes) == []
