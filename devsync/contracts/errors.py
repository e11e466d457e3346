"""An error on record: one failed attempt of one activity, as it is kept and counted."""

from datetime import datetime

from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.domain.model import Model


class ErrorRecord(Model):
    """Run, activity and attempt name it: written twice, it is there once."""

    run_id: str
    activity_id: str
    """Of a unit that a step could not heal, followed by the unit."""
    attempt: int
    workflow_id: str
    team: str
    """Empty for work that belongs to no team."""
    service: str
    operation: str
    category: ErrorCategory
    severity: ErrorSeverity
    code: str
    fingerprint: str
    message: str
    """Without secrets."""
    occurred_at: datetime
    owner_run_id: str | None = None
    """The run of the edition or amendment that a recovery or a delivery worked for; of one that was reset, its first
    id. None: it is `run_id`."""
