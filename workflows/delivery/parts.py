"""What is known of a delivery's parts in one channel, and what a call's answer changes about it; issues no command."""

from collections.abc import Sequence
from datetime import datetime

from devsync.contracts.delivery import PartFound, PartRecord, PartSent, PartState, Recalled, StandingRevision
from devsync.domain.errors import Failure


class ChannelParts:
    """The parts of a delivery by index: messages of Slack, recipients of mail, the one request of a webhook."""

    def __init__(self) -> None:
        self.channel_id = ""
        self.standing: StandingRevision | None = None
        self._records: dict[int, PartRecord] = {}
        self._unknown_since: datetime | None = None
        self._was_seen = False
        """This run wrote the channel message, or found it."""

    def recall(self, recalled: Recalled) -> None:
        """Takes up what earlier runs left."""
        self._unknown_since = recalled.unknown_since
        if recalled.outcome is not None:
            self._records = {part.index: part for part in recalled.outcome.parts}
            self.standing = recalled.outcome.standing
            self.channel_id = recalled.outcome.channel_id

    def be_of(self, recipients: Sequence[str]) -> None:
        """Of mail: gives each recipient its place in the list. Those not in it any more are forgotten, and those whom
        the server refused are tried again: since then somebody may have mended it."""
        if recipients:
            known = {part.target: part for part in self._records.values()}
            self._records = {}
            for index, target in enumerate(recipients):
                part = known.get(target) or self.part(index)
                state = PartState.PENDING if part.state is PartState.FAILED else part.state
                self._keep(part, index=index, target=target, state=state)

    # Questions.

    def part(self, index: int) -> PartRecord:
        if index in self._records:
            return self._records[index]
        if self._unknown_since is None:
            return PartRecord(index=index)
        return PartRecord(index=index, state=PartState.UNCERTAIN, sent_at=self._unknown_since)

    def all(self) -> tuple[PartRecord, ...]:
        return tuple(self._records[index] for index in sorted(self._records))

    def is_there(self, index: int, digest: str) -> bool:
        part = self.part(index)
        return part.state is PartState.DELIVERED and part.digest == digest

    def are_there(self, digests: Sequence[str]) -> bool:
        return all(self.is_there(index, digest) for index, digest in enumerate(digests))

    def is_uncertain(self, index: int) -> bool:
        return self.part(index).state is PartState.UNCERTAIN

    def are_uncertain(self) -> bool:
        """Whether any of them is."""
        return any(part.state is PartState.UNCERTAIN for part in self._records.values())

    def surplus(self, wanted: int) -> list[int]:
        """Parts of an older, longer revision than one of so many parts."""
        return [index for index in sorted(self._records) if index >= wanted]

    def thread_ts(self, index: int) -> str:
        """The message that the part hangs on; empty for the channel message."""
        return self.part(0).message_id if index else ""

    def doubt_the_thread(self, digests: Sequence[str]) -> None:
        """Has the channel message updated, changed or not, before anything is added to a thread of an earlier run.

        A reply to a message that somebody deleted is not refused: Slack posts it into the channel.
        """
        grows = any(not self.part(index).message_id for index in range(1, len(digests)))
        if grows and not self._was_seen and self.part(0).message_id:
            self._keep(self.part(0), digest="")

    # A send: begun, then answered in one of three ways.

    def begin_to_send(self, index: int, digest: str, revision: int, now: datetime) -> None:
        """Until the answer is here nobody knows, nor does whoever recalls a run that was ended in between."""
        part = self.part(index)
        self.standing = None
        tried = part.model_copy(update={"attempts": part.attempts + 1, "sent_at": now})
        if part.message_id:
            # The same text may be put on the same message again: no need to ask.
            self._keep(tried, state=PartState.DELIVERED, digest="")
        else:
            self._keep(tried, state=PartState.UNCERTAIN, digest=digest, revision=revision)

    def was_sent(self, index: int, digest: str, revision: int, answer: PartSent) -> None:
        self.channel_id = answer.channel_id
        self._was_seen = self._was_seen or index == 0
        self._keep(
            self.part(index),
            state=PartState.DELIVERED,
            digest=digest,
            revision=revision,
            message_id=answer.message_ts,
            last_error="",
        )

    def may_have_been_sent(self, index: int, failure: Failure) -> None:
        self._keep(self.part(index), last_error=failure.message)

    def was_not_sent(self, before: PartRecord, standing: StandingRevision | None, failure: Failure) -> None:
        """Everything is as it was `before`, but for the try."""
        self.standing = standing
        attempts = before.attempts if failure.retry_at is not None else self.part(before.index).attempts
        state = PartState.DELIVERED if before.message_id else PartState.PENDING
        self._keep(before, state=state, attempts=attempts, last_error=failure.message)

    # What the channel tells, and what is taken away.

    def was_found(self, index: int, answer: PartFound) -> None:
        self.channel_id = answer.channel_id or self.channel_id
        self._was_seen = self._was_seen or index == 0
        self._keep(self.part(index), state=PartState.DELIVERED, message_id=answer.message_ts, last_error="")

    def was_not_found(self, index: int, why: str) -> None:
        self._keep(self.part(index), state=PartState.PENDING, digest="", last_error=why)

    def settle(self, index: int, revision: int) -> None:
        """The part is there, and belongs to this revision as well."""
        self._keep(self.part(index), revision=revision)

    def note(self, index: int, error: str) -> None:
        self._keep(self.part(index), last_error=error)

    def refuse(self, index: int) -> None:
        self._keep(self.part(index), state=PartState.FAILED)

    def forget(self, index: int) -> None:
        """The message is not there any more: another run must not ask for it."""
        self.standing = None
        self._records[index] = PartRecord(index=index)

    def drop(self, index: int) -> None:
        """The revision has no such part."""
        self._records.pop(index, None)

    def _keep(self, part: PartRecord, **changes: object) -> None:
        changed = part.model_copy(update=changes)
        self._records[changed.index] = changed
