"""What everybody who is told is to know of an escalation or an alert, and what stands at each of them."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from devsync.contracts import names
from devsync.contracts.escalation import ThreadNote, ToldState, ToldTarget
from devsync.contracts.notifications import Notice
from devsync.contracts.policies import Policies
from devsync.domain.backoff import Uniform, spread
from devsync.domain.errors import Failure
from devsync.domain.escalation.policy import Target
from workflows.shared.failures import MESSAGE_DELETED

OUT_OF_REACH = 2
"""Tries that failed in a row: somebody who was never told by then does not hold up the next level."""


class Sending(Protocol):
    """How messages are sent; frozen when an escalation begins."""

    @property
    def policies(self) -> Policies: ...
    @property
    def uncertain_wait(self) -> timedelta: ...
    @property
    def retry_after(self) -> Sequence[timedelta]: ...


class Board:
    """One entry a target. Knows and decides; sends nothing."""

    def __init__(
        self, told: Sequence[ToldTarget], first: Callable[[ToldTarget], None], changed: Callable[[], None]
    ) -> None:
        """`first` hears of each target that is told for the first time, or cannot be; `changed` of everything."""
        self._told = {name_of(one.target): one for one in told}
        self._first = first
        self._changed = changed
        self._key = ""
        self._retry_after: Sequence[timedelta] = (timedelta(minutes=1),)
        self.notice = Notice(title="", body="")
        self._digest = ""
        """Of the notice; empty while there is none."""
        self._occasion = ""
        """What rings: it changes only where somebody is asked anew, and in the end."""
        self.notes: Sequence[ThreadNote] = ()
        self.policies: Policies = {}
        self.uncertain_wait = timedelta()
        self.tasks: dict[str, asyncio.Task[None]] = {}
        """By target: what keeps it told."""
        self.calling: set[str] = set()
        """Targets that are being told at this moment."""
        self.is_closing = False
        """Nobody is told for the first time any more."""
        self.is_stopping = False

    @property
    def told(self) -> tuple[ToldTarget, ...]:
        return tuple(self._told.values())

    @property
    def is_anybody_behind(self) -> bool:
        return any(self.is_behind(name) for name in self._told)

    def configure(self, key: str, sending: Sending) -> None:
        """`key` is of the message, for all targets: `escalation/PAGE`."""
        self._key, self.policies, self.uncertain_wait = key, sending.policies, sending.uncertain_wait
        self._retry_after = sending.retry_after

    def show(self, notice: Notice, digest: str, occasion: str, notes: Sequence[ThreadNote]) -> None:
        """What everybody is to have been told, from now on."""
        self.notice, self._digest, self._occasion, self.notes = notice, digest, occasion, notes

    def wanted(self, name: str) -> str:
        """The digest of what they are to have. A message in Slack is changed in place and rings for nobody; a mail and
        a webhook are sent anew, so that only an occasion is worth one."""
        return self._digest if self._told[name].target.kind == names.SLACK else self._occasion

    def add(self, targets: Iterable[Target], level: str) -> list[str]:
        """Those are asked as well; who was asked before has the message already. Returns whom no task keeps told."""
        for target in targets:
            self._told.setdefault(name_of(target), ToldTarget(target=target, level=level))
        return [name for name in self._told if name not in self.tasks]

    def at(self, name: str) -> ToldTarget:
        return self._told[name]

    def set(self, name: str, **changes: Any) -> None:
        self._told[name] = self._told[name].model_copy(update=changes)
        self._changed()

    def key(self, name: str) -> str:
        """The same for every try, and for no other target or message."""
        return f"{self._key}/{list(self._told).index(name) + 1}"

    def note_key(self, name: str) -> str:
        """Of the next note."""
        return f"{self.key(name)}/note-{self._told[name].notes_done + 1}"

    def is_behind(self, name: str) -> bool:
        told = self._told[name]
        if not self._digest or is_given_up(told):
            return False
        is_never_told = told.told_at is None and told.sent_at is None and name not in self.calling
        if self.is_closing and is_never_told:
            return False
        has_note = told.target.kind == names.SLACK and told.notes_done < len(self.notes)
        return told.digest != self.wanted(name) or has_note or told.sent_at is not None

    def are_all_out_of_reach(self, targets: Iterable[Target]) -> bool:
        entries = [self._told.get(name_of(target)) for target in targets]
        return all(entry is not None and is_out_of_reach(entry) for entry in entries)

    def check(self) -> None:
        """Raises what a task raised: a bug there must not go unseen."""
        for task in self.tasks.values():
            if task.done():
                task.result()

    def try_again(self) -> None:
        """Who was out of reach for good may have been let in since."""
        for name, told in list(self._told.items()):
            if told.state is ToldState.UNREACHED:
                self.set(name, state=ToldState.PENDING, failures=0)

    # What came of a call.

    def was_told(
        self, name: str, channel_id: str, message_id: str, digest: str, notes: int, revision: int, now: datetime
    ) -> None:
        """`notes` are those that a new message has no need of."""
        told = self._told[name]
        is_first = not told.is_reached
        self.set(
            name,
            state=ToldState.TOLD,
            channel_id=channel_id or told.channel_id,
            message_id=message_id or told.message_id,
            revision=revision,
            digest=digest,
            notes_done=told.notes_done if told.message_id else notes,
            told_at=told.told_at or now,
            sent_at=None,
            failures=0,
            error="",
        )
        if is_first:
            self._first(self._told[name])

    def was_noted(self, name: str) -> None:
        self.set(name, notes_done=self._told[name].notes_done + 1, sent_at=None, failures=0, error="")

    def was_not_found(self, name: str) -> None:
        """What was sent without an answer has not arrived: it is sent again."""
        is_note = bool(self._told[name].message_id)
        self.set(name, sent_at=None, state=ToldState.TOLD if is_note else ToldState.PENDING)

    def failed(self, name: str, failure: Failure, *, is_asking: bool, is_note: bool) -> None:
        """`is_asking`: the failed call was to find out whether an earlier one had arrived."""
        told = self._told[name]
        was_reachable = not is_out_of_reach(told)
        self.set(name, **_after_failure(told, failure, is_asking=is_asking, is_note=is_note))
        if was_reachable and is_out_of_reach(self._told[name]):
            self._first(self._told[name])

    def wait_after(self, failure: Failure, failures_before: int, now: datetime, uniform: Uniform) -> timedelta:
        """By the schedule, whose last wait is repeated as long as the escalation is open; a hint is a floor.

        One of our own breaker is so no longer than that last wait: a person may let calls out before its time.
        """
        scheduled, longest = self._retry_after[min(failures_before, len(self._retry_after) - 1)], self._retry_after[-1]
        hint = failure.retry_after or timedelta()
        if failure.retry_at is not None:
            hint = max(hint, min(failure.retry_at - now, longest))
        return max(scheduled, spread(hint, uniform)) if hint > timedelta() else scheduled


def name_of(target: Target) -> str:
    return f"{target.kind}:{target.target}"


def _after_failure(told: ToldTarget, failure: Failure, *, is_asking: bool, is_note: bool) -> dict[str, Any]:
    """What a failed call changes: whether it has arrived is unknown, it is tried again, or it cannot be told."""
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
    return changes


def is_out_of_reach(told: ToldTarget) -> bool:
    """Whether nobody was told there, and nobody will be soon."""
    return told.told_at is None and (is_given_up(told) or told.failures >= OUT_OF_REACH)


def is_given_up(told: ToldTarget) -> bool:
    """Refused for good; or posted, perhaps, and the channel cannot be asked: then it is not posted again."""
    return told.state is ToldState.UNREACHED or (told.state is ToldState.UNCERTAIN and told.sent_at is None)
