"""An operation on record: how long something took, how it ended, and what it needed. All of it was measured."""

from datetime import datetime
from enum import StrEnum

from devsync.domain.model import Model


class OperationKind(StrEnum):
    EDITION = "edition"
    """A run of WeeklyChangelog, from its start to its end without the time in which people were waited for."""
    PHASE = "phase"
    """One of its phases."""
    ATTEMPT = "attempt"
    """One attempt of one activity."""
    CALL = "call"
    """One API call that an attempt made: it went out, and was answered or failed."""
    REFUSAL = "refusal"
    """One that did not go out: our own breaker refused it, or the service had asked for patience."""


class OperationRecord(Model):
    """Run, activity, attempt and number name it: written twice, it is there once."""

    workflow_id: str
    run_id: str
    activity_id: str
    """Of a phase, its name; of an edition, empty."""
    attempt: int = 0
    """From 1; 0 of phases and editions."""
    number: int = 0
    """Of an attempt's calls, from 1 in the order of their ends; then of its refusals."""
    kind: OperationKind
    team: str
    """Empty for work that belongs to no team."""
    service: str
    """Empty of phases and editions."""
    operation: str
    """Of a call, that of the activity which made it."""
    ended_at: datetime
    """Of phases and editions, workflow time: the end of the run; else the worker's clock."""
    seconds: float
    succeeded: bool
    """Of an edition: there is one. Of a phase: the run did not fail in it."""
    api_calls: int = 0
    """Of an attempt: how many calls it made."""
    api_seconds: float = 0.0
    """Of an attempt: its calls, one after the other."""
    peak_memory_mb: float | None = None
    """Of an attempt: the most that its process held meanwhile, resident. None where the system does not tell."""
    was_remembered: bool | None = None
    """Of an attempt that collects: what an earlier one had collected still held. None: it looks for no such thing."""
    owner_run_id: str | None = None
    """The run of the edition or amendment that a recovery or a delivery worked for; of one that was reset, its first
    id. None: it is `run_id`."""
