"""What earlier runs left is recalled from Temporal and from the records, whichever knows, and is newer."""

import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from temporalio.service import RPCError
from temporalio.testing import ActivityEnvironment

from activities import earlier_runs
from devsync.contracts import names
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.delivery import (
    DeliveryState,
    PartRecord,
    PartState,
    RecallDelivery,
    Recalled,
    RecordDelivery,
    StandingRevision,
)
from devsync.contracts.edition import PreviousEdition
from devsync.storage.database import Database
from devsync.storage.tables import switched_off_addresses
from tests.e2e.past import CHANNEL, HOOK, NOON, WEEK, ChangedDelivery, Past, outcome
from tests.e2e.stage import Stage
from tests.servers import Servers


@pytest.fixture
async def past(stage: Stage) -> AsyncIterator[Past]:
    database = Database(stage.environment["DATABASE_URL"], pool_size=1)
    yield Past(stage.client, database, stage.team)
    await database.dispose()


@pytest.fixture
async def without_database(past: Past, servers: Servers) -> AsyncIterator[Past]:
    """Nothing answers at the database's address."""
    url = servers.postgres.url("nowhere").replace(f":{servers.postgres.port}", ":1")
    database = Database(url, pool_size=1)
    yield Past(past.client, database, past.team, past.queue)
    await database.dispose()


async def test_nothing_is_recalled_where_nothing_was(past: Past) -> None:
    assert await past.recall() == Recalled()
    assert await past.previous() == PreviousEdition()


@pytest.mark.parametrize("ends", ["completed", "failed", "cancelled", "terminated"])
async def test_however_a_run_ended_it_is_known_what_it_left(past: Past, ends: str) -> None:
    async with past.served():
        await past.delivered(ends, outcome(past.team, 1))
        assert await past.recall() == Recalled(outcome=outcome(past.team, 1))


async def test_the_newest_run_that_had_recalled_the_others_counts(past: Past) -> None:
    async with past.served():
        await past.delivered("completed", outcome(past.team, 1))
        await past.delivered("terminated", outcome(past.team, 2))
        await past.delivered("terminated", outcome(past.team, 3, parts=0, has_recalled=False))
        assert await past.recall() == Recalled(outcome=outcome(past.team, 2))


async def test_a_run_that_was_ended_before_it_began_left_nothing(past: Past) -> None:
    async with past.served():
        await past.delivered("completed", outcome(past.team, 1))
    never = await past.client.start_workflow(
        names.DELIVERY, args=[outcome(past.team, 2), "open"], id=past.delivery_id, task_queue=past.queue
    )
    await never.terminate()
    async with past.served():
        assert await past.recall() == Recalled(outcome=outcome(past.team, 1))


@pytest.mark.parametrize("is_recorded", [True, False])
async def test_what_a_run_of_a_build_that_is_gone_sent_is_uncertain(past: Past, is_recorded: bool) -> None:
    if is_recorded:
        await past.recorded(outcome(past.team, 1))
    async with past.served():
        gone = await past.delivered("terminated", outcome(past.team, 2))
    async with past.served(ChangedDelivery):
        recalled = await past.recall()
    began = past.client.get_workflow_handle(gone.id, run_id=gone.first_execution_run_id)
    assert recalled.unknown_since == (await began.describe()).start_time
    if not is_recorded:
        assert recalled.outcome is None
        return
    assert recalled.outcome is not None
    assert recalled.outcome.standing is None
    assert [(part.message_id, part.digest) for part in recalled.outcome.parts] == [("0.0", ""), ("1.0", "")]


async def test_a_run_that_no_worker_answers_for_is_asked_again_then_uncertain(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earlier_runs, "QUERY_TIMEOUT", timedelta(seconds=1))
    async with past.served():
        await past.delivered("terminated", outcome(past.team, 1))
    with pytest.raises(RPCError):
        await past.recall()
    assert (await past.recall(attempt=earlier_runs.PATIENT_ATTEMPTS)).unknown_since is not None


async def test_a_list_that_lags_behind_the_run_that_asks_is_not_trusted(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earlier_runs, "LIST_TRIES", 2)
    asking = RecallDelivery(team=past.team, iso_week=WEEK, channel=CHANNEL, current_run_id=str(uuid.uuid4()))
    with pytest.raises(earlier_runs.ListLags):
        await ActivityEnvironment().run(past.activities.recall_delivery, asking)


async def test_what_temporal_has_forgotten_is_on_record(past: Past) -> None:
    await past.edition_on_record(1, completeness=0.5)
    await past.recorded(outcome(past.team, 1))
    recalled = (await past.recall()).outcome
    assert recalled is not None
    assert recalled.parts == outcome(past.team, 1).parts
    assert recalled.standing == StandingRevision(revision=1, completeness=0.5)
    assert await past.previous() == PreviousEdition(revision=1, digest="d1")


async def test_what_the_records_have_forgotten_temporal_knows(past: Past) -> None:
    async with past.served():
        await past.delivered("completed", outcome(past.team, 3))
        await past.edition_in_temporal(3)
        assert (await past.recall()).outcome == outcome(past.team, 3)
    assert await past.previous() == PreviousEdition(revision=3, digest="d3")


