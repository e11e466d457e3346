"""Writes down what happens to an escalation, in its background: whatever the database does, people are asked."""

import asyncio
from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import activities
from devsync.contracts.escalation import RecordEscalation, ToldState, ToldTarget
from devsync.contracts.policies import Policies
from devsync.runtime.policies import call
from workflows.escalation.case import Case
from workflows.shared.failures import failure_of

RECORDED_AT_ONCE = 100


class Records:
    """What is to be written down."""

    def __init__(self, older: tuple[RecordEscalation, ...] = ()) -> None:
        self.older = older
        """Of pages that ended while the database was away."""
        self.is_stopping = False
        self._told: tuple[ToldTarget, ...] = ()
        """Who was told, as the newest record has it that was begun."""
        self._begun = 0
        """The number of the last event in it."""

    def know(self, case: Case, told: tuple[ToldTarget, ...]) -> bool:
        """Whether what the records say of those who were told is so still, or will be."""
        return case.journal.made > self._begun or list(map(_outcome, told)) == list(map(_outcome, self._told))

    def next(self, case: Case, page: str, told: tuple[ToldTarget, ...]) -> RecordEscalation:
        """As much as is written down at once."""
        batch = _first_of(_of(case, page, told))
        self._told, self._begun = told, batch.first_number + len(batch.events) - 1
        return batch

    def are_done(self, case: Case) -> bool:
        return not self.older and not case.journal.unrecorded

    def owed(self, case: Case, page: str, told: tuple[ToldTarget, ...]) -> tuple[RecordEscalation, ...]:
        """What the next page writes down for this one: all that is not written down yet."""
        rest = (_of(case, page, told),) if case.journal.unrecorded else ()
        return (*self.older, *rest)


async def keep_recording(records: Records, case: Case, page: str, told: Callable[[], tuple[ToldTarget, ...]]) -> None:
    """Until `stop_recording`."""
    while not records.is_stopping:
        await workflow.wait_condition(lambda: records.is_stopping or not records.are_done(case))
        if records.is_stopping:
            return
        policies = case.opened.opening.policies
        if records.older:
            await _write(_first_of(records.older[0]), policies)
            records.older = (*_rest_of(records.older[0]), *records.older[1:])
            continue
        batch = records.next(case, page, told())
        await _write(batch, policies)
        case.journal.recorded(batch.first_number + len(batch.events) - 1)


async def stop_recording(records: Records, recording: "asyncio.Task[None]") -> None:
    """What is being written is given up, and written again by the next run. A flag as well, since an activity that
    ends in the same moment swallows the cancellation."""
    records.is_stopping = True
    recording.cancel()
    await asyncio.gather(recording, return_exceptions=True)


def _first_of(record: RecordEscalation) -> RecordEscalation:
    """As much of it as is written down at once."""
    return record.model_copy(update={"events": record.events[:RECORDED_AT_ONCE]})


def _rest_of(record: RecordEscalation) -> tuple[RecordEscalation, ...]:
    """What is left of it then; nothing, or one."""
    events, first_number = record.events[RECORDED_AT_ONCE:], record.first_number + RECORDED_AT_ONCE
    return (record.model_copy(update={"events": events, "first_number": first_number}),) if events else ()


def _of(case: Case, page: str, told: tuple[ToldTarget, ...]) -> RecordEscalation:
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
        subscribers=case.roster.entries,
        told=told,
        first_number=case.journal.first_unrecorded,
        events=case.journal.unrecorded,
    )


def _outcome(told: ToldTarget) -> tuple[ToldState, bool, str]:
    return told.state, told.is_reached, told.error


async def _write(record: RecordEscalation, policies: Policies) -> None:
    summary = f"Record: {record.events[-1].kind.value.replace('_', ' ')}"
    try:
        await call(activities.RECORD_ESCALATION, record, policies, summary=summary)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        workflow.logger.error("events of the escalation are lost to the records: %s", failure_of(error).message)
