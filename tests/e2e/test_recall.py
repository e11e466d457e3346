"""What earlier runs left is recalled from Temporal and from the records, whichever knows, and is newer."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities import earlier_runs
from activities.records import RecordActivities
from devsync.contracts import names
from devsync.contracts.activities import SEND_SLACK_PART
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.delivery import (
    DeliveryOutcome,
    DeliveryState,
    PartRecord,
    PartState,
    RecallDelivery,
    Recalled,
    RecordDelivery,
    StandingRevision,
)
from devsync.contracts.edition import EditionResult, EditionStatus, FindPreviousEdition, PreviousEdition
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from devsync.storage.editions import EditionRecord
from devsync.storage.records import Records
from devsync.storage.tables import switched_off_addresses
from tests.e2e.stage import Stage
from tests.servers import Servers

WEEK, CHANNEL, HOOK = "2026-W47", "slack-payments", "https://hooks.acme.dev/T0/secret"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def outcome(team: str, revision: int, *, parts: int = 2, **changes: Any) -> DeliveryOutcome:
    """A whole revision that stands in the channel, complete for odd numbers."""
    values: dict[str, Any] = {
        "team": team, "iso_week": WEEK, "channel": CHANNEL, "kind": "slack", "revision": revision,
        "state": DeliveryState.DELIVERED, "channel_id": "C1",
        "standing": StandingRevision(revision=revision, completeness=1.0),
        "parts": tuple(
            PartRecord(
                index=n, state=PartState.DELIVERED, digest=f"r{revision}", revision=revision, message_id=f"{n}.0"
            )
            for n in range(parts)
        ),
    }  # fmt: skip
    return DeliveryOutcome.model_validate(values | changes)


@workflow.defn(name=names.DELIVERY, sandboxed=False)
class EarlierDelivery:
    """A run that knows what it was told, and ends as it was told."""

    @workflow.init
    def __init__(self, known: DeliveryOutcome, ends: str) -> None:
        self._known = known

    @workflow.run
    async def run(self, known: DeliveryOutcome, ends: str) -> DeliveryOutcome:
        await workflow.execute_activity(
            SEND_SLACK_PART.name, start_to_close_timeout=timedelta(seconds=5), task_queue=workflow.info().task_queue
        )
        if ends == "failed":
            raise ApplicationError("its record could not be written", non_retryable=True)
        await workflow.wait_condition(lambda: ends == "completed")
        return known

    @workflow.query
    def outcome(self) -> DeliveryOutcome:
        return self._known


@workflow.defn(name=names.DELIVERY, sandboxed=False)
class ChangedDelivery:
    """Another build, which cannot replay what the other one did."""

    @workflow.run
    async def run(self, known: DeliveryOutcome, ends: str) -> DeliveryOutcome:
        await workflow.sleep(1)
        return known

    @workflow.query
    def outcome(self) -> DeliveryOutcome:
        raise AssertionError


@workflow.defn(name=names.WEEKLY_CHANGELOG, sandboxed=False)
class EarlierEdition:
    @workflow.run
    async def run(self, result: EditionResult) -> EditionResult:
        return result


@workflow.defn(name=names.AMENDMENT, sandboxed=False)
class EarlierAmendment:
    """Ends when it is told to."""

    @workflow.init
    def __init__(self, known: AmendmentProgress) -> None:
        self._known, self._is_over = known, False

    @workflow.run
    async def run(self, known: AmendmentProgress) -> AmendmentProgress:
        await workflow.wait_condition(lambda: self._is_over)
        return known

    @workflow.signal
    def end(self) -> None:
        self._is_over = True

    @workflow.query
    def progress(self) -> AmendmentProgress:
        return self._known


@activity.defn(name=SEND_SLACK_PART.name)
async def send() -> None:
    """A run that never sent anything has nothing to forget."""


@dataclass
class Past:
    """The runs and records of one team's week, and what is recalled of them."""

    client: Client
    database: Database
    team: str
    queue: str = field(default_factory=lambda: f"past-{uuid.uuid4()}")

    @property
    def delivery_id(self) -> str:
        return names.delivery_id(self.team, WEEK, CHANNEL)

    @property
    def activities(self) -> RecordActivities:
        return RecordActivities(self.client, ArtifactStore(self.database), self.database)

    @asynccontextmanager
    async def served(self, build: type = EarlierDelivery) -> AsyncIterator[None]:
        worker = Worker(
            self.client, task_queue=self.queue, workflows=[build, EarlierEdition, EarlierAmendment], activities=[send]
        )
        async with worker:
            yield

    async def delivered(self, ends: str, known: DeliveryOutcome) -> WorkflowHandle[Any, Any]:
        """A run that ends completed, failed, cancelled or terminated."""
        handle = await self.client.start_workflow(
            names.DELIVERY, args=[known, ends], id=self.delivery_id, task_queue=self.queue
        )
        if ends == "terminated":
            await handle.query("outcome")  # it has begun
            await handle.terminate()
        elif ends == "cancelled":
            await handle.query("outcome")
            await handle.cancel()
        try:
            await handle.result()
        except WorkflowFailureError:
            assert ends != "completed"
        return handle

    async def recorded(self, known: DeliveryOutcome, at: datetime = NOON) -> None:
        await ActivityEnvironment().run(self.activities.record_delivery, RecordDelivery(outcome=known, recorded_at=at))

    async def edition_on_record(self, revision: int, completeness: float = 1.0) -> None:
        edition = EditionRecord(
            team=self.team, iso_week=WEEK, revision=revision, status=EditionStatus.COMPLETE,
            content_digest=f"d{revision}", completeness=completeness, item_count=1, unclassified_ratio=0.0,
            workflow_id=names.edition_id(self.team, WEEK), run_id="r", window_start=NOON - timedelta(days=7),
            window_end=NOON, composed_at=NOON,
        )  # fmt: skip
        await Records(self.database, ArtifactStore(self.database)).write(edition=edition)

    async def edition_in_temporal(self, revision: int) -> None:
        result = EditionResult(
            team=self.team, iso_week=WEEK, status=EditionStatus.COMPLETE, revision=revision, completeness=1.0,
            item_count=1, unclassified_ratio=0.0, workflow_id="", run_id="", digest=f"d{revision}",
        )  # fmt: skip
        await self.client.execute_workflow(
            names.WEEKLY_CHANGELOG, result, id=names.edition_id(self.team, WEEK), task_queue=self.queue
        )

    async def recall(self, attempt: int = 1, **changes: str) -> Recalled:
        """As a new run of the delivery asks for it."""
        new = await self.client.start_workflow(
            names.DELIVERY, args=[outcome(self.team, 9), "open"], id=self.delivery_id, task_queue=f"{self.queue}-later"
        )
        try:
            message = RecallDelivery(
                team=self.team, iso_week=WEEK, channel=CHANNEL, current_run_id=new.first_execution_run_id or ""
            ).model_copy(update=changes)
            environment = ActivityEnvironment()
            environment.info = replace(environment.info, attempt=attempt)
            return await environment.run(self.activities.recall_delivery, message)
        finally:
            await new.terminate()

    async def previous(self) -> PreviousEdition:
        message = FindPreviousEdition(team=self.team, iso_week=WEEK, run_id="the run that asks")
        return await ActivityEnvironment().run(self.activities.find_previous_edition, message)


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
