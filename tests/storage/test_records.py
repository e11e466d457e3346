import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionStatus
from devsync.contracts.names import reviewers_key
from devsync.domain.changelog.edition import Contributor, Gap
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.connection import DatabaseUnavailable
from devsync.storage.content import pack
from devsync.storage.database import Database
from devsync.storage.deliveries import Deliveries, DeliveryRecord
from devsync.storage.editions import EditionRecord, Editions
from devsync.storage.prose import storable
from devsync.storage.records import Records
from devsync.storage.runs import RunRecord
from devsync.storage.tables import editions, runs
from sandbox.postgres import PostgresServer
from tests.storage.server import held_up

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def records(database: Database, store: ArtifactStore) -> Records:
    return Records(database, store)


def edition(**changes: Any) -> EditionRecord:
    values: dict[str, Any] = {
        "team": "payments",
        "iso_week": "2026-W47",
        "revision": 1,
        "status": EditionStatus.PARTIAL,
        "content_digest": "d1",
        "completeness": 0.5,
        "item_count": 12,
        "unclassified_ratio": 0.25,
        "gaps": (Gap(unit="jira:PAY", service="jira", reason="JIRA answered 503", as_of=MONDAY),),
        "contributors": (
            Contributor(name="Anna", login="anna-k", item_count=2),
            Contributor(name="Ben", item_count=1, is_first_time=True),
        ),
        "workflow_id": "changelog:payments:2026-W47",
        "run_id": "run-1",
        "window_start": MONDAY,
        "window_end": MONDAY + timedelta(days=7),
        "composed_at": NOON,
        "edition": ArtifactRef(digest="a" * 64, size=10, kind="edition"),
        "renderings": {"slack": ArtifactRef(digest="b" * 64, size=20, kind="rendering.slack")},
    }
    return EditionRecord.model_validate(values | changes)


def run(**changes: Any) -> RunRecord:
    values: dict[str, Any] = {
        "workflow_id": "changelog:payments:2026-W47",
        "run_id": "run-1",
        "team": "payments",
        "iso_week": "2026-W47",
        "status": "partial",
        "started_at": NOON,
        "ended_at": NOON + timedelta(minutes=1),
        "seconds": {"total": 60.5, "collecting": 40.0},
        "api_calls": {"github": 12},
    }
    return RunRecord.model_validate(values | changes)


def delivery(**changes: Any) -> DeliveryRecord:
    values: dict[str, Any] = {
        "team": "payments",
        "iso_week": "2026-W47",
        "channel": "slack-payments",
        "kind": "slack",
        "revision": 1,
        "state": DeliveryState.DELIVERED,
        "channel_id": "C1",
        "message_id": "1700000000.000100",
        "content_digest": "p1",
        "attempts": 1,
        "updated_at": NOON,
    }
    return DeliveryRecord.model_validate(values | changes)


async def runs_on_record(database: Database) -> list[RunRecord]:
    return [RunRecord.model_validate(dict(row._mapping)) for row in await database.execute(select(runs))]


async def test_everything_of_a_run_comes_back_as_it_was_written(records: Records, database: Database) -> None:
    parts = [delivery(), delivery(part=1, state="uncertain", sent_at=NOON, last_error="time-out")]
    told = run(requested_by="anna", cancelled_because="bob: wrong week", failed_because="its file is wrong")
    await records.write(run=told, edition=edition(), deliveries=parts)
    assert await Editions(database).latest("payments", "2026-W47") == edition()
    assert await runs_on_record(database) == [told]
    assert await Deliveries(database).of_edition("payments", "2026-W47") == parts


async def test_writing_again_changes_nothing(records: Records, database: Database) -> None:
    for _ in range(3):
        await records.write(run=run(), edition=edition(), deliveries=[delivery()])
    assert await Editions(database).latest("payments", "2026-W47") == edition()
    assert await runs_on_record(database) == [run()]
    assert await Deliveries(database).of_edition("payments", "2026-W47") == [delivery()]


