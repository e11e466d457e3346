"""What is too old is removed by records.yaml as it is, and by none that may mean something else."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from temporalio.testing import ActivityEnvironment

from activities.keeping import KeepingActivities
from devsync.contracts.records import KeepRecords, RecordsKept
from devsync.settings.problems import ConfigError
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from devsync.storage.editions import Editions
from devsync.storage.records import Records
from sandbox.postgres import PostgresServer
from tests.configuration import shipped_settings
from tests.servers import new_database
from tests.storage.test_records import edition
from tests.storage.test_weeks import run

LATER = datetime(2046, 11, 23, 12, tzinfo=UTC)
"""Everything is too old by then."""


@pytest.fixture
async def database(postgres: PostgresServer) -> AsyncIterator[Database]:
    database = Database(postgres.url(new_database(postgres)))
    yield database
    await database.dispose()


async def keep(config: Path, database: Database, *held: str) -> RecordsKept:
    holds = [{"team": team, "reason": "case 4711"} for team in held]
    (config / "records.yaml").write_text(yaml.safe_dump({"legal_holds": holds}))
    work = KeepingActivities(config, database).keep_records
    kept: RecordsKept = await ActivityEnvironment().run(work, KeepRecords(at=LATER))
    return kept


async def test_a_hold_of_a_team_that_nobody_knows_is_a_mistake_and_removes_nothing(
    tmp_path: Path, database: Database
) -> None:
    config = shipped_settings(tmp_path / "config")
    await Records(database, ArtifactStore(database)).write(run=run("complete"), edition=edition())
    with pytest.raises(ConfigError, match=r'legal_holds\[0\]\.team: .* the team "paymets".* did you mean "payments"'):
        await keep(config, database, "paymets")
    assert (await keep(config, database, "payments")).removed == {}, "it has no file any more, and is on record"
    assert await Editions(database).latest("payments", "2026-W47") is not None
    await keep(config, database)
    assert await Editions(database).latest("payments", "2026-W47") is None
