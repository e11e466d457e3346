"""Tells people about an escalation, and keeps what they were told true: one message a target, changed in place."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities, names
    from devsync.contracts.delivery import FindPart
    from devsync.contracts.escalation import EscalationJoin, ThreadNote, ToldState, ToldTarget
    from devsync.contracts.notifications import Notice, Notified, Notify, NotifyTarget
    from devsync.contracts.policies import Policies
    from devsync.domain.backoff import spread
    from devsync.domain.errors import Failure
    from devsync.domain.escalation.policy import Target
    from devsync.runtime.policies import call
    from workflows.failures import failure_of

PACE = timedelta(seconds=5)
"""Between two changes of the same message: many who join at once are one change."""

OUT_OF_REACH = 2
"""Tries that failed in a row: who was never told by then does not hold up the next level."""

MESSAGE_DELETED = "message_not_found"
AT_ONCE = timedelta()

_CONTRACTS = {
    names.SLACK: activities.NOTIFY_SLACK,
    names.EMAIL: activities.NOTIFY_EMAIL,
    names.WEBHOOK: activities.NOTIFY_WEBHOOK,
}


class Pager:
    """Each target has a task of its own, so that one that cannot be reached holds up no other.

    A new Slack message is tried once; where its outcome is unknown the channel is asked, by the key in its metadata,
    before it is posted again. A mail and a webhook carry the same id however often they are sent.
    """

    def __init__(
        self,
        page: str,
        told: Sequence[ToldTarget],
        unreached: Callable[[ToldTarget], None],
        changed: Callable[[], None],
    ) -> None:
        """`unreached` hears of each target that cannot be told for the first time."""
        self._page = page
        self._told = {_name(one.target): one for one in told}
        self._unreached = unreached
        self._changed = changed
        self._notice = Notice(title="", body="")
        self._digest = ""
        self._notes: Sequence[ThreadNote] = ()
        self._policies: Policies = {}
        self._uncertain_wait = timedelta()
        self._retry_after: Sequence[timedelta] = (timedelta(minutes=1),)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._is_closing = False
        self._is_stopping = False

    @property
    def told(self) -> tuple[ToldTarget, ...]:
        return tuple(self._told.values())

    def configure(self, page: str, joined: EscalationJoin) -> None:
        """How it is sent, as it was frozen when the escalation began."""
        self._page, self._policies, self._uncertain_wait = page, joined.policies, joined.uncertain_wait
        self._retry_after = joined.retry_after

    def show(self, notice: Notice, digest: str, notes: Sequence[ThreadNote]) -> None:
        """What everybody is to have been told, from now on."""
        self._notice, self._digest, self._notes = notice, digest, notes

    def ask(self, targets: Iterable[Target], level: str) -> None:
        """Those are asked as well. Who was asked before has the message already."""
        for target in targets:
            name = _name(target)
            if name not in self._told:
                self._told[name] = ToldTarget(target=target, level=level)
        for name in self._told:
            if name not in self._tasks:
                self._tasks[name] = asyncio.create_task(self._keep(name))

    def are_all_out_of_reach(self, targets: Iterable[Target]) -> bool:
        entries = [self._told.get(_name(target)) for target in targets]
        return all(entry is not None and is_out_of_reach(entry) for entry in entries)

    def check(self) -> None:
        """Raises what a task raised: a bug there must not go unseen."""
        for task in self._tasks.values():
            if task.done():
                task.result()

    async def finish(self, is_enough: Callable[[], bool]) -> None:
        """Until all who were told know how it ended, or it is enough. Nobody is told of it for the first time now."""
        self._is_closing = True
        await workflow.wait_condition(lambda: is_enough() or not any(self._is_behind(name) for name in self._told))
        await self.stop()

    async def stop(self) -> None:
        """Between two calls, so that what was sent is known."""
        self._is_stopping = True
        await asyncio.gather(*self._tasks.values())

    # One target.

    async def _keep(self, name: str) -> None:
        while not self._is_stopping:
            await workflow.wait_condition(partial(self._has_to_act, name))
            if self._is_stopping:
                return
            wait = await self._bring(name)
            if wait:
                await self._wait(wait, f"Before {name} is tried again")
            elif wait is None and self._is_behind(name) and not self._is_closing:
                await self._wait(PACE, f"Before the message to {name} changes again")

    def _has_to_act(self, name: str) -> bool:
        return self._is_stopping or self._is_behind(name)

    def _is_behind(self, name: str) -> bool:
        told = self._told[name]
        if not self._digest or is_given_up(told):
            return False
        if self._is_closing and told.told_at is None and told.sent_at is None:
            return False
        return told.digest != self._digest or self._has_note(told) or told.sent_at is not None

    def _has_note(self, told: ToldTarget) -> bool:
        return told.target.kind == names.SLACK and told.notes_done < len(self._notes)

    async def _bring(self, name: str) -> timedelta | None:
        """One step towards what everybody is to know. None where it succeeded, else the wait before the next one."""
        told = self._told[name]
        is_asking, is_note = told.sent_at is not None, told.digest == self._digest
        try:
            if is_asking:
                await self._settle(name)
            elif is_note:
                await self._add_note(name)
            else:
                await self._tell(name)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return self._note_failure(name, failure_of(error), is_asking=is_asking, is_note=is_note)
        return None

    async def _tell(self, name: str) -> None:
        """Posts the message, or changes it in place."""
        told, notice, digest, notes = self._told[name], self._notice, self._digest, len(self._notes)
        is_new = not told.message_id
        if is_new and told.target.kind == names.SLACK:
            self._set(name, sent_at=workflow.now())
        verb = "Tell" if told.told_at is None else "Tell again:"
        sent = await self._call(told, self._key(name), notice, f"{verb} {told.target.target}")
        self._set(
            name,
            state=ToldState.TOLD,
            channel_id=sent.channel_id or told.channel_id,
            message_id=sent.message_id or told.message_id,
            revision=told.revision + 1,
            digest=digest,
            notes_done=notes if is_new else told.notes_done,
            told_at=told.told_at or workflow.now(),
            sent_at=None,
            failures=0,
            error="",
        )

    async def _add_note(self, name: str) -> None:
        """Into the thread, where who follows it is told that something new has happened."""
        told = self._told[name]
        note = self._notes[told.notes_done]
        self._set(name, sent_at=workflow.now())
        key = f"{self._key(name)}/note-{told.notes_done + 1}"
        notice = Notice(title=note.text, body="")
        await self._call(told, key, notice, f"Say in the thread at {told.target.target}", in_thread=True)
        self._set(name, notes_done=told.notes_done + 1, sent_at=None, failures=0, error="")

    async def _settle(self, name: str) -> None:
        """A post had no answer: is it there? What is not there is posted again."""
        told = self._told[name]
        is_note = bool(told.message_id)
        # From now, not from the send: the activity may have been cut off long after it was scheduled.
        await workflow.sleep(self._uncertain_wait, summary=f"Before asking whether the post to {name} arrived")
        key = f"{self._key(name)}/note-{told.notes_done + 1}" if is_note else self._key(name)
        found = await call(
            activities.FIND_SLACK_PART,
            FindPart(
                key=key,
                target=told.channel_id or told.target.target,
                thread_ts=told.message_id,
                sent_after=told.sent_at or workflow.now(),
            ),
            self._policies,
            summary=f"Is the post to {told.target.target} there? It had no answer",
        )
        if not found.message_ts:
            self._set(name, sent_at=None, state=ToldState.TOLD if is_note else ToldState.PENDING)
        elif is_note:
            self._set(name, notes_done=told.notes_done + 1, sent_at=None, failures=0, error="")
        else:
            self._set(
                name,
                state=ToldState.TOLD,
                channel_id=found.channel_id,
                message_id=found.message_ts,
                told_at=told.told_at or workflow.now(),
                notes_done=len(self._notes),
                sent_at=None,
                failures=0,
                error="",
            )

    async def _call(
        self, told: ToldTarget, key: str, notice: Notice, summary: str, *, in_thread: bool = False
    ) -> Notified:
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
            self._policies,
            summary=summary,
        )

    def _note_failure(self, name: str, failure: Failure, *, is_asking: bool, is_note: bool) -> timedelta:
        told = self._told[name]
        was_reachable = not is_out_of_reach(told)
        may_help_later = failure.is_retryable or failure.retry_at is not None
        is_unknown = told.sent_at is not None and (is_asking or failure.may_have_taken_effect)
        changes: dict[str, Any] = {"failures": told.failures + 1, "error": failure.message}
        if is_unknown and not told.message_id:
            changes["state"] = ToldState.UNCERTAIN
        if not is_unknown or (is_asking and not may_help_later):
            changes["sent_at"] = None
        if failure.code == MESSAGE_DELETED and told.message_id:
            changes |= {"message_id": "", "digest": ""}  # somebody deleted it: it is posted anew
        elif not may_help_later and is_note:
            changes["notes_done"] = told.notes_done + 1  # what it says stands in the message, too
        elif not may_help_later and not is_unknown:
            changes["state"] = ToldState.UNREACHED
        self._set(name, **changes)
        if was_reachable and is_out_of_reach(self._told[name]):
            self._unreached(self._told[name])
        return AT_ONCE if is_unknown and not is_asking else self._wait_after(failure, told.failures)

    def _wait_after(self, failure: Failure, failures_before: int) -> timedelta:
        """By the schedule, whose last wait is repeated as long as the escalation is open; a hint is a floor."""
        scheduled = self._retry_after[min(failures_before, len(self._retry_after) - 1)]
        hint = failure.retry_after or timedelta()
        if failure.retry_at is not None:
            hint = max(hint, failure.retry_at - workflow.now())
        return max(scheduled, spread(hint, workflow.random().uniform) if hint > timedelta() else hint)

    async def _wait(self, length: timedelta, summary: str) -> None:
        try:
            await workflow.wait_condition(
                lambda: self._is_stopping, timeout=length, timeout_summary=summary
            )  # fmt: skip
        except TimeoutError:
            return

    def _set(self, name: str, **changes: Any) -> None:
        self._told[name] = self._told[name].model_copy(update=changes)
        self._changed()

    def _key(self, name: str) -> str:
        return f"escalation/{self._page}/{list(self._told).index(name) + 1}"


def _name(target: Target) -> str:
    return f"{target.kind}:{target.target}"


def is_out_of_reach(told: ToldTarget) -> bool:
    """Whether nobody was told there, and nobody will be soon."""
    return told.told_at is None and (is_given_up(told) or told.failures >= OUT_OF_REACH)


def is_given_up(told: ToldTarget) -> bool:
    """Refused for good; or posted, perhaps, and the channel cannot be asked: then it is not posted again."""
    return told.state is ToldState.UNREACHED or (told.state is ToldState.UNCERTAIN and told.sent_at is None)
