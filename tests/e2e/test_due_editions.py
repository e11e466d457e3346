"""Which teams' editions are missing, by real schedules and real records."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from devsync.domain.health.bands import missing
from devsync.runtime.due_editions import due_editions
from devsync.runtime.schedules import handle_of
from devsync.storage.database import Database
from devsync.storage.weeks import last_deliveries
from tests.e2e.firing import apply, configuration
from tests.e2e.stage import Stage, eventually

WEEK = timedelta(days=7)


@pytest.fixture
async def database(stage: Stage) -> AsyncIterator[Database]:
    database = Database(stage.environment["DATABASE_URL"], pool_size=1)
    yield database
    await database.dispose()


async def overdue(stage: Stage, database: Database, now: datetime) -> set[str]:
    teams = configuration(stage).teams
    return {one.team for one in missing(await due_editions(database, stage.client, teams.values(), now, {}), now)}


async def test_a_week_that_nobody_delivered_is_missed_unless_the_schedule_says_otherwise(
    stage: Stage, database: Database
) -> None:
    now = datetime.now(UTC)
    assert await overdue(stage, database, now + WEEK) == set()  # no schedule
    stage.change_team(schedule={"day": "monday", "time": "09:00"})
    assert await overdue(stage, database, now + WEEK) == set()  # never applied
    await apply(stage, day="monday", time="09:00")
    assert await overdue(stage, database, now) == set()  # due before there was a schedule
    assert await overdue(stage, database, now + 2 * WEEK) == {stage.team}
    await handle_of(stage.client, stage.team).pause(note="holidays")

    async def is_excused() -> bool:
        return await overdue(stage, database, now + 2 * WEEK) == set()

    await eventually(is_excused)  # the list of schedules lags behind


async def test_a_week_is_missed_from_its_deadline_until_it_is_delivered(stage: Stage, database: Database) -> None:
    await apply(stage, day="monday", time="09:00")
    team = configuration(stage).team(stage.team)
    week, due_at = team.weekly_time.next_due(datetime.now(UTC))
    (deadline,) = [
        one.deadline for one in await due_editions(database, stage.client, [team], due_at, {}) if one.iso_week == week
    ]
    assert deadline > due_at + team.deliver_by, "so long after it that it is on record"
    assert await overdue(stage, database, deadline - timedelta(seconds=1)) == set()
    assert await overdue(stage, database, deadline + timedelta(seconds=1)) == {stage.team}
    assert await last_deliveries(database) == {}
    before = datetime.now(UTC)
    async with stage.worker():
        await stage.run(week)
        delivered = await stage.delivery(week).result()
    assert delivered.iso_week == week
    assert await overdue(stage, database, deadline + timedelta(seconds=1)) == set()
    assert before <= (await last_deliveries(database))[stage.team] <= datetime.now(UTC)
