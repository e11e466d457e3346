"""What reviewers see of an edition that waits for them: a preview in their channel, and a reminder."""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities, names
    from devsync.contracts.approval import ApprovalPlan, ApprovalProgress, ApprovalState
    from devsync.contracts.delivery import DeliverySchedule
    from devsync.contracts.edition import EditionPlan
    from devsync.contracts.notifications import Notice, Notify, NotifyTarget
    from devsync.runtime.policies import call
    from workflows.failures import failure_of


def banner_of(plan: EditionPlan, approval: ApprovalProgress) -> str:
    """One line above the preview: what it waits for, or how it was answered."""
    if approval.state is ApprovalState.WAITING:
        return (
            f"Preview, not posted yet: waits for approval until {approval.until:%Y-%m-%d %H:%M} UTC. "
            f"Answer with: python starter.py edition approve {plan.team} --week {plan.iso_week}"
        )
    said = f": {approval.note}" if approval.note else ""
    return f"Preview: {approval.state.value.replace('_', ' ')} by {approval.by}{said}"


def until_answered(schedule: DeliverySchedule, wait: timedelta) -> DeliverySchedule:
    """The tries that fall into the time in which somebody can answer: a later preview would help nobody."""
    tries: list[timedelta] = []
    for pause in schedule.retry_after:
        if sum(tries, pause) > wait:
            break
        tries.append(pause)
    return schedule.model_copy(update={"retry_after": tuple(tries or schedule.retry_after[:1])})


async def remind(plan: EditionPlan, approval: ApprovalPlan, until: datetime) -> str:
    """Tells each reviewer once more. Returns why somebody could not be told, empty where all were."""
    notice = Notice(
        title=f"{plan.team} {plan.iso_week} still waits for approval",
        body=f"Nobody has answered yet. At {until:%H:%M} UTC the team's policy decides: {approval.on_timeout}.",
        fields={"Answer": f"python starter.py edition approve {plan.team} --week {plan.iso_week}"},
    )
    troubles = []
    for reviewer in approval.reviewers:
        reminder = Notify(
            key=f"approval/{plan.team}/{plan.iso_week}/{reviewer.key}/{until:%Y%m%dT%H%M}",
            target=NotifyTarget(kind=names.SLACK, target=reviewer.target),
            notice=notice,
        )
        try:
            await call(
                activities.NOTIFY_SLACK, reminder, plan.policies, summary=f"Remind {reviewer.target} of the approval"
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            troubles.append(f"{reviewer.target}: {failure_of(error).message}")
    return "; ".join(troubles)
