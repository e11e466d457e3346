"""Writes what happened to the records, and recalls it: records are copies, the workflows decide."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError

from activities.composing import content_of
from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.delivery import (
    DeliveryOutcome,
    DeliveryState,
    PartRecord,
    PartState,
    RecallDelivery,
    Recalled,
    RecordDelivery,
)
from devsync.contracts.edition import (
    EditionResult,
    FindPreviousEdition,
    KeptEdition,
    PreviousEdition,
    Recorded,
    RecordEdition,
)
from devsync.domain.changelog.edition import Edition
from devsync.domain.model import Model
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.connection import DatabaseUnavailable
from devsync.storage.database import Database
from devsync.storage.deliveries import Deliveries, DeliveryRecord
from devsync.storage.editions import EditionRecord, Editions
from devsync.storage.pages import CollectionPages
from devsync.storage.records import Records
from devsync.storage.runs import RunRecord

R = TypeVar("R", bound=Model)

ABANDONED_PAGES = timedelta(days=30)
"""Pages of runs that were terminated: nobody comes back for them."""


class RecordActivities:
    def __init__(self, client: Client, store: ArtifactStore, database: Database) -> None:
        self._pages = CollectionPages(database)
        self._client = client
        self._store = store
        self._records = Records(database, store)
        self._editions = Editions(database)
        self._deliveries = Deliveries(database)

    def all(self) -> list[Callable[..., Any]]:
        return [self.record_edition, self.record_delivery, self.find_previous_edition, self.recall_delivery]

    @activity.defn(name=contracts.RECORD_EDITION.name)
    async def record_edition(self, message: RecordEdition) -> Recorded:
        """The run and, unless it was a dry run, the edition with its contributors; one transaction."""
        result = message.result
        run = RunRecord(
            workflow_id=result.workflow_id,
            run_id=result.run_id,
            team=result.team,
            iso_week=result.iso_week,
            status=result.status.value,
            requested_by=message.requested_by,
            cancelled_because=message.cancelled_because,
            started_at=message.started_at,
            ended_at=message.ended_at,
            seconds=result.seconds,
            api_calls=result.api_calls,
        )
        await self._records.write(run=run, edition=await self._edition(message, message.kept) if message.kept else None)
        await self._pages.delete_collection(names.collection_id(result.workflow_id, result.run_id))
        await self._pages.delete_older_than(ABANDONED_PAGES)
        return Recorded()

    async def _edition(self, message: RecordEdition, kept: KeptEdition) -> EditionRecord:
        result = message.result
        content = await content_of(kept.edition, self._store)
        return EditionRecord(
            team=result.team,
            iso_week=result.iso_week,
            revision=result.revision,
            status=result.status,
            content_digest=result.digest,
            completeness=result.completeness,
            item_count=result.item_count,
            unclassified_ratio=result.unclassified_ratio,
            gaps=result.gaps,
            contributors=Edition.model_validate_json(content).contributors,
            workflow_id=result.workflow_id,
            run_id=result.run_id,
            window_start=kept.window.start,
            window_end=kept.window.end,
            composed_at=message.ended_at,
            edition=result.edition or await self._stored_as_delivered(content, result),
            renderings=result.renderings,
        )

    async def _stored_as_delivered(self, content: bytes, result: EditionResult) -> ArtifactRef | None:
        """An edition that was too large to carry was made again; None where this build makes another one of it."""
        if hashlib.sha256(content).hexdigest() != result.digest:
            activity.logger.warning("not kept: another build composed revision %d", result.revision)
            return None
        return await self._store.put(content, kind="edition", team=result.team)

    @activity.defn(name=contracts.RECORD_DELIVERY.name)
    async def record_delivery(self, message: RecordDelivery) -> Recorded:
        """What stands in the channel now: a row a part."""
        outcome = message.outcome
        await self._records.write(
            deliveries=[
                DeliveryRecord(
                    team=outcome.team,
                    iso_week=outcome.iso_week,
                    channel=outcome.channel,
                    part=part.index,
                    kind=outcome.kind,
                    revision=outcome.revision,
                    state=_state_on_record(part, outcome),
                    channel_id=outcome.channel_id,
                    message_id=part.message_id,
                    content_digest=part.digest,
                    attempts=part.attempts,
                    last_error=part.last_error,
                    sent_at=part.sent_at,
                    updated_at=message.recorded_at,
                )
                for part in outcome.parts
            ]
        )
        return Recorded()

    @activity.defn(name=contracts.FIND_PREVIOUS.name)
    async def find_previous_edition(self, message: FindPreviousEdition) -> PreviousEdition:
        """From the records; while the database is away, from the last run that Temporal still knows."""
        try:
            latest = await self._editions.latest(message.team, message.iso_week, not_by_run=message.run_id)
        except DatabaseUnavailable as error:
            activity.logger.warning("looking for the previous revision without the database: %s", error)
            result = await self._last_result(message.workflow_id, EditionResult)
            return PreviousEdition(revision=result.revision, digest=result.digest) if result else PreviousEdition()
        if latest is None:
            return PreviousEdition()
        return PreviousEdition(revision=latest.revision, digest=latest.content_digest)

    @activity.defn(name=contracts.RECALL_DELIVERY.name)
    async def recall_delivery(self, message: RecallDelivery) -> Recalled:
        """The newer of what Temporal and what the records know: either may have forgotten, or be away.

        Temporal forgets after its retention; records lag while the database is away. Raises when Temporal
        cannot be asked: sending without knowing what stands there could post twice.
        """
        workflow_id = names.delivery_id(message.team, message.iso_week, message.channel)
        known = await self._last_result(workflow_id, DeliveryOutcome)
        try:
            recorded = await self._recorded_delivery(message)
        except DatabaseUnavailable as error:
            activity.logger.warning("recalling the delivery without the database: %s", error)
            recorded = None
        outcomes = [outcome for outcome in (known, recorded) if outcome is not None]
        return Recalled(outcome=max(outcomes, key=lambda outcome: outcome.revision, default=None))

    async def _recorded_delivery(self, message: RecallDelivery) -> DeliveryOutcome | None:
        rows = await self._deliveries.of_edition(message.team, message.iso_week, channel=message.channel)
        if not rows:
            return None
        return DeliveryOutcome(
            team=message.team,
            iso_week=message.iso_week,
            channel=message.channel,
            kind=rows[0].kind,
            revision=max(row.revision for row in rows),
            state=DeliveryState.PENDING,
            channel_id=rows[0].channel_id,
            parts=tuple(_part_of(row) for row in rows),
        )

    async def _last_result(self, workflow_id: str, result_type: type[R]) -> R | None:
        """The result of the newest completed run with this id, None when Temporal knows none."""
        query = f'WorkflowId = "{workflow_id}" AND ExecutionStatus = "Completed"'
        async for execution in self._client.list_workflows(query, limit=1):
            handle = self._client.get_workflow_handle(workflow_id, run_id=execution.run_id, result_type=result_type)
            try:
                result: R = await handle.result(follow_runs=False)
            except RPCError as error:
                # Retention removed it between the two calls.
                activity.logger.info("run %s is gone: %s", execution.run_id, error.message)
                return None
            return result
        return None


def _state_on_record(part: PartRecord, outcome: DeliveryOutcome) -> DeliveryState:
    if part.state is PartState.DELIVERED:
        return DeliveryState.DELIVERED
    if outcome.state in {DeliveryState.DEAD, DeliveryState.FAILED, DeliveryState.UNCERTAIN}:
        return outcome.state
    return DeliveryState(part.state.value)


def _part_of(row: DeliveryRecord) -> PartRecord:
    known = {DeliveryState.DELIVERED: PartState.DELIVERED, DeliveryState.UNCERTAIN: PartState.UNCERTAIN}
    return PartRecord(
        index=row.part,
        state=known.get(row.state, PartState.PENDING),
        digest=row.content_digest,
        revision=row.revision,
        message_id=row.message_id,
        attempts=row.attempts,
        sent_at=row.sent_at,
        last_error=row.last_error,
    )
