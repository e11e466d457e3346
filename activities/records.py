"""Writes what happened to the records, and recalls it: records are copies, the workflows decide."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError

from activities.composing import content_of, digest_of
from activities.earlier_runs import EarlierRuns
from activities.phases import operations_of
from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.delivery import (
    ENDED_BADLY,
    IS_THERE,
    DeliveryOutcome,
    DeliveryState,
    PartRecord,
    PartState,
    RecallDelivery,
    Recalled,
    RecordDelivery,
    StandingRevision,
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
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.connection import DatabaseUnavailable, MigrationAwaited, NotMigrated
from devsync.storage.database import Database
from devsync.storage.deliveries import Deliveries, DeliveryRecord
from devsync.storage.editions import EditionRecord, Editions
from devsync.storage.pages import CollectionPages
from devsync.storage.records import Records
from devsync.storage.runs import RunRecord
from devsync.storage.switched_off import AddressRecord, SwitchedOff

A = TypeVar("A")

ABANDONED_PAGES = timedelta(days=30)
"""Pages of runs that were terminated: nobody comes back for them."""


class RecordActivities:
    def __init__(self, client: Client, store: ArtifactStore, database: Database) -> None:
        self._pages = CollectionPages(database)
        self._runs = EarlierRuns(client)
        self._store = store
        self._records = Records(database, store)
        self._editions = Editions(database)
        self._deliveries = Deliveries(database)
        self._switched_off = SwitchedOff(database)

    def all(self) -> list[Callable[..., Any]]:
        return [self.record_edition, self.record_delivery, self.find_previous_edition, self.recall_delivery]

    @activity.defn(name=contracts.RECORD_EDITION.name)
    async def record_edition(self, message: RecordEdition) -> Recorded:
        """The run with its phases and, unless it was a dry run, the edition with its contributors; one transaction."""
        result = message.result
        run = RunRecord(
            workflow_id=result.workflow_id,
            run_id=result.run_id,
            team=result.team,
            iso_week=result.iso_week,
            status=result.status.value,
            requested_by=message.requested_by,
            cancelled_because=message.cancelled_because,
            failed_because=message.failed_because,
            started_at=message.started_at,
            ended_at=message.ended_at,
            seconds=result.seconds,
            api_calls=result.api_calls,
        )
        with _somebody_migrates():
            edition = await self._edition(message, message.kept) if message.kept else None
            await self._records.write(run=run, operations=operations_of(message), edition=edition)
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
        if digest_of(Edition.model_validate_json(content)) != result.digest:
            activity.logger.warning("not kept: another build composed revision %d", result.revision)
            return None
        return await self._store.put(content, kind="edition", team=result.team)

    @activity.defn(name=contracts.RECORD_DELIVERY.name)
    async def record_delivery(self, message: RecordDelivery) -> Recorded:
        """What stands in the channel now: a row a part, and none of a part that is gone."""
        outcome = message.outcome
        revision = outcome.revision
        if outcome.state is DeliveryState.KEPT and outcome.standing is not None:
            revision = outcome.standing.revision  # the newer one changed nothing in the channel
        with _somebody_migrates():
            await self._records.write(
                deliveries=[
                    DeliveryRecord(
                        team=outcome.team,
                        iso_week=outcome.iso_week,
                        channel=outcome.channel,
                        part=part.index,
                        kind=outcome.kind,
                        revision=revision,
                        state=_state_on_record(part, outcome),
                        target=part.target,
                        channel_id=outcome.channel_id,
                        message_id=part.message_id,
                        content_digest=part.digest,
                        attempts=part.attempts,
                        last_error=part.last_error,
                        sent_at=part.sent_at,
                        updated_at=message.recorded_at,
                    )
                    for part in outcome.parts
                ],
                address=_address_of(message),
            )
        return Recorded()

    @activity.defn(name=contracts.FIND_PREVIOUS.name)
    async def find_previous_edition(self, message: FindPreviousEdition) -> PreviousEdition:
        """The newest of what the records and what Temporal know: either may have forgotten, or be away."""
        recorded = await self._known_to_records(
            self._editions.latest(message.team, message.iso_week, not_by_run=message.run_id)
        )
        on_record = PreviousEdition()
        if recorded is not None:
            on_record = PreviousEdition(revision=recorded.revision, digest=recorded.content_digest)
        try:
            known = await self._known_to_temporal(message)
        except RPCError as error:
            if recorded is None:
                raise
            activity.logger.warning("going on without what Temporal knows: %s", error)
            return on_record
        newest = max(on_record, known, key=lambda one: one.revision)
        return newest.model_copy(update={"is_amended": known.is_amended, "open_run": known.open_run})

    async def _known_to_temporal(self, message: FindPreviousEdition) -> PreviousEdition:
        """What the week's runs and its amendment have made, and which of them are open."""
        edition_id = names.edition_id(message.team, message.iso_week)
        result = await self._runs.edition(edition_id)
        amendment = await self._runs.amendment(names.amendment_id(message.team, message.iso_week))
        newest = PreviousEdition()
        if result is not None:
            newest = PreviousEdition(revision=result.revision, digest=result.digest)
        if amendment.made is not None and amendment.made.revision > newest.revision:
            newest = PreviousEdition(revision=amendment.made.revision, digest=amendment.made.digest)
        open_run = await self._runs.open_run(edition_id)
        return newest.model_copy(update={"is_amended": amendment.is_open, "open_run": open_run})

    @activity.defn(name=contracts.RECALL_DELIVERY.name)
    async def recall_delivery(self, message: RecallDelivery) -> Recalled:
        """The newer of what Temporal and what the records know: either may have forgotten, or be away.

        Temporal forgets after its retention; records lag while the database is away. Raises when Temporal
        cannot be asked: sending without knowing what stands there could post twice.
        """
        workflow_id = names.delivery_id(message.team, message.iso_week, message.channel)
        known = await self._runs.delivery(workflow_id, message.current_run_id)
        recorded = await self._known_to_records(self._recorded_delivery(message))
        outcomes = [outcome for outcome in (known.outcome, recorded) if outcome is not None]
        newest = max(outcomes, key=lambda outcome: outcome.revision, default=None)
        if newest is not None and known.unknown_since is not None:
            newest = _doubted(newest)
        off = self._switched_off.since(message.team, message.address) if message.address else None
        since = await self._known_to_records(off) if off is not None else None
        return Recalled(outcome=newest, unknown_since=known.unknown_since, switched_off_at=since)

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
            standing=await self._standing(rows),
        )

    async def _standing(self, rows: Sequence[DeliveryRecord]) -> StandingRevision | None:
        """The revision of which every part is there, when there is one and it is on record."""
        first = rows[0]
        if any(row.state is not DeliveryState.DELIVERED or row.revision != first.revision for row in rows):
            return None
        edition = await self._editions.revision(first.team, first.iso_week, first.revision)
        return StandingRevision(revision=edition.revision, completeness=edition.completeness) if edition else None

    async def _known_to_records(self, question: Awaitable[A]) -> A | None:
        try:
            return await question
        except (DatabaseUnavailable, NotMigrated) as error:
            activity.logger.warning("going on without the records: %s", error)
            return None


