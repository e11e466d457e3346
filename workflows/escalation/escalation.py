"""Asks people what to do about a failure, level after level, and brings their answer back to all who wait for it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from devsync.contracts import names
from devsync.contracts.escalation import (
    EscalationJoin,
    EscalationStart,
    EscalationView,
    SubscriberLeft,
    ToldTarget,
)
from devsync.domain.escalation.ending import POLICY
from devsync.domain.escalation.machine import EventKind, State
from devsync.domain.refusal import Refused
from devsync.rendering.escalation_words import told_words
from workflows.escalation.alarm import Alarm, set_alarm
from workflows.escalation.answering import Answering
from workflows.escalation.board import Board
from workflows.escalation.carry import the_next_page, the_same_page
from workflows.escalation.case import Answer, Case
from workflows.escalation.pager import finish_paging, page, stop_paging
from workflows.escalation.records import Records, keep_recording, stop_recording
from workflows.escalation.story import digest_of, escalation_story, notice_of, occasion_of, title_of
from workflows.shared.messages import RefusedMessages, message
from workflows.shared.signals import signal_if_open

OPENED_WITHIN = timedelta(minutes=1)
"""Who starts one by hand, without a cause to join it, starts nothing."""

LAST_WORDS = timedelta(hours=6)
"""How long those who were told are still to be told how it ended."""

SHORT_WORDS = timedelta(seconds=30)
"""Where somebody waits for the next page already."""


@workflow.defn(name=names.ESCALATION)
class Escalation(Answering):
    """One page for all who suffer from the same cause; it ends with its decision, or when the cause has healed.

    The rules are those of `Case`, which is pure; here are its clock, its messages and what is told to whom. It ends at
    once when it is resolved: whoever fails again afterwards joins a new one, under the same id, and no decision can
    reach a run that did not wait for it.
    """

    @workflow.init
    def __init__(self, start: EscalationStart) -> None:
        run = workflow.info()
        self._page = start.page or run.run_id
        case = Case(start, run.workflow_id, self._page)
        super().__init__(case, RefusedMessages(start.refused, start.refused_count))
        self._board = Board(start.told, self._was_told_first, self._changed)
        self._records = Records(start.owed)
        self._alarm = Alarm()
        self._news = 0
        self._shown = -1
        self._attributes: tuple[str, ...] = ()

    @workflow.run
    async def run(self, start: EscalationStart) -> EscalationView:
        if not await self._wait_until_joined():
            return self._view()
        recording = asyncio.create_task(keep_recording(self._records, self._case, self._page, lambda: self._board.told))
        try:
            await self._ask_until_resolved(recording)
        except asyncio.CancelledError:
            why = f"the escalation was cancelled: {workflow.cancellation_reason() or 'no reason given'}"
            self._case.give_up(why, workflow.now())
            await self._close(recording)
            raise
        await self._close(recording)
        return self._view()

    # The phases, in order.

    async def _wait_until_joined(self) -> bool:
        """False where nobody has joined within OPENED_WITHIN."""
        with suppress(TimeoutError):
            summary = "Until somebody joins"
            await workflow.wait_condition(
                lambda: self._case.record is not None, timeout=OPENED_WITHIN, timeout_summary=summary
            )  # fmt: skip
        return self._case.record is not None

    async def _ask_until_resolved(self, recording: "asyncio.Task[None]") -> None:
        """Goes on in a new run where the history gets long."""
        while True:
            self._case.let_time_pass(workflow.now())
            self._skip_a_level_that_is_out_of_reach()
            self._show()
            await self._tell_the_answers()
            if self._case.is_resolved:
                return
            if workflow.info().is_continue_as_new_suggested():
                await self._continue_as_new(recording)
            await self._until_something_happens()
            self._board.check()
            if recording.done():
                recording.result()  # a bug there must not go unseen

    async def _close(self, recording: "asyncio.Task[None]") -> None:
        """Who was told hears how it ended, and it is written down; a new cause does not wait for either."""
        set_alarm(self._alarm, None, "")
        self._show()
        await self._tell_the_answers()
        telling = asyncio.create_task(finish_paging(self._board))
        await self._wait_for(lambda: telling.done() or self._case.later is not None, LAST_WORDS)
        if not telling.done():
            await self._wait_for(telling.done, SHORT_WORDS)
        await stop_paging(self._board)
        await telling
        self._have_the_end_on_record()
        await workflow.wait_condition(lambda: self._case.later is not None or self._records.are_done(self._case))
        await stop_recording(self._records, recording)
        if self._case.later is not None:
            owed = self._records.owed(self._case, self._page, self._board.told)
            workflow.continue_as_new(the_next_page(self._case.later, owed))
        workflow.set_current_details(escalation_story(self._view()))

    # What workflows say.

    @workflow.signal(
        description="A failure of this cause, and who waits for a decision; sent by workers, not by people"
    )
    def join(self, raw: RawValue) -> None:
        try:
            self._case.join(message(raw, EscalationJoin), workflow.now())
        except (ApplicationError, Refused) as error:
            self._refuse("join", error)

    @workflow.signal(description="Somebody needs no answer any more; sent by workflows, not by people")
    def left(self, raw: RawValue) -> None:
        try:
            self._case.leave(message(raw, SubscriberLeft), workflow.now())
        except (ApplicationError, Refused) as error:
            self._refuse("left", error)

    @workflow.signal(
        dynamic=True, description="Any other signal is recorded as refused; the escalation goes on unharmed"
    )
    def refuse_signal(self, name: str, _args: Sequence[RawValue]) -> None:
        self._refuse(name, Refused("not a message of an escalation, or not with so many arguments"))

    @workflow.query(description="Where it stands: who was told, who waits, what is offered, what happens next")
    def state(self) -> EscalationView:
        return self._view()

    # How it is done.

    def _skip_a_level_that_is_out_of_reach(self) -> None:
        record = self._case.record
        if record is None or record.state is not State.FIRING:
            return
        higher = record.policy.next_level(record.level)
        has_others = higher is not None and set(higher.targets) - {one.target for one in self._board.told}
        if has_others and self._board.are_all_out_of_reach(record.asked):
            self._case.nobody_can_be_reached(workflow.now())

    async def _tell_the_answers(self) -> None:
        answers, self._case.answers = self._case.answers, []
        await asyncio.gather(*(self._tell_the_answer(answer) for answer in answers))

    async def _tell_the_answer(self, answer: Answer) -> None:
        subscriber, why = answer.entry.subscriber, "it had ended"
        try:
            if await signal_if_open(subscriber.workflow_id, "decided", answer.message, run_id=subscriber.run_id):
                return
        except ApplicationError as error:
            why = error.message  # whatever it is, the others are told
        self._case.roster.note_gone(subscriber.workflow_id)
        self._case.add(EventKind.GONE, subscriber.workflow_id, why, workflow.now())

    async def _until_something_happens(self) -> None:
        set_alarm(self._alarm, self._case.due_at, self._case.due_step)
        await workflow.wait_condition(lambda: self._alarm.has_rung or self._shown != self._case.version + self._news)

    async def _wait_for(self, is_so: Callable[[], bool], at_most: timedelta) -> None:
        with suppress(TimeoutError):
            summary = "Until those who were told know how it ended"
            await workflow.wait_condition(is_so, timeout=at_most, timeout_summary=summary)

    def _show(self) -> None:
        """What has changed, for everybody: those who were told, the lists, the Web UI."""
        opening, record = self._case.opened
        self._shown = self._case.version + self._news
        view = self._view()
        notice = notice_of(view, record, self._case.roster.next_deadline, opening.links)
        self._board.configure(f"escalation/{self._page}", opening)
        self._board.show(notice, digest_of(notice), occasion_of(record), self._case.notes)
        page(self._board, record.asked if record.state is State.FIRING else (), record.level)
        failure = opening.request.failure
        attributes = (record.state.value, record.level, view.service, failure.category.value, self._case.roster.team)
        if attributes != self._attributes:
            self._attributes = attributes
            keys = (names.ESCALATION_STATE, names.ESCALATION_LEVEL, names.SERVICE, names.ERROR_CATEGORY, names.TEAM)
            workflow.upsert_search_attributes(
                [
                    key.value_set(value) if value else key.value_unset()
                    for key, value in zip(keys, attributes, strict=True)
                ]
            )
        workflow.set_current_details(escalation_story(view))

    def _view(self) -> EscalationView:
        case, opening = self._case, self._case.opening
        request = opening.request if opening else None
        view = EscalationView(
            escalation_id=case.escalation_id,
            page=self._page,
            service=request.service if request else "",
            failure=request.failure if request else None,
            severity=request.severity if request else None,
            reason=request.reason if request else "",
            requested_by=request.requested_by if request else "",
            record=case.record,
            next_step=case.next_step,
            **case.on_offer,
            subscribers=case.roster.entries,
            told=self._board.told,
            events=case.journal.recent,
            refused=self._refused.last,
            refused_count=self._refused.count,
            unrecorded=len(case.journal.unrecorded),
        )
        return view.model_copy(update={"title": title_of(view)})

    def _was_told_first(self, told: ToldTarget) -> None:
        kind, why = (EventKind.REACHED, "") if told.is_reached else (EventKind.UNREACHED, f": {told.error}")
        self._case.add(kind, POLICY, f"{told.target.target}{why}", workflow.now())

    def _have_the_end_on_record(self) -> None:
        """Who was told, as it is in the end: an event, since of two writes the one that knows of more events counts."""
        if not self._records.know(self._case, self._board.told):
            each = (f"{one.target.target}: {told_words(one, is_over=True)}" for one in self._board.told)
            self._case.add(EventKind.TOLD_THE_END, POLICY, "; ".join(each), workflow.now())

    def _changed(self) -> None:
        self._news += 1

    async def _continue_as_new(self, recording: "asyncio.Task[None]") -> None:
        await stop_paging(self._board)
        await stop_recording(self._records, recording)
        await self._tell_the_answers()
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(
            the_same_page(self._case, self._page, self._board.told, self._refused, self._records.older)
        )
