"""The only writer to one channel for one team's week: brings the newest revision there, effectively once."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities, names
    from devsync.contracts.breaker import ServiceReleased
    from devsync.contracts.delivery import (
        IS_THERE,
        DeliveryOutcome,
        DeliveryRequest,
        DeliveryState,
        Drop,
        Listen,
        PutOff,
        RecallDelivery,
        RecordDelivery,
        TryNow,
    )
    from devsync.contracts.escalation import EscalationDecided, GoOnAlone
    from devsync.domain.delivery_waits import DeliveryWaits
    from devsync.domain.model import Model
    from devsync.domain.recovery.decision import Decision
    from devsync.runtime.policies import call
    from workflows.counting import count_delivery
    from workflows.delivery_people import DeliveryPeople
    from workflows.delivery_work import DeliveryWork
    from workflows.failures import failure_of, reason_of
    from workflows.mail_round import settles_mail, unreached
    from workflows.messages import understood
    from workflows.signals import signal_if_open
    from workflows.slack_round import enter_delivered, settles_slack
    from workflows.waiting import is_done_unless
    from workflows.webhook_round import settles_webhook

M = TypeVar("M", bound=Model)


@workflow.defn(name=names.DELIVERY)
class Delivery:
    """Sends each part once, updates in place what already stands there, and keeps a bounded retry schedule.

    What one try does, and whether a send of unknown outcome is asked for or repeated, is the channel's kind's own:
    `slack_round`, `mail_round`, `webhook_round`. This workflow's state decides; database rows are a copy.
    """

    @workflow.init
    def __init__(self, request: DeliveryRequest) -> None:
        self._work = DeliveryWork(request)
        self._listeners: dict[str, None] = {}
        """Workflow ids, in the order in which they came."""
        self._add_listeners(request.reply_to, request.also_tell)
        self._people = DeliveryPeople(self._work)
        self._is_released = False
        self._is_asked = False
        self._is_asked_by_person = False
        self._not_before: datetime | None = None
        self._stopped_because = ""

    @workflow.run
    async def run(self, request: DeliveryRequest) -> DeliveryOutcome:
        workflow.upsert_search_attributes(
            [
                names.TEAM.value_set(request.team),
                names.ISO_WEEK.value_set(request.iso_week),
                names.SERVICE.value_set(request.channel.kind),
            ]
        )
        try:
            return await self._deliver()
        except (asyncio.CancelledError, ActivityError) as error:
            await self._tell_the_end(error)
            raise

    async def _deliver(self) -> DeliveryOutcome:
        await self._recall()
        while True:
            self._work.take_up_the_newest(workflow.now())
            await self._bring_to_channel()
            if self._work.is_superseded:
                continue  # nobody waits for what became of the older one
            count_delivery(self._work.request.channel.kind, self._work.state)
            await self._report()
            await self._settle_with_people()
            await self._record_unless_it_goes_on()
            if not self._goes_on():
                await workflow.wait_condition(workflow.all_handlers_finished)
            if not self._goes_on():
                return self._work.outcome()

    def _goes_on(self) -> bool:
        """Although it has settled: there is a newer revision, or somebody asks for another try of what is not there."""
        can_be_tried = self._work.state not in {*IS_THERE, DeliveryState.PENDING} and not self._work.was_stopped
        return self._work.is_superseded or (self._is_asked and can_be_tried)

    # What people and other workflows may ask and say.

    @workflow.signal(description="A newer revision of the same week; sent by the edition, not by people")
    def revise(self, raw: RawValue) -> None:
        request = self._read("revise", raw, DeliveryRequest)
        if request is None:
            return
        self._add_listeners(request.reply_to, request.also_tell)
        if request.revision >= self._work.newest.revision:
            self._work.newest = request
            if not request.heeds_stops:
                self._stopped_because = ""

    @workflow.signal(description="Tell me as well what comes of it; sent by a recovery, not by people")
    async def listen(self, raw: RawValue) -> None:
        message = self._read("listen", raw, Listen)
        if message is not None:
            self._add_listeners(message.reply_to)
            await self._tell_if_settled(message.reply_to)

    @workflow.signal(description="Try again at once: {}; sent by `delivery replay`, and by a recovery")
    async def try_now(self, raw: RawValue) -> None:
        message = self._read("try_now", raw, TryNow)
        if message is None:
            return
        self._add_listeners(message.reply_to)
        self._ask(by_person=message.reply_to is None)
        if not self._goes_on():
            await self._tell_if_settled(message.reply_to)

    @workflow.signal(description="No try before that instant; sent by a recovery, not by people")
    def put_off(self, raw: RawValue) -> None:
        message = self._read("put_off", raw, PutOff)
        if message is not None:
            self._not_before = message.until
            self._is_asked = self._is_asked_by_person  # a recovery takes back its own wish alone

    @workflow.signal(description="Another channel stands in for good; sent by the edition, not by people")
    def drop(self, raw: RawValue) -> None:
        message = self._read("drop", raw, Drop)
        if message is not None:
            self._stopped_because = f"dropped: {message.because or 'no reason given'}"

    @workflow.signal(
        description="Nobody else looks after it from now on; sent by an edition that is over, not by people"
    )
    async def go_on_alone(self, raw: RawValue) -> None:
        message = self._read("go_on_alone", raw, GoOnAlone)
        if message is None:
            return
        self._people.are_ours_to_tell()
        await self._people.follow(message.places)
        if self._work.state is not DeliveryState.PENDING:
            await self._settle_with_people()

    @workflow.signal(description="An escalation tells its decision; sent by that workflow, not by people")
    def decided(self, raw: RawValue) -> None:
        said = self._read("decided", raw, EscalationDecided)
        if said is None or not self._people.hears(said, self._refuse) or said.decision is None:
            return
        if said.decision is Decision.RETRY:
            self._ask(by_person=True)
        elif said.decision in {Decision.SKIP, Decision.ABORT}:
            self._stopped_because = f"{said.by} decided to {said.decision.value}: {said.note or 'no reason given'}"

    @workflow.signal(description="Calls to a service go out again before its time; sent by its breaker, not by people")
    def service_released(self, raw: RawValue) -> None:
        released = self._read("service_released", raw, ServiceReleased)
        if released is not None and released.service == self._work.request.channel.kind:
            self._is_released = True

    @workflow.signal(dynamic=True, description="Any other signal is recorded as refused; the run goes on unharmed")
    def refuse_signal(self, name: str, _args: Sequence[RawValue]) -> None:
        self._refuse(f"signal {name!r}")

    @workflow.query(description="What stands in the channel, part by part, and the messages that were refused")
    def outcome(self) -> DeliveryOutcome:
        return self._work.outcome()

    # The phases, in order.

    async def _recall(self) -> None:
        """Takes up what earlier runs of this delivery left in the channel."""
        request = self._work.request
        recalled = await call(
            activities.RECALL_DELIVERY,
            RecallDelivery(
                team=request.team,
                iso_week=request.iso_week,
                channel=request.channel.key,
                current_run_id=workflow.info().run_id,
                address=self._address,
            ),
            request.policies,
            summary="What stands in the channel already?",
        )
        self._work.parts.recall(recalled)
        self._work.has_recalled = True
        self._work.switched_off_at = recalled.switched_off_at
        self._people.recall(recalled.outcome)
        asked, last = self._work.newest, recalled.outcome
        if last is None or not last.was_stopped:
            return
        if asked.heeds_stops or (asked.unless_stopped and last.revision >= asked.revision):
            self._stopped_because = last.reason

    async def _bring_to_channel(self) -> None:
        """Rounds over what is not there yet, with declared waits between them."""
        waits = DeliveryWaits(self._work.request.schedule.retry_after, workflow.random().uniform)
        due_at: datetime | None = None
        while not self._is_stopped() and not await self._is_settled_by_a_round() and not self._work.is_superseded:
            if self._is_asked:
                continue  # for another try, while that one was under way
            # A try that somebody asks for before its time uses up no step of the schedule; what it is told is heeded.
            next_wait = waits.after if due_at is None else waits.hint
            wait = next_wait(self._work.setback, workflow.now())
            if wait is None:
                self._give_up()
                return
            due_at = max(due_at or workflow.now(), workflow.now() + wait)
            if self._work.is_too_late(due_at):
                self._stopped_because = "dropped: it was to stand in, and did not take it in time"
                continue
            await self._report()
            await self._record_in_passing()
            if await self._is_due(due_at):
                due_at = None

    def _is_stopped(self) -> bool:
        """What is not there by now is not brought there any more; a newer revision is another matter."""
        if not self._stopped_because or self._work.is_superseded:
            return False
        self._work.stop(self._stopped_because)
        return True

    async def _is_settled_by_a_round(self) -> bool:
        """One try of what is not there yet. True when it is: delivered, kept, refused for good, or not to be known."""
        self._is_asked = self._is_asked_by_person = False
        if self._work.is_superseded:
            return False
        self._work.setback = None
        if self._work.must_be_kept():
            return True
        match self._work.request.channel.kind:
            case names.EMAIL:
                return await settles_mail(self._work)
            case names.WEBHOOK:
                return await settles_webhook(self._work)
            case _:
                return await settles_slack(self._work, self._report)

    def _give_up(self) -> None:
        why, parts = f"gave up: {self._work.reason}", self._work.parts
        if self._work.request.channel.kind == names.EMAIL:
            self._work.enter(DeliveryState.DEAD, f"{why}; {unreached(self._work)}")
        elif parts.are_there(self._work.request.part_digests):
            enter_delivered(self._work)  # all but what could not be removed
        elif self._work.request.channel.kind == names.SLACK and parts.are_uncertain():
            self._work.enter(DeliveryState.UNCERTAIN, why)
        else:
            self._work.enter(DeliveryState.DEAD, why)

    async def _report(self) -> None:
        """Tells who listens how it stands."""
        if self._work.tells_only_its_end:
            return
        for listener in tuple(self._listeners):
            await self._report_to(listener)

    async def _report_to(self, listener: str) -> None:
        """Who has closed by now is not told again."""
        if not await signal_if_open(listener, "delivery_reported", self._work.outcome()):
            workflow.logger.info("%s is closed already; it counted this channel as queued", listener)
            self._listeners.pop(listener, None)

    async def _tell_if_settled(self, listener: str | None) -> None:
        """To who comes while the end is recorded: it has been reported before."""
        if listener and self._work.state is not DeliveryState.PENDING:
            await self._report_to(listener)

    async def _settle_with_people(self) -> None:
        """They need not answer any more; or it ended badly, nobody else tells them, and they hear what they can do."""
        if self._people.need_nothing:
            await self._people.leave()
        elif self._people.must_be_told:
            await is_done_unless(self._people.tell_that_it_ended(), self._goes_on)

    async def _record(self, time_left: timedelta | None = None) -> None:
        await call(
            activities.RECORD_DELIVERY,
            RecordDelivery(
                outcome=self._work.outcome(),
                recorded_at=workflow.now(),
                address=self._address,
                switched_off_at=self._work.switched_off_at,
            ),
            self._work.request.policies,
            summary=f"Record: {self._work.state.value}",
            time_left=time_left,
        )

    async def _record_unless_it_goes_on(self) -> None:
        """What comes next does not wait for a database that is away: its own record tells what this one would."""
        await is_done_unless(self._record(), self._goes_on)

    async def _record_in_passing(self) -> None:
        """Between rounds: a database that is away must not hold up the next try; the last record is kept trying."""
        try:
            await self._record(time_left=self._work.request.schedule.record_time)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("delivery state not recorded: %s", failure_of(error).message)

    async def _tell_the_end(self, error: BaseException) -> None:
        """Of a delivery that somebody stopped, or that could not even ask what stands in the channel.

        The edition must not wait for it. What had been sent by then is recorded: the next run
        of the week goes on from there.
        """
        why = reason_of(error)
        if is_cancelled_exception(error):
            why = f"the delivery was cancelled: {workflow.cancellation_reason() or 'no reason given'}"
            self._work.was_stopped = True
        if self._work.state is DeliveryState.PENDING:
            self._work.enter(DeliveryState.FAILED, why)
            count_delivery(self._work.request.channel.kind, self._work.state)
            await self._report()
        await workflow.wait_condition(workflow.all_handlers_finished)
        await self._settle_with_people()
        if self._work.has_recalled:
            await self._record_in_passing()

    # Waiting for the next try.

    async def _is_due(self, due_at: datetime) -> bool:
        """Waits until it is time, or until something makes waiting senseless; False where somebody asked for a try.

        A newer revision is tried at once, and so is one that a breaker refused when calls go out again.
        """
        was_refused = self._work.setback is not None and self._work.setback.retry_at is not None
        while not self._is_woken(was_refused) and (left := self._time_left(due_at)) > timedelta(0):
            self._work.tell(f"the next try, in {left}")
            await self._sleep(left, was_refused)
        self._is_released = False
        self._not_before = None
        self._work.tell()
        return not self._is_asked

    def _is_woken(self, was_refused: bool) -> bool:
        is_free_again = was_refused and self._is_released
        return self._work.is_superseded or self._is_asked or bool(self._stopped_because) or is_free_again

    def _time_left(self, due_at: datetime) -> timedelta:
        return max(due_at, self._not_before or due_at) - workflow.now()

    async def _sleep(self, time: timedelta, was_refused: bool) -> None:
        not_before = self._not_before
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._is_woken(was_refused) or self._not_before != not_before,
                timeout=time,
                timeout_summary=f"Next try after: {self._work.reason}"[:200],
            )

    # Small parts.

    def _read(self, name: str, raw: RawValue, kind: type[M]) -> M | None:
        return understood(name, raw, kind, self._refuse)

    def _refuse(self, what: str) -> None:
        self._work.refuse_message(what, workflow.now())

    def _ask(self, *, by_person: bool) -> None:
        """For a try at once."""
        self._not_before = None
        self._is_asked = True
        self._is_asked_by_person = self._is_asked_by_person or by_person

    @property
    def _address(self) -> str:
        """Of a webhook; of another channel empty."""
        channel = self._work.newest.channel
        return channel.target if channel.kind == names.WEBHOOK else ""

    def _add_listeners(self, *workflow_ids: str | None) -> None:
        """To whom outcomes are told."""
        self._listeners |= {workflow_id: None for workflow_id in workflow_ids if workflow_id}
