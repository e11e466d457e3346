"""What editions, phases, attempts and calls took, in a real database; what nobody measured is none, never zero."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from devsync.contracts.operations import OperationKind, OperationRecord
from devsync.domain.errors import ErrorCategory
from devsync.domain.health.healed import LastEnds
from devsync.domain.health.snapshot import Failed
from devsync.domain.insight.series import DailyEditions
from devsync.domain.insight.span import Span
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from devsync.storage.errors import Errors
from devsync.storage.operations import Operations
from devsync.storage.performance import Performance
from devsync.storage.records import Records
from devsync.storage.runs import RunRecord
from tests.storage.test_errors import record as error
from tests.storage.test_operations import operation

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = Span(start=NOON - timedelta(hours=12), end=NOON + timedelta(hours=12))
NEVER = Span(start=NOON - timedelta(days=400), end=NOON - timedelta(days=300))


async def record_edition(
    database: Database,
    team: str,
    phases: dict[str, float],
    *,
    iso_week: str = "2026-W47",
    ended_at: datetime = NOON,
    succeeded: bool = True,
    started_at: datetime | None = None,
) -> None:
    """A run with its phases, as the record of an edition writes them."""
    workflow_id = f"changelog:{team}:{iso_week}"
    run = RunRecord(
        workflow_id=workflow_id,
        run_id="run-1",
        team=team,
        iso_week=iso_week,
        status="complete",
        started_at=started_at or ended_at - timedelta(seconds=sum(phases.values())),
        ended_at=ended_at,
    )
    seconds = sum(spent for phase, spent in phases.items() if phase != "approve")
    edition = of_run(workflow_id, team, "", OperationKind.EDITION, seconds, ended_at, succeeded)
    told = [of_run(workflow_id, team, name, OperationKind.PHASE, spent, ended_at) for name, spent in phases.items()]
    await Records(database, ArtifactStore(database)).write(run=run, operations=[edition, *told])


def of_run(
    workflow_id: str,
    team: str,
    name: str,
    kind: OperationKind,
    seconds: float,
    ended_at: datetime,
    succeeded: bool = True,
) -> OperationRecord:
    return OperationRecord(
        workflow_id=workflow_id,
        run_id="run-1",
        activity_id=name,
        kind=kind,
        team=team,
        service="",
        operation=name or "edition",
        ended_at=ended_at,
        seconds=seconds,
        succeeded=succeeded,
    )


def attempt(which: int, ended_at: datetime, **changes: Any) -> OperationRecord:
    return operation(which, **({"ended_at": ended_at, "seconds": 1.0} | changes))


async def test_medians_and_percentiles_are_those_of_the_rows(database: Database) -> None:
    await Operations(database).write(
        [
            *(attempt(number, NOON, seconds=float(number), succeeded=number > 5) for number in range(1, 101)),
            attempt(200, NOON, service="slack", operation="send_part", seconds=0.5),
            attempt(201, NOON, kind=OperationKind.CALL, seconds=0.25),
            attempt(202, NOON, kind=OperationKind.CALL, seconds=0.75, succeeded=False),
            attempt(202, NOON, kind=OperationKind.REFUSAL, number=1, seconds=0.0, succeeded=False),
            attempt(203, NOON, kind=OperationKind.REFUSAL, service="jira", seconds=0.0, succeeded=False, team="search"),
        ]
    )
    github, slack = await Performance(database).operations(DAY)
    assert (github.service, github.operation, github.calls, github.failures) == (
        "github",
        "collect_repository",
        100,
        5,
    )
    assert (github.seconds_median, github.seconds_p95, github.seconds_total) == (50.5, 95.0, 5050.0)
    assert (slack.operation, slack.seconds_p95) == ("send_part", 0.5)
    github_calls, jira_calls = await Performance(database).calls(DAY)
    assert (github_calls.asked, github_calls.answered, github_calls.failed, github_calls.refused) == (2, 1, 1, 1)
    assert (github_calls.seconds_median, github_calls.seconds_p95, github_calls.seconds_total) == (0.5, 0.75, 1.0)
    assert (jira_calls.asked, jira_calls.refused, jira_calls.seconds_median) == (0, 1, None)
    assert [one.service for one in await Performance(database).calls(DAY, team="search")] == ["jira"]


async def test_where_the_time_of_editions_goes_is_told_without_the_waiting_for_people(database: Database) -> None:
    await record_edition(database, "payments", {"collect": 30.0, "approve": 600.0, "deliver": 2.0})
    await record_edition(database, "search", {"collect": 10.0, "deliver": 4.0})
    await record_edition(database, "broken", {"collect": 999.0}, succeeded=False)
    performance = Performance(database)
    stages = {one.stage: one for one in await performance.stages(DAY)}
    assert set(stages) == {"collect", "deliver"}
    assert (stages["collect"].editions, stages["collect"].seconds_total) == (2, 40.0)
    assert (stages["deliver"].seconds_median, stages["deliver"].seconds_p95) == (3.0, 4.0)
    use = await performance.edition_use(DAY)
    assert use is not None
    assert (use.editions, use.seconds_p95, use.peak_mb_p95) == (2, 32.0, None)
    of_search = await performance.edition_use(DAY, team="search")
    assert of_search is not None
    assert (of_search.editions, of_search.seconds_p95) == (1, 14.0)


async def test_the_peak_of_an_edition_is_that_of_its_own_attempts_also_after_a_reset(database: Database) -> None:
    await record_edition(database, "payments", {"collect": 60.0})
    await Operations(database).write(
        [
            attempt(1, NOON - timedelta(seconds=50), peak_memory_mb=200.0),
            attempt(2, NOON - timedelta(seconds=5), peak_memory_mb=300.0, run_id="run of the reset"),
            attempt(3, NOON - timedelta(hours=2), peak_memory_mb=900.0, run_id="run of the hour before"),
            attempt(4, NOON, peak_memory_mb=800.0, workflow_id="changelog:search:2026-W47", team="search"),
        ]
    )
    (edition,) = await Performance(database).editions(DAY)
    assert (edition.team, edition.iso_week, edition.seconds, edition.peak_memory_mb) == (
        "payments",
        "2026-W47",
        60.0,
        300.0,
    )


async def test_of_each_day_the_median_time_and_the_highest_peak_are_told(database: Database) -> None:
    await record_edition(database, "payments", {"collect": 60.0})
    await record_edition(database, "search", {"collect": 80.0})
    await record_edition(database, "later", {"collect": 10.0}, ended_at=NOON + timedelta(days=2))
    await Operations(database).write([attempt(1, NOON - timedelta(seconds=5), peak_memory_mb=200.0)])
    window = Span(start=DAY.start, end=DAY.end + timedelta(days=3))
    first, second = await Performance(database).daily_editions(window)
    assert first == DailyEditions(
        day=date(2026, 11, 23), editions=2, seconds_median=70.0, seconds_slowest=80.0, peak_mb=200.0, peaks=1
    )
    assert (second.day, second.usual.value, second.peak) == (date(2026, 11, 25), 10.0, None)


async def test_how_soon_services_answered_is_told_by_hour(database: Database) -> None:
    calls = [attempt(second, NOON + timedelta(seconds=second), kind=OperationKind.CALL) for second in range(1, 20)]
    slow = attempt(20, NOON + timedelta(minutes=59), kind=OperationKind.CALL, seconds=60.0)
    later = attempt(21, NOON + timedelta(minutes=61), kind=OperationKind.CALL, seconds=2.0)
    await Operations(database).write([*calls, slow, later, attempt(22, NOON, seconds=99.0)])
    assert [
        (one.hour, one.service, one.calls, one.seconds) for one in await Performance(database).hourly_answers(DAY)
    ] == [(NOON, "github", 20, 1.0), (NOON + timedelta(hours=1), "github", 1, 2.0)]


async def test_how_busy_calls_were_is_told_of_what_editions_collected(database: Database) -> None:
    await record_edition(database, "payments", {"collect": 60.0})
    busy = {"api_calls": 10, "api_seconds": 8.0, "seconds": 10.0}
    await Operations(database).write(
        [
            attempt(1, NOON - timedelta(seconds=45), **busy, was_remembered=True),
            attempt(2, NOON - timedelta(seconds=25), **busy, was_remembered=False),
            attempt(3, NOON - timedelta(seconds=20), operation="send_part", service="slack", **busy),
            attempt(4, NOON - timedelta(seconds=20), workflow_id="refresh:payments", was_remembered=False, **busy),
        ]
    )
    performance = Performance(database)
    (github,) = await performance.service_uses(DAY)
    assert (github.service, github.calls, github.seconds_in_calls) == ("github", 20, 16.0)
    assert github.seconds_collecting == 30.0  # from 55 s before noon to 25 s before it
    (cache,) = await performance.cache_uses(DAY)
    assert (cache.service, cache.lookups, cache.hits) == ("github", 2, 1)


async def test_a_day_has_the_calls_of_its_busiest_hour(database: Database) -> None:
    calls = [
        attempt(minute, NOON + timedelta(minutes=minute), kind=OperationKind.CALL, number=1)
        for minute in (1, 2, 3, 61, 62, 24 * 60)
    ]
    await Operations(database).write([*calls, attempt(500, NOON)])
    window = Span(start=DAY.start, end=DAY.end + timedelta(days=1))
    assert [
        (one.day.day, one.value, one.samples) for one in await Performance(database).busiest_hours(window, "github")
    ] == [
        (23, 3.0, 5),
        (24, 1.0, 1),
    ]
    assert await Performance(database).busiest_hours(window, "jira") == []


async def test_where_nothing_was_measured_nothing_is_told(database: Database) -> None:
    performance = Performance(database)
    for window in (DAY, NEVER):
        assert await performance.edition_use(window) is None
        assert await performance.daily_editions(window) == []
        for empty in (
            await performance.operations(window),
            await performance.stages(window),
            await performance.editions(window),
            await performance.service_uses(window),
            await performance.cache_uses(window),
            await performance.services(window),
        ):
            assert empty == []


async def test_the_last_end_of_each_service_well_and_not(database: Database) -> None:
    early, late = NOON + timedelta(minutes=1), NOON + timedelta(minutes=9)
    await Operations(database).write(
        [
            operation(1),
            operation(2, succeeded=False),
            operation(3, succeeded=False),
            operation(9),
            operation(10, kind=OperationKind.CALL, number=1, succeeded=False),
            operation(1, service="jira", activity_id="jira", team="search"),
            operation(70, succeeded=False),
        ]
    )
    ends = await Performance(database).last_ends(Span(start=NOON, end=NOON + timedelta(hours=1)))
    assert ends == {
        "github": LastEnds(failed_at=NOON + timedelta(minutes=3), succeeded_at=late),
        "jira": LastEnds(succeeded_at=early),
    }


async def test_a_service_tells_when_and_by_what_its_attempts_failed_and_how_many_errors_that_made(
    database: Database,
) -> None:
    await Operations(database).write(
        [
            operation(1),
            *(operation(minute, succeeded=False) for minute in (2, 3, 4)),
            operation(3, succeeded=False, activity_id="3b", ended_at=NOON + timedelta(minutes=3, seconds=40)),
            operation(9, kind=OperationKind.CALL, number=1, seconds=0.5),
            operation(70, succeeded=False),
        ]
    )
    of_database = {"category": ErrorCategory.DATABASE, "fingerprint": "f2"}
    await Errors(database).write([error(2), error(3, **of_database), error(30), error(3, activity_id="3b")])
    (github,) = await Performance(database).services(Span(start=NOON, end=NOON + timedelta(hours=1)))
    assert (github.attempts, github.failures, github.errors, github.api_calls) == (5, 4, 4, 1)
    assert sorted(github.failed, key=lambda one: (one.last_at, one.count)) == [
        Failed(category=ErrorCategory.EXTERNAL_SERVICE, count=1, last_at=NOON + timedelta(minutes=2)),
        Failed(category=ErrorCategory.DATABASE, count=1, last_at=NOON + timedelta(minutes=3)),
        Failed(category=ErrorCategory.EXTERNAL_SERVICE, count=1, last_at=NOON + timedelta(minutes=3, seconds=40)),
        Failed(category=None, count=1, last_at=NOON + timedelta(minutes=4)),
    ]
