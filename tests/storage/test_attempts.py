"""What a run tried, in a real database: counted by phase, and only what is its own."""

from datetime import UTC, datetime, timedelta

from devsync.contracts.operations import OperationKind
from devsync.storage.attempts import attempts_of, calls_of
from devsync.storage.database import Database
from devsync.storage.operations import Operations
from devsync.storage.owned import RunKey
from tests.storage.test_operations import operation

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EDITION, RECOVERY = "changelog:payments:2026-W47", "recovery:payments:2026-W47:github.collect:1"


async def test_attempts_are_counted_in_the_phase_in_which_they_began(database: Database) -> None:
    await Operations(database).write(
        [
            operation(1, service="local", operation="plan_edition"),
            operation(3, succeeded=False, peak_memory_mb=90.0, api_calls=2),
            operation(3, attempt=2, seconds=10.0, ended_at=NOON + 6 * MINUTE, peak_memory_mb=120.0, api_calls=3),
            operation(4, workflow_id=RECOVERY, run_id="r1", owner_run_id="run-1", seconds=2.0),
            operation(3, kind=OperationKind.CALL, number=1),
            operation(4, team="search"),
            operation(4, workflow_id="changelog:payments:2026-W46"),
            operation(4, run_id="run-2"),
            operation(4, workflow_id=RECOVERY, run_id="r2", owner_run_id="dry"),
            operation(4, workflow_id=RECOVERY, run_id="run-1"),
        ]
    )
    # The attempt that ends after six minutes began ten seconds before: in the second phase.
    bounds = [NOON + 2 * MINUTE, NOON + 5 * MINUTE]
    plan, collect, late = await attempts_of(database, RunKey("payments", EDITION, "run-1"), bounds)
    assert (plan.stretch, plan.service, plan.operation, plan.attempts) == (0, "local", "plan_edition", 1)
    assert (collect.stretch, collect.attempts, collect.retries, collect.failures) == (1, 2, 0, 1)
    assert (collect.seconds, collect.calls_asked, collect.peak_memory_mb) == (3.5, 2, 90.0)
    assert (late.stretch, late.attempts, late.retries, late.peak_memory_mb) == (2, 1, 1, 120.0)
    (dry,) = await attempts_of(database, RunKey("payments", "preview:payments:2026-W47", "dry"), [])
    assert dry.attempts == 1
    assert await attempts_of(database, RunKey("search", "changelog:search:2026-W47", "run-1"), []) == []


async def test_calls_are_asked_and_answered_or_failed_and_what_the_breaker_refused_is_not_asked(
    database: Database,
) -> None:
    call, refusal = {"kind": OperationKind.CALL}, {"kind": OperationKind.REFUSAL, "succeeded": False}
    await Operations(database).write(
        [
            operation(1, api_calls=3),
            operation(1, number=1, **call),
            operation(1, number=2, succeeded=False, **call),
            operation(1, number=3, workflow_id=RECOVERY, run_id="r1", owner_run_id="run-1", **call),
            operation(1, number=4, **refusal),
            operation(1, number=5, service="slack", **refusal),
            operation(1, number=1, workflow_id=RECOVERY, run_id="r2", owner_run_id="dry", **call),
        ]
    )
    told = await calls_of(database, RunKey("payments", EDITION, "run-1"))
    assert [(one.service, one.asked, one.answered, one.failed, one.refused) for one in told] == [
        ("github", 3, 2, 1, 1),
        ("slack", 0, 0, 0, 1),
    ]
