"""What reviewers can answer by a button: below the preview, and below the reminder of it."""

from temporalio import workflow

from devsync.contracts.approval import ApprovalProgress, ApprovalState
from devsync.domain.answers import Answer, Deed, Offer


def offers_of(approval: ApprovalProgress) -> tuple[Offer, ...]:
    """Nothing once it is answered. To this run alone: a later one of the week has a preview of its own."""
    if approval.state is not ApprovalState.WAITING:
        return ()
    run = workflow.info()
    approve = Answer(
        deed=Deed.APPROVE, argument=str(approval.preview), workflow_id=run.workflow_id, run_id=run.run_id
    )  # fmt: skip
    reject = Answer(deed=Deed.REJECT, workflow_id=run.workflow_id, run_id=run.run_id)
    return (
        Offer(label="Approve", answer=approve, style="primary"),
        Offer(label="Reject", answer=reject, style="danger"),
    )
