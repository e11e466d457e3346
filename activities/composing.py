"""From what was collected to an edition, and to the same bytes again: for composing, rendering and recording."""

import asyncio
from collections.abc import Mapping

from devsync.contracts import names
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.contracts.edition import Composition, MadeEdition
from devsync.domain.changelog.collected import ProjectData, RepositoryData
from devsync.domain.changelog.compose import compose
from devsync.domain.changelog.composition import CompositionInput, CompositionRules, ProjectUnit, RepositoryUnit
from devsync.domain.changelog.edition import Edition, Gap
from devsync.domain.changelog.edits import edited
from devsync.storage.artifacts import ArtifactStore


async def content_of(edition: MadeEdition, store: ArtifactStore) -> bytes:
    """The edition's bytes: read from the store, or composed again in a thread where it was too large to carry.

    Raises what `ArtifactStore.get` raises.
    """
    if isinstance(edition, ArtifactRef):
        return await store.get(edition)
    contents = {unit.unit: await store.get(unit.artifact) for unit in edition.message.units}
    return (await asyncio.to_thread(composed, edition, contents)).model_dump_json().encode()


def composed(composition: Composition, contents: Mapping[str, bytes]) -> Edition:
    """The edition of a recorded composition and its units' artifacts; the same bytes whenever it is called."""
    return edited(unedited(composition, contents), composition.message.edits)


def unedited(composition: Composition, contents: Mapping[str, bytes]) -> Edition:
    """What the sources tell, whatever reviewers changed about it."""
    message = composition.message
    plan = message.plan
    repositories = [unit for unit in message.units if unit.unit.startswith(f"{names.GITHUB}:")]
    projects = [unit for unit in message.units if unit.unit.startswith(f"{names.JIRA}:")]
    dropped = [_texts_dropped(unit) for unit in message.units if unit.bodies_dropped]
    return compose(
        CompositionInput(
            team=plan.team,
            iso_week=plan.iso_week,
            window=plan.window,
            audience=plan.audience,
            rules=CompositionRules(
                include_labels=plan.include_labels,
                exclude_labels=plan.exclude_labels,
                project_keys=plan.projects,
                incident_types=plan.incident_types,
            ),
            repositories=tuple(
                RepositoryUnit(data=RepositoryData.model_validate_json(contents[unit.unit]), provenance=unit.provenance)
                for unit in repositories
            ),
            projects=tuple(
                ProjectUnit(data=ProjectData.model_validate_json(contents[unit.unit]), provenance=unit.provenance)
                for unit in projects
            ),
            units_asked=(
                *map(names.repository_unit, plan.repositories),
                *map(names.project_unit, plan.projects),
            ),
            gaps=(*message.gaps, *dropped),
            known_people=composition.known_people,
        )
    )


def _texts_dropped(unit: UnitCollected) -> Gap:
    return Gap(
        unit=unit.unit,
        service=names.LOCAL,
        reason="collected without descriptions: the artifact store was away and they are too large to carry",
        category="database",
    )
