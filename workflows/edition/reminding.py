"""The message by which reviewers are reminded: once, and kept true until it is answered."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import activities, names
from devsync.contracts.approval import ApprovalPlan, ApprovalProgress, ApprovalState
from devsync.contracts.delivery import ChannelPlan
from devsync.contracts.edition import EditionPlan
from devsync.contracts.notifications import Notice, NoticeLink, Notified, Notify, NotifyTarget
from devsync.domain.dashboard_pages import OPEN, approval_page
from devsync.runtime.policies import call
from workflows.edition.offers import offers_of
from workflows.shared.failures import failure_of

A_MOMENT = timedelta(seconds=5)
"""How long a reminder that begins late is still tried."""


class Reminder:
    """To each reviewer by a task of its own, beside what the edition does: neither an answer nor the deadline waits for
    a channel that is slow to take it."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._wanted: Notice | None = None
        self._until: datetime
        self._posted: dict[str, Notified] = {}
        """By reviewer: where it stands; empty where that is not known."""
        self._saying: dict[str, asyncio.Task[None]] = {}

    def send(self, plan: EditionPlan, asked: ApprovalPlan, approval: ApprovalProgress) -> None:
        """To each reviewer."""
        self._say(plan, asked, _notice(plan, asked, approval), approval.until)

    def keep_true(self, plan: EditionPlan, asked: ApprovalPlan, approval: ApprovalProgress, until: datetime) -> None:
        """What was answered, or is asked otherwise since an edit, has the buttons that it should; tried until then."""
        if self._wanted is not None:
            self._say(plan, asked, _notice(plan, asked, approval), until)

    @property
    def is_said(self) -> bool:
        """Nothing is under way any more."""
        return all(task.done() for task in self._saying.values())

    def check(self) -> None:
        """Raises what a task raised: a bug there must not go unseen."""
        for task in self._saying.values():
            task.result()

    def _say(self, plan: EditionPlan, asked: ApprovalPlan, notice: Notice, until: datetime) -> None:
        if notice == self._wanted:
            return
        self._wanted, self._until = notice, until
        for reviewer in asked.reviewers:
            saying = self._saying.get(reviewer.key)
            if saying is None or saying.done():
                self._saying[reviewer.key] = asyncio.create_task(self._say_to(plan, reviewer))

    async def _say_to(self, plan: EditionPlan, reviewer: ChannelPlan) -> None:
        said, posted = None, self._posted.get(reviewer.key)
        while self._wanted is not None and said != self._wanted and (posted is None or posted.message_id):
            said = self._wanted
            try:
                posted = await call(
                    activities.NOTIFY_SLACK,
                    _message(plan, reviewer, said, posted or Notified()),
                    plan.policies,
                    summary=f"Change the reminder in {reviewer.target}"
                    if posted
                    else f"Remind {reviewer.target} of the approval",
                    time_left=max(self._until - workflow.now(), A_MOMENT),
                )
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                what = "be changed" if posted else "be sent"
                self._note(f"approval: the reminder in {reviewer.target} could not {what}: {failure_of(error).message}")
                posted = posted or Notified()
            self._posted[reviewer.key] = posted


def _message(plan: EditionPlan, reviewer: ChannelPlan, notice: Notice, posted: Notified) -> Notify:
    """Of this run, also after a reset of it: another one of the week asks for itself."""
    run_id = workflow.info().original_execution_run_id
    return Notify(
        key=f"approval/{plan.team}/{plan.iso_week}/{reviewer.key}/{run_id}",
        target=NotifyTarget(kind=names.SLACK, target=reviewer.target),
        notice=notice,
        channel_id=posted.channel_id,
        message_id=posted.message_id,
    )


def _notice(plan: EditionPlan, asked: ApprovalPlan, approval: ApprovalProgress) -> Notice:
    edition = f"{plan.team} {plan.iso_week}"
    link = NoticeLink(label=OPEN, url=approval_page(plan.team, plan.iso_week))
    if approval.state is not ApprovalState.WAITING:
        how = f"{approval.state.value.replace('_', ' ')} by {approval.by}"
        return Notice(title=f"{edition} waits no more for approval: {how}", body=approval.note, links=(link,))
    return Notice(
        title=f"{edition} still waits for approval",
        body=f"Nobody has answered yet. At {approval.until:%H:%M} UTC the team's policy decides: {asked.on_timeout}.",
        links=(link,),
        offers=offers_of(approval),
        fields={"Answer": f"python starter.py edition approve {plan.team} --week {plan.iso_week}"},
    )
