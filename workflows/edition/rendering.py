"""Renderings that always come: where a template fails, a recovery goes down to plainer ones."""

from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import names
from devsync.contracts.edition import EditionPlan, EditionRendered, RenderEdition
from devsync.contracts.recovery import FailedUnit
from devsync.domain.recovery.builtin import RENDER
from devsync.domain.recovery.choosing import plan_for
from workflows.edition import making
from workflows.edition.recovering import Recover, rendering_request
from workflows.shared.failures import failure_of

RENDERING = "rendering"
"""The unit of a recovery of this phase."""


async def rendered_somehow(
    plan: EditionPlan, rendering: RenderEdition, deadline: datetime, recover: Recover, *, is_bounded: bool = False
) -> EditionRendered:
    """Its recovery ends at the deadline; so does the rendering itself, where it `is_bounded`.

    Raises ActivityError where not even plain text could be made.
    """
    time_left = deadline - workflow.now() if is_bounded else None
    try:
        return await making.render(plan, rendering, time_left=time_left)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        failure = failure_of(error)
        recovery_plan = plan_for(plan.recovery_plans, names.LOCAL, RENDER, [failure])
        if recovery_plan is None:
            raise
        failed = FailedUnit(unit=RENDERING, service=names.LOCAL, failure=failure)
        report = await recover(rendering_request(plan, recovery_plan, failed, rendering, deadline))
        if not report.renderings:
            raise
    return EditionRendered(formats=report.renderings, slack_part_digests=report.part_digests, digests=report.digests)
