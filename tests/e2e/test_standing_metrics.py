"""What metrics tell of how things stand: by the real records, and by a real Temporal."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devsync.contracts.delivery import DeliveryState
from devsync.domain.changelog.window import iso_week_of
from devsync.runtime.metrics.standing import StandingMetrics
from devsync.settings.live import LiveConfiguration
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from devsync.storage.deliveries import DeliveryRecord
from devsync.storage.records import Records
from sandbox.postgres import PostgresServer
from sandbox.worlds.demo import demo_world
from tests.e2e.asking import ask, askers, until_told
from tests.e2e.firing import configuration
from tests.e2e.stage import Stage, eventually, stage_for
from tests.metric_buffer import Buffered
from tests.servers import Servers, running_temporal

NOBODY = "postgresql://nobody@127.0.0.1:1/nowhere"


@pytest.fixture
async def own_stage(postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Stage]:
    """With a Temporal server of its own: it counts every escalation that is open."""
    async with (
        running_temporal() as temporal,
        stage_for(demo_world("2026-W47"), Servers(postgres, temporal), tmp_path) as stage,
        askers(stage),
    ):
        yield stage


async def told(stage: Stage, buffered: Buffered, url: str = "") -> dict[tuple[str, ...], float]:
    """The newest value of each series."""
    database = Database(url or stage.environment["DATABASE_URL"], pool_size=1)
    try:
        live = LiveConfiguration(configuration(stage))
        await StandingMetrics(buffered.meter, stage.client, database, live).tell()
    finally:
        await database.dispose()
    return {(name, *sorted(labels.values())): value for name, labels, value in buffered.told()}


async def test_an_escalation_is_open_until_it_is_decided(own_stage: Stage) -> None:
    stage, buffered = own_stage, Buffered()
    series = ("devsync_escalations_open", "firing", "team_lead")
    assert (await told(stage, buffered))[series] == 0
    async with stage.worker():
        waiting = await ask(stage)
        await until_told(stage)

        async def is_counted() -> bool:
            return (await told(stage, buffered))[series] == 1

        await eventually(is_counted)
        code, _, errors = await stage.starter("escalation", "resolve", "github", "skip")
        assert code == 0, errors
        await waiting.result()

        async def is_over() -> bool:
            return (await told(stage, buffered))[series] == 0

        await eventually(is_over)


async def test_what_cannot_be_read_keeps_its_value_and_hides_nothing_else(stage: Stage) -> None:
    buffered = Buffered()
    series = await told(stage, buffered, NOBODY)
    assert {name for name, *_ in series} == {
        "devsync_escalations_open",
        "devsync_facts_read_timestamp_seconds",
    }
    assert ("devsync_facts_read_timestamp_seconds", "temporal") in series


async def test_a_team_that_gets_or_loses_its_schedule_is_told_of_without_a_restart(stage: Stage) -> None:
    buffered, series = Buffered(), ("devsync_edition_overdue", stage.team)
    database = Database(stage.environment["DATABASE_URL"], pool_size=1)
    metrics = StandingMetrics(buffered.meter, stage.client, database, LiveConfiguration(configuration(stage)))

    async def value() -> float | None:
        await metrics.tell()
        return {(name, *sorted(labels.values())): value for name, labels, value in buffered.told()}.get(series)

    try:
        assert await value() is None
        stage.change_team(schedule={"day": "monday", "time": "09:00"})
        await put_on_record(stage, database)  # it had editions lately, and the newest is not there
        assert await value() == 1
        stage.change_team(schedule=None)
        assert await value() == 0
    finally:
        await database.dispose()


async def put_on_record(stage: Stage, database: Database) -> None:
    """The delivery of a week that is a month back."""
    long_ago = datetime.now(UTC) - timedelta(weeks=4)
    part = DeliveryRecord(
        team=stage.team,
        iso_week=iso_week_of(long_ago.date()),
        channel="slack-payments",
        revision=1,
        state=DeliveryState.DELIVERED,
        updated_at=long_ago,
    )
    await Records(database, ArtifactStore(database)).write(deliveries=[part])
