"""What is replayed, and what came of it: the lines that `replay` and its processes exchange."""

from enum import StrEnum
from pathlib import Path

from pydantic import Field

from devsync.domain.model import Model


class Subject(Model):
    """One history: of a file, or of a run on the server."""

    file: Path | None = None
    workflow_id: str = ""
    run_id: str = ""
    workflow_type: str = ""
    state: str = ""
    """Of the run when it was listed: `running`, `completed` …; it may have closed since."""
    pinned_to: str = ""
    """The build whose workers alone run it, where Worker Versioning pins it."""

    @property
    def name(self) -> str:
        return str(self.file) if self.file else self.workflow_id


class Outcome(StrEnum):
    OK = "ok"
    BREAKS = "breaks"
    """This build cannot go on from what the run has done."""
    NOT_STARTED = "not_started"
    """No workflow task has run: there is nothing that could differ."""
    GONE = "gone"
    """Deleted since it was listed, by retention or by hand."""
    UNREAD = "unread"
    """Its history could not be fetched, so nothing is known of it."""


class Verdict(Model):
    subject: Subject
    outcome: Outcome
    reason: str = ""
    events: int = Field(default=0, ge=0)
