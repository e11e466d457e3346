"""The only writer to one channel for one team's week: brings the newest revision there, effectively once."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, is_cancelled_exception

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
from devsync.contracts.escalation import EscalationDecided, GoOnAlone, PlacesKept
from devsync.domain.escalation.ending import ending
from devsync.domain.model import Model
from devsync.domain.recovery.decision import Decision
from devsync.runtime.policies import call
from workflows.delivery.giving_up import give_up
from workflows.delivery.mail_round import settles_mail
from workflows.delivery.people import DeliveryPeople
from workflows.delivery.slack_round import settles_slack
from workflows.delivery.tries import DeliveryTries, until_next_try
from workflows.delivery.webhook_round import settles_webhook
from workflows.delivery.work import DeliveryWork
from workflows.shared.counting import count_delivery
from workflows.shared.failures import failure_of, reason_of
from workflows.shared.messages import understood
from workflows.shared.signals import signal_if_open
from workflows.shared.waiting import do_unless

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
        self._tries = DeliveryTries(self._work)
        self._people = DeliveryPeople(self._work)
        self._listeners: dict[str, None] = {}
        """Workflow ids, in the order in which they came."""
        self._listen_to(request)
        self._stopped_because = ""
        self._is_ending = False
        """No round follows any more, whatever is asked for."""

    @property
    def owner_run_id(self) -> str:
        """Of the revision that is being brought there."""
        return self._work.request.owner_run_id

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
            self._tries.settled()
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
        if self._is_ending:
            return False
        can_be_tried = self._work.state not in {*IS_THERE, DeliveryState.PENDING} and not self._work.was_stopped
        return self._work.is_superseded or (self._tries.are_asked_for_now and can_be_tried)

    # What people and other workflows may ask and say.

    @workflow.signal(description="A newer revision of the same week; sent by the edition, not by people")
    def revise(self, raw: RawValue) -> None:
        request = self._read("revise", raw, DeliveryRequest)
        if request is None:
            return
        if request.revision >= self._work.newest.revision:
            self._work.newest = request
            self._tries.revise()
            if not request.heeds_stops:
                self._stopped_because = ""
        self._listen_to(request)

    @workflow.signal(description="Tell me as well what comes of it; sent by a recovery, not by people")
    async def listen(self, raw: RawValue) -> None:
        message = self._read("listen", raw, Listen)
        if message is None:
            return
        self._add_listeners(message.reply_to)
        if message.at_once:
            await self._report_to(message.reply_to)
        else:
            await self._tell_if_settled(message.reply_to)

    @workflow.signal(description="Try again at once: {}; sent by `delivery replay`, and by a recovery")
    async def try_now(self, raw: RawValue) -> None:
        message = self._read("try_now", raw, TryNow)
        if message is None:
            return
        self._add_listeners(message.reply_to)
        self._tries.ask(message)
        if not self._goes_on():
            await self._tell_if_settled(message.reply_to)

    @workflow.signal(description="No try before that instant; sent by a recovery, not by people")
    def put_off(self, raw: RawValue) -> None:
        message = self._read("put_off", raw, PutOff)
        if message is not None:
            self._tries.put_off(message)

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
        self._people.keep(message.places)
        self._people.are_ours_to_tell()
        await self._follow_or_settle()

    @workflow.signal(description="Where people hear of it; sent by a recovery that is over, not by people")
    async def places_kept(self, raw: RawValue) -> None:
        message = self._read("places_kept", raw, PlacesKept)
        if message is not None:
            self._people.keep(message.places)
            await self._follow_or_settle()

    @workflow.signal(description="An escalation tells its decision; sent by that workflow, not by people")
    def decided(self, raw: RawValue) -> None:
        said = self._read("decided", raw, EscalationDecided)
        if said is None or not self._people.hears(said, self._refuse) or said.decision is None:
            return
        if said.decision is Decision.RETRY:
            self._tries.ask(TryNow())
        elif said.decision in {Decision.SKIP, Decision.ABORT}:
            self._stopped_because = ending(said.decision, said.by, said.note)

    @workflow.signal(description="Calls to a service go out again before its time; sent by its breaker, not by people")
    def service_released(self, raw: RawValue) -> None:
        released = self._read("service_released", raw, ServiceReleased)
        if released is not None and released.service == self._work.request.channel.kind:
            self._tries.release()

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
        self._tries.follow_schedule()
        while not self._is_stopped() and not await self._is_settled_by_a_round() and not self._work.is_superseded:
            self._tries.failed()
            is_news = self._tries.are_news
            if self._tries.are_used_up:
                give_up(self._work)
                return
            if self._tries.are_too_late:
                self._stopped_because = "dropped: it was to stand in, and did not take it in time"
                continue
            if is_news:
                await self._report()
            if is_news and not self._tries.are_asked_for_now:
                await self._record_in_passing()
            await until_next_try(self._tries, self._work, self._is_overtaken)

    def _is_overtaken(self) -> bool:
        return self._work.is_superseded or bool(self._stopped_because)

    def _is_stopped(self) -> bool:
        """Stops the work where somebody wants it stopped: what is not there by now is not brought there any more. A
        newer revision is another matter."""
        if not self._stopped_because or self._work.is_superseded:
            return False
        self._work.stop(self._stopped_because)
        return True

    async def _is_settled_by_a_round(self) -> bool:
        """Makes one try of what is not there yet. True when it settles the channel: delivered, kept, refused for good,
        or not to be known."""
        if self._work.is_superseded:
            return False
        self._tries.begin()
        self._work.setback = None
        if self._work.must_be_kept():
            return True
        match self._work.request.channel.kind:
            case names.EMAIL:
                return await settles_mail(self._work)
            case names.WEBHOOK:
                return await settles_webhook(self._work)
            case _:
                return await settles_slack(self._work, self._report_midway)

    async def _report(self, *, is_midway: bool = False) -> None:
        """Tells who listens how it stands; who waits for a row of tries hears what comes of all of them."""
        if self._work.tells_only_its_end:
            return
        for listener in tuple(self._listeners):
            if is_midway or self._work.state is not DeliveryState.PENDING or not self._tries.waits(listener):
                await self._report_to(listener)
        self._tries.are_told()
        if self._work.state is DeliveryState.PENDING:
            await self._people.follow()

    async def _report_midway(self) -> None:
        """A try is held up: perhaps for longer than those have time who wait for their row. So they hear of it, too."""
        await self._report(is_midway=True)

    async def _report_to(self, listener: str) -> None:
        """A listener that has closed by now is not told again. An edition says so before it ends (`go_on_alone`),
        unless somebody terminated it: nobody looks after what it asked for then."""
        asked = self._work.newest
        outcome = self._work.outcome().model_copy(
            update={
                "tries": self._tries.made_for(listener),
                "tries_go_on": self._work.state is DeliveryState.PENDING and self._tries.waits(listener),
                "has_told_people": self._people.have_been_told_in_places,
            }
        )
        if await signal_if_open(listener, "delivery_reported", outcome) or self._work.newest is not asked:
            return
        workflow.logger.info("%s is closed already; it counted this channel as queued", listener)
        self._listeners.pop(listener, None)
        if listener == asked.reply_to:
            self._people.are_ours_to_tell()

    async def _tell_if_settled(self, listener: str | None) -> None:
        """To who comes while the end is recorded: it has been reported before."""
        if listener and self._work.state is not DeliveryState.PENDING:
            await self._report_to(listener)

    async def _follow_or_settle(self) -> None:
        if self._work.state is DeliveryState.PENDING:
            await self._people.follow()
        else:
            await self._settle_with_people()

    async def _settle_with_people(self) -> None:
        """They need not answer any more; or it ended badly, nobody else tells them, and they hear what they can do."""
        if self._people.need_nothing:
            await self._people.leave()
        elif self._people.must_be_told:
            await do_unless(self._people.tell_that_it_ended(), self._goes_on)
            edition = self._work.newest.reply_to
            if edition in self._listeners and self._people.have_been_told_in_places:
                await self._report_to(edition)

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
        await do_unless(self._record(), self._goes_on)

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
        self._is_ending = True
        why = reason_of(error)
        if is_cancelled_exception(error):
            why = f"the delivery was cancelled: {workflow.cancellation_reason() or 'no reason given'}"
            self._work.was_stopped = True
        if self._work.state is DeliveryState.PENDING:
            self._work.enter(DeliveryState.FAILED, why)
            count_delivery(self._work.request.channel.kind, self._work.state)
            await self._report()
        await self._settle_with_people()
        if self._work.has_recalled:
            await self._record_in_passing()
        await workflow.wait_condition(workflow.all_handlers_finished)  # one may be taking a place

    # Small parts.

    def _read(self, name: str, raw: RawValue, kind: type[M]) -> M | None:
        return understood(name, raw, kind, self._refuse)

    def _refuse(self, what: str) -> None:
        self._work.refuse_message(what, workflow.now())

    @property
    def _address(self) -> str:
        """Of a webhook; of another channel empty."""
        channel = self._work.newest.channel
        return channel.target if channel.kind == names.WEBHOOK else ""

    def _listen_to(self, request: DeliveryRequest) -> None:
        """Who asks for it, and for tries of it."""
        self._add_listeners(request.reply_to, request.also_tell)
        if request.asks_for is not None:
            self._add_listeners(request.asks_for.reply_to)
            self._tries.ask(request.asks_for)

    def _add_listeners(self, *workflow_ids: str | None) -> None:
        """To whom outcomes are told."""
        self._listeners |= {workflow_id: None for workflow_id in workflow_ids if workflow_id}
