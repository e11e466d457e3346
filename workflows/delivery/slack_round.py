"""One try at a Slack channel: what is not there yet is posted, what stands there updated, what is too much removed.

Slack has no idempotency key. So a send is tried once; when its outcome is unknown the channel is asked, by the key in
the message's metadata, before anything is sent again.
"""

from collections.abc import Awaitable, Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts.delivery import DeliveryState, PartRecord, StandingRevision
from devsync.domain.errors import Failure
from workflows.delivery import slack_parts
from workflows.delivery.slack_parts import part_name
from workflows.delivery.work import DeliveryWork, may_help_later
from workflows.shared.failures import MESSAGE_DELETED, failure_of

THREAD_DELETED = "thread_not_found"


async def settles_slack(work: DeliveryWork, report: Callable[[], Awaitable[None]]) -> bool:
    """True when a try settles the channel: delivered, refused for good, or not to be known.

    `report` tells how it stands: what becomes of a send of unknown outcome may take minutes to know, and who waits for
    the channel has other ways to people.
    """
    digests = work.request.part_digests
    work.parts.doubt_the_thread(digests)
    for index, digest in enumerate(digests):
        if work.is_superseded:
            return False
        if not await _settle_part(work, index, digest, report):
            return work.state is not DeliveryState.PENDING
    for index in work.parts.surplus(len(digests)):
        if not await _remove(work, index):
            return False
    enter_delivered(work)
    return True


def enter_delivered(work: DeliveryWork) -> None:
    """Every part is there; of an older revision more may still stand there."""
    left = [work.parts.part(index) for index in work.parts.surplus(len(work.request.part_digests))]
    notes = [f"{part_name(part.index)} of an older revision still stands there, {part.last_error}" for part in left]
    work.enter_delivered(*notes)


async def _settle_part(work: DeliveryWork, index: int, digest: str, report: Callable[[], Awaitable[None]]) -> bool:
    """Posts or updates the part unless it is there. False where the round cannot go on with the next one."""
    if work.parts.is_uncertain(index):
        await _ask_the_channel(work, index)
    if work.parts.is_uncertain(index):
        return False
    if not work.parts.is_there(index, digest):
        await _send(work, index, digest)
    if work.parts.is_uncertain(index):
        # Whatever the answer, this was the round's try: the next one waits for its time.
        await report()
        await _ask_the_channel(work, index)
    if not work.parts.is_there(index, digest):
        return False
    work.parts.settle(index, work.request.revision)
    return True


async def _send(work: DeliveryWork, index: int, digest: str) -> None:
    """Posts the part, or updates its message in place; once, whatever comes of it."""
    before, standing = work.parts.part(index), work.parts.standing
    work.parts.begin_to_send(index, digest, work.request.revision, workflow.now())
    work.tell("Slack's answer")
    try:
        sent = await slack_parts.send(work.request, before, target=work.target, thread_ts=work.parts.thread_ts(index))
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        await _note_failure(work, before, standing, failure_of(error))
    else:
        work.api_calls += 1
        work.parts.was_sent(index, digest, work.request.revision, sent)
    work.tell()


async def _note_failure(
    work: DeliveryWork, before: PartRecord, standing: StandingRevision | None, failure: Failure
) -> None:
    if failure.retry_at is None:
        work.api_calls += 1
    if not work.send_failed(before, standing, failure):
        return
    if failure.code == MESSAGE_DELETED and before.message_id:
        await _forget(work, before.index)
    elif failure.code == THREAD_DELETED and before.index:
        await _forget(work, 0)
    else:
        work.parts.refuse(before.index)
        work.enter(DeliveryState.FAILED, failure.message)


async def _forget(work: DeliveryWork, index: int) -> None:
    """Somebody deleted the message: the next round posts it anew, with the thread that hung on it."""
    if index == 0:
        for hanging in work.parts.surplus(1):
            if not await _remove(work, hanging):
                return  # the message is found deleted again, and the rest of its thread removed then
            work.parts.drop(hanging)
    work.parts.forget(index)
    work.reason = f"somebody deleted {part_name(index)}; it is posted anew"


async def _ask_the_channel(work: DeliveryWork, index: int) -> None:
    """Settles a send of unknown outcome: there, not there, or (without an answer) still unknown."""
    await _wait_until_askable(work, index)
    part = work.parts.part(index)
    try:
        found = await slack_parts.find(
            work.request,
            part,
            target=work.target,
            thread_ts=work.parts.thread_ts(index),
            sent_after=part.sent_at or workflow.now(),
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        await _note_no_answer(work, index, failure_of(error))
    else:
        work.api_calls += found.api_calls
        if found.message_ts:
            work.parts.was_found(index, found)
        else:
            work.parts.was_not_found(index, "the post had not arrived")
    work.tell()


async def _note_no_answer(work: DeliveryWork, index: int, failure: Failure) -> None:
    if failure.code == THREAD_DELETED and index:
        work.parts.was_not_found(index, failure.message)
        await _forget(work, 0)
        return
    work.parts.note(index, failure.message)
    work.set_back(failure)
    if not may_help_later(failure):
        work.enter(
            DeliveryState.UNCERTAIN,
            f"a post had no answer, and the channel cannot be asked: {failure.message}; not posted again",
        )


async def _wait_until_askable(work: DeliveryWork, index: int) -> None:
    work.tell("the earliest moment at which the channel can say whether the post arrived")
    # From now, not from the send: the activity may have been cut off long after it was scheduled.
    await workflow.sleep(work.request.schedule.uncertain_wait, summary=f"Before asking for {part_name(index)}")
    work.tell()


async def _remove(work: DeliveryWork, index: int) -> bool:
    """Deletes what is too much. False where a later try may help. A message that may not be removed stays, with a
    note."""
    if work.parts.is_uncertain(index):
        await _ask_the_channel(work, index)
    if work.parts.is_uncertain(index):
        return work.state is DeliveryState.UNCERTAIN
    part = work.parts.part(index)
    if part.message_id:
        try:
            await slack_parts.remove(work.request, part, target=work.target)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            failure = failure_of(error)
            work.set_back(failure)
            work.parts.note(index, f"not removed: {failure.message}")
            return not may_help_later(failure)
        work.api_calls += 1
    work.parts.drop(index)
    return True
