"""Whether reviewers agree: what they said so far, and what follows. Issues no command."""

from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from devsync.contracts.approval import ApprovalPlan, ApprovalProgress, ApprovalState, Approve, Edit, Reject
    from devsync.domain.changelog.edits import Edits
    from workflows.messages import REFUSED


Said = Approve | Reject | Edit


class Approval:
    """The approval of one edition; nobody is waited for after `until`."""

    def __init__(self, plan: ApprovalPlan, until: datetime) -> None:
        self._plan = plan
        self._progress = ApprovalProgress(until=until)
        self.edits = Edits()

    @property
    def progress(self) -> ApprovalProgress:
        return self._progress

    @property
    def is_over(self) -> bool:
        return self._progress.state is not ApprovalState.WAITING

    @property
    def is_agreed(self) -> bool:
        return self._progress.state is ApprovalState.APPROVED or (
            self._progress.state is ApprovalState.TIMED_OUT and self._plan.on_timeout == "publish"
        )

    def check(self, said: Said) -> None:
        """Raises ApplicationError, type Refused, where it has no effect any more, or would have none."""
        if self.is_over:
            raise refusal(f"it is {self._progress.state.value.replace('_', ' ')} already, by {self._progress.by}")
        if isinstance(said, Edit) and said.edits == Edits():
            raise refusal("it changes nothing; give hide, retitle or note")

    def take(self, said: Said) -> None:
        """An edit has the preview made anew, and approval is waited for again. Raises as `check` does."""
        self.check(said)
        match said:
            case Approve():
                self._set(state=ApprovalState.APPROVED, by=said.by, note=said.note)
            case Reject():
                self._set(state=ApprovalState.REJECTED, by=said.by, note=said.reason)
            case Edit():
                self.edits = self.edits.then(said.edits)
                self._set(edited_by=tuple(dict.fromkeys((*self._progress.edited_by, said.by))))

    def time_is_up(self) -> None:
        if not self.is_over:
            self._set(
                state=ApprovalState.TIMED_OUT,
                by="policy",
                note=f"nobody answered by {self._progress.until:%Y-%m-%d %H:%M} UTC: {self._plan.on_timeout}",
            )

    def _set(self, **changes: object) -> None:
        self._progress = self._progress.model_copy(update=changes)


def refusal(why: str) -> ApplicationError:
    """What a sender is told: nothing has changed."""
    return ApplicationError(why, type=REFUSED, non_retryable=True)
