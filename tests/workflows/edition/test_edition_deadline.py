"""The deadline is kept whatever takes its time: sources that hang, reviewers who are silent, renderings that fail."""

from datetime import timedelta

import pytest
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import activities
from devsync.contracts.approval import ApprovalState
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionStatus
from devsync.contracts.recovery import StepRequest, StepResult
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.errors import ErrorCategory, Failure
from devsync.domain.recovery.builtin import RENDER
from devsync.domain.recovery.plan import RecoveryPlan
from tests.workflows.office import Office, make, stored
from tests.workflows.recovery_stage import AWAY, WEB, Ground, heals

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RESERVE = 2 * MINUTE
BAD_TEMPLATE = Failure(category=ErrorCategory.FORMATTING, message="template slack.j2:3 is wrong", is_retryable=False)


def slowly(plan: RecoveryPlan) -> RecoveryPlan:
    """Each step of a rendering but the last takes all the time that it has."""
    patient = plan.steps[0].retry.model_copy(update={"attempts": 1000, "initial": timedelta(seconds=1), "factor": 1})
    steps = [step.model_copy(update={"retry": patient}) for step in plan.steps[:-1]]
    is_rendering = any(handles.phase == RENDER for handles in plan.handles)
    return plan.model_copy(update={"steps": (*steps, plan.steps[-1])}) if is_rendering else plan


def plainly(_message: StepRequest) -> StepResult:
    return StepResult(
        healed_without_data=("rendering",), renderings={"slack": stored("rendering.slack")}, part_digests=("a", "b")
    )


@pytest.mark.parametrize("deliver_by", [40 * MINUTE, 5 * MINUTE], ids=lambda one: f"{one}")
async def test_it_is_posted_in_time_though_everything_takes_all_the_time_it_has(
    deliver_by: timedelta, own_time: WorkflowEnvironment
) -> None:
    office = Office(
        away={WEB: DAY},
        refused={activities.RENDER_EDITION.name: BAD_TEMPLATE},
        deliver_by=deliver_by,
        approval={"required": True, "reviewers": ["#leads"], "wait": deliver_by / 2, "on_timeout": "publish"},
        ground=Ground({"plain": [plainly], "fallback": [AWAY], "simplified": [AWAY]}),
        of_plan=slowly,
    )
    result = await make(own_time, office)
    assert result.status is EditionStatus.PARTIAL
    assert office.after(activities.SEND_SLACK_PART.name) < deliver_by
    assert result.approval is not None
    assert result.approval.state is ApprovalState.TIMED_OUT
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert timedelta(seconds=result.seconds["total"]) < deliver_by
    assert not [note for note in result.notes if note.startswith("schedule")]


async def test_a_source_that_hangs_leaves_its_recovery_time_down_to_what_is_cached(
    own_time: WorkflowEnvironment,
) -> None:
    ground = Ground({"retry": [AWAY], "cached": [heals(ProvenanceKind.CACHED)]})
    office = Office(away={WEB: DAY}, deliver_by=20 * MINUTE, ground=ground)
    result = await make(own_time, office)
    assert [(gap.unit, gap.stand_in) for gap in result.gaps] == [(WEB, ProvenanceKind.CACHED)]
    assert timedelta(seconds=result.seconds["total"]) < 20 * MINUTE


async def test_a_lost_deadline_is_followed_by_a_short_time_for_everything_together(
    own_time: WorkflowEnvironment,
) -> None:
    office = Office(away={activities.PLAN_EDITION.name: 5 * HOUR, WEB: DAY, activities.SEND_SLACK_PART.name: DAY})
    result = await make(own_time, office)
    assert [gap.unit for gap in result.gaps] == [WEB]
    late_by = timedelta(seconds=result.seconds["total"]) - 5 * HOUR
    assert late_by <= 2 * RESERVE + MINUTE  # planning itself is tried twice a minute
