"""Writes down what happened to a breaker, in the background of its entity."""

from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import activities
from devsync.contracts.breaker import RecordBreaker
from devsync.domain.breaker.journal import Journal
from devsync.runtime.policies import ENTITY, call
from workflows.shared.failures import failure_of

RECORDED_AT_ONCE = 100


async def keep_records(service: str, journal: Journal, recorded: Callable[[], None]) -> None:
    """Whatever the database does, the breaker goes on; what is not written yet crosses continue-as-new.

    Has no end. `recorded` is called after each batch, written or given up.
    """
    while True:
        await workflow.wait_condition(lambda: bool(journal.unrecorded))
        first, batch = journal.first_unrecorded, journal.unrecorded[:RECORDED_AT_ONCE]
        record = RecordBreaker(
            service=service,
            entity=workflow.info().first_execution_run_id,
            first_number=first,
            transitions=batch,
        )
        are_lost = False
        try:
            await call(activities.RECORD_BREAKER, record, ENTITY, summary=f"Record: {batch[-1].event.value}")
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.error("events of the breaker are lost to the records: %s", failure_of(error).message)
            are_lost = True
        journal.recorded(first + len(batch) - 1, are_lost=are_lost)
        recorded()
