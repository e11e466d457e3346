"""Both roads to GitHub on real servers: the same edition, what it costs, and what an operator is told."""

import asyncio
from pathlib import Path

import psycopg
import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata

from devsync.contracts import names
from devsync.contracts.breaker import BreakerSnapshot
from devsync.contracts.edition import EditionResult, EditionStatus
from devsync.domain.breaker import BreakerConfig, State
from devsync.runtime.breaker.operations import BreakerOperations
from sandbox.expectation import expected_items
from sandbox.faults import Fault, FaultKind
from sandbox.worlds.extremes import extreme_world
from sandbox.worlds.generator import generated_world
from sandbox.worlds.history import history_world
from tests.e2e.stage import Stage, eventually, stage_for
from tests.servers import Servers

HISTORIES = Path(__file__).parents[3] / "shared" / "data" / "history"


def forget_collections(stage: Stage) -> None:
    with psycopg.connect(stage.servers.postgres.url(stage.database)) as connection:
        connection.execute("DELETE FROM collected_units")


async def run_by(stage: Stage, api: str) -> tuple[EditionResult, list[int | None]]:
    """One edition by a road, with nothing remembered; and the statuses of GitHub's answers."""
    forget_collections(stage)
    stage.choose_road(api)
    before = len(stage.sandbox.log.select("github"))
    result = await stage.run()
    return result, [record.status for record in stage.sandbox.log.select("github")[before:]]


async def assert_one_edition_by_both_roads(stage: Stage) -> None:
    by_graphql, graphql_answers = await run_by(stage, "graphql")
    by_rest, rest_answers = await run_by(stage, "rest")
    assert set(by_graphql.calls_by_road) == {"github.graphql", "github.rest"}
    assert set(by_rest.calls_by_road) == {"github.rest"}
    for result, answers in ((by_graphql, graphql_answers), (by_rest, rest_answers)):
        assert sum(result.calls_by_road.values()) == result.api_calls["github"] == len(answers)
        assert result.status is EditionStatus.COMPLETE
    first, second = await stage.edition(by_graphql), await stage.edition(by_rest)
    assert first.items
    assert first.items == second.items
    assert by_graphql.digest == by_rest.digest
    # Review times are known to GraphQL alone: that line may change in place, and nobody is told of it.
    assert by_rest.revision == 1, "told anew, though the same"
    assert stage.slack.counts.posts == len(set(stage.keys)), "told twice, though the same"


async def assert_run_again_it_costs_only_304s(stage: Stage, first: EditionResult) -> None:
    before = len(stage.sandbox.log.select("github"))
    second = await stage.run()
    answers = [record.status for record in stage.sandbox.log.select("github")[before:]]
    assert set(answers) == {304}
    assert len(answers) == second.api_calls["github"]
    assert (second.digest, second.revision, second.status) == (first.digest, first.revision, EditionStatus.COMPLETE)


@pytest.mark.skipif(not HISTORIES.is_dir(), reason="the shared histories are not beside the project")
async def test_a_real_week_is_one_edition_by_both_roads_and_costs_only_304s_again(
    servers: Servers, tmp_path: Path
) -> None:
    async with stage_for(history_world(HISTORIES, "all"), servers, tmp_path) as stage, stage.worker():
        await assert_one_edition_by_both_roads(stage)
        for road in ("graphql", "rest"):
            result, _ = await run_by(stage, road)
            await assert_run_again_it_costs_only_304s(stage, result)


async def test_a_week_of_extremes_is_one_edition_by_both_roads(servers: Servers, tmp_path: Path) -> None:
    """Endless titles, deleted people, a renamed, an archived and an empty repository, commits by the thousand."""
    async with stage_for(extreme_world(commits=1500), servers, tmp_path) as stage, stage.worker():
        await assert_one_edition_by_both_roads(stage)