async def test_twenty_writers_of_one_edition_leave_the_latest_composition(records: Records, database: Database) -> None:
    async def write(n: int) -> None:
        parts = [delivery(part=part, revision=n, attempts=n) for part in range(20)]
        await records.write(edition=edition(composed_at=NOON + timedelta(seconds=n), item_count=n), deliveries=parts)

    await asyncio.gather(*map(write, range(20)))
    latest = await Editions(database).latest("payments", "2026-W47")
    assert latest is not None
    assert latest.item_count == 19
    parts = await Deliveries(database).of_edition("payments", "2026-W47")
    assert [(part.part, part.revision, part.attempts) for part in parts] == [(n, 19, 19) for n in range(20)]


async def test_writers_of_the_same_parts_in_different_orders_do_not_block_each_other(
    records: Records, database: Database, url: str
) -> None:
    parts = [delivery(part=part) for part in range(20)]
    await records.write(deliveries=parts)
    newer = [part.model_copy(update={"revision": 2}) for part in parts]
    async with held_up(url, "SELECT 1 FROM deliveries WHERE part = 10 FOR UPDATE", writers=2):
        writers = [asyncio.create_task(records.write(deliveries=order)) for order in (newer, newer[::-1])]
    await asyncio.gather(*writers)
    assert await Deliveries(database).of_edition("payments", "2026-W47") == newer


async def test_a_failing_record_leaves_nothing_of_its_transaction(records: Records, database: Database) -> None:
    with pytest.raises(IntegrityError, match="ck_editions_completeness"):
        await records.write(edition=edition(completeness=2.0), run=run())
    with pytest.raises(IntegrityError):
        await records.write(run=run(), deliveries=[delivery(), delivery(part=1).model_copy(update={"kind": None})])
    assert await runs_on_record(database) == []


async def test_inline_artifacts_are_stored_with_the_record(
    records: Records, database: Database, store: ArtifactStore
) -> None:
    content = {"edition": b"the edition", "slack": b"the message"}
    references = {
        name: ArtifactRef.of_inline(pack(text).compressed, size=len(text), kind=name) for name, text in content.items()
    }
    record = edition(edition=references["edition"], renderings={"slack": references["slack"]})
    await records.write(edition=record)
    written = await Editions(database).latest("payments", "2026-W47")
    assert written is not None
    assert written.edition is not None
    assert (written.edition.inline, written.renderings["slack"].inline) == (None, None)
    assert await store.get(written.edition) == content["edition"]
    assert await store.get(written.renderings["slack"]) == content["slack"]


async def test_an_edition_that_never_came_to_be_has_no_artifact(records: Records, database: Database) -> None:
    await records.write(edition=edition(edition=None, renderings={}, status="failed"))
    ((is_null,),) = await database.execute(select(editions.c.edition.is_(None)))
    assert is_null
    latest = await Editions(database).latest("payments", "2026-W47")
    assert latest is not None
    assert latest.edition is None


async def test_the_latest_edition_is_the_highest_revision_of_its_week(records: Records, database: Database) -> None:
    for week, revision, run_id in [("2026-W47", 2, "run-2"), ("2026-W47", 1, "run-1"), ("2026-W46", 3, "run-0")]:
        await records.write(edition=edition(iso_week=week, revision=revision, run_id=run_id))
    store = Editions(database)
    latest = await store.latest("payments", "2026-W47")
    assert latest is not None
    assert latest.revision == 2
    before = await store.latest("payments", "2026-W47", not_by_run="run-2")
    assert before is not None
    assert before.revision == 1
    assert await store.latest("platform", "2026-W47") is None


OLDER_AND_NEWER = [
    pytest.param({"revision": 2}, {"revision": 1, "updated_at": NOON + timedelta(1)}, id="older revision"),
    pytest.param({"updated_at": NOON}, {"updated_at": NOON - timedelta(1)}, id="earlier report"),
]


