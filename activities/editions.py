"""Plans and composes editions: reads configuration and artifacts, calls the pure core, stores."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from temporalio import activity

from activities.composing import content_of, digest_of, unedited
from activities.planning import LastDelivered, plan_edition
from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.artifacts import INLINE_LIMIT, ArtifactRef
from devsync.contracts.edition import (
    ComposeEdition,
    Composition,
    EditionComposed,
    EditionPlan,
    FindUnknownItems,
    MadeEdition,
    PlanEdition,
    UnknownItems,
)
from devsync.contracts.refresh import PlanRefresh
from devsync.domain.changelog.coverage import with_lost
from devsync.domain.changelog.difference import Difference, difference
from devsync.domain.changelog.edition import Edition, Gap
from devsync.domain.changelog.edits import edited, unknown_ids
from devsync.settings.configuration import TeamConfiguration, load_team
from devsync.storage.artifacts import ArtifactStore, StoreUnavailable
from devsync.storage.connection import DatabaseUnavailable, StorageError
from devsync.storage.database import Database
from devsync.storage.editions import Editions

PATIENT_ATTEMPTS = 5
"""How often planning tries a database that is away before it goes on without it, and says so."""


class EditionActivities:
    def __init__(self, config_dir: Path, store: ArtifactStore, database: Database) -> None:
        self._config_dir = config_dir
        self._store = store
        self._editions = Editions(database)

    def all(self) -> list[Callable[..., Any]]:
        return [self.plan, self.plan_refresh, self.compose, self.find_unknown_items]

    @activity.defn(name=contracts.PLAN_EDITION.name)
    async def plan(self, message: PlanEdition) -> EditionPlan:
        """Reads the configuration now, so that the workflow never does and a replay sees the same."""
        return await self._planned(await asyncio.to_thread(load_team, self._config_dir, message.team), message)

    @activity.defn(name=contracts.PLAN_REFRESH.name)
    async def plan_refresh(self, message: PlanRefresh) -> EditionPlan:
        """The plan of the edition that is due next, as its schedule will ask for it: the same window to the instant."""
        configuration = await asyncio.to_thread(load_team, self._config_dir, message.team)
        iso_week, due_at = configuration.team.weekly_time.next_due(message.at)
        coming = PlanEdition(team=message.team, iso_week=iso_week, scheduled_at=due_at)
        return await self._planned(configuration, coming)

    @activity.defn(name=contracts.COMPOSE_EDITION.name)
    async def compose(self, message: ComposeEdition) -> EditionComposed:
        """Composes in a thread; stores the edition and the recorded input from which it can be made again."""
        contents, unread = await self._read_units(message)
        units = tuple(unit for unit in message.units if unit.unit in contents)
        composition = Composition(
            message=message.model_copy(update={"units": units, "gaps": with_lost(message.gaps, unread), "since": None}),
            known_people=await self._known_people(message.plan),
        )
        found = await asyncio.to_thread(unedited, composition, contents)
        edition = edited(found, message.edits)
        content = edition.model_dump_json().encode()
        return EditionComposed(
            edition=await self._put_edition(content, composition),
            composition=await self._put_composition(composition),
            digest=digest_of(edition),
            item_count=edition.item_count,
            unclassified_ratio=edition.unclassified_ratio,
            completeness=edition.completeness,
            gaps=edition.gaps,
            unread=tuple(gap.unit for gap in unread),
            unknown_edits=unknown_ids([item.id for item in found.items], message.edits),
            difference=await self._since(message.since, edition),
        )

    @activity.defn(name=contracts.FIND_UNKNOWN_ITEMS.name)
    async def find_unknown_items(self, message: FindUnknownItems) -> UnknownItems:
        """Reads the edition that reviewers see."""
        edition = Edition.model_validate_json(await content_of(message.edition, self._store))
        return UnknownItems(ids=unknown_ids([item.id for item in edition.items], message.edits))

    async def _since(self, before: ArtifactRef | None, edition: Edition) -> Difference | None:
        """An aid for readers: the edition goes out without it, too."""
        if before is None:
            return None
        try:
            content = await self._store.get(before)
        except StorageError as error:
            activity.logger.warning("what is new cannot be told: %s", error)
            return None
        return await asyncio.to_thread(difference, Edition.model_validate_json(content), edition)

    async def _put_edition(self, content: bytes, composition: Composition) -> MadeEdition:
        (reference,) = await self._store.put_or_carry(
            [("edition", content)], team=composition.message.plan.team, budget=INLINE_LIMIT
        )
        if reference is not None:
            return reference
        if composition.known_people is not None:
            # They alone may be many thousands. The next attempt will not get them either, and do without.
            raise StoreUnavailable("the artifact store is away, and the edition too large to travel without it")
        return composition

    async def _planned(self, configuration: TeamConfiguration, message: PlanEdition) -> EditionPlan:
        is_since_last = configuration.team.period == "since_last_edition"
        last = await self._last_delivered(message) if is_since_last else LastDelivered()
        return plan_edition(configuration, message, last)

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

    async def _read_units(self, message: ComposeEdition) -> tuple[dict[str, bytes], list[Gap]]:
        """Contents by unit. A unit whose artifact cannot be read is waited for while there is time, then a gap."""
        contents: dict[str, bytes] = {}
        unread: list[Gap] = []
        for unit in message.units:
            try:
                contents[unit.unit] = await self._store.get(unit.artifact)
            except StoreUnavailable as error:
                if datetime.now(UTC) < message.patient_until:
                    raise
                reason = f"collected, but our own store cannot be read: {error}"
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
