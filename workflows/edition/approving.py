"""What reviewers say to an edition that waits for them: the messages, which a workflow inherits."""

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from devsync.contracts.approval import ApprovalProgress, Approve, Edit, Reject
from devsync.contracts.edition import EditionRequest
from devsync.domain.refusal import NOT_THERE
from workflows.edition.approval import Approval, Said
from workflows.edition.run import EditionRun
from workflows.shared.messages import decision as read_from_person
from workflows.shared.messages import refused


class Approving(EditionRun):
    """Takes answers as signals (typed in the Web UI) and as updates, which tell their sender why they are refused."""

    def __init__(self, request: EditionRequest) -> None:
        super().__init__(request)
        self._approval: Approval | None = None
        """None until somebody is asked."""

    @workflow.signal(name="approve", description='Agree with the preview: {"by": "anna", "preview": 1, "note": "…"}')
    def approve_by_signal(self, raw: RawValue) -> None:
        self._hear("approve", raw, Approve)

    @workflow.signal(name="reject", description='Post nothing this week: {"by": "anna", "reason": "…"}')
    def reject_by_signal(self, raw: RawValue) -> None:
        self._hear("reject", raw, Reject)

    @workflow.signal(name="edit", description='Change it: {"by": …, "hide": ["PAY-1"], "retitle": {"PAY-2": "…"}}')
    def edit_by_signal(self, raw: RawValue) -> None:
        self._hear("edit", raw, Edit)

    @workflow.update(description='Agree with the preview: {"by": "anna", "preview": 1, "note": "…"}')
    def approve(self, raw: RawValue) -> ApprovalProgress:
        return self._take(raw, Approve)

    @workflow.update(description='Post nothing this week: {"by": "anna", "reason": "…"}')
    def reject(self, raw: RawValue) -> ApprovalProgress:
        return self._take(raw, Reject)

    @workflow.update(description='Change it: {"by": …, "hide": ["PAY-1"], "retitle": {"PAY-2": "…"}, "note": "…"}')
    async def edit(self, raw: RawValue) -> ApprovalProgress:
        unknown = await self._unknown_items(read_from_person(raw, Edit))
        if unknown:
            raise refused(f"the edition has no {', '.join(unknown)}", NOT_THERE)
        return self._take(raw, Edit)

    # Each update has a validator: a refused one leaves no trace in the history.

    @approve.validator
    def _may_approve(self, raw: RawValue) -> None:
        self._open().check(read_from_person(raw, Approve))

    @reject.validator
    def _may_reject(self, raw: RawValue) -> None:
        self._open().check(read_from_person(raw, Reject))

    @edit.validator
    def _may_edit(self, raw: RawValue) -> None:
        self._open().check(read_from_person(raw, Edit))

    async def _unknown_items(self, said: Edit) -> tuple[str, ...]:
        raise NotImplementedError

    def _open(self) -> Approval:
        if self._approval is None:
            raise refused("this edition does not wait for approval now")
        return self._approval

    def _take(self, raw: RawValue, kind: type[Said]) -> ApprovalProgress:
        approval = self._open()
        approval.take(read_from_person(raw, kind))
        self._update(approval=approval.progress)
        return approval.progress

    def _hear(self, name: str, raw: RawValue, kind: type[Said]) -> None:
        try:
            self._take(raw, kind)
        except ApplicationError as error:
            self.refuse(f"signal {name!r}: {error.message}")
