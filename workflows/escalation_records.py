"""Writes down what happens to an escalation, in its background: whatever the database does, people are asked."""

import asyncio
from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities
    from devsync.contracts.escalation import EscalationView, RecordEscalation
    from devsync.contracts.policies import Policies
    from devsync.runtime.policies import call
    from workflows.escalation_case import Case
    from workflows.failures import failure_of

RECORDED_AT_ONCE = 100
OWED_AT_MOST = 20
"""Pages that are over and not written down; beyond that the oldest are lost to the records."""


class Records:
    def __init__(self, older: tuple[RecordEscalation, ...] = ()) -> None:
        self.older = older
        """Of pages that ended while the database was away."""
        self._is_stopping = False

    async def keep(self, case: Case, view: Callable[[], EscalationView], page: str) -> None:
        """Until `stop`."""
        while not self._is_stopping:
            await workflow.wait_condition(lambda: self._is_stopping or not self.are_done(case))
            if self._is_stopping:
                return
            policies = case.opening.policies if case.opening else {}
            if self.older:
                await _write(self.older[0], policies)
                self.older = self.older[1:]
                continue
            batch = _batch(case, view(), page)
            await _write(batch, policies)
            case.journal.recorded(batch.first_number + len(batch.events) - 1)

    async def stop(self, keeping: "asyncio.Task[None]") -> None:
        """What is being written is given up, and written again by the next run. A flag as well, since an activity that
        ends in the same moment swallows the cancellation."""
        self._is_stopping = True
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)

    def are_done(self, case: Case) -> bool:
        return not self.older and not case.journal.unrecorded

    def owed(self, case: Case, view: EscalationView, page: str) -> tuple[RecordEscalation, ...]:
        """What the next page writes down for this one."""
        rest = (_batch(case, view, page),) if case.journal.unrecorded else ()
        return (*self.older, *rest)[-OWED_AT_MOST:]


def _batch(case: Case, view: EscalationView, page: str) -> RecordEscalation:
    opening, record = case.opened
    request = opening.request
    return RecordEscalation(
        workflow_id=case.escalation_id,
        page=page,
        team=case.roster.team,
        service=request.service,
        failure=request.failure,
        severity=request.severity,
        reason=request.reason,
        requested_by=request.requested_by,
        record=record,
        subscribers=view.subscribers,
        told=view.told,
        first_number=case.journal.first_unrecorded,
        events=case.journal.unrecorded[:RECORDED_AT_ONCE],
    )


async def _write(record: RecordEscalation, policies: Policies) -> None:
    summary = f"Record: {record.events[-1].kind.value.replace('_', ' ')}"
    try:
        await call(activities.RECORD_ESCALATION, record, policies, summary=summary)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        workflow.logger.error("events of the escalation are lost to the records: %s", failure_of(error).message)
