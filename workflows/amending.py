"""Hands a partial edition to the amendment that heals it, or takes the week back from one."""

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import names
    from devsync.contracts.amendment import AmendmentRequest
    from devsync.domain.recovery.builtin import COLLECT, METRICS
    from workflows.signals import signal_if_open

ASKED_AGAIN = (COLLECT, METRICS)
"""Phases of recoveries: what they did not heal is asked for again, and their escalations are followed."""


async def begin_amendment(request: AmendmentRequest) -> None:
    """Starts `amendment:{team}:{iso_week}`, or gives the running one the newer edition; returns when it has it.

    The child is abandoned on purpose: it goes on for days. So its start is awaited.
    """
    plan = request.plan
    amendment_id = names.amendment_id(plan.team, plan.iso_week)
    while True:
        try:
            await workflow.start_child_workflow(
                names.AMENDMENT,
                request,
                id=amendment_id,
                task_queue=names.CONTROL_QUEUE,
                parent_close_policy=ParentClosePolicy.ABANDON,
                static_summary=f"{plan.team} {plan.iso_week}: {len(request.missing)} missing",
            )
        except WorkflowAlreadyStartedError:
            if not await signal_if_open(amendment_id, "take_over", request):
                continue  # it closed in between: start a new one
        return


async def end_amendment(team: str, iso_week: str) -> None:
    """Of an earlier run of the week: what it would heal is whole now."""
    await signal_if_open(names.amendment_id(team, iso_week), "superseded")
