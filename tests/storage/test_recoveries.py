"""Recoveries on record, in a real database: once each with their steps, and counted by plan and outcome."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from devsync.contracts.recovery import FailedUnit, RecordRecovery, RecoveryReport
from devsync.domain.errors import ErrorCategory, Failure
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import StepRecord, StepState
from devsync.storage.database import Database
from devsync.storage.recoveries import Recoveries

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
GONE = FailedUnit(
    unit="github:acme/web",
    service="github",
    failure=Failure(category=ErrorCategory.NETWORK, message="no answer \0", is_retryable=True),
)


def step(name: str, state: StepState, *healed: str, seconds: float = 1) -> StepRecord:
    return StepRecord(
        id=name,
        activity=f"local.{name}",
        state=state,
        started_at=NOON,
        duration=seconds * SECOND,
        attempts=1,
        healed=healed,
        message="said \0 so",
    )


def record(
    number: int, outcome: RecoveryOutcome, *steps: StepRecord, seconds: float = 10, **changes: Any
) -> RecordRecovery:
    report = RecoveryReport(
        plan="github-collection",
        service="github",
        phase="collect",
        outcome=outcome,
        steps=steps,
        workflow_id=f"recovery:payments:2026-W47:github.collect:{number}",
        run_id=f"run-{number}",
    ).model_copy(update=changes)
    ended = NOON + number * SECOND
    return RecordRecovery(
        team="payments", iso_week="2026-W47", report=report, started_at=ended - seconds * SECOND, ended_at=ended
    )


RETRY, FAILED_RETRY = step("retry", StepState.RESOLVED, "a", "b"), step("retry", StepState.FAILED, seconds=3)
CACHED, SKIPPED = step("cached", StepState.SUCCEEDED, "a", seconds=2), step("breaker", StepState.SKIPPED)


async def test_a_recovery_is_on_record_once_with_its_steps(database: Database) -> None:
    recoveries = Recoveries(database)
    first = record(
        1,
        RecoveryOutcome.PARTIAL,
        FAILED_RETRY,
        SKIPPED,
        CACHED,
        missing=(GONE,),
        decision=Decision.USE_FALLBACK,
        decided_by="anna",
    )
    await recoveries.write(first)
    await recoveries.write(first.model_copy(update={"team": "told again"}))
    await recoveries.write(record(2, RecoveryOutcome.HEALED))
    newest, older = await recoveries.recent(10)
    assert (newest.outcome, newest.steps) == (RecoveryOutcome.HEALED, ())
    assert (older.team, older.missing) == ("payments", {"github:acme/web": "no answer \ufffd"})
    assert (older.decision, older.decided_by) == ("use_fallback", "anna")
    assert [(one.step, one.state, one.seconds, one.healed) for one in older.steps] == [
        ("retry", StepState.FAILED, 3, ()),
        ("breaker", StepState.SKIPPED, 1, ()),
        ("cached", StepState.SUCCEEDED, 2, ("a",)),
    ]
    assert len(await recoveries.recent(1)) == 1
    assert [tuple(row) for row in await database.execute(text("SELECT count(*) FROM recovery_steps"))] == [(3,)]


async def test_plans_are_counted_by_how_they_ended_and_steps_by_what_they_healed(database: Database) -> None:
    recoveries = Recoveries(database)
    for one in (
        record(1, RecoveryOutcome.HEALED, RETRY, seconds=1),
        record(2, RecoveryOutcome.HEALED, RETRY, seconds=3),
        record(3, RecoveryOutcome.HEALED, RETRY, seconds=100),
        record(4, RecoveryOutcome.STAND_IN, FAILED_RETRY, SKIPPED, CACHED),
    ):
        await recoveries.write(one)
    outcomes = await recoveries.by_outcome(NOON)
    assert [(one.plan, one.outcome.value, one.count, one.median_seconds) for one in outcomes] == [
        ("github-collection", "healed", 3, 3),
        ("github-collection", "stand_in", 1, 10),
    ]
    steps = await recoveries.by_step(NOON)
    assert [(one.step, one.count, one.healed, one.median_seconds) for one in steps] == [
        ("retry", 4, 3, 1),
        ("cached", 1, 1, 2),
    ]
    assert await recoveries.by_outcome(NOON + timedelta(hours=1)) == []
