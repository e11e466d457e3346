"""Steps of recovery that need nobody else: what was collected before, what did answer, what other sources tell."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from temporalio import activity

from activities.collection import Collection, Shelf, unique
from activities.github.answered import answered
from activities.github.repository_data import counts_of, without_texts
from activities.remembering import form_of
from activities.steps import age, heal_each, named, stands_in
from devsync.contracts import activities as contracts
from devsync.contracts.collection import CollectProject, CollectRepository, UnitCollected
from devsync.contracts.names import GITHUB
from devsync.contracts.recovery import FailedUnit, StepRequest, StepResult
from devsync.domain.changelog.collected import JiraIssue, ProjectData, RepositoryData
from devsync.domain.changelog.derived import issues_named_by
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.storage.artifacts import ArtifactMissing
from devsync.storage.collected import CollectedUnits
from devsync.storage.connection import DatabaseUnavailable
from devsync.storage.content import ContentDamaged
from devsync.storage.pages import StoredPage

AT_ONCE = 8
"""Units at once: each asks the database once or twice."""


class StandInActivities:
    """Each step runs in a thread. With the database away they heal nothing, and fail with that as the reason."""

    def __init__(self, shelf: Shelf, units: CollectedUnits) -> None:
        self._shelf = shelf
        self._units = units

    def all(self) -> list[Callable[..., Any]]:
        return [self.use_cached, self.use_partial, self.derive_issues]

    @activity.defn(name=contracts.USE_CACHED.name)
    def use_cached(self, request: StepRequest) -> StepResult:
        """The last good data of the same unit and the very same window; never an older week's, however young it is."""
        if request.window is None:
            return StepResult(message="nothing is cached without a window")
        forms = {unit.unit: form_of(unit.unit) for unit in request.units}
        remembered = self._shelf.bridge.run(
            self._units.recall_all(team=request.team, window=request.window, forms=forms)
        )
        healed = tuple(
            UnitCollected(
                unit=unit,
                artifact=found.artifact,
                api_calls=0,
                counts=found.counts,
                road=found.road,
                notes=found.notes,
                collected_at=found.collected_at,
            )
            for unit in forms
            if (found := remembered.get(unit)) is not None
        )
        now = datetime.now(UTC)
        ages = ", ".join(f"{one.unit} ({age(one.collected_at, now)} old)" for one in healed[:3])
        more = f" and {len(healed) - 3} more" if len(healed) > 3 else ""
        missing = [unit for unit in forms if unit not in remembered]
        told = f"cached for this week: {ages}{more}" if healed else "nothing is cached for this week"
        return StepResult(
            healed=tuple(stands_in(one, ProvenanceKind.CACHED, one.collected_at) for one in healed),
            message="; ".join([told, *([f"not {named(missing)}"] if healed and missing else [])]),
            attempts=activity.info().attempt,
        )

    @activity.defn(name=contracts.USE_PARTIAL.name)
    def use_partial(self, request: StepRequest) -> StepResult:
        """What the failed collection had stored before it failed: whole lists, or the first pages of one."""
        told: dict[str, str] = {}

        def heal(unit: FailedUnit, until: datetime) -> UnitCollected | None:
            if not isinstance(unit.ask, CollectRepository | CollectProject):
                return None  # a part of a board or a calendar would be taken for the whole
            collection = Collection(self._shelf, unit.ask.collection_id, request.team, unit.unit, until)
            pages = collection.at_shelf(self._shelf.pages.stored_pages(unit.ask.collection_id, unit.unit))
            if isinstance(unit.ask, CollectRepository):
                found = _repository(collection, unit.ask, pages)
            else:
                found = _project(collection, unit.ask, pages)
            if found is None:
                return None
            collected, told[unit.unit] = found
            as_of = min((page.stored_at for page in pages if page.stored_at), default=None)
            return stands_in(collected, ProvenanceKind.PARTIAL, as_of, f"partial: {told[unit.unit]}")

        tally = heal_each(request, heal, contracts.USE_PARTIAL, at_once=AT_ONCE)
        notes = [f"{unit}: {words}" for unit, words in sorted(told.items())[:3]]
        return tally.result_of_stand_in("took what did answer", request.units, notes=notes)

    @activity.defn(name=contracts.DERIVE_ISSUES.name)
    def derive_issues(self, request: StepRequest) -> StepResult:
        """JIRA issues by the keys that collected commits and pull requests name: key and title, no state.

        They give a name to what the items link to; being unresolved, none of them becomes an item of its own.
        """
        sources = [unit for unit in request.sources.collected if unit.unit.startswith(f"{GITHUB}:")]
        repositories, as_of = self._read(request, sources)

        def heal(unit: FailedUnit, until: datetime) -> UnitCollected | None:
            if not isinstance(unit.ask, CollectProject):
                return None
            issues = issues_named_by(repositories, unit.ask.project)
            if not issues:
                return None
            collection = Collection(self._shelf, unit.ask.collection_id, request.team, unit.unit, until)
            data = ProjectData(project=unit.ask.project, issues=issues)
            collected = collection.finish(data, {"issues": len(issues)})
            return stands_in(collected, ProvenanceKind.DERIVED, as_of, "derived: keys and titles from commits only")

        tally = heal_each(request, heal, contracts.DERIVE_ISSUES, at_once=AT_ONCE)
        return tally.result_of_stand_in(
            f"looked for keys in {named(unit.unit for unit in sources) or 'nothing'}", request.units
        )

    def _read(self, request: StepRequest, sources: list[UnitCollected]) -> tuple[list[RepositoryData], datetime | None]:
        """The sources' data, and when the oldest was collected. What cannot be read tells nothing.

        Raises DatabaseUnavailable where none can be read.
        """
        found: list[RepositoryData] = []
        ages: list[datetime] = []
        unread: DatabaseUnavailable | None = None
        for unit in sources:
            activity.heartbeat(unit.unit)
            try:
                content = self._shelf.bridge.run(self._shelf.store.get(unit.artifact))
            except (ArtifactMissing, ContentDamaged) as error:
                activity.logger.warning("no keys from %s: %s", unit.unit, error)
                continue
            except DatabaseUnavailable as error:
                unread = error
                continue
            found.append(RepositoryData.model_validate_json(content))
            ages.append(unit.provenance.as_of or unit.collected_at)
        if unread is not None and not found:
            raise unread
        return found, min(ages, default=None)


def _repository(
    collection: Collection, ask: CollectRepository, pages: list[StoredPage]
) -> tuple[UnitCollected, str] | None:
    found = answered(ask.repository, pages)
    if found is None:
        return None
    data = found.data
    collected = collection.finish(
        data, counts_of(data), slim=lambda: without_texts(data), inline_share=ask.inline_share
    )
    return collected, found.told


def _project(collection: Collection, ask: CollectProject, pages: list[StoredPage]) -> tuple[UnitCollected, str] | None:
    if not pages:
        return None
    entries = (JiraIssue.model_validate(entry) for page in pages for entry in json.loads(page.content))
    issues = unique(entries, key=lambda issue: issue.key)
    collected = collection.finish(ProjectData(project=ask.project, issues=issues), {"issues": len(issues)})
    told = "complete" if pages[-1].next_cursor is None else f"{len(pages)} of ? pages"
    return collected, f"issues {told}"
