"""Renderings that always come: where a template fails, a recovery goes down to plainer ones."""

from datetime import datetime
from typing import NamedTuple

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import names
    from devsync.contracts.edition import EditionPlan, EditionRendered, RenderEdition
    from devsync.contracts.recovery import FailedUnit, RecoveryReport
    from devsync.domain.recovery.builtin import RENDER
    from devsync.domain.recovery.choosing import plan_for
    from workflows import making
    from workflows.failures import failure_of
    from workflows.recovering import rendering_request, report_of, start_recovery

RENDERING = "rendering"
"""The unit of a recovery of this phase."""


class Rendered(NamedTuple):
    edition: EditionRendered
    recovery: RecoveryReport | None = None
    """Of renderings that failed at first."""


async def rendered_somehow(plan: EditionPlan, rendering: RenderEdition, deadline: datetime) -> Rendered:
    """Raises ActivityError where not even plain text could be made."""
    try:
        return Rendered(await making.render(plan, rendering))
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        failure = failure_of(error)
        recovery_plan = plan_for(plan.recovery_plans, names.LOCAL, RENDER, [failure])
        if recovery_plan is None:
            raise
        failed = FailedUnit(unit=RENDERING, service=names.LOCAL, failure=failure)
        request = rendering_request(plan, recovery_plan, failed, rendering, deadline)
        report = await report_of(request, await start_recovery(request))
        if not report.renderings:
            raise
    made = EditionRendered(formats=report.renderings, slack_part_digests=report.part_digests, digests=report.digests)
    return Rendered(made, report)
