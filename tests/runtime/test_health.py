"""Health as it is asked of a real database and a real Temporal: with both, and with what is left when one is away."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
import yaml
from temporalio.client import Client

from devsync.contracts.delivery import DeliveryState
from devsync.domain.changelog.due import WeeklyTime
from devsync.domain.health.bands import Band
from devsync.domain.health.snapshot import DueEdition
from devsync.runtime.due_editions import due_editions, week_key
from devsync.runtime.health import check_health, take_snapshot
from devsync.runtime.plugin import DevSyncPlugin
from devsync.runtime.schedule_deeds import in_audit
from devsync.runtime.schedules import apply_schedule, handle_of
from devsync.settings.configuration import Configuration, load_configuration
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from devsync.storage.deliveries import DeliveryRecord
from devsync.storage.errors import Errors
from devsync.storage.operations import Operations
from devsync.storage.records import Records
from devsync.storage.runs import RunRecord
from sandbox.postgres import PostgresServer
from sandbox.temporal_server import TemporalServer
from tests.configuration import shipped_settings
from tests.e2e.stage import eventually
from tests.servers import own_database, running_temporal
from tests.storage.test_errors import record
from tests.storage.test_operations import operation

NOW = datetime.now(UTC)
MONDAY_NINE = WeeklyTime(weekday=0, clock=time(9), timezone="Europe/Berlin")
WEEK, DUE_AT = MONDAY_NINE.next_due(NOW)
"""What a schedule that is made now fires first."""
PAUSED = "its schedule is paused: holidays"
LATER = DUE_AT + timedelta(hours=3)


@pytest.fixture
async def database(postgres: PostgresServer) -> AsyncIterator[Database]:
    with own_database(postgres) as url:
        database = Database(url)
        yield database
        await database.dispose()


@pytest.fixture
async def client(temporal: TemporalServer) -> Client:
    return await Client.connect(temporal.address, plugins=[DevSyncPlugin()])


@pytest.fixture
def team() -> str:
    """One whose schedule no other test knows."""
    return f"team-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def configuration(tmp_path: Path, team: str) -> Configuration:
    directory = shipped_settings(tmp_path / "config")
    file = {
        "team": team,
        "timezone": "Europe/Berlin",
        "schedule": {"day": "monday", "time": "09:00"},
        "github": {"repositories": ["acme/api"]},
        "channels": [{"kind": "slack", "channel": "#core"}],
    }
    (directory / "teams" / f"{team}.yaml").write_text(yaml.safe_dump(file))
    return load_configuration(directory)


async def fail_calls(database: Database, failures: int, of: int, service: str = "github") -> None:
    at = NOW - timedelta(minutes=10)
    await Operations(database).write(
        [
            operation(0, run_id=f"{number}", service=service, ended_at=at, succeeded=number >= failures)
            for number in range(of)
        ]
    )
    await Errors(database).write(
        [record(0, run_id=f"{number}", service=service, occurred_at=at) for number in range(failures)]
    )


async def test_what_is_well_is_healthy_and_the_machine_is_measured(
    database: Database, client: Client, configuration: Configuration
) -> None:
    await fail_calls(database, 0, of=10)
    health = await check_health(database, client, configuration, NOW)
    assert (health.band, health.reasons) == (Band.HEALTHY, ("everything is within its thresholds",))
    assert [(one.service, one.band, one.attempts) for one in health.services] == [("github", Band.HEALTHY, 10)]
    assert all(value is not None for _, value in health.machine), health.machine


async def test_a_service_whose_calls_fail_is_told_with_its_numbers(
    database: Database, client: Client, configuration: Configuration
) -> None:
    await fail_calls(database, 3, of=30)
    health = await check_health(database, client, configuration, NOW)
    assert health.band is Band.DEGRADED
    assert "3 of all 30 attempts failed" in health.reasons


async def test_a_database_that_is_away_is_unknown_with_its_reason(client: Client, configuration: Configuration) -> None:
    away = Database("postgresql://nobody:secret@127.0.0.1:9/devsync")
    health = await check_health(away, client, configuration, NOW)
    assert health.band is Band.UNKNOWN
    assert health.reasons[0].startswith("PostgreSQL at 127.0.0.1:9 does not answer")
    assert "secret" not in str(health)


async def test_without_any_connection_nothing_is_known(configuration: Configuration) -> None:
    health = await check_health(None, None, configuration, NOW)
    assert health.band is Band.UNKNOWN
    assert health.reasons[:2] == ("there is no connection to Temporal", "there is no connection to the database")


async def test_without_temporal_the_records_are_still_told(database: Database, configuration: Configuration) -> None:
    await fail_calls(database, 3, of=30)
    health = await check_health(database, None, configuration, NOW)
    assert health.band is Band.DEGRADED, "what is known to be bad is not hidden by what is unknown"
    assert "breakers could not be read" in health.reasons


async def test_a_server_that_has_gone_is_named(database: Database, configuration: Configuration) -> None:
    async with running_temporal() as gone:
        client = await Client.connect(gone.address, plugins=[DevSyncPlugin()])
    health = await check_health(database, client, configuration, NOW)
    assert health.band is Band.UNKNOWN
    assert health.reasons[0].startswith("Temporal ")


# Editions that should be there.


async def due(
    database: Database, client: Client | None, configuration: Configuration, **called_off: str
) -> tuple[DueEdition, ...]:
    return await due_editions(database, client, configuration.teams.values(), LATER, called_off)


async def test_an_edition_that_never_began_is_missed(
    database: Database, client: Client, configuration: Configuration, team: str
) -> None:
    await apply_schedule(client, configuration.team(team))
    (missed,) = [one for one in await due(database, client, configuration) if one.iso_week == WEEK]
    assert (missed.team, missed.iso_week) == (team, WEEK)
    assert (missed.delivered_at, missed.called_off) == (None, "")
    snapshot = await take_snapshot(database, client, configuration, LATER)
    assert snapshot.due is not None
    assert missed in snapshot.due


async def test_weeks_before_the_schedule_was_made_are_not_missed(
    database: Database, client: Client, configuration: Configuration, team: str
) -> None:
    await apply_schedule(client, configuration.team(team))
    found = await due_editions(database, client, configuration.teams.values(), datetime.now(UTC), {})
    assert not found


async def test_nor_is_a_team_missed_that_has_never_had_a_schedule(
    database: Database, client: Client, configuration: Configuration
) -> None:
    assert not await due(database, client, configuration)


async def test_a_team_that_had_editions_is_missed_although_its_schedule_is_gone(
    database: Database, client: Client, configuration: Configuration, team: str
) -> None:
    before, _ = MONDAY_NINE.last_due(NOW)
    await deliver(database, team, before)
    found = await due(database, client, configuration)
    assert {one.iso_week: bool(one.delivered_at) for one in found} == {
        WEEK: False,
        before: True,
    }


async def test_what_was_delivered_is_not_missed(
    database: Database, client: Client, configuration: Configuration, team: str
) -> None:
    await apply_schedule(client, configuration.team(team))
    await deliver(database, team, WEEK)
    (found,) = [one for one in await due(database, client, configuration) if one.iso_week == WEEK]
    assert found.delivered_at is not None


async def test_a_paused_schedule_is_not_missed_nor_afterwards(
    database: Database, client: Client, configuration: Configuration, team: str
) -> None:
    await apply_schedule(client, configuration.team(team))
    await handle_of(client, team).pause(note="holidays")

    async def is_called_off() -> bool:
        return any(one.called_off == PAUSED for one in await due(database, client, configuration))

    async def is_forgotten() -> bool:
        return not await is_called_off()

    await eventually(is_called_off)  # lists of the server come a moment late
    await handle_of(client, team).unpause(note="back")
    await eventually(is_forgotten)
    seen = {week_key(team, WEEK): PAUSED}
    (found,) = [one for one in await due(database, client, configuration, **seen) if one.iso_week == WEEK]
    assert found.called_off == PAUSED


@pytest.mark.parametrize(
    ("deeds", "called_off"),
    [
        (("pause", "resume"), "its schedule was paused: anna: holidays"),
        (("resume",), ""),
        (("pause",), ""),  # and yet it is not paused any more: nobody knows since when
    ],
)
async def test_a_pause_that_is_over_is_known_by_the_audit(
    database: Database, client: Client, configuration: Configuration, team: str, deeds: tuple[str, ...], called_off: str
) -> None:
    await apply_schedule(client, configuration.team(team))
    due_at = MONDAY_NINE.due_at(WEEK)
    around = {"pause": due_at - timedelta(days=1), "resume": due_at + timedelta(hours=1)}
    entries = [
        in_audit(team, "anna", deed, "done", "holidays").model_copy(update={"at": around[deed], "id": deed})
        for deed in deeds
    ]
    await Audit(database).write(entries)
    (found,) = [one for one in await due(database, client, configuration) if one.iso_week == WEEK]
    assert found.called_off == called_off


async def test_a_pause_that_was_over_before_the_week_fell_due_calls_nothing_off(
    database: Database, client: Client, configuration: Configuration, team: str
) -> None:
    await apply_schedule(client, configuration.team(team))
    early = MONDAY_NINE.due_at(WEEK) - timedelta(days=1)
    entries = [
        in_audit(team, "anna", deed, "done").model_copy(update={"at": early + timedelta(minutes=number), "id": deed})
        for number, deed in enumerate(("pause", "resume"))
    ]
    await Audit(database).write(entries)
    (found,) = [one for one in await due(database, client, configuration) if one.iso_week == WEEK]
    assert found.called_off == ""


async def deliver(database: Database, team: str, iso_week: str) -> None:
    run = RunRecord(
        workflow_id=f"changelog:{team}:{iso_week}",
        run_id="run",
        team=team,
        iso_week=iso_week,
        status="complete",
        started_at=NOW,
        ended_at=NOW,
    )
    part = DeliveryRecord(
        team=team, iso_week=iso_week, channel="#core", revision=1, state=DeliveryState.DELIVERED, updated_at=NOW
    )
    await Records(database, ArtifactStore(database)).write(run=run, deliveries=[part])
