"""Whether reviewers agree: what they said so far, and what follows. Issues no command."""

from collections.abc import Sequence
from datetime import datetime

from devsync.contracts.approval import ApprovalPlan, ApprovalProgress, ApprovalState, Approve, Edit, Reject
from devsync.contracts.delivery import DeliveryOutcome, DeliveryState
from devsync.domain.changelog.edits import Edits
from devsync.domain.instants import in_utc
from devsync.domain.refusal import NOT_THERE
from workflows.shared.messages import refused

Said = Approve | Reject | Edit


class Approval:
    """The approval of one edition; nobody is waited for after `until`.

    Each edit makes another preview. Whoever agrees means the one that stands in the reviewers' channels, or names it.
    """

    def __init__(self, plan: ApprovalPlan, until: datetime) -> None:
        self._plan = plan
        self._progress = ApprovalProgress(until=until)
        self._shown_parts: tuple[str, ...] = ()
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
        """Raises ApplicationError, type Refused or NotThere, where it has no effect any more, or would have none."""
        if self.is_over:
            why = f"it is {self._progress.state.value.replace('_', ' ')} already, by {self._progress.by}"
            raise refused(why, NOT_THERE)
        if isinstance(said, Approve):
            self._check_preview(said)
        if isinstance(said, Edit) and self.edits.then(said.edits) == self.edits:
            raise refused("it changes nothing; give hide, retitle or note, other than what was edited already")

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
                self._shown_parts = ()
                self._set(
                    edited_by=tuple(dict.fromkeys((*self._progress.edited_by, said.by))),
                    preview=self._progress.preview + 1,
                    is_shown=False,
                )

    def time_is_up(self) -> None:
        if not self.is_over:
            self._set(
                state=ApprovalState.TIMED_OUT,
                by="policy",
                note=f"nobody answered by {in_utc(self._progress.until)}: {self._plan.on_timeout}",
            )

    def withdraw(self, why: str) -> None:
        """The run ends without the edition: nobody's answer is needed."""
        if not self.is_over:
            self._set(state=ApprovalState.WITHDRAWN, by="its run", note=why)

    # Which preview people see.

    def shows(self, preview: int, parts: Sequence[str]) -> None:
        """The preview of this number goes to the reviewers' channels; `parts` are the digests of its messages."""
        if preview == self._progress.preview:  # else another one follows at once
            self._shown_parts = tuple(parts)

    def heard(self, outcome: DeliveryOutcome) -> None:
        """What a channel reports, a reviewers' one or another."""
        is_ours = any(reviewer.key == outcome.channel for reviewer in self._plan.reviewers)
        stands_there = tuple(part.digest for part in outcome.parts)
        is_there = outcome.state is DeliveryState.DELIVERED and bool(stands_there)
        if is_ours and is_there and stands_there == self._shown_parts:
            self._set(is_shown=True)

    def _check_preview(self, said: Approve) -> None:
        number = self._progress.preview
        if said.preview is not None and said.preview > number:
            raise refused(f"there is no preview {said.preview}; look at preview {number}", NOT_THERE)
        if said.preview is not None and said.preview < number:
            raise refused(f"preview {said.preview} was edited; look at preview {number}")
        if said.preview is None and not self._progress.is_shown:
            raise refused(
                f"preview {number} is in no reviewers' channel yet; look at it, or name it: --preview {number} "
                f'(in a signal "preview": {number})'
            )

    def _set(self, **changes: object) -> None:
        self._progress = self._progress.model_copy(update=changes)
