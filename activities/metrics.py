"""Recovery's step "computed from the other artifacts": what stands in for numbers that a source did not give."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from temporalio import activity

from devsync.contracts.activities import DERIVE_METRICS
from devsync.contracts.collection import CollectDeployments, UnitCollected
from devsync.contracts.names import deployments_unit, repository_unit
from devsync.contracts.recovery import StepRequest, StepResult
from devsync.domain.changelog.collected import RepositoryData
from devsync.domain.changelog.edition import Provenance, ProvenanceKind
from devsync.domain.changelog.metrics import deployments_by_releases
from devsync.storage.artifacts import ArtifactStore


class MetricsActivities:
    def __init__(self, store: ArtifactStore) -> None:
        self._store = store

    def all(self) -> list[Callable[..., Any]]:
        return [self.derive]

    @activity.defn(name=DERIVE_METRICS.name)
    async def derive(self, request: StepRequest) -> StepResult:
        """A repository's releases for its deployments, where the repository itself was collected and had any.

        A board and a calendar cannot be computed from anything else: they stay missing, and the edition is without
        their section.
        """
        asks = [unit.ask for unit in request.units if isinstance(unit.ask, CollectDeployments)]
        collected = {unit.unit: unit for unit in request.sources.collected}
        healed = [
            found
            for ask in asks
            if (repository := collected.get(repository_unit(ask.repository)))
            and (found := await self._by_releases(ask, repository))
        ]
        left = len(request.units) - len(healed)
        if not healed:
            return StepResult(message="nothing tells of it")
        noun = "repository" if len(healed) == 1 else "repositories"
        told = f"releases stand in for the deployments of {len(healed)} {noun}"
        return StepResult(healed=tuple(healed), message=f"{told}; {left} still missing" if left else told)

    async def _by_releases(self, ask: CollectDeployments, repository: UnitCollected) -> UnitCollected | None:
        data = deployments_by_releases(
            RepositoryData.model_validate_json(await self._store.get(repository.artifact)), ask.window
        )
        if not data.deployments:
            return None
        artifact = await self._store.put(data.model_dump_json().encode(), kind="collected", team=ask.team)
        return UnitCollected(
            unit=deployments_unit(ask.repository),
            artifact=artifact,
            provenance=Provenance(kind=ProvenanceKind.DERIVED, as_of=repository.collected_at),
            api_calls=0,
            counts={"deployments": len(data.deployments)},
            collected_at=datetime.now(UTC),
        )