@pytest.mark.parametrize(("newer", "older"), OLDER_AND_NEWER)
async def test_what_is_older_never_replaces_a_delivery(
    records: Records, database: Database, newer: dict[str, Any], older: dict[str, Any]
) -> None:
    await records.write(deliveries=[delivery(**newer)])
    await records.write(deliveries=[delivery(**older, state="failed")])
    assert await Deliveries(database).of_edition("payments", "2026-W47") == [delivery(**newer)]


async def test_what_is_newer_replaces_a_delivery(records: Records, database: Database) -> None:
    await records.write(deliveries=[delivery()])
    retried = delivery(updated_at=NOON + timedelta(hours=1), attempts=2)
    await records.write(deliveries=[retried])
    assert await Deliveries(database).of_edition("payments", "2026-W47") == [retried]
    newest = delivery(revision=2, state="pending", attempts=0)
    await records.write(deliveries=[newest])
    assert await Deliveries(database).of_edition("payments", "2026-W47", channel="slack-payments") == [newest]
    assert await Deliveries(database).of_edition("payments", "2026-W47", channel="email") == []


async def test_rows_of_parts_that_were_removed_go_and_do_not_come_back(records: Records, database: Database) -> None:
    other = delivery(channel="email")
    await records.write(deliveries=[other])
    await records.write(deliveries=[delivery(part=n) for n in range(4)])
    shorter = [delivery(part=n, revision=2, updated_at=NOON + timedelta(hours=1)) for n in range(2)]
    await records.write(deliveries=shorter)
    await records.write(deliveries=[delivery(part=n, updated_at=NOON + timedelta(hours=2)) for n in range(3)])
    assert await Deliveries(database).of_edition("payments", "2026-W47") == [other, *shorter]


async def test_the_last_end_of_a_run_stays_whichever_report_comes_first(records: Records, database: Database) -> None:
    again = run(ended_at=NOON + timedelta(hours=1), status="complete")
    for reports in ([run(), again], [again, run()]):
        for report in reports:
            await records.write(run=report)
        assert await runs_on_record(database) == [again]


async def test_people_are_known_from_earlier_weeks_of_their_team(records: Records, database: Database) -> None:
    def by(name: str, login: str | None) -> tuple[Contributor, ...]:
        return (Contributor(name=name, login=login, item_count=1),)

    await records.write(edition=edition(iso_week="2025-W52", contributors=by("Anna", "anna-k")))
    await records.write(edition=edition(iso_week="2026-W46", contributors=by("Ben", None)))
    await records.write(edition=edition(iso_week="2026-W46", revision=2, contributors=by("Ben", "")))
    await records.write(edition=edition(iso_week="2026-W47", contributors=by("Cleo", "cleo")))
    await records.write(edition=edition(team="platform", iso_week="2026-W01", contributors=by("Dan", "dan")))
    known = await Editions(database).known_people("payments", before_week="2026-W47")
    assert known == {"Anna", "anna-k", "Ben"}
    assert await Editions(database).known_people("payments", before_week="2025-W52") == frozenset()


async def test_the_last_delivered_window_is_that_of_an_edition_which_arrived(
    records: Records, database: Database
) -> None:
    def week(number: int) -> dict[str, Any]:
        start = MONDAY + timedelta(weeks=number - 47)
        return {
            "iso_week": f"2026-W{number}",
            "window_start": start,
            "window_end": start + timedelta(days=7),
        }

    last = partial(Editions(database).last_delivered_window_end, before_week="2026-W48")
    assert await last("payments") is None
    for number, state in [(45, "delivered"), (46, "delivered"), (47, "queued")]:
        await records.write(
            edition=edition(**week(number)), deliveries=[delivery(iso_week=f"2026-W{number}", state=state)]
        )
    assert await last("payments") == MONDAY
    # What reviewers alone have seen has reached nobody: the next edition tells it, too.
    await records.write(deliveries=[delivery(iso_week="2026-W47", channel=reviewers_key("#leads"))])
    assert await last("payments") == MONDAY
    # A later revision of the delivered week that still waits does not take its delivery back.
    await records.write(deliveries=[delivery(iso_week="2026-W46", revision=2, state="pending")])
    assert await last("payments") == MONDAY
    assert await last("platform") is None
    assert await last("payments", before_week="2026-W46") == MONDAY - timedelta(days=7)
    assert await last("payments", before_week="2026-W45") is None


