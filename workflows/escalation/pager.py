"""Tells people about an escalation, and keeps what they were told true: one message a target, changed in place; a mail
or a webhook is sent anew, where somebody is asked anew and in the end.

Each target has a task of its own, so that one that cannot be reached holds up no other. A new Slack message is tried
once; where its outcome is unknown the channel is asked, by the key in its metadata, before it is posted again. A mail
and a webhook carry the same id however often they are sent.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import activities, names
from devsync.contracts.delivery import FindPart
from devsync.contracts.escalation import ToldTarget
from devsync.contracts.notifications import Notice, Notified, Notify, NotifyTarget
from devsync.domain.escalation.policy import Target
from devsync.runtime.policies import call
from workflows.escalation.board import Board
from workflows.shared.failures import failure_of

PACE = timedelta(seconds=5)
"""Between two changes of the same message: many who join at once are one change."""

_CONTRACTS = {
    names.SLACK: activities.NOTIFY_SLACK,
    names.EMAIL: activities.NOTIFY_EMAIL,
    names.WEBHOOK: activities.NOTIFY_WEBHOOK,
}


def page(board: Board, targets: Iterable[Target], level: str) -> None:
    """Those are asked as well, from now on."""
    for name in board.add(targets, level):
        board.tasks[name] = asyncio.create_task(_keep_told(board, name))


async def finish_paging(board: Board) -> None:
    """Until all who were told know how it ended, or `stop_paging`. Nobody is told of it for the first time now."""
    board.is_closing = True
    await workflow.wait_condition(lambda: board.is_stopping or not board.is_anybody_behind)


async def stop_paging(board: Board) -> None:
    """Between two calls, so that what was sent is known."""
    board.is_stopping = True
    await asyncio.gather(*board.tasks.values())


async def _keep_told(board: Board, name: str) -> None:
    while not board.is_stopping:
        await workflow.wait_condition(lambda: board.is_stopping or board.is_behind(name))
        if board.is_stopping:
            return
        wait = await _bring(board, name)
        if wait is not None:
            await _wait(board, wait, f"Before {name} is tried again")
        elif board.is_behind(name) and not board.is_closing:
            await _wait(board, PACE, f"Before the message to {name} changes again")


async def _bring(board: Board, name: str) -> timedelta | None:
    """One step towards what everybody is to know. None where it succeeded, else the wait before the next one."""
    told = board.at(name)
    is_asking, is_note = told.sent_at is not None, told.digest == board.wanted(name)
    try:
        if is_asking:
            await _settle(board, name)
        elif is_note:
            await _add_note(board, name)
        else:
            await _tell(board, name)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        failure = failure_of(error)
        board.failed(name, failure, is_asking=is_asking, is_note=is_note)
        if board.at(name).sent_at is not None and not is_asking:
            return timedelta()  # asking has a wait of its own
        return board.wait_after(failure, told.failures, workflow.now(), workflow.random().uniform)
    return None


async def _tell(board: Board, name: str) -> None:
    """Posts the message, or changes it in place."""
    told, digest, notes = board.at(name), board.wanted(name), len(board.notes)
    if not told.message_id and told.target.kind == names.SLACK:
        board.set(name, sent_at=workflow.now())
    verb = "Tell" if told.told_at is None else "Tell again:"
    board.calling.add(name)
    try:
        sent = await _notify(board, told, board.key(name), board.notice, f"{verb} {told.target.target}")
    finally:
        board.calling.discard(name)
    board.was_told(name, sent.channel_id, sent.message_id, digest, notes, told.revision + 1, workflow.now())


async def _add_note(board: Board, name: str) -> None:
    """Into the thread, where who follows it is told that something new has happened."""
    told = board.at(name)
    notice = Notice(title=board.notes[told.notes_done].text, body="")
    board.set(name, sent_at=workflow.now())
    summary = f"Say in the thread at {told.target.target}"
    await _notify(board, told, board.note_key(name), notice, summary, in_thread=True)
    board.was_noted(name)


async def _settle(board: Board, name: str) -> None:
    """A post had no answer: is it there?"""
    told, is_note = board.at(name), bool(board.at(name).message_id)
    # From now, not from the send: the activity may have been cut off long after it was scheduled.
    await workflow.sleep(board.uncertain_wait, summary=f"Before asking whether the post to {name} arrived")
    found = await call(
        activities.FIND_SLACK_PART,
        FindPart(
            key=board.note_key(name) if is_note else board.key(name),
            target=told.channel_id or told.target.target,
            thread_ts=told.message_id,
            sent_after=told.sent_at or workflow.now(),
        ),
        board.policies,
        summary=f"Is the post to {told.target.target} there? It had no answer",
    )
    if not found.message_ts:
        board.was_not_found(name)
    elif is_note:
        board.was_noted(name)
    else:
        # What it says is not known any more: it is changed to what it should say.
        notes = len(board.notes)
        board.was_told(name, found.channel_id, found.message_ts, "", notes, told.revision + 1, workflow.now())


async def _notify(
    board: Board, told: ToldTarget, key: str, notice: Notice, summary: str, *, in_thread: bool = False
) -> Notified:
    """Raises ActivityError."""
    return await call(
        _CONTRACTS[told.target.kind],
        Notify(
            key=key,
            target=NotifyTarget.model_validate(told.target.model_dump()),
            notice=notice,
            revision=told.revision + 1,
            channel_id=told.channel_id,
            message_id="" if in_thread else told.message_id,
            thread_id=told.message_id if in_thread else "",
        ),
        board.policies,
        summary=summary,
    )


async def _wait(board: Board, length: timedelta, summary: str) -> None:
    if not length:
        return
    try:
        await workflow.wait_condition(lambda: board.is_stopping, timeout=length, timeout_summary=summary)
    except TimeoutError:
        return
