"""What needs nobody else: the cache of the same week, what did answer, issues by their keys in commits."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from activities.stand_ins import StandInActivities
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.contracts.recovery import EditionSources, FailedUnit
from devsync.domain.changelog.compose import compose
from devsync.domain.changelog.composition import CompositionInput, CompositionRules, ProjectUnit, RepositoryUnit
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.changelog.window import Window, week_window
from devsync.storage.collected import CollectedUnits
from devsync.storage.connection import DatabaseUnavailable
from devsync.storage.database import Database
from sandbox.faults import Fault, FaultKind
from sandbox.worlds.demo import demo_world
from sandbox.worlds.generator import generated_world
from tests.activities.recovery_stage import RecoveryStage, recovery_stage, why


@pytest.fixture
async def stage(url: str, tmp_path: Path) -> AsyncIterator[RecoveryStage]:
    async with recovery_stage(demo_world(), url, tmp_path) as ready:
        yield ready


def all_units(stage: RecoveryStage) -> list[FailedUnit]:
    return [*map(stage.repository, stage.repositories), *map(stage.project, stage.projects)]


def everything_down(stage: RecoveryStage) -> None:
    for service in ("github", "jira", "git", "feed", "status"):
        stage.sandbox.pause(service)


# local.use_cached


async def test_what_was_collected_live_stands_in_with_its_age_while_everything_is_down(stage: RecoveryStage) -> None:
    units = all_units(stage)
    live = {unit.unit: await stage.collect(unit) for unit in units}
    everything_down(stage)
    result = await stage.take(stage.stand_ins.use_cached, *units)
    assert len(result.healed) == len(units)
    for cached in result.healed:
        original = live[cached.unit]
        assert (cached.artifact, cached.counts) == (original.artifact, original.counts)
        assert cached.provenance.kind is ProvenanceKind.CACHED
        assert cached.provenance.as_of == original.collected_at
        assert cached.api_calls == 0
    assert "0 min old" in result.message


async def test_another_week_never_stands_in(stage: RecoveryStage) -> None:
    unit = stage.repository(stage.repositories[0])
    await stage.collect(unit)
    for week in ("2026-W46", "2026-W48"):
        result = await stage.take(stage.stand_ins.use_cached, unit, window=week_window(week, "UTC"))
        assert (result.healed, result.message) == ((), "nothing is cached for this week")
    shorter = Window(start=stage.window.start, end=stage.window.end - timedelta(seconds=1), timezone="UTC")
    assert (await stage.take(stage.stand_ins.use_cached, unit, window=shorter)).healed == ()


async def test_the_youngest_collection_of_the_week_stands_in(stage: RecoveryStage) -> None:
    key = stage.projects[0]
    first = await stage.collect(stage.project(key))
    stage.sandbox.world.projects[key].issues[0].resolved_at = stage.window.start + timedelta(hours=5)
    second = await stage.collect(stage.project(key))
    (cached,) = (await stage.take(stage.stand_ins.use_cached, stage.project(key))).healed
    assert (cached.artifact, cached.provenance.as_of) == (second.artifact, second.collected_at)
    assert second.collected_at > first.collected_at


async def test_a_repository_that_github_confirms_as_unchanged_is_as_young_as_that(stage: RecoveryStage) -> None:
    unit = stage.repository(stage.repositories[0])
    first = await stage.collect(unit)
    again = await stage.collect(stage.repository(stage.repositories[0]))
    assert again.is_unchanged
    (cached,) = (await stage.take(stage.stand_ins.use_cached, unit)).healed
    assert cached.provenance.as_of == again.collected_at
    assert again.collected_at > first.collected_at


async def test_a_collection_that_nothing_can_confirm_is_cached_and_asked_for_anew(stage: RecoveryStage) -> None:
    """Without entity tags, as from a proxy that drops them, a repository is remembered without validators."""
    name = stage.repositories[0]
    await stage.collect(stage.repository(name))
    await stage.database.execute(text("UPDATE collected_units SET validators = '[]'"))
    assert (await stage.take(stage.stand_ins.use_cached, stage.repository(name))).healed
    assert not (await stage.collect(stage.repository(name))).is_unchanged


async def test_what_was_never_collected_is_not_healed_and_the_rest_is(stage: RecoveryStage) -> None:
    units = all_units(stage)
    await stage.collect(units[0])
    result = await stage.take(stage.stand_ins.use_cached, *units)
    assert [unit.unit for unit in result.healed] == [units[0].unit]
    assert f"not {len(units) - 1} units" in result.message or "not github" in result.message


async def test_without_the_database_it_fails_and_says_so(stage: RecoveryStage) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    stand_ins = StandInActivities(stage.shelf, CollectedUnits(away))
    error = await why(stage.take(stand_ins.use_cached, *all_units(stage)))
    await away.dispose()
    assert isinstance(error, DatabaseUnavailable)


# local.use_partial


async def test_the_pages_that_had_answered_become_a_unit_that_says_what_is_missing(url: str, tmp_path: Path) -> None:
    world = generated_world(repositories=1, projects=1, pull_requests=250, issues=3, week="2026-W47", timezone="UTC")
    async with recovery_stage(world, url, tmp_path) as stage:
        unit = stage.repository(stage.repositories[0])
        assert unit.ask is not None
        unit = unit.model_copy(update={"ask": unit.ask.model_copy(update={"api": "rest"})})
        stage.sandbox.faults.add(
            Fault(kind=FaultKind.STATUS, service="github", route="/pulls", status=503, after=1, count=1)
        )
        with pytest.raises(Exception, match="503"):
            await stage.collect(unit)
        everything_down(stage)
        (found,) = (await stage.take(stage.stand_ins.use_partial, unit)).healed
        data = await stage.repository_data(found)
    assert found.provenance.kind is ProvenanceKind.PARTIAL
    assert found.provenance.as_of is not None
    assert datetime.now(UTC) - found.provenance.as_of < timedelta(minutes=1)
    assert found.notes == ("partial: commits missing, pull requests 1 of ? pages, releases missing",)
    assert 0 < len(data.pull_requests) <= 100


async def test_of_graphql_each_list_is_told_for_itself(url: str, tmp_path: Path) -> None:
    world = generated_world(repositories=1, projects=1, pull_requests=250, issues=3, week="2026-W47", timezone="UTC")
    async with recovery_stage(world, url, tmp_path) as stage:
        unit = stage.repository(stage.repositories[0])
        stage.sandbox.faults.add(
            Fault(kind=FaultKind.STATUS, service="github", route="/graphql", status=503, after=1, count=1)
        )
        with pytest.raises(Exception, match="503"):
            await stage.collect(unit)
        result = await stage.take(stage.stand_ins.use_partial, unit)
        (found,) = result.healed
        data = await stage.repository_data(found)
    (note,) = found.notes
    assert "pull requests 1 of ? pages" in note
    assert "releases complete" in note
    assert data.default_branch == "main"
    assert len(data.commits) == 100
    assert note.removeprefix("partial: ") in result.message


async def test_what_jira_had_answered_stands_in(url: str, tmp_path: Path) -> None:
    world = generated_world(repositories=1, projects=1, pull_requests=3, issues=250, week="2026-W47", timezone="UTC")
    async with recovery_stage(world, url, tmp_path) as stage:
        unit = stage.project(stage.projects[0])
        stage.sandbox.faults.add(
            Fault(kind=FaultKind.STATUS, service="jira", route="/search", status=503, after=1, count=1)
        )
        with pytest.raises(Exception, match="503"):
            await stage.collect(unit)
        (found,) = (await stage.take(stage.stand_ins.use_partial, unit)).healed
        assert found.notes == ("partial: issues 1 of ? pages",)
        assert len((await stage.project_data(found)).issues) == 100


async def test_of_what_never_answered_nothing_stands_in(stage: RecoveryStage) -> None:
    result = await stage.take(stage.stand_ins.use_partial, *all_units(stage))
    assert result.healed == ()
    assert "nothing for" in result.message


# local.derive_issues


async def derived(stage: RecoveryStage) -> tuple[list[UnitCollected], list[UnitCollected]]:
    repositories = [await stage.collect(stage.repository(name)) for name in stage.repositories]
    stage.sandbox.pause("jira")
    units = [stage.project(key) for key in stage.projects]
    result = await stage.take(
        stage.stand_ins.derive_issues, *units, sources=EditionSources(collected=tuple(repositories))
    )
    return repositories, list(result.healed)


async def test_issues_are_known_by_the_titles_of_what_names_them(stage: RecoveryStage) -> None:
    repositories, projects = await derived(stage)
    assert {unit.unit for unit in projects} <= {f"jira:{key}" for key in stage.projects}
    assert projects
    for unit in projects:
        assert unit.provenance.kind is ProvenanceKind.DERIVED
        assert unit.provenance.as_of == min(one.collected_at for one in repositories)
        for issue in (await stage.project_data(unit)).issues:
            assert (issue.status, issue.resolved_at, issue.issue_type) == ("", None, "")
            assert issue.summary
            assert issue.key.startswith(unit.unit.removeprefix("jira:"))


async def test_they_fold_into_the_items_that_name_them_and_are_no_items_of_their_own(stage: RecoveryStage) -> None:
    repositories, projects = await derived(stage)
    plan = CompositionInput(
        team="payments",
        iso_week="2026-W47",
        window=stage.window,
        rules=CompositionRules(project_keys=tuple(stage.projects)),
        repositories=tuple(
            [
                RepositoryUnit(data=await stage.repository_data(unit), provenance=unit.provenance)
                for unit in repositories
            ]
        ),
        projects=tuple(
            [ProjectUnit(data=await stage.project_data(unit), provenance=unit.provenance) for unit in projects]
        ),
        units_asked=tuple(unit.unit for unit in (*repositories, *projects)),
    )
    edition = compose(plan)
    without = compose(plan.model_copy(update={"projects": ()}))
    assert [item.id for item in edition.items] == [item.id for item in without.items]
    links = [link for item in edition.items for link in item.issues]
    assert links
    assert all(link.summary for link in links)
    assert {gap.unit for gap in edition.gaps} == {unit.unit for unit in projects}


async def test_a_project_that_nothing_names_is_not_healed(stage: RecoveryStage) -> None:
    collected = await stage.collect(stage.repository(stage.repositories[0]))
    result = await stage.take(
        stage.stand_ins.derive_issues, stage.project("NOBODY"), sources=EditionSources(collected=(collected,))
    )
    assert result.healed == ()


async def test_sources_that_are_gone_tell_nothing(stage: RecoveryStage) -> None:
    collected = await stage.collect(stage.repository(stage.repositories[0]))
    lost = collected.model_copy(update={"artifact": ArtifactRef(digest="0" * 64, size=3, kind="collected")})
    result = await stage.take(
        stage.stand_ins.derive_issues, stage.project(stage.projects[0]), sources=EditionSources(collected=(lost,))
    )
    assert result.healed == ()
