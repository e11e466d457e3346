"""Plans, composes and renders editions: reads configuration and artifacts, calls the pure core, stores."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from temporalio import activity

from activities.planning import LastDelivered, plan_edition
from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.contracts.edition import (
    ComposeEdition,
    Composition,
    EditionComposed,
    EditionPlan,
    EditionRendered,
    PlanEdition,
    RenderEdition,
)
from devsync.domain.changelog.collected import ProjectData, RepositoryData
from devsync.domain.changelog.compose import compose
from devsync.domain.changelog.composition import CompositionInput, CompositionRules, ProjectUnit, RepositoryUnit
from devsync.domain.changelog.edition import Edition, Gap
from devsync.rendering.documents import render_html, render_json, render_markdown, render_text
from devsync.rendering.slack import SlackRendering, render_slack
from devsync.settings.configuration import load_team
from devsync.storage.artifacts import ArtifactStore, StoreUnavailable
from devsync.storage.connection import DatabaseUnavailable
from devsync.storage.database import Database
from devsync.storage.editions import Editions

PATIENT_ATTEMPTS = 5
"""So often a step waits for a database that is away before it goes on without, and says so."""


class EditionActivities:
    def __init__(self, config_dir: Path, templates_dir: Path, store: ArtifactStore, database: Database) -> None:
        self._config_dir = config_dir
        self._templates = templates_dir
        self._store = store
        self._editions = Editions(database)

    def all(self) -> list[Callable[..., Any]]:
        return [self.plan, self.compose, self.render]

    @activity.defn(name=contracts.PLAN_EDITION.name)
    async def plan(self, message: PlanEdition) -> EditionPlan:
        """Reads the configuration now, so that the workflow never does and a replay sees the same."""
        configuration = await asyncio.to_thread(load_team, self._config_dir, message.team)
        is_since_last = configuration.team.period == "since_last_edition"
        last = await self._last_delivered(message) if is_since_last else LastDelivered()
        return plan_edition(configuration, message, last)

    @activity.defn(name=contracts.COMPOSE_EDITION.name)
    async def compose(self, message: ComposeEdition) -> EditionComposed:
        """Composes in a thread; stores the edition and the recorded input from which it can be made again."""
        composition = Composition(message=message, known_people=await self._known_people(message.plan))
        contents, unread = await self._read_units(message.units)
        edition = await asyncio.to_thread(composed, composition, contents, unread)
        content = edition.model_dump_json().encode()
        team = message.plan.team
        reference = await self._store.put(content, kind="edition", team=team)
        return EditionComposed(
            edition=reference,
            composition=await self._put_composition(composition),
            digest=hashlib.sha256(content).hexdigest(),
            item_count=edition.item_count,
            unclassified_ratio=edition.unclassified_ratio,
            completeness=edition.completeness,
            gaps=edition.gaps,
        )

    @activity.defn(name=contracts.RENDER_EDITION.name)
    async def render(self, message: RenderEdition) -> EditionRendered:
        """Every format, in a thread, each an artifact of its own."""
        edition = Edition.model_validate_json(await self._store.get(message.edition))
        texts, slack = await asyncio.to_thread(self._render_all, edition, message.revision)
        contents = [(f"rendering.{name}", text.encode()) for name, text in texts.items()]
        references = await self._store.put_many(contents, team=message.team)
        digests = tuple(hashlib.sha256(part.model_dump_json().encode()).hexdigest() for part in slack.messages)
        return EditionRendered(formats=dict(zip(texts, references, strict=True)), slack_part_digests=digests)

    def _render_all(self, edition: Edition, revision: int) -> tuple[dict[str, str], SlackRendering]:
        slack = render_slack(edition, self._templates, revision)
        texts = {
            "markdown": render_markdown(edition, self._templates, revision),
            "html": render_html(edition, self._templates, revision),
            "text": render_text(edition, self._templates, revision),
            "json": render_json(edition),
            "slack": slack.model_dump_json(),
        }
        return texts, slack

    async def _last_delivered(self, message: PlanEdition) -> LastDelivered:
        try:
            end = await self._editions.last_delivered_window_end(message.team, before_week=message.iso_week)
        except DatabaseUnavailable as error:
            if activity.info().attempt < PATIENT_ATTEMPTS:
                raise
            activity.logger.warning("planning without the records: %s", error)
            return LastDelivered(is_known=False)
        return LastDelivered(end)

    async def _known_people(self, plan: EditionPlan) -> tuple[str, ...] | None:
        try:
            known = await self._editions.known_people(plan.team, before_week=plan.iso_week)
        except DatabaseUnavailable as error:
            activity.logger.warning("first-timers by GitHub's word alone: %s", error)
            return None
        return tuple(sorted(known)) or None

    async def _read_units(self, units: Sequence[UnitCollected]) -> tuple[dict[str, bytes], list[Gap]]:
        """Contents by unit. A unit whose artifact cannot be read is waited for, then a gap."""
        contents: dict[str, bytes] = {}
        unread: list[Gap] = []
        for unit in units:
            try:
                contents[unit.unit] = await self._store.get(unit.artifact)
            except StoreUnavailable as error:
                if activity.info().attempt < PATIENT_ATTEMPTS:
                    raise
                reason = f"collected, but the artifact store cannot be read: {error}"
                unread.append(Gap(unit=unit.unit, service=names.LOCAL, reason=reason, category="database"))
        return contents, unread

    async def _put_composition(self, composition: Composition) -> ArtifactRef | None:
        try:
            reference = await self._store.put(
                composition.model_dump_json().encode(), kind="composition", team=composition.message.plan.team
            )
        except StoreUnavailable:
            return None
        # Its units are inline then, and so in the workflow's history: a second copy would only weigh.
        return reference if reference.inline is None else None


def composed(composition: Composition, contents: dict[str, bytes], unread: Sequence[Gap] = ()) -> Edition:
    """The edition of a recorded composition and its units' artifacts; the same bytes whenever it is called."""
    message = composition.message
    plan = message.plan
    read = [unit for unit in message.units if unit.unit in contents]
    repositories = [unit for unit in read if unit.unit.startswith(f"{names.GITHUB}:")]
    projects = [unit for unit in read if unit.unit.startswith(f"{names.JIRA}:")]
    dropped = [_texts_dropped(unit) for unit in read if unit.bodies_dropped]
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
            gaps=(*message.gaps, *unread, *dropped),
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
