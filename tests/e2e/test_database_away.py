"""PostgreSQL away for as long as an edition takes: it goes out all the same, and the records follow."""

import asyncio
from pathlib import Path

import pytest

from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionProgress, EditionStatus, Phase
from devsync.domain.changelog.edition import Edition
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from devsync.storage.editions import EditionRecord, Editions
from sandbox.expectation import expected_items
from sandbox.worlds.generator import generated_world
from tests.e2e.stage import Stage, eventually, stage_for
from tests.servers import Servers

pytestmark = pytest.mark.timeout(300)

WEEK = "2026-W47"


async def on_record(stage: Stage) -> tuple[EditionRecord, Edition]:
    database = Database(stage.environment["DATABASE_URL"], pool_size=1)
    try:
        record = await Editions(database).latest(stage.team, WEEK)
        assert record is not None
        assert record.edition is not None
        return record, Edition.model_validate_json(await ArtifactStore(database).get(record.edition))
    finally:
        await database.dispose()


async def test_a_large_edition_is_delivered_once_without_the_database_and_recorded_when_it_is_back(
    servers: Servers, tmp_path: Path
) -> None:
    world = generated_world(repositories=30, projects=5, pull_requests=1200, issues=200, week=WEEK)
    async with stage_for(world, servers, tmp_path) as stage, stage.worker():
        await servers.postgres.stop()
        try:
            handle = await stage.start()
            await stage.until_phase(handle, Phase.RECORDING)
            made = (await handle.query("progress", result_type=EditionProgress)).result
        finally:
            await servers.postgres.start()
        result = await asyncio.wait_for(handle.result(), 90)

        async def is_delivery_on_record() -> bool:
            rows = stage.rows("SELECT state FROM deliveries")
            return [row["state"] for row in rows] == ["delivered"] * len(stage.messages)

        await eventually(is_delivery_on_record)
        again = await stage.run()
        record, edition = await on_record(stage)
        runs = stage.rows(f"SELECT status FROM runs WHERE run_id = '{result.run_id}'")

    assert made is not None
    assert made.status is EditionStatus.COMPLETE
    assert [channel.state for channel in made.channels] == [DeliveryState.DELIVERED]
    assert made == result
    assert result.edition is None, "larger than what a history may carry: it was made again for each step"
    assert set(result.renderings) == {"slack", "markdown", "html", "text"}
    assert any(note.startswith("renderings: no json") for note in result.notes)

    assert {item.id for item in edition.items} == {item.id for item in expected_items(world, world.teams[0], WEEK)}
    assert (record.content_digest, record.item_count) == (result.digest, len(edition.items))
    assert set(record.contributors) == set(edition.contributors)
    assert [row["status"] for row in runs] == ["complete"]

    # With the database the same edition comes of the week, so that nothing is posted again.
    assert (again.revision, again.digest) == (1, result.digest)
    assert stage.slack.counts.posts == len(set(stage.keys)) == len(stage.messages)
    assert stage.slack.counts.updates == 0
