"""The phase in which an edition waits for its reviewers, and the preview that they see from begin to end."""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts.approval import Edit
from devsync.contracts.edition import EditionPlan, EditionRequest, EditionStatus, Phase, PreviousEdition
from devsync.domain.changelog.deadline import Deadline
from devsync.domain.changelog.edits import Edits
from devsync.domain.changelog.telling import Telling
from devsync.domain.dashboard_pages import approval_page
from workflows.edition import making, previews
from workflows.edition.approval import Approval
from workflows.edition.approving import Approving
from workflows.edition.making import Made
from workflows.edition.offers import offers_of
from workflows.edition.people import AskingPeople
from workflows.edition.recovering import Answered
from workflows.edition.reminding import Reminder
from workflows.edition.rendering import rendered_somehow
from workflows.shared.failures import failure_of

READING_TIME = timedelta(seconds=5)
"""Somebody waits for it."""


class Reviewing(Approving, AskingPeople):
    """A workflow inherits it that can compose what reviewers have edited."""

    def __init__(self, request: EditionRequest) -> None:
        super().__init__(request)
        self._deadline: Deadline
        self._previewed: Made | None = None
        """What stands in the reviewers' channels, while it is to be told how it ended."""
        self._reminder = Reminder(self._note)

    async def _compose(self, plan: EditionPlan, answered: Answered, previous: PreviousEdition, edits: Edits) -> Made:
        raise NotImplementedError

    async def _approve(self, plan: EditionPlan, made: Made, previous: PreviousEdition) -> Made:
        """Waits for reviewers, where the team has some; what they edit is composed and shown to them again."""
        now = workflow.now()
        self._deadline = self._deadline.or_late(now)
        if plan.approval is None or not self._must_deliver:
            return made
        until = now + min(plan.approval.wait, self._deadline.time_to_ask_reviewers(now))
        approval = self._approval = Approval(plan.approval, until)
        self._update(approval=approval.progress)
        while not approval.is_over:
            self._enter(Phase.APPROVING)
            self._previewed, preview = made, approval.progress.preview
            if workflow.now() < until:
                await self._show_preview(until)
            if not await previews.wait_for_answer(plan, plan.approval, approval, preview, self._reminder):
                approval.time_is_up()
                self._update(approval=approval.progress)
            if approval.edits != made.edits:
                made = await self._compose(plan, made.answered, previous, approval.edits)
        if not approval.is_agreed:
            await self._end(EditionStatus.REJECTED, f"{approval.progress.by}: {approval.progress.note}")
        return made

    async def _show_preview(self, until: datetime) -> None:
        """What waits for approval, with how it stands; nothing of it is waited for longer than `until`."""
        plan, made, approval = self._planned, self._previewed, self._approval
        if plan is None or plan.approval is None or made is None or approval is None:
            return
        number = approval.progress.preview
        self._reminder.keep_true(plan, plan.approval, approval.progress, until)
        telling = Telling(
            banner=previews.banner_of(plan, approval.progress),
            offers=offers_of(approval.progress),
            page=approval_page(plan.team, plan.iso_week),
        )
        rendering = making.rendering_of(
            plan, plan.approval.reviewers, made.answered.units, made.composed, made.revision, telling
        )
        try:
            preview = await rendered_somehow(plan, rendering, until, self._recover, is_bounded=True)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self._note(f"approval: no preview could be made: {failure_of(error).message}")
            return
        approval.shows(number, preview.slack_part_digests)
        await previews.show(plan, plan.approval, made.composed, preview, made.revision)

    async def _unknown_items(self, said: Edit) -> tuple[str, ...]:
        """Of what is to be changed in the preview. None where that cannot be read now: a note names them then."""
        plan, made = self._planned, self._previewed
        if plan is None or made is None or not (said.hide or said.retitle):
            return ()
        try:
            found = await making.find_unknown_items(plan, made.composed, said.edits, time_left=READING_TIME)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return ()
        return tuple(item for item in found.ids if item not in made.edits.hide)

    async def _close_preview(self, until: datetime) -> None:
        """It says what became of it, and waits for nobody any more."""
        await self._show_preview(until)
        self._previewed = None

    async def _until_reminders_are_said(self) -> None:
        await workflow.wait_condition(lambda: self._reminder.is_said)
        self._reminder.check()

    def _withdraw_preview(self, why: str) -> None:
        """Nobody's answer is needed any more."""
        if self._approval is not None:
            self._approval.withdraw(why)
            self._update(approval=self._approval.progress)