async def test_while_the_database_is_away_temporal_knows(without_database: Past) -> None:
    past = without_database
    async with past.served():
        await past.delivered("completed", outcome(past.team, 1))
        await past.edition_in_temporal(1)
        assert (await past.recall()).outcome == outcome(past.team, 1)
    assert await past.previous() == PreviousEdition(revision=1, digest="d1")


@pytest.mark.parametrize(("on_record", "in_temporal"), [(1, 2), (2, 1)])
async def test_of_two_the_newer_revision_counts(past: Past, on_record: int, in_temporal: int) -> None:
    await past.edition_on_record(on_record)
    await past.recorded(outcome(past.team, on_record))
    async with past.served():
        await past.delivered("completed", outcome(past.team, in_temporal))
        await past.edition_in_temporal(in_temporal)
        recalled = (await past.recall()).outcome
    assert recalled is not None
    assert (recalled.revision, recalled.parts) == (2, outcome(past.team, 2).parts)
    assert await past.previous() == PreviousEdition(revision=2, digest="d2")


async def test_half_a_revision_on_record_does_not_stand(past: Past) -> None:
    await past.edition_on_record(1)
    await past.edition_on_record(2)
    await past.recorded(outcome(past.team, 1))
    first, second = outcome(past.team, 1).parts
    updated = first.model_copy(update={"digest": "r2", "revision": 2})
    half = outcome(past.team, 2, parts=0).model_copy(
        update={"state": DeliveryState.DEAD, "standing": None, "parts": (updated, second)}
    )
    await past.recorded(half, NOON + timedelta(hours=1))
    recalled = (await past.recall()).outcome
    assert recalled is not None
    assert recalled.standing is None
    assert [(part.digest, part.message_id) for part in recalled.parts] == [("r2", "0.0"), ("r1", "1.0")]


async def test_a_kept_revision_leaves_the_records_with_what_stands(past: Past) -> None:
    await past.edition_on_record(1)
    await past.edition_on_record(2, completeness=0.5)
    await past.recorded(outcome(past.team, 1))
    kept = outcome(past.team, 1).model_copy(update={"revision": 2, "state": DeliveryState.KEPT})
    await past.recorded(kept, NOON + timedelta(hours=1))
    recalled = (await past.recall()).outcome
    assert recalled is not None
    assert recalled.standing == StandingRevision(revision=1, completeness=1.0)


async def test_a_post_of_unknown_outcome_is_still_asked_for_after_its_delivery_failed(past: Past) -> None:
    uncertain = PartRecord(index=0, state=PartState.UNCERTAIN, digest="r1", revision=1, attempts=1, sent_at=NOON)
    failed = outcome(past.team, 1, parts=0, standing=None, state=DeliveryState.FAILED).model_copy(
        update={"parts": (uncertain,)}
    )
    await past.recorded(failed)
    recalled = (await past.recall()).outcome
    assert recalled is not None
    assert recalled.parts == (uncertain,)


async def test_an_address_that_was_switched_off_is_known_in_other_weeks_until_it_takes_something(past: Past) -> None:
    async def recorded(state: DeliveryState, off: datetime | None) -> None:
        known = outcome(past.team, 1, iso_week="2026-W46", channel="webhook-2", state=state)
        message = RecordDelivery(outcome=known, recorded_at=NOON, address=HOOK, switched_off_at=off)
        await ActivityEnvironment().run(past.activities.record_delivery, message)

    await recorded(DeliveryState.FAILED, NOON)
    (row,) = await past.database.execute(
        select(switched_off_addresses.c.address).where(switched_off_addresses.c.team == past.team)
    )
    assert "secret" not in row.address
    assert (await past.recall(address=HOOK)).switched_off_at == NOON
    assert (await past.recall(address=f"{HOOK}/new")).switched_off_at is None
    assert (await past.recall()).switched_off_at is None  # Slack has none
    await recorded(DeliveryState.DEAD, None)  # nothing was heard of it: it stays switched off
    assert (await past.recall(address=HOOK)).switched_off_at == NOON
    await recorded(DeliveryState.DELIVERED, None)
    assert (await past.recall(address=HOOK)).switched_off_at is None


@pytest.mark.parametrize("ends", ["open", "completed", "terminated"])
async def test_what_an_amendment_made_counts_however_it_ended(past: Past, ends: str) -> None:
    async with past.served():
        await past.edition_in_temporal(1)
        known = AmendmentProgress(revision=2, digest="d2", missing=(), until=NOON)
        amendment = await past.client.start_workflow(
            names.AMENDMENT, known, id=names.amendment_id(past.team, WEEK), task_queue=past.queue
        )
        if ends == "completed":
            await amendment.signal("end")
            await amendment.result()
        elif ends == "terminated":
            await amendment.query("progress")  # it has begun
            await amendment.terminate()
        previous = await past.previous()
        assert (previous.revision, previous.digest, previous.is_amended) == (2, "d2", ends == "open")
        await past.edition_in_temporal(3)
        assert (await past.previous()).revision == 3


async def test_a_run_of_the_week_that_is_open_is_named(past: Past) -> None:
    run = await past.client.start_workflow(
        names.WEEKLY_CHANGELOG, None, id=names.edition_id(past.team, WEEK), task_queue=f"{past.queue}-later"
    )
    assert (await past.previous()).open_run == run.first_execution_run_id
    await run.terminate()
    assert (await past.previous()).open_run == ""
