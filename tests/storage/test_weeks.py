"""What became of teams' weeks, in a real database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devsync.contracts.delivery import DeliveryState
from devsync.contracts.names import reviewers_key
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from devsync.storage.deliveries import DeliveryRecord
from devsync.storage.records import Records
from devsync.storage.runs import RunRecord
from devsync.storage.weeks import last_deliveries, weeks_on_record

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def records(database: Database) -> Records:
    return Records(database, ArtifactStore(database))


def run(status: str, after: timedelta = timedelta(), **changes: Any) -> RunRecord:
    values: dict[str, Any] = {
        "workflow_id": "changelog:payments:2026-W47",
        "run_id": f"run after {after}",
        "team": "payments",
        "iso_week": "2026-W47",
        "status": status,
        "started_at": NOON + after,
        "ended_at": NOON + after + timedelta(minutes=1),
    }
    return RunRecord.model_validate(values | changes)


def part(channel: str, state: DeliveryState, at: datetime, **changes: Any) -> DeliveryRecord:
    values = {"team": "payments", "iso_week": "2026-W47", "channel": channel, "revision": 1, "state": state}
    return DeliveryRecord.model_validate(values | {"updated_at": at} | changes)


async def told(database: Database) -> list[tuple[str, datetime | None, str]]:
    found = await weeks_on_record(database, ["2026-W47"])
    return [(one.team, one.delivered_at, one.called_off) for one in found]


async def test_a_week_is_delivered_when_its_first_channel_has_it(records: Records, database: Database) -> None:
    await records.write(
        run=run("complete"),
        deliveries=[
            part("#one", DeliveryState.DELIVERED, NOON + timedelta(minutes=9)),
            part("#two", DeliveryState.DELIVERED, NOON + timedelta(minutes=3)),
            part("#three", DeliveryState.QUEUED, NOON),
        ],
    )
    assert await told(database) == [("payments", NOON + timedelta(minutes=3), "")]


async def test_one_that_was_called_off_says_by_whom_until_it_is_made_after_all(
    records: Records, database: Database
) -> None:
    await records.write(run=run("cancelled", cancelled_because="anna: a holiday"))
    assert await told(database) == [("payments", None, "cancelled: anna: a holiday")]
    await records.write(run=run("complete", timedelta(hours=1)))
    assert await told(database) == [("payments", None, "")]


async def test_one_that_failed_was_called_off_by_nobody(records: Records, database: Database) -> None:
    await records.write(run=run("failed", failed_because="no source"))
    assert await told(database) == [("payments", None, "")]


async def test_previews_and_other_weeks_say_nothing(records: Records, database: Database) -> None:
    await records.write(run=run("cancelled", workflow_id="preview:payments:2026-W47"))
    await records.write(run=run("complete", iso_week="2026-W46", workflow_id="changelog:payments:2026-W46"))
    assert await told(database) == []
    assert await weeks_on_record(database, []) == []


async def test_a_delivery_counts_whose_run_is_not_on_record_yet(records: Records, database: Database) -> None:
    await records.write(deliveries=[part("#one", DeliveryState.DELIVERED, NOON)])
    assert await told(database) == [("payments", NOON, "")]


async def test_what_reviewers_alone_have_seen_is_not_delivered(records: Records, database: Database) -> None:
    seen = [part(reviewers_key("#leads"), DeliveryState.DELIVERED, NOON)]
    await records.write(run=run("complete"), deliveries=[*seen, part("slack-payments", DeliveryState.DEAD, NOON)])
    assert await told(database) == [("payments", None, "")]
    assert await last_deliveries(database) == {}
    await records.write(deliveries=[part("slack-payments", DeliveryState.DELIVERED, NOON + timedelta(hours=1))])
    assert await told(database) == [("payments", NOON + timedelta(hours=1), "")]
    assert await last_deliveries(database) == {"payments": NOON + timedelta(hours=1)}
