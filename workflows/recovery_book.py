"""What an edition knows of its recoveries: those that run, what they came to, whom they asked. Issues no command."""

from devsync.contracts.edition import RecoverySummary
from devsync.contracts.recovery import RecoveryReport
from workflows.recovering import summary_of

RUNNING = "running"


class RecoveryBook:
    def __init__(self) -> None:
        self._by_id: dict[str, RecoverySummary] = {}
        self.unrecorded: list[RecoveryReport] = []
        """The database did not answer in the moment that they have for it."""

    def begins(self, recovery: RecoverySummary) -> None:
        self._by_id[recovery.workflow_id] = recovery

    def ended(self, report: RecoveryReport) -> None:
        self.begins(summary_of(report))
        if not report.is_recorded:
            self.unrecorded.append(report)

    @property
    def summaries(self) -> tuple[RecoverySummary, ...]:
        return tuple(self._by_id.values())

    @property
    def running(self) -> list[str]:
        """Workflow ids."""
        return [one.workflow_id for one in self._by_id.values() if one.outcome == RUNNING]

    @property
    def escalations(self) -> list[str]:
        return [one.escalation_id for one in self._by_id.values() if one.escalation_id]

    def places(self, escalations: tuple[str, ...], edition_id: str) -> list[tuple[str, str]]:
        """Each escalation with the workflow that joined it: a recovery, or the edition itself."""
        joined = [(one.escalation_id, one.workflow_id) for one in self._by_id.values() if one.escalation_id]
        own = [(one, edition_id) for one in escalations if one not in self.escalations]
        return [*joined, *own]
