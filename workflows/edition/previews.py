"""What reviewers see of an edition that waits for them: a preview in their channel, until it is answered."""

from datetime import timedelta

from temporalio import workflow

from devsync.contracts.approval import ApprovalPlan, ApprovalProgress, ApprovalState
from devsync.contracts.delivery import DeliverySchedule
from devsync.contracts.edition import EditionComposed, EditionPlan, EditionRendered
from devsync.domain.instants import in_utc
from workflows.delivery.channels import hand_over
from workflows.edition import making
from workflows.edition.approval import Approval
from workflows.edition.reminding import Reminder

AMENDED = "Amended, and posted without asking again: reviewers had agreed to the edition, and what was missing is added"
"""Above the preview of a later revision."""


async def show(
    plan: EditionPlan,
    approval: ApprovalPlan,
    composed: EditionComposed,
    preview: EditionRendered,
    revision: int,
) -> None:
    """Brings the preview to each reviewer's channel, or changes the one that stands there."""
    schedules = {kind: _until_answered(schedule, approval.wait) for kind, schedule in plan.delivery_schedules.items()}
    request_for = making.requests_for(
        # The approval ends whether or not anybody has seen it: nobody is told where it cannot be shown.
        plan.model_copy(update={"delivery_schedules": schedules, "escalation": ""}),
        composed,
        preview,
        revision=revision,
        replace=True,
        is_looked_after=False,
    )
    await hand_over(approval.reviewers, request_for)


def banner_of(plan: EditionPlan, approval: ApprovalProgress) -> str:
    """One line above the preview: what it waits for, or how it was answered."""
    if approval.state is ApprovalState.WAITING:
        return (
            f"Preview {approval.preview}, not posted yet: waits for approval until "
            f"{in_utc(approval.until)}. Answer with: "
            f"python starter.py edition approve {plan.team} --week {plan.iso_week} --preview {approval.preview}"
        )
    return f"Preview: {approval.answer}"


async def wait_for_answer(
    plan: EditionPlan,
    asked: ApprovalPlan,
    approval: Approval,
    preview: int,
    reminder: Reminder,
) -> bool:
    """Waits for an answer to that preview, or for edits of it. When half the time is gone, reviewers are reminded.
    False: the time is up."""
    until = approval.progress.until
    reminder_at = until - asked.wait / 2
    for stop in (reminder_at, until) if workflow.now() < reminder_at else (until,):
        try:
            await workflow.wait_condition(
                lambda: approval.is_over or approval.progress.preview != preview,
                timeout=max(stop - workflow.now(), timedelta(0)),
                timeout_summary=f"Waiting for approval until {until:%H:%M} UTC",
            )
        except TimeoutError:
            if stop != until:
                reminder.send(plan, asked, approval.progress)
        else:
            return True
    return False


def _until_answered(schedule: DeliverySchedule, wait: timedelta) -> DeliverySchedule:
    """The tries that fall into the time in which somebody can answer: a later preview would help nobody."""
    tries: list[timedelta] = []
    for pause in schedule.retry_after:
        if sum(tries, pause) > wait:
            break
        tries.append(pause)
    return schedule.model_copy(update={"retry_after": tuple(tries or schedule.retry_after[:1])})
