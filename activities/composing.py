"""From what was collected to an edition, and to the same bytes again: for composing, rendering and recording."""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Mapping

from devsync.contracts import names
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.contracts.edition import Composition, MadeEdition
from devsync.domain.changelog.collected import ProjectData, RepositoryData
from devsync.domain.changelog.compose import compose
from devsync.domain.changelog.composition import (
    BoardUnit,
    CalendarUnit,
    CompositionInput,
    CompositionRules,
    DeploymentsUnit,
    ProjectUnit,
    RepositoryUnit,
)
from devsync.domain.changelog.edition import Edition, Gap
from devsync.domain.changelog.edits import edited
from devsync.domain.changelog.surroundings import BoardData, CalendarData, DeploymentData
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


def digest_of(edition: Edition) -> str:
    """Of what the week was: sha256 of the edition without its surroundings, which tell the present (boards, calendar)
    or depend on the road by which GitHub was read (review times). When they alone differ, there is no new revision."""
    told = edition.model_copy(update={"metrics": None, "upcoming": None})
    return hashlib.sha256(told.model_dump_json().encode()).hexdigest()


def unedited(composition: Composition, contents: Mapping[str, bytes]) -> Edition:
    """What the sources tell, whatever reviewers changed about it."""
    message = composition.message
    plan = message.plan

    def found(units: Iterable[str]) -> Iterator[tuple[UnitCollected, bytes]]:
        wanted = set(units)
        return ((unit, contents[unit.unit]) for unit in message.units if unit.unit in wanted)

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
                RepositoryUnit(data=RepositoryData.model_validate_json(content), provenance=unit.provenance)
                for unit, content in found(map(names.repository_unit, plan.repositories))
            ),
            projects=tuple(
                ProjectUnit(data=ProjectData.model_validate_json(content), provenance=unit.provenance)
                for unit, content in found(map(names.project_unit, plan.projects))
            ),
            boards=tuple(
                BoardUnit(data=BoardData.model_validate_json(content), provenance=unit.provenance)
                for unit, content in found(map(names.board_unit, plan.boards))
            ),
            deployments=tuple(
                DeploymentsUnit(data=DeploymentData.model_validate_json(content), provenance=unit.provenance)
                for unit, content in found(map(names.deployments_unit, plan.repositories))
            ),
            calendars=tuple(
                CalendarUnit(unit=unit.unit, data=CalendarData.model_validate_json(content), provenance=unit.provenance)
                for unit, content in found([names.calendar_unit(plan.team)])
            ),
            holidays=plan.holidays,
            units_asked=plan.units,
            gaps=(*message.gaps, *dropped),
            known_people=composition.known_people,
        )
    )


def _texts_dropped(unit: UnitCollected) -> Gap:
    return Gap(
        unit=unit.unit,
        service=names.LOCAL,
        reason="collected without descriptions: our own store was away and they are too large to carry",
        category="database",
    )
