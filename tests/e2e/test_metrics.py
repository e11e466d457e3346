"""A real Prometheus and a real worker: what deploy/ asks for has an answer, and what is exported is declared."""

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from commands.stack import ROOT
from devsync.contracts import names
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.edition import EditionStatus
from devsync.runtime.metrics.declared import METRICS
from sandbox.faults import Fault, FaultKind
from sandbox.processes import free_port
from sandbox.worlds.demo import demo_world
from tests.deploy.prometheus import DASHBOARDS, Prometheus, asked, panels, rules, running_prometheus, watched
from tests.e2e.stage import Stage, clean_worker, eventually, stage_for
from tests.servers import Servers

EARLIER = "2026-W46"
OF_WORKFLOWS = {"namespace", "task_queue", "workflow_type"}
"""Labels that the SDK gives what workflows tell."""
OPENS_SOON = {
    "failure_threshold": 2,
    "recovery_timeout": "3s",
    "half_open_max_calls": 1,
    "success_threshold": 1,
}


@dataclass(frozen=True)
class Watched:
    stage: Stage
    address: str
    prometheus: Prometheus

    async def served(self) -> str:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"http://{self.address}/metrics")).text


@pytest.fixture(scope="module")
async def watched_stage(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    """After an edition in which JIRA failed until its breaker opened, two good ones, a partial one that was amended,
    and a run that no code knows."""
    directory: Path = tmp_path_factory.mktemp("watched")
    async with stage_for(demo_world("2026-W47"), servers, directory) as stage:
        stage.change_team(schedule={"day": "monday", "time": "09:00"})
        stage.change_service("jira", "breaker", **OPENS_SOON)
        stage.change_service("jira", "retry", initial="200ms", maximum="1s")
        address = f"127.0.0.1:{free_port()}"
        environment = stage.environment | {"METRICS_ADDRESS": address}
        async with (
            clean_worker(directory, environment, "worker", ROOT),
            running_prometheus(directory, address) as prometheus,
        ):
            ready = Watched(stage, address, prometheus)
            await eventually(lambda: prometheus.has_data("devsync_editions_total"))
            stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="jira", status=503, count=3))
            await stage.run()
            await eventually(lambda: prometheus.has_data('devsync_breaker_probes_total{outcome="success"}'))
            for _ in range(2):
                assert (await stage.run()).status is EditionStatus.COMPLETE
            await amended(stage)
            unknown = await stage.client.start_workflow(
                "Unknown", id=f"unknown-{stage.team}", task_queue=names.CONTROL_QUEUE
            )
            yield ready
            await unknown.terminate()


async def amended(stage: Stage) -> None:
    """An edition without one repository, which its amendment fills in."""
    repository = stage.sandbox.world.teams[0].repositories[0]
    stage.keep_steps("github-collection", "status")
    refused = Fault(kind=FaultKind.STATUS, service="github", status=404, route=f"/repos/{repository}(/|$)")
    stage.choose_road("rest")
    stage.sandbox.faults.add(refused)
    assert (await stage.run(EARLIER)).status is EditionStatus.PARTIAL
    stage.sandbox.faults.clear()
    amendment = stage.client.get_workflow_handle(names.amendment_id(stage.team, EARLIER), result_type=AmendmentProgress)
    await amendment.signal("try_now", {"by": "anna"})
    assert (await amendment.result()).ended == "everything is there"


async def unanswered(prometheus: Prometheus, expressions: dict[str, str]) -> dict[str, str]:
    """Of those expressions, the ones that have no data after a while."""
    left = dict(expressions)

    async def are_all_answered() -> bool:
        for name, expression in expressions.items():
            if name in left and await prometheus.has_data(expression):
                del left[name]
        return not left

    with suppress(TimeoutError):
        await eventually(are_all_answered, seconds=75)
    return left


async def test_every_query_of_every_dashboard_returns_data(watched_stage: Watched) -> None:
    expressions = {
        f"{file.stem}: {panel['title']}, {target['refId']}": asked(target["expr"])
        for file in DASHBOARDS
        for panel in panels(file)
        for target in panel["targets"]
    }
    assert await unanswered(watched_stage.prometheus, expressions) == {}


async def test_what_every_rule_looks_at_returns_data(watched_stage: Watched) -> None:
    expressions = {rule.get("alert") or rule["record"]: watched(rule["expr"]) for rule in rules()}
    assert await unanswered(watched_stage.prometheus, expressions) == {}


async def test_a_query_for_what_is_not_there_is_noticed(watched_stage: Watched) -> None:
    assert not await watched_stage.prometheus.has_data('devsync_editions_total{status="splendid"}')


async def test_exported_is_what_is_declared_with_its_labels_and_all_of_it(watched_stage: Watched) -> None:
    declared = {
        name: set(metric.labels)
        for metric in METRICS
        for name in (
            [f"{metric.exported}_{part}" for part in ("bucket", "sum", "count")]
            if metric.kind == "histogram"
            else [metric.exported]
        )
    }
    exported: dict[str, set[str]] = {}
    for line in (await watched_stage.served()).splitlines():
        if found := re.match(r"(devsync_\w+)(?:\{(.*)\})? ", line):
            exported[found[1]] = set(re.findall(r'(\w+)="', found[2] or "")) - OF_WORKFLOWS - {"le"}
    assert exported == declared


async def test_what_is_counted_from_zero_goes_on_in_the_same_series(watched_stage: Watched) -> None:
    prometheus = watched_stage.prometheus
    for made_by, times in (("run", "4"), ("amendment", "1")):
        (ended,) = await prometheus.query(f'sum(devsync_editions_total{{made_by="{made_by}"}})')
        assert ended["value"][1] == times
    for series in (
        "count by (team, status, made_by) (devsync_editions_total)",
        "count by (team, status, made_by) (devsync_editions_delivered_total)",
        "count by (kind, state) (devsync_deliveries_total)",
    ):
        assert {one["value"][1] for one in await prometheus.query(series)} == {"1"}, series


async def test_calls_are_those_that_the_services_saw(watched_stage: Watched) -> None:
    log = watched_stage.stage.sandbox.log
    for service in ("github", "jira", "slack"):
        seen = len(log.select(service))
        calls = f'sum(devsync_api_call_seconds_count{{service="{service}"}})'

        async def are_counted(calls: str = calls, seen: int = seen) -> bool:
            return [one["value"][1] for one in await watched_stage.prometheus.query(calls)] == [str(seen)]

        await eventually(are_counted)


async def test_no_secret_and_no_name_of_a_repository_is_in_a_label(watched_stage: Watched) -> None:
    served = await watched_stage.served()
    stage = watched_stage.stage
    secrets = [value for name, value in stage.environment.items() if re.search("TOKEN|SECRET|KEY|PASSWORD", name)]
    assert secrets
    for text in (*secrets, *stage.sandbox.world.teams[0].repositories, stage.week):
        assert text not in served


async def test_a_slow_worker_would_be_noticed_by_its_heartbeat(watched_stage: Watched) -> None:
    (age,) = await watched_stage.prometheus.query("time() - devsync_worker_heartbeat_timestamp_seconds")
    assert float(age["value"][1]) < timedelta(seconds=30).total_seconds()
