from datetime import UTC, datetime, timedelta

import pytest

from devsync.contracts.artifacts import ArtifactRef
from devsync.domain.changelog.window import Window, week_window
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.collected import CollectedUnits, RememberedUnit, Validator
from devsync.storage.database import Database

UNIT = "github:acme/payments-api"
WEEK = week_window("2026-W47", "Europe/Berlin")
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture
def units(database: Database) -> CollectedUnits:
    return CollectedUnits(database)


def remembered(artifact: ArtifactRef, at: datetime = AT, etag: str = 'W/"1"') -> RememberedUnit:
    return RememberedUnit(
        artifact=artifact,
        validators=(Validator(path="/repos/acme/payments-api/pulls", parameters={"page": "1"}, etag=etag),),
        road="rest",
        counts={"commits": 3},
        notes=("told",),
        collected_at=at,
    )


async def remember(units: CollectedUnits, unit: RememberedUnit, team: str = "payments", form: int = 1) -> None:
    await units.remember(team=team, unit=UNIT, window=WEEK, form=form, remembered=unit)


async def recall(
    units: CollectedUnits, *, team: str = "payments", window: Window = WEEK, form: int = 1
) -> RememberedUnit | None:
    return await units.recall(team=team, unit=UNIT, window=window, form=form)


@pytest.fixture
async def artifact(store: ArtifactStore) -> ArtifactRef:
    return await store.put(b"{}", kind="collected", team="payments")


async def test_what_was_remembered_comes_back_whole(units: CollectedUnits, artifact: ArtifactRef) -> None:
    await remember(units, remembered(artifact))
    assert await recall(units) == remembered(artifact)


async def test_only_the_same_team_window_and_form_recall_it(units: CollectedUnits, artifact: ArtifactRef) -> None:
    await remember(units, remembered(artifact))
    assert await recall(units, team="platform") is None
    assert await recall(units, window=week_window("2026-W46", "Europe/Berlin")) is None
    assert await recall(units, window=week_window("2026-W47", "UTC")) is None
    assert await recall(units, form=2) is None


async def test_the_later_collection_stays_whichever_is_written_last(
    units: CollectedUnits, artifact: ArtifactRef
) -> None:
    later = remembered(artifact, AT + timedelta(hours=1), etag='W/"2"')
    await remember(units, later)
    await remember(units, remembered(artifact))
    assert await recall(units) == later


async def test_a_memory_without_its_artifact_is_none(units: CollectedUnits) -> None:
    nowhere = ArtifactRef(digest="0" * 64, size=2, kind="collected")
    await remember(units, remembered(nowhere))
    assert await recall(units) is None


async def test_another_teams_copy_of_the_artifact_does_not_count(units: CollectedUnits, artifact: ArtifactRef) -> None:
    await remember(units, remembered(artifact), team="platform")
    assert await recall(units, team="platform") is None
