"""Composing, rendering and recording with the store and without: the same bytes, and what is left out is told."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.composing import content_of, digest_of
from activities.editions import EditionActivities
from activities.planning import LastDelivered, plan_edition
from activities.records import RecordActivities
from activities.rendering import RenderingActivities
from bench.weeks import week
from commands.stack import ROOT
from devsync.contracts import names
from devsync.contracts.artifacts import INLINE_BUDGET, INLINE_LIMIT, ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.contracts.edition import (
    ComposeEdition,
    Composition,
    EditionComposed,
    EditionPlan,
    EditionRendered,
    EditionResult,
    EditionStatus,
    FindUnknownItems,
    KeptEdition,
    PlanEdition,
    RecordEdition,
    RenderEdition,
)
from devsync.domain.changelog.composition import ProjectUnit, RepositoryUnit
from devsync.domain.changelog.edition import Edition
from devsync.domain.changelog.edits import Edits
from devsync.storage.artifacts import ArtifactStore, StoreUnavailable
from devsync.storage.database import Database
from devsync.storage.editions import Editions
from devsync.storage.tables import artifacts
from tests.activities.test_planning import configured

NOW = datetime.now(UTC)
FORMATS = {"slack", "markdown", "html", "text", "json"}


@pytest.fixture
async def away() -> AsyncIterator[Database]:
    """No server listens there."""
    database = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    yield database
    await database.dispose()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database(url, pool_size=2)
    yield database
    await database.dispose()


class Desk:
    """The activities of one worker, with its database."""

    def __init__(self, config_dir: Path, database: Database) -> None:
        self.store = ArtifactStore(database)
        self._editions = EditionActivities(config_dir, self.store, database)
        self._renderings = RenderingActivities(ROOT / "templates", self.store)
        self._records = RecordActivities(cast(Client, None), self.store, database)

    async def compose(self, message: ComposeEdition) -> EditionComposed:
        composed: EditionComposed = await ActivityEnvironment().run(self._editions.compose, message)
        return composed

    async def render(self, composed: EditionComposed, inline_budget: int = INLINE_BUDGET) -> EditionRendered:
        message = RenderEdition(team="payments", edition=composed.edition, revision=1, inline_budget=inline_budget)
        rendered: EditionRendered = await ActivityEnvironment().run(self._renderings.render, message)
        return rendered

    async def record(self, message: RecordEdition) -> None:
        await ActivityEnvironment().run(self._records.record_edition, message)


async def collected(store: ArtifactStore, directory: Path, items: int) -> ComposeEdition:
    """A week of about so many items, as its collection hands it over."""
    given = week(items)
    units: list[UnitCollected] = []
    asked: list[RepositoryUnit | ProjectUnit] = [*given.repositories, *given.projects]
    for one in asked:
        artifact = await store.put(one.data.model_dump_json().encode(), kind="collected", team="payments")
        units.append(UnitCollected(unit=one.unit, artifact=artifact, api_calls=1, collected_at=NOW))
    plan = plan_edition(
        configured(directory), PlanEdition(team="payments", iso_week=given.iso_week), LastDelivered()
    ).model_copy(
        update={
            "repositories": tuple(one.data.repository for one in given.repositories),
            "projects": tuple(one.data.project for one in given.projects),
        }
    )
    return ComposeEdition(plan=plan, units=tuple(units), gaps=(), patient_until=datetime.now(UTC) + timedelta(hours=1))


def recorded(plan: EditionPlan, composed: EditionComposed, **changes: Any) -> RecordEdition:
    is_stored = isinstance(composed.edition, ArtifactRef)
    result = EditionResult(
        team="payments", iso_week=plan.iso_week, status=EditionStatus.COMPLETE, revision=1, completeness=1,
        item_count=composed.item_count, unclassified_ratio=0, workflow_id="changelog:payments", run_id="run-1",
        edition=composed.edition if is_stored else None, digest=composed.digest,
    )  # fmt: skip
    return RecordEdition(
        result=result.model_copy(update=changes),
        kept=KeptEdition(window=plan.window, edition=composed.edition),
        started_at=NOW,
        ended_at=NOW,
    )


async def test_a_stored_composition_gives_the_same_bytes_again(tmp_path: Path, database: Database) -> None:
    desk = Desk(tmp_path, database)
    composed = await desk.compose(await collected(desk.store, tmp_path, 300))
    assert isinstance(composed.edition, ArtifactRef)
    assert composed.composition is not None
    assert (composed.edition.inline, composed.composition.inline) == (None, None)
    later = ArtifactStore(database)
    composition = Composition.model_validate_json(await later.get(composed.composition))
    again = await content_of(composition, later)
    assert again == await later.get(composed.edition)
    assert digest_of(Edition.model_validate_json(again)) == composed.digest


async def test_how_calls_are_made_has_no_say_in_the_content(tmp_path: Path, database: Database) -> None:
    desk = Desk(tmp_path, database)
    message = await collected(desk.store, tmp_path, 100)
    content = message.plan.of_content
    lean = await desk.compose(message.model_copy(update={"plan": content}))
    assert lean.digest == (await desk.compose(message)).digest
    assert 5 * len(content.model_dump_json()) < len(message.plan.model_dump_json())


async def test_without_the_store_a_small_edition_travels_itself(tmp_path: Path, away: Database) -> None:
    desk = Desk(tmp_path, away)
    composed = await desk.compose(await collected(desk.store, tmp_path, 100))
    assert isinstance(composed.edition, ArtifactRef)
    assert 0 < composed.edition.inline_size <= INLINE_LIMIT
    assert composed.composition is None
    assert set((await desk.render(composed)).formats) == FORMATS


async def test_without_the_store_a_large_edition_is_made_again_by_each_step(
    tmp_path: Path, away: Database, database: Database
) -> None:
    desk = Desk(tmp_path, away)
    message = await collected(desk.store, tmp_path, 1200)
    composed = await desk.compose(message)
    assert isinstance(composed.edition, Composition)
    assert digest_of(Edition.model_validate_json(await content_of(composed.edition, desk.store))) == composed.digest
    rendered = await desk.render(composed)
    assert (set(rendered.formats), rendered.left_out) == (FORMATS - {"json"}, ("json",))

    back = Desk(tmp_path, database)
    await back.record(recorded(message.plan, composed))
    record = await Editions(database).latest("payments", message.plan.iso_week)
    assert record is not None
    assert record.edition is not None
    content = await back.store.get(record.edition)
    assert digest_of(Edition.model_validate_json(content)) == composed.digest
    assert record.contributors == Edition.model_validate_json(content).contributors


async def test_an_edition_that_another_build_makes_differently_is_not_kept_as_the_one_delivered(
    tmp_path: Path, away: Database, database: Database
) -> None:
    desk = Desk(tmp_path, away)
    message = await collected(desk.store, tmp_path, 1200)
    composed = await desk.compose(message)
    await Desk(tmp_path, database).record(recorded(message.plan, composed, digest="0" * 64))
    record = await Editions(database).latest("payments", message.plan.iso_week)
    assert record is not None
    assert (record.edition, record.content_digest) == (None, "0" * 64)
    assert await database.execute(select(artifacts.c.digest).where(artifacts.c.kind == "edition")) == []


@pytest.mark.parametrize(
    ("inline_budget", "formats"),
    [(25_000, {"slack"}), (60_000, {"slack", "html"}), (200_000, FORMATS - {"json"})],
)
async def test_renderings_that_no_channel_needs_are_left_out_first(
    inline_budget: int, formats: set[str], tmp_path: Path, away: Database
) -> None:
    desk = Desk(tmp_path, away)
    composed = await desk.compose(await collected(desk.store, tmp_path, 2000))
    rendered = await desk.render(composed, inline_budget)
    assert set(rendered.formats) == formats
    assert set(rendered.left_out) == FORMATS - formats
    assert sum(reference.inline_size for reference in rendered.formats.values()) <= inline_budget


async def test_without_room_for_the_channels_own_rendering_the_store_is_waited_for(
    tmp_path: Path, away: Database
) -> None:
    desk = Desk(tmp_path, away)
    composed = await desk.compose(await collected(desk.store, tmp_path, 300))
    with pytest.raises(StoreUnavailable, match=r"rendering\.slack"):
        await desk.render(composed, inline_budget=1000)


async def test_a_unit_that_cannot_be_read_is_waited_for_until_there_is_no_time_and_is_then_a_gap(
    tmp_path: Path, away: Database
) -> None:
    desk = Desk(tmp_path, away)
    message = await collected(desk.store, tmp_path, 100)
    lost = message.units[0].model_copy(update={"artifact": ArtifactRef(digest="0" * 64, size=1, kind="collected")})
    message = message.model_copy(update={"units": (lost, *message.units[1:])})
    with pytest.raises(StoreUnavailable):
        await desk.compose(message)
    composed = await desk.compose(message.model_copy(update={"patient_until": NOW - timedelta(seconds=1)}))
    assert [(gap.unit, gap.service) for gap in composed.gaps] == [(lost.unit, names.LOCAL)]
    assert "cannot be read" in composed.gaps[0].reason
    assert composed.unread == (lost.unit,)


async def test_what_is_different_from_the_revision_before_is_told_where_that_can_be_read(
    tmp_path: Path, database: Database
) -> None:
    desk = Desk(tmp_path, database)
    message = await collected(desk.store, tmp_path, 100)
    first = await desk.compose(message.model_copy(update={"units": message.units[1:]}))
    assert isinstance(first.edition, ArtifactRef)
    second = await desk.compose(message.model_copy(update={"since": first.edition}))
    assert second.difference is not None
    assert second.difference.added - second.difference.removed == second.item_count - first.item_count > 0
    assert (await desk.compose(message)).edition == second.edition
    gone = ArtifactRef(digest="0" * 64, size=1, kind="edition")
    assert (await desk.compose(message.model_copy(update={"since": gone}))).difference is None


async def test_items_that_an_edition_does_not_have_are_found(tmp_path: Path, database: Database) -> None:
    desk = Desk(tmp_path, database)
    composed = await desk.compose(await collected(desk.store, tmp_path, 20))
    items = Edition.model_validate_json(await content_of(composed.edition, desk.store)).items
    edits = Edits(hide=(items[0].id, "PAY-0"), retitle={items[1].id: "Better", "acme/none#1": "Better"})
    activities = EditionActivities(tmp_path, desk.store, database)
    asked = FindUnknownItems(edition=composed.edition, edits=edits)
    found = await ActivityEnvironment().run(activities.find_unknown_items, asked)
    assert found.ids == ("PAY-0", "acme/none#1")
