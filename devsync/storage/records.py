"""Writes business records: what an edition's workflows report at the ends of their phases, in one transaction."""

from collections.abc import Sequence

from sqlalchemy import Executable

from devsync.contracts.operations import OperationRecord
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from devsync.storage.deliveries import DeliveryRecord, delivery_statements
from devsync.storage.editions import EditionRecord, upsert_editions
from devsync.storage.operations import upsert_operations
from devsync.storage.runs import RunRecord, upsert_runs
from devsync.storage.switched_off import AddressRecord, switched_off_statement


class Records:
    """Every write may be repeated: keys are deterministic, and nothing older replaces something newer."""

    def __init__(self, database: Database, artifacts: ArtifactStore) -> None:
        self._database = database
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
        if edition is not None:
            statements.append(upsert_editions([await self._stored(edition)]))
        if run is not None:
            statements.append(upsert_runs([run]))
        if operations:
            statements.append(upsert_operations(operations))
        if deliveries:
            statements += delivery_statements(deliveries)
        if address is not None:
            statements.append(switched_off_statement(address))
        if statements:
            await self._database.execute(*statements)

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