async def test_where_graphql_is_closed_the_edition_is_whole_and_the_operator_is_told(stage: Stage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route="^/graphql", status=404))
    async with stage.worker():
        result = await stage.run()
        handle = stage.client.get_workflow_handle(result.workflow_id)
        metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    repositories = stage.sandbox.world.teams[0].repositories
    assert (result.status, result.gaps) == (EditionStatus.COMPLETE, ())
    assert sorted(note.partition(": ")[0] for note in result.notes) == sorted(f"github:{name}" for name in repositories)
    assert all("REST was asked instead" in note for note in result.notes)
    assert all(note in metadata.current_details for note in result.notes)
    assert result.calls_by_road["github.graphql"] == len(repositories), "one question each, and no second"


async def test_a_graphql_that_fails_again_and_again_is_left_for_rest(stage: Stage) -> None:
    stage.change_service("github", "retry", maximum="1s")
    stage.change_service("github", "breaker", failure_threshold=BreakerConfig().failure_threshold)
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route="^/graphql", status=503))
    async with stage.worker():
        result = await stage.run()
    assert result.status is EditionStatus.COMPLETE
    assert "503" in result.notes[0]


async def test_repositories_that_graphql_chokes_on_come_by_rest_and_github_stays_open_for_everybody(
    stage: Stage,
) -> None:
    stage.change_service("github", "breaker", failure_threshold=BreakerConfig().failure_threshold)
    stage.sandbox.faults.add(Fault(kind=FaultKind.HTML, service="github", route="^/graphql", status=502))
    repositories = stage.sandbox.world.teams[0].repositories
    async with stage.worker():
        result = await stage.run()
        breaker = await reported_breaker(stage)
    choked = [record for record in stage.sandbox.log.select("github") if record.status == 502]
    assert len(choked) >= 2 * BreakerConfig().failure_threshold
    assert (result.status, result.gaps, len(result.notes)) == (EditionStatus.COMPLETE, (), len(repositories))
    assert result.calls_by_road["github.graphql"] == len(choked), "each is left in its first attempt"
    assert breaker.config.failure_threshold == BreakerConfig().failure_threshold
    assert breaker.standing.state is State.CLOSED
    assert (breaker.totals.failures, breaker.transitions) == (0, ())


async def reported_breaker(stage: Stage) -> BreakerSnapshot:
    """GitHub's, once the worker has told it of calls: what went well is told at leisure."""
    found: list[BreakerSnapshot] = []

    async def is_there() -> bool:
        snapshot = await BreakerOperations(stage.client).snapshot(names.GITHUB)
        found[:] = [snapshot] if snapshot else []
        return bool(found) and found[0].reports > 0

    await eventually(is_there)
    return found[0]


async def test_a_killed_worker_costs_no_graphql_page_twice(servers: Servers, tmp_path: Path) -> None:
    world = generated_world(repositories=4, projects=1, pull_requests=1200, issues=10, week="2026-W47")
    async with stage_for(world, servers, tmp_path) as stage:
        stage.choose_road("graphql")
        # A page that took longer would be asked for in halves, and the pages would not be the same.
        stage.change_service("github", "timeouts", heartbeat="13s", http_read="4s")
        stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=400, route="^/graphql"))

        async def some_are_stored() -> bool:
            return len(stored_pages(stage)) >= 4

        async with stage.worker() as worker:
            handle = await stage.start()
            await eventually(some_are_stored)
            await worker.kill()
        await asyncio.sleep(0.8)  # requests that were in flight are answered into nowhere
        stored, last = len(stored_pages(stage)), stage.sandbox.log.select()[-1].number
        async with stage.worker("second"):
            result = await asyncio.wait_for(handle.result(), 120)
            asked_after = [record for record in stage.sandbox.log.select("github") if record.number > last]
            stage.sandbox.faults.clear()
            clean, _ = await run_by(stage, "graphql")
    assert result.item_count == clean.item_count == len(expected_items(world, world.teams[0], "2026-W47"))
    pages = clean.calls_by_road["github.graphql"]
    assert [record.path for record in asked_after].count("/graphql") == pages - stored


def stored_pages(stage: Stage) -> list[dict[str, object]]:
    return stage.rows("SELECT unit, page FROM collection_pages WHERE part = 'graphql'")
