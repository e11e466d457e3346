"""Writes business records: what an edition's workflows report at the ends of their phases, in one transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Executable

from devsync.contracts.names import delivery_id
from devsync.contracts.operations import OperationRecord
from devsync.domain.audit import AuditEntry
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from devsync.storage.deliveries import DeliveryRecord, delivery_statements
from devsync.storage.editions import EditionRecord, upsert_editions
from devsync.storage.operations import upsert_operations
from devsync.storage.runs import RunRecord, upsert_runs
from devsync.storage.switched_off import AddressRecord, switched_off_statement


class Records:
    """Every write may be repeated: keys are deterministic, and nothing older replaces something newer."""

    def __init__(self, database: Database, artifacts: ArtifactStore) -> None:
        self._audit = Audit(database)
        self._artifacts = artifacts

    async def write(
        self,
        *,
        run: RunRecord | None = None,
        operations: Sequence[OperationRecord] = (),
        edition: EditionRecord | None = None,
        deliveries: Sequence[DeliveryRecord] = (),
        address: AddressRecord | None = None,
    ) -> None:
        """Writes what is given in one transaction; artifacts that travelled inline are stored before.

        `operations` are the run's phases. `deliveries` are whole messages: every part of each channel, once. `address`
        is that of a webhook. Raises DatabaseUnavailable (retry) and NotMigrated.
        """
        statements: list[Executable] = []
        told: list[AuditEntry] = []
        if edition is not None:
            statements.append(upsert_editions([await self._stored(edition)]))
        if run is not None:
            statements.append(upsert_runs([run]))
            told.append(_end_of(run, edition))
        if operations:
            statements.append(upsert_operations(operations))
        if deliveries:
            statements += delivery_statements(deliveries)
            told += _tries_of(deliveries)
        if address is not None:
            statements.append(switched_off_statement(address))
        if statements:
            await self._audit.write(told, *statements)

    async def _stored(self, edition: EditionRecord) -> EditionRecord:
        formats = list(edition.renderings)
        references = [edition.renderings[name] for name in formats]
        if edition.edition is not None:
            references.append(edition.edition)
        settled = await self._artifacts.settle(references, team=edition.team)
        return edition.model_copy(
            update={
                "renderings": dict(zip(formats, settled, strict=False)),
                "edition": None if edition.edition is None else settled[-1],
            }
        )


def _end_of(run: RunRecord, edition: EditionRecord | None) -> AuditEntry:
    """One entry for each end: a run that was reset ends again."""
    return AuditEntry(
        team=run.team,
        id=f"run:{run.workflow_id}:{run.run_id}:{_instant(run.ended_at)}",
        at=run.ended_at,
        actor=run.requested_by or "schedule",
        what=run.workflow_id,
        action="make edition",
        outcome=run.status,
        context={
            "run_id": run.run_id,
            "revision": edition.revision if edition is not None else 0,
            "digest": edition.content_digest if edition is not None else "",
            "cancelled_because": run.cancelled_because,
            "failed_because": run.failed_because,
        },
    )


def _tries_of(deliveries: Sequence[DeliveryRecord]) -> list[AuditEntry]:
    """One entry for each channel: all its parts are reported together."""
    channels: dict[tuple[str, str, str], list[DeliveryRecord]] = {}
    for part in deliveries:
        channels.setdefault((part.team, part.iso_week, part.channel), []).append(part)
    return [_try_of(delivery_id(*key), parts) for key, parts in channels.items()]


def _try_of(workflow_id: str, parts: Sequence[DeliveryRecord]) -> AuditEntry:
    first = parts[0]
    states = ", ".join(sorted({part.state.value for part in parts}))
    return AuditEntry(
        team=first.team,
        id=f"delivery:{workflow_id}:{first.revision}:{states}:{_instant(first.updated_at)}",
        at=first.updated_at,
        actor="delivery",
        what=workflow_id,
        action=f"deliver revision {first.revision}",
        outcome=states,
        context={
            "parts": len(parts),
            "attempts": max(part.attempts for part in parts),
            "last_error": next((part.last_error for part in parts if part.last_error), ""),
        },
    )


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
