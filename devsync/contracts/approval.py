"""Messages of approval: what reviewers say about an edition before it is posted."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from devsync.contracts.delivery import ChannelPlan
from devsync.contracts.people import Person, Words
from devsync.domain.changelog.edits import Edits
from devsync.domain.model import Model


class ApprovalPlan(Model):
    """Who looks at the edition before it is posted, as the team's file said when it was planned."""

    reviewers: tuple[ChannelPlan, ...]
    """Each is sent a preview, by a Delivery of its own."""
    wait: timedelta
    on_timeout: Literal["publish", "reject"]


class Approve(Model):
    """Argument of `approve`: `{"by": "anna"}`."""

    by: Person
    note: Words = ""
    preview: int | None = None
    """The number of the preview that is agreed with; None: the one that stands in the reviewers' channels."""


class Reject(Model):
    """Argument of `reject`: `{"by": "anna", "reason": "wrong week"}`; nothing is posted then."""

    by: Person
    reason: Words = ""


class Edit(Model):
    """Argument of `edit`; the preview follows, and waits for approval again.

    `{"by": "anna", "hide": ["acme/api#12"], "retitle": {"PAY-7": "A better title"}, "note": "Release is on Friday"}`.
    """

    by: Person
    hide: tuple[str, ...] = Field(default=(), max_length=200)
    """Ids of items that are not told."""
    retitle: dict[str, Words] = Field(default={}, max_length=200)
    """Titles by id."""
    note: Words | None = None
    """A sentence of the editors' own at the head of the edition; empty takes it away."""

    @property
    def edits(self) -> Edits:
        return Edits(hide=self.hide, retitle=self.retitle, note=self.note)


class ApprovalState(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    """Nobody answered: the team's policy decided."""
    WITHDRAWN = "withdrawn"
    """The run was cancelled or aborted, or failed, before anybody answered."""


class ApprovalProgress(Model):
    """Where the approval stands: part of the query `progress`, and answer of the updates."""

    state: ApprovalState = ApprovalState.WAITING
    until: datetime
    """Nobody is waited for longer."""
    by: str = ""
    note: str = ""
    edited_by: tuple[str, ...] = ()
    preview: int = 1
    """The number of the newest preview: each edit makes another one."""
    is_shown: bool = False
    """Whether it stands in a reviewers' channel."""

    @property
    def answer(self) -> str:
        """How it was answered, and why: `approved by anna: fine`, `timed out by policy: nobody answered by …`."""
        said = f": {self.note}" if self.note else ""
        return f"{self.state.value.replace('_', ' ')} by {self.by}{said}"
