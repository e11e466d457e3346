"""Writes a recovery's report to the records: its own business, and its edition's where the database was away."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import activities
from devsync.contracts.policies import Policies
from devsync.contracts.recovery import RecordRecovery, RecoveryReport
from devsync.runtime.policies import call
from workflows.shared.failures import failure_of


async def record_recovery(
    team: str, iso_week: str, report: RecoveryReport, policies: Policies, *, time_left: timedelta | None = None
) -> bool:
    """Records the recovery with its steps; called twice, it is on record once. False where the database did not answer
    within `time_left`; without one, it is tried for the days of its policy."""
    now = workflow.now()
    try:
        await call(
            activities.RECORD_RECOVERY,
            RecordRecovery(
                team=team,
                iso_week=iso_week,
                report=_without_content(report),
                started_at=report.started_at or now,
                ended_at=report.ended_at or now,
            ),
            policies,
            summary=f"Record the recovery of {report.service}: {report.outcome}",
            time_left=time_left,
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        workflow.logger.warning("recovery not recorded: %s", failure_of(error).message)
        return False
    return True


def _without_content(report: RecoveryReport) -> RecoveryReport:
    """Records count what was healed: while the store is away the data itself would travel once more."""
    healed = tuple(unit.unit for unit in report.healed)
    return report.model_copy(
        update={"healed": (), "healed_without_data": (*healed, *report.healed_without_data), "renderings": {}}
    )
