"""What keeping the records is to the Web UI and to people: one step, its story, and signals that harm nothing."""

import pytest
from temporalio import activity
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.records import KeepRecords, RecordKeepingRequest, RecordsKept
from devsync.domain.audit import Head
from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.activity_errors import to_application_error
from workflows.record_keeping import RecordKeeping, keeping_story

KEPT = RecordsKept(
    database="1/2",
    heads={"payments": Head(number=9, hash="a" * 64), "": Head(number=2, hash="b" * 64)},
    removed={"errors": 12, "audit": 3},
    held=("search",),
)


class Keeper:
    """Stands in for the database."""

    def __init__(self, *failures: Failure) -> None:
        self.failures = list(failures)
        self.asked: list[KeepRecords] = []

    @activity.defn(name=contracts.KEEP_RECORDS.name)
    async def keep_records(self, message: KeepRecords) -> RecordsKept:
        self.asked.append(message)
        if self.failures:
            raise to_application_error(self.failures.pop(0), None)
        return KEPT


async def run(environment: WorkflowEnvironment, keeper: Keeper, *, signal: bool = False) -> RecordsKept:
    client = environment.client
    async with Worker(
        client,
        task_queue=names.CONTROL_QUEUE,
        workflows=[RecordKeeping],
        activities=[keeper.keep_records],
        max_cached_workflows=0,
    ):
        handle: WorkflowHandle[RecordKeeping, RecordsKept] = await client.start_workflow(
            RecordKeeping.run,
            RecordKeepingRequest(),
            id=names.RECORDS_ID,
            task_queue=names.CONTROL_QUEUE,
            start_signal="stop" if signal else None,
        )
        return await handle.result()


async def test_the_heads_are_its_result_which_stands_outside_the_database(own_time: WorkflowEnvironment) -> None:
    keeper = Keeper()
    assert await run(own_time, keeper, signal=True) == KEPT
    assert len(keeper.asked) == 1


async def test_a_database_that_is_away_is_tried_again_at_the_same_instant(own_time: WorkflowEnvironment) -> None:
    away = Failure(category=ErrorCategory.DATABASE, message="away", is_retryable=True)
    keeper = Keeper(away, away)
    assert await run(own_time, keeper) == KEPT
    assert len(keeper.asked) == 3
    assert len({message.at for message in keeper.asked}) == 1, "what is repeated removes nothing younger"


async def test_a_file_that_is_wrong_removes_nothing_and_is_seen(own_time: WorkflowEnvironment) -> None:
    wrong = Failure(category=ErrorCategory.CONFIGURATION, message="records.yaml:3: is wrong", is_retryable=False)
    keeper = Keeper(wrong)
    with pytest.raises(WorkflowFailureError):
        await run(own_time, keeper)
    assert len(keeper.asked) == 1


def test_the_story_says_where_the_audit_stands_and_what_was_removed() -> None:
    assert keeping_story(KEPT, ()).splitlines() == [
        "### Records",
        "- Audit of no team: entry 2",
        "- Audit of payments: entry 9",
        "- Removed: audit 3, errors 12",
        "- Held, whatever its age: search",
    ]
    assert "nothing" in keeping_story(RecordsKept(), ())
