"""Writes the revisions of an amendment to the records, now or when the database is back."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import activities
from devsync.contracts.edition import EditionPlan, EditionResult, KeptEdition, MadeEdition, RecordEdition
from devsync.runtime.policies import call
from workflows.shared.failures import reason_of

RECORD_TIME = timedelta(minutes=1)


class AmendmentRecords:
    def __init__(self) -> None:
        self._unrecorded: list[RecordEdition] = []

    def keep(self, plan: EditionPlan, edition: MadeEdition, result: EditionResult) -> None:
        """For the next `write`."""
        self._unrecorded.append(
            RecordEdition(
                result=result,
                kept=KeptEdition(window=plan.window, edition=edition),
                requested_by="amendment",
                started_at=workflow.info().start_time,
                ended_at=workflow.now(),
            )
        )

    async def write(self, plan: EditionPlan, time_left: timedelta | None = None) -> None:
        """What is not on record yet, in order. Raises ActivityError when the time, or that of its policy, is over."""
        while self._unrecorded:
            record = self._unrecorded[0]
            await call(
                activities.RECORD_EDITION,
                record,
                plan.policies,
                summary=f"Record revision {record.result.revision}: {record.result.status.value}",
                time_left=time_left,
            )
            self._unrecorded.remove(record)

    async def write_in_passing(self, plan: EditionPlan) -> None:
        """A database that is away holds up no round."""
        try:
            await self.write(plan, RECORD_TIME)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("not recorded yet: %s", reason_of(error))