@contextmanager
def _somebody_migrates() -> Iterator[None]:
    """Records wait for a database that lacks our tables as for one that is away: what they tell has happened."""
    try:
        yield
    except NotMigrated as error:
        raise MigrationAwaited(str(error)) from error


def _address_of(message: RecordDelivery) -> AddressRecord | None:
    """Of a webhook, where something is known of it: it was switched off, or has taken the event."""
    off, outcome = message.switched_off_at, message.outcome
    if not message.address or (off is None and outcome.state is not DeliveryState.DELIVERED):
        return None
    return AddressRecord(team=outcome.team, address=message.address, switched_off_at=off)


def _state_on_record(part: PartRecord, outcome: DeliveryOutcome) -> DeliveryState:
    """Of the part, for the revision that the row is about."""
    if part.state is PartState.UNCERTAIN:
        return DeliveryState.UNCERTAIN
    if part.state is PartState.FAILED:
        return DeliveryState.FAILED
    is_settled = outcome.state in IS_THERE or part.revision == outcome.revision
    if part.state is PartState.DELIVERED and is_settled:
        return DeliveryState.DELIVERED
    if outcome.state in ENDED_BADLY:
        return outcome.state
    return DeliveryState.PENDING


def _part_of(row: DeliveryRecord) -> PartRecord:
    state = PartState.UNCERTAIN if row.state is DeliveryState.UNCERTAIN else PartState.PENDING
    return PartRecord(
        index=row.part,
        target=row.target,
        # Whatever became of a later revision of it: the message is there.
        state=PartState.DELIVERED if row.message_id else state,
        digest=row.content_digest,
        revision=row.revision,
        message_id=row.message_id,
        attempts=row.attempts,
        sent_at=row.sent_at,
        last_error=row.last_error,
    )


def _doubted(outcome: DeliveryOutcome) -> DeliveryOutcome:
    """Where the messages are is known, what they say is not."""
    parts = tuple(part.model_copy(update={"digest": ""}) for part in outcome.parts)
    return outcome.model_copy(update={"parts": parts, "standing": None})