async def test_weeks_on_record_are_those_of_any_edition(records: Records, database: Database) -> None:
    for team, week in [("payments", "2026-W45"), ("payments", "2026-W47"), ("platform", "2026-W46")]:
        await records.write(edition=edition(team=team, iso_week=week))
    await records.write(edition=edition(iso_week="2026-W47", revision=2))
    on_record = Editions(database).weeks_on_record
    assert await on_record(since="2026-W01") == {"payments": {"2026-W45", "2026-W47"}, "platform": {"2026-W46"}}
    assert await on_record(since="2026-W47") == {"payments": {"2026-W47"}}


async def test_records_wait_for_the_database_and_are_then_complete(
    breakable: tuple[PostgresServer, Database],
) -> None:
    server, database = breakable
    store = ArtifactStore(database)
    records = Records(database, store)
    await server.kill()
    reference = await store.put(b"the edition", kind="edition", team="payments")
    with pytest.raises(DatabaseUnavailable, match="does not answer"):
        await records.write(edition=edition(edition=reference), run=run())
    await server.start()
    await records.write(edition=edition(edition=reference), run=run())
    written = await Editions(database).latest("payments", "2026-W47")
    assert written is not None
    assert written.edition is not None
    assert await store.get(written.edition) == b"the edition"


async def test_characters_that_postgresql_cannot_hold_do_not_stop_a_record(
    records: Records, database: Database
) -> None:
    gap = Gap(unit="github:acme/api", service="github", reason="odd \0 and \\u0000 and \ud800 title")
    await records.write(edition=edition(gaps=(gap,)), deliveries=[delivery(state="failed", last_error="bad\0byte")])
    latest = await Editions(database).latest("payments", "2026-W47")
    assert latest is not None
    assert latest.gaps[0].reason == "odd \ufffd and \\u0000 and \ufffd title"
    ((count,),) = await database.execute(select(func.count()).select_from(editions))
    assert count == 1


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_ordinary_text_is_stored_as_it_is(text: str) -> None:
    assert storable({"a": [text, 1, None]}) == {"a": [text, 1, None]}


async def test_deliveries_are_listed_latest_first_each_by_the_part_that_needs_somebody_most(
    database: Database, records: Records
) -> None:
    mail = partial(delivery, channel="email-1", kind="email", updated_at=NOON + timedelta(hours=1), message_id="")
    await records.write(
        deliveries=[
            mail(part=0, target="anna@acme.dev", message_id="<1@acme.dev>"),
            mail(part=1, target="ben@acme.dev", state=DeliveryState.DEAD, last_error="busy (451)", attempts=11),
        ]
    )
    await records.write(deliveries=[delivery()])
    listed = await Deliveries(database).summaries(limit=10)
    assert [(one.id, one.state, one.delivered, one.parts, one.attempts, one.last_error) for one in listed] == [
        ("delivery:payments:2026-W47:email-1", DeliveryState.DEAD, 1, 2, 11, "busy (451)"),
        ("delivery:payments:2026-W47:slack-payments", DeliveryState.DELIVERED, 1, 1, 1, ""),
    ]
    assert [one.channel for one in await Deliveries(database).summaries(state=DeliveryState.DEAD, limit=10)] == [
        "email-1"
    ]
    assert await Deliveries(database).summaries(teams=["others"], limit=10) == []
    assert len(await Deliveries(database).summaries(limit=1)) == 1
    assert (await Deliveries(database).of_edition("payments", "2026-W47"))[1].target == "ben@acme.dev"
