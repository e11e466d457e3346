"""The only writer to one channel for one team's week: brings the newest revision there, effectively once."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities, names
    from devsync.contracts.breaker import ServiceReleased
    from devsync.contracts.delivery import (
        DeliveryOutcome,
        DeliveryRequest,
        DeliveryState,
        PartRecord,
        PartState,
        RecallDelivery,
        RecordDelivery,
        StandingRevision,
    )
    from devsync.domain.delivery_waits import DeliveryWaits
    from devsync.domain.errors import Failure
    from devsync.runtime.policies import call
    from workflows import slack_parts
    from workflows.channel_parts import ChannelParts
    from workflows.failures import failure_of, reason_of
    from workflows.signals import signal_if_open, with_refusal
    from workflows.slack_parts import part_name
    from workflows.story import delivery_story, why_it_is_kept
    from workflows.waiting import is_done_unless

MESSAGE_DELETED = "message_not_found"
THREAD_DELETED = "thread_not_found"


@workflow.defn(name=names.DELIVERY)
class Delivery:
    """Sends each part once, updates in place what already stands there, and keeps a bounded retry schedule.

    Slack has no idempotency key. So a send is tried once; when its outcome is unknown the channel is asked, by
    the key in the message's metadata, before anything is sent again. This workflow's state decides; database rows
    are a copy.
    """

    @workflow.init
    def __init__(self, request: DeliveryRequest) -> None:
        self._newest = request
        self._request = request
        self._parts = ChannelParts()
        self._has_recalled = False
        self._state = DeliveryState.PENDING
        self._reason = ""
        self._setback: Failure | None = None
        self._is_released = False
        self._api_calls = 0
        self._refused: tuple[str, ...] = ()

    @workflow.run
    async def run(self, request: DeliveryRequest) -> DeliveryOutcome:
        workflow.upsert_search_attributes(
            [
                names.TEAM.value_set(request.team),
                names.ISO_WEEK.value_set(request.iso_week),
                names.SERVICE.value_set(names.SLACK),
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
            self._take_up_the_newest()
            await self._bring_to_channel()
            if self._is_superseded():
                continue  # nobody waits for what became of the older one
            await self._tell_the_edition()
            await self._record_unless_superseded()
            if not self._is_superseded():
                return self._outcome()

    # What people and other workflows may ask and say.

    @workflow.signal(description="A newer revision of the same week; sent by the edition, not by people")
    def revise(self, request: DeliveryRequest) -> None:
        if request.revision >= self._newest.revision:
            self._newest = request

    @workflow.signal(description="Calls to a service go out again before its time; sent by its breaker, not by people")
    def service_released(self, released: ServiceReleased) -> None:
        if released.service == self._request.channel.kind:
            self._is_released = True

    @workflow.signal(dynamic=True, description="Any other signal is recorded as refused; the run goes on unharmed")
    def refuse_signal(self, name: str, _args: Sequence[RawValue]) -> None:
        self._refused = with_refusal(self._refused, f"signal {name!r}", workflow.now())
        self._tell()

    @workflow.query(description="What stands in the channel, part by part")
    def outcome(self) -> DeliveryOutcome:
        return self._outcome()

    # The phases, in order.

    async def _recall(self) -> None:
        """Takes up what earlier runs of this delivery left in the channel."""
        recalled = await call(
            activities.RECALL_DELIVERY,
            RecallDelivery(
                team=self._request.team,
                iso_week=self._request.iso_week,
                channel=self._request.channel.key,
                current_run_id=workflow.info().run_id,
            ),
            self._request.policies,
            summary="What stands in the channel already?",
        )
        self._parts.recall(recalled)
        self._has_recalled = True

    def _take_up_the_newest(self) -> None:
        self._request = self._newest
        self._api_calls = 0
        self._enter(DeliveryState.PENDING)

    async def _bring_to_channel(self) -> None:
        """Rounds over what is not there yet, with declared waits between them."""
        waits = DeliveryWaits(self._request.schedule.retry_after, workflow.random().uniform)
        while not await self._is_settled_by_a_round() and not self._is_superseded():
            wait = waits.after(self._setback, workflow.now())
            if wait is None:
                self._give_up()
                return
            await self._record_in_passing()
            await self._wait_for_the_next_try(wait)

    async def _is_settled_by_a_round(self) -> bool:
        """One try of what is not there yet. True when it is: delivered, kept, refused for good, or not to be known."""
        self._setback = None
        if self._must_be_kept():
            return True
        self._parts.doubt_the_thread(self._request.part_digests)
        for index, digest in enumerate(self._request.part_digests):
            if self._is_superseded():
                return False
            if not await self._is_part_settled(index, digest):
                return self._state is not DeliveryState.PENDING
        for index in self._parts.surplus(len(self._request.part_digests)):
            if not await self._is_removed(index):
                return False
        self._enter_delivered()
        return True

    def _give_up(self) -> None:
        if self._parts.are_there(self._request.part_digests):
            self._enter_delivered()  # all but what could not be removed
        elif any(part.state is PartState.UNCERTAIN for part in self._parts.all()):
            self._enter(DeliveryState.UNCERTAIN, f"gave up: {self._reason}")
        else:
            self._enter(DeliveryState.DEAD, f"gave up: {self._reason}")

    async def _tell_the_edition(self) -> None:
        edition = self._request.reply_to
        if edition and not await signal_if_open(edition, "delivery_reported", self._outcome()):
            workflow.logger.info("the edition is closed already; it counted this channel as queued")

    async def _record(self, time_left: timedelta | None = None) -> None:
        await call(
            activities.RECORD_DELIVERY,
            RecordDelivery(outcome=self._outcome(), recorded_at=workflow.now()),
            self._request.policies,
            summary=f"Record: {self._state.value}",
            time_left=time_left,
        )

    async def _record_unless_superseded(self) -> None:
        """A newer revision does not wait for a database that is away: its own record tells what this one would."""
        await is_done_unless(self._record(), self._is_superseded)

    async def _record_in_passing(self) -> None:
        """Between rounds: a database that is away must not hold up the next try; the last record is kept trying."""
        try:
            await self._record(time_left=self._request.schedule.record_time)
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
        if self._state is DeliveryState.PENDING:
            self._enter(DeliveryState.FAILED, why)
            await self._tell_the_edition()
        if self._has_recalled:
            await self._record_in_passing()

    # One part.

    async def _is_part_settled(self, index: int, digest: str) -> bool:
        if self._parts.is_uncertain(index):
            await self._ask_the_channel(index)
        if self._parts.is_uncertain(index):
            return False
        if not self._parts.is_there(index, digest):
            await self._send(index, digest)
        if self._parts.is_uncertain(index):
            # Whatever the answer, this was the round's try: the next one waits for its time.
            await self._ask_the_channel(index)
        if not self._parts.is_there(index, digest):
            return False
        self._parts.settle(index, self._request.revision)
        return True

    async def _send(self, index: int, digest: str) -> None:
        """Posts the part, or updates its message in place; once, whatever comes of it."""
        before, standing = self._parts.part(index), self._parts.standing
        self._parts.begin_to_send(index, digest, self._request.revision, workflow.now())
        self._tell("Slack's answer")
        try:
            sent = await slack_parts.send(
                self._request, before, target=self._target(), thread_ts=self._parts.thread_ts(index)
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            await self._note_failure(before, standing, failure_of(error))
        else:
            self._api_calls += 1
            self._parts.was_sent(index, digest, self._request.revision, sent)
        self._tell()

    async def _note_failure(self, before: PartRecord, standing: StandingRevision | None, failure: Failure) -> None:
        self._set_back(failure)
        if failure.retry_at is None:
            self._api_calls += 1
        if failure.may_have_taken_effect:
            self._parts.may_have_been_sent(before.index, failure)
            return
        self._parts.was_not_sent(before, standing, failure)
        if _may_help_later(failure):
            return
        if failure.code == MESSAGE_DELETED and before.message_id:
            await self._forget(before.index)
        elif failure.code == THREAD_DELETED and before.index:
            await self._forget(0)
        else:
            self._parts.refuse(before.index)
            self._enter(DeliveryState.FAILED, failure.message)

    async def _forget(self, index: int) -> None:
        """Somebody deleted the message: the next round posts it anew, with the thread that hung on it."""
        if index == 0:
            for hanging in self._parts.surplus(1):
                if not await self._is_removed(hanging):
                    return  # the message is found deleted again, and the rest of its thread removed then
                self._parts.drop(hanging)
        self._parts.forget(index)
        self._reason = f"somebody deleted {part_name(index)}; it is posted anew"

    async def _ask_the_channel(self, index: int) -> None:
        """Settles a send of unknown outcome: there, not there, or (without an answer) still unknown."""
        await self._wait_until_askable(index)
        part = self._parts.part(index)
        try:
            found = await slack_parts.find(
                self._request,
                part,
                target=self._target(),
                thread_ts=self._parts.thread_ts(index),
                sent_after=part.sent_at or workflow.now(),
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            await self._note_no_answer(index, failure_of(error))
        else:
            self._api_calls += found.api_calls
            if found.message_ts:
                self._parts.was_found(index, found)
            else:
                self._parts.is_not_there(index, "the post had not arrived")
        self._tell()

    async def _note_no_answer(self, index: int, failure: Failure) -> None:
        if failure.code == THREAD_DELETED and index:
            self._parts.is_not_there(index, failure.message)
            await self._forget(0)
            return
        self._parts.note(index, failure.message)
        self._set_back(failure)
        if not _may_help_later(failure):
            self._enter(
                DeliveryState.UNCERTAIN,
                f"a post had no answer, and the channel cannot be asked: {failure.message}; not posted again",
            )

    async def _wait_until_askable(self, index: int) -> None:
        self._tell("the earliest moment at which the channel can say whether the post arrived")
        # From now, not from the send: the activity may have been cut off long after it was scheduled.
        await workflow.sleep(self._request.schedule.uncertain_wait, summary=f"Before asking for {part_name(index)}")
        self._tell()

    async def _is_removed(self, index: int) -> bool:
        """False where a later try may help. A message that may not be removed stays, with a note."""
        if self._parts.is_uncertain(index):
            await self._ask_the_channel(index)
        if self._parts.is_uncertain(index):
            return self._state is DeliveryState.UNCERTAIN
        part = self._parts.part(index)
        if part.message_id:
            try:
                await slack_parts.remove(self._request, part, target=self._target())
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                failure = failure_of(error)
                self._set_back(failure)
                self._parts.note(index, f"not removed: {failure.message}")
                return not _may_help_later(failure)
            self._api_calls += 1
        self._parts.drop(index)
        return True

    # Small parts.

    def _must_be_kept(self) -> bool:
        """Whether what stands in the channel is more complete, and nobody asked to replace it all the same."""
        standing = self._parts.standing
        if standing is None or self._request.replace or self._request.completeness >= standing.completeness:
            return False
        self._enter(DeliveryState.KEPT, why_it_is_kept(self._request, standing))
        return True

    def _enter_delivered(self) -> None:
        self._parts.standing = StandingRevision(
            revision=self._request.revision, completeness=self._request.completeness
        )
        left = [self._parts.part(index) for index in self._parts.surplus(len(self._request.part_digests))]
        notes = [f"{part_name(part.index)} of an older revision still stands there, {part.last_error}" for part in left]
        self._enter(DeliveryState.DELIVERED, "; ".join(notes))

    def _is_superseded(self) -> bool:
        return self._newest is not self._request

    async def _wait_for_the_next_try(self, wait: timedelta) -> None:
        """Or for a newer revision, which is tried at once; or, where a breaker refused, until calls go out again."""
        self._tell(f"the next try, in {wait}")
        was_refused = self._setback is not None and self._setback.retry_at is not None
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._is_superseded() or (was_refused and self._is_released),
                timeout=wait,
                timeout_summary=f"Next try after: {self._reason}"[:200],
            )
        self._is_released = False
        self._tell()

    def _set_back(self, failure: Failure) -> None:
        self._setback, self._reason = failure, failure.message

    def _enter(self, state: DeliveryState, reason: str = "") -> None:
        self._state = state
        self._reason = reason
        self._tell()

    def _tell(self, waiting_for: str = "") -> None:
        workflow.set_current_details(delivery_story(self._request, self._outcome(), waiting_for, self._refused))

    def _target(self) -> str:
        return self._parts.channel_id or self._request.channel.target

    def _outcome(self) -> DeliveryOutcome:
        return DeliveryOutcome(
            team=self._newest.team,
            iso_week=self._newest.iso_week,
            channel=self._newest.channel.key,
            kind=self._newest.channel.kind,
            revision=self._request.revision,
            state=self._state,
            channel_id=self._parts.channel_id,
            parts=self._parts.all(),
            standing=self._parts.standing,
            reason=self._reason,
            api_calls=self._api_calls,
            has_recalled=self._has_recalled,
        )


def _may_help_later(failure: Failure) -> bool:
    return failure.is_retryable or failure.retry_at is not None
