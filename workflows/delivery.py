"""The only writer to one channel for one team's week: brings the newest revision there, effectively once."""

from collections.abc import Sequence
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities, names
    from devsync.contracts.delivery import (
        DeliveryOutcome,
        DeliveryRequest,
        DeliveryState,
        FindPart,
        PartRecord,
        PartState,
        RecallDelivery,
        RecordDelivery,
        RemovePart,
        SendPart,
    )
    from devsync.domain.errors import Failure
    from devsync.runtime.policies import call
    from workflows.failures import failure_of
    from workflows.story import delivery_story

RECORD_TIME_BETWEEN_ROUNDS = timedelta(seconds=10)


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
        self._parts: dict[int, PartRecord] = {}
        self._channel_id = ""
        self._state = DeliveryState.PENDING
        self._reason = ""
        self._refused: list[str] = []
        self._hint: timedelta | None = None

    @workflow.run
    async def run(self, request: DeliveryRequest) -> DeliveryOutcome:
        workflow.upsert_search_attributes(
            [
                names.TEAM.value_set(request.team),
                names.ISO_WEEK.value_set(request.iso_week),
                names.SERVICE.value_set(names.SLACK),
            ]
        )
        await self._recall()
        while True:
            self._request = self._newest
            await self._bring_to_channel()
            await self._tell_the_edition()
            await self._record()
            if not self._is_superseded():
                return self._outcome()

    # What people and other workflows may ask and say.

    @workflow.signal(description="A newer revision of the same week; sent by the edition, not by people")
    def revise(self, request: DeliveryRequest) -> None:
        if request.revision >= self._newest.revision:
            self._newest = request

    @workflow.signal(dynamic=True, description="Any other signal is recorded as refused; the run goes on unharmed")
    def refuse_signal(self, name: str, _args: Sequence[RawValue]) -> None:
        self._refused.append(name)

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
        if recalled.outcome is not None:
            self._parts = {part.index: part for part in recalled.outcome.parts}
            self._channel_id = recalled.outcome.channel_id

    async def _bring_to_channel(self) -> None:
        """Rounds over the parts that are not there yet, with declared waits between them."""
        self._enter(DeliveryState.PENDING)
        for wait in (timedelta(), *self._request.schedule.retry_after):
            if wait and await self._is_superseded_within(max(wait, self._hint or timedelta())):
                return
            if await self._send_what_is_missing():
                return
            await self._record_in_passing()
        is_unknown = any(part.state is PartState.UNCERTAIN for part in self._parts.values())
        self._enter(DeliveryState.UNCERTAIN if is_unknown else DeliveryState.DEAD, f"gave up: {self._reason}")

    async def _send_what_is_missing(self) -> bool:
        """One round. True when it is settled: delivered, refused for good, or not to be known."""
        self._hint = None
        for index, digest in enumerate(self._request.part_digests):
            if not await self._is_part_settled(index, digest):
                return False
            if self._state in {DeliveryState.FAILED, DeliveryState.UNCERTAIN}:
                return True
        for index in sorted(self._parts):
            if index >= len(self._request.part_digests) and not await self._remove(index):
                return False
        self._enter(DeliveryState.DELIVERED)
        return True

    async def _tell_the_edition(self) -> None:
        if self._request.reply_to is None:
            return
        edition = workflow.get_external_workflow_handle(self._request.reply_to)
        try:
            await edition.signal("delivery_reported", self._outcome())
        except ApplicationError as error:
            if error.type != "ExternalWorkflowExecutionNotFound":
                raise
            workflow.logger.info("the edition is closed already; it counted this channel as queued")

    async def _record(self, time_left: timedelta | None = None) -> None:
        await call(
            activities.RECORD_DELIVERY,
            RecordDelivery(outcome=self._outcome(), recorded_at=workflow.now()),
            self._request.policies,
            summary=f"Record: {self._state.value}",
            time_left=time_left,
        )

    async def _record_in_passing(self) -> None:
        """Between rounds: a database that is away must not hold up the next try; the last record is kept trying."""
        try:
            await self._record(time_left=RECORD_TIME_BETWEEN_ROUNDS)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("delivery state not recorded: %s", failure_of(error).message)

    # One part.

    async def _is_part_settled(self, index: int, digest: str) -> bool:
        part = self._parts.get(index, PartRecord(index=index))
        if part.state is PartState.UNCERTAIN:
            part = await self._ask_the_channel(part)
            if part.state is PartState.UNCERTAIN:
                return self._state is DeliveryState.UNCERTAIN
        if part.state is PartState.DELIVERED and part.digest == digest:
            return True
        part = await self._send(part, digest)
        if part.state is PartState.UNCERTAIN:
            return await self._is_part_settled(index, digest)
        return part.state is PartState.DELIVERED or self._state is DeliveryState.FAILED

    async def _send(self, part: PartRecord, digest: str) -> PartRecord:
        """Posts the part, or updates its message in place; once, whatever comes of it."""
        sent_at = workflow.now()
        verb = "Update" if part.message_id else "Post"
        tried = part.model_copy(update={"attempts": part.attempts + 1, "sent_at": sent_at})
        try:
            sent = await call(
                activities.SEND_SLACK_PART,
                SendPart(
                    team=self._request.team,
                    key=self._key(part.index),
                    target=self._channel_id or self._request.channel.target,
                    rendering=self._request.rendering,
                    index=part.index,
                    thread_ts=self._thread() if part.index else "",
                    message_ts=part.message_id,
                ),
                self._request.policies,
                summary=f"{verb} {self._part_name(part.index)} in {self._request.channel.target}",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return self._note_failure(tried, digest, failure_of(error))
        self._channel_id = sent.channel_id
        return self._keep(
            tried,
            state=PartState.DELIVERED,
            digest=digest,
            revision=self._request.revision,
            message_id=sent.message_ts,
            last_error="",
        )

    def _note_failure(self, part: PartRecord, digest: str, failure: Failure) -> PartRecord:
        self._reason = failure.message
        self._hint = failure.retry_after
        if failure.may_have_taken_effect and not part.message_id:
            return self._keep(part, state=PartState.UNCERTAIN, digest=digest, last_error=failure.message)
        # An update in place may be repeated: the same text on the same message.
        if failure.is_retryable:
            return self._keep(part, last_error=failure.message)
        self._enter(DeliveryState.FAILED, failure.message)
        return self._keep(part, state=PartState.FAILED, last_error=failure.message)

    async def _ask_the_channel(self, part: PartRecord) -> PartRecord:
        """Settles a send of unknown outcome: there, not there, or (without an answer) still unknown."""
        await self._wait_until_askable(part)
        sent_at = part.sent_at or workflow.now()
        try:
            found = await call(
                activities.FIND_SLACK_PART,
                FindPart(
                    key=self._key(part.index),
                    target=self._channel_id or self._request.channel.target,
                    thread_ts=self._thread() if part.index else "",
                    sent_after=sent_at,
                ),
                self._request.policies,
                summary=f"Is {self._part_name(part.index)} there? Its post had no answer",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            failure = failure_of(error)
            if not failure.is_retryable:
                self._enter(
                    DeliveryState.UNCERTAIN,
                    f"a post had no answer, and the channel cannot be asked: {failure.message}; not posted again",
                )
            return self._keep(part, last_error=failure.message)
        if not found.message_ts:
            return self._keep(part, state=PartState.PENDING, last_error="the post had not arrived")
        self._channel_id = found.channel_id or self._channel_id
        return self._keep(
            part,
            state=PartState.DELIVERED,
            message_id=found.message_ts,
            revision=self._request.revision,
            last_error="",
        )

    async def _wait_until_askable(self, part: PartRecord) -> None:
        wait = self._request.schedule.uncertain_wait
        self._tell("the earliest moment at which the channel can say whether the post arrived")
        # From now, not from the send: the activity may have been cut off long after it was scheduled.
        await workflow.sleep(wait, summary=f"Before asking for {self._part_name(part.index)}")
        self._tell()

    async def _remove(self, index: int) -> bool:
        part = self._parts[index]
        if part.message_id:
            try:
                await call(
                    activities.REMOVE_SLACK_PART,
                    RemovePart(target=self._channel_id, message_ts=part.message_id),
                    self._request.policies,
                    summary=f"Remove {self._part_name(index)}: the new revision is shorter",
                )
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                self._reason = failure_of(error).message
                return False
        del self._parts[index]
        return True

    # Small parts.

    def _is_superseded(self) -> bool:
        return self._newest is not self._request

    async def _is_superseded_within(self, wait: timedelta) -> bool:
        self._tell(f"the next try, in {wait}")
        try:
            await workflow.wait_condition(
                self._is_superseded, timeout=wait, timeout_summary=f"Next try after: {self._reason}"[:200]
            )
        except TimeoutError:
            return False
        finally:
            self._tell()
        return True

    def _keep(self, part: PartRecord, **changes: object) -> PartRecord:
        kept = part.model_copy(update=changes)
        self._parts[kept.index] = kept
        self._tell()
        return kept

    def _enter(self, state: DeliveryState, reason: str = "") -> None:
        self._state = state
        self._reason = reason
        self._tell()

    def _tell(self, waiting_for: str = "") -> None:
        workflow.set_current_details(delivery_story(self._request, self._outcome(), waiting_for))

    def _key(self, index: int) -> str:
        return f"{self._request.team}/{self._request.iso_week}/{self._request.channel.key}/{index}"

    def _thread(self) -> str:
        return self._parts[0].message_id

    def _part_name(self, index: int) -> str:
        return "the channel message" if index == 0 else f"thread part {index}"

    def _outcome(self) -> DeliveryOutcome:
        return DeliveryOutcome(
            team=self._newest.team,
            iso_week=self._newest.iso_week,
            channel=self._newest.channel.key,
            kind=self._newest.channel.kind,
            revision=self._request.revision,
            state=self._state,
            channel_id=self._channel_id,
            parts=tuple(self._parts[index] for index in sorted(self._parts)),
            reason=self._reason,
        )
