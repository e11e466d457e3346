"""Whether reviewers agree: what they said so far, and what follows. Issues no command."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from devsync.contracts.approval import ApprovalPlan, ApprovalProgress, ApprovalState, Approve, Edit, Reject
    from devsync.domain.changelog.edits import Edits


class NotNow(Exception):
    """Why what was said has no effect, in one clause for whoever said it."""


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

    def approve(self, said: Approve) -> None:
        """Raises NotNow."""
        self._must_be_open()
        self._set(state=ApprovalState.APPROVED, by=said.by, note=said.note)

    def reject(self, said: Reject) -> None:
        """Raises NotNow."""
        self._must_be_open()
        self._set(state=ApprovalState.REJECTED, by=said.by, note=said.reason)

    def edit(self, said: Edit) -> None:
        """The preview is made anew, and approval waited for again. Raises NotNow."""
        self._must_be_open()
        if said.edits == Edits():
            raise NotNow("it changes nothing; give hide, retitle or note")
        self.edits = self.edits.then(said.edits)
        self._set(edited_by=tuple(dict.fromkeys((*self._progress.edited_by, said.by))))

    def time_is_up(self) -> None:
        if not self.is_over:
            self._set(
                state=ApprovalState.TIMED_OUT,
                by="policy",
                note=f"nobody answered by {self._progress.until:%Y-%m-%d %H:%M} UTC: {self._plan.on_timeout}",
            )

    def _must_be_open(self) -> None:
        if self.is_over:
            raise NotNow(f"it is {self._progress.state.value.replace('_', ' ')} already, by {self._progress.by}")

    def _set(self, **changes: object) -> None:
        self._progress = self._progress.model_copy(update=changes)
