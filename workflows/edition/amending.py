"""Hands a partial edition to the amendment that heals it, or takes the week back from one."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from devsync.contracts import names
from devsync.contracts.amendment import AmendmentRequest, StandBy
from devsync.contracts.edition import EditionPlan, PreviousEdition
from devsync.domain.recovery.builtin import COLLECT, METRICS
from workflows.edition import making
from workflows.shared.signals import signal_if_open

ASKED_AGAIN = (COLLECT, METRICS)
"""Phases of recoveries: what they did not heal is asked for again, and their escalations are followed."""

STAND_BY_TIME = timedelta(minutes=1)
"""How long an amendment is waited for that does not say that it stands by; nobody serves it then."""


async def newest_for_good(
    plan: EditionPlan, previous: PreviousEdition, told: Callable[[], PreviousEdition | None]
) -> PreviousEdition:
    """The newest revision of the week, beside which no other comes any more: an amendment that makes one at the same
    time would give it the number that this run takes. `told` is what the amendment has said so far."""
    if not previous.is_amended:
        return previous
    stand_by = StandBy(reply_to=workflow.info().workflow_id)
    if await signal_if_open(names.amendment_id(plan.team, plan.iso_week), "stand_by", stand_by):
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: told() is not None, timeout=STAND_BY_TIME, timeout_summary="Until the amendment stands by"
            )
    newest = told() or await making.find_previous(plan)
    return max(previous, newest, key=lambda one: one.revision)


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
