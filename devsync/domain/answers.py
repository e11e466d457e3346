"""Answers that a message offers by buttons: what one says, and what it is about, as a short text that comes back."""

from enum import StrEnum
from typing import Final, Literal, Self

from devsync.domain.model import Model

PARTS: Final = "|"
"""Between the parts of the text; it stands in no workflow's id of ours."""


class Deed(StrEnum):
    """What an answer does."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    """With a decision."""
    SNOOZE = "snooze"
    """For a number of minutes."""
    APPROVE = "approve"
    """The preview of that number."""
    REJECT = "reject"
    TAKE_ALERT = "take_alert"
    TAKE_ALERTS = "take_alerts"
    """All of one message."""
    MUTE_ALERT = "mute_alert"
    """For a number of minutes."""


class Answer(Model):
    deed: Deed
    argument: str = ""
    """Of `resolve` the decision, of `snooze` and `mute_alert` the minutes, of `approve` the preview's number."""
    workflow_id: str
    """Who is answered."""
    run_id: str
    """Of an edition its run, of an escalation its page, of the monitor the alert, or the message about many: what comes
    later under that id is not meant."""

    @property
    def says(self) -> str:
        """`resolve:retry`."""
        return f"{self.deed.value}:{self.argument}" if self.argument else self.deed.value

    def to_text(self) -> str:
        """`resolve:retry|019a…|escalation:service:github`."""
        return PARTS.join((self.says, self.run_id, self.workflow_id))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Raises ValueError for what is no answer of ours."""
        says, run_id, workflow_id = _first_middle_last(text)
        deed, _, argument = says.partition(":")
        return cls(deed=Deed(deed), argument=argument, workflow_id=workflow_id, run_id=run_id)


def _first_middle_last(text: str) -> tuple[str, str, str]:
    """The id of an alert is made of names, which may hold anything."""
    says, has_more, rest = text.partition(PARTS)
    run_id, is_whole, workflow_id = rest.rpartition(PARTS)
    if not (has_more and is_whole):
        raise ValueError("has fewer than three parts")
    return says, run_id, workflow_id


class Offer(Model):
    """An answer, and how it is shown."""

    label: str
    answer: Answer
    style: Literal["plain", "primary", "danger"] = "plain"
    confirm: str = ""
    """What follows, said before it is done; empty: it is done at once."""
    menu: str = ""
    """The list that it is one of; empty: it is a button of its own."""
