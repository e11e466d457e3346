"""Earlier runs of a team's week at the real server, ended as a test wants, and what is on record of them."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

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
