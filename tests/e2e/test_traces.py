"""Traces of real workers, as a collector gets them: one edition is one tree, drawn once, and says nothing private."""

import asyncio
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from commands.stack import ROOT
from devsync.contracts.activities import PLAN_EDITION
from devsync.contracts.edition import EditionStatus, Phase
from sandbox.faults import Fault, FaultKind
from sandbox.postgres import PostgresServer
from sandbox.worlds.demo import demo_world
from tests.e2e.collector import Collector, collecting
from tests.e2e.stage import PATIENCE_SECONDS, Stage, clean_worker, stage_for
from tests.servers import Servers, running_temporal

RUN = "RunWorkflow:WeeklyChangelog"
HARMLESS = {
    "temporalWorkflowID",
    "temporalRunID",
    "temporalActivityID",
    "http.request.method",
    "http.response.status_code",
    "server.address",
    "server.port",
    "error.type",
}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture
async def stage_alone(postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Stage]:
    """On a Temporal of its own. What another test has left running on the one that all share would be gone on with by
    our worker, and call our sandbox: seen there, and of no trace of ours."""
    async with (
        running_temporal() as temporal,
        stage_for(demo_world("2026-W47"), Servers(postgres, temporal), tmp_path) as ready,
    ):
        yield ready


def traced(stage: Stage, endpoint: str) -> dict[str, str]:
    return stage.environment | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}


def is_http(span: Span) -> bool:
    return any(attribute.key == "http.request.method" for attribute in span.attributes)


def _has_failed(span: Span) -> bool:
    return span.status.code == span.status.STATUS_CODE_ERROR


async def test_an_edition_is_one_tree_from_its_run_to_every_call(stage_alone: Stage, collector: Collector) -> None:
    stage = stage_alone
    stage.change_service("jira", "retry", initial="100ms", maximum="1s")
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="jira", status=503, count=1))
    async with clean_worker(stage.directory, traced(stage, collector.endpoint), "worker", ROOT):
        result = await stage.run()
        await asyncio.wait_for(stage.delivery(stage.week).result(), PATIENCE_SECONDS)
    assert result.status is EditionStatus.COMPLETE
    (edition,) = collector.named(RUN)
    assert not edition.parent_span_id
    tree = [edition, *collector.below(edition)]
    assert {span.span_id for span in tree} == {
        span.span_id for span in collector.spans if span.trace_id == edition.trace_id
    }

    assert {"RunWorkflow:Delivery", "RunActivity:github.collect_repository", "RunActivity:slack.send_part"} <= {
        span.name for span in tree
    }
    calls = [span for span in tree if is_http(span)]
    seen = [record for service in ("github", "jira", "slack") for record in stage.sandbox.log.select(service)]
    assert len(calls) == len(seen), [(one.method, one.path, one.status, one.was_reset) for one in seen]
    activities = {span.span_id: span.name for span in tree if span.name.startswith("RunActivity:")}
    assert {activities.get(call.parent_span_id, "none").partition(".")[0] for call in calls} == {
        "RunActivity:github",
        "RunActivity:jira",
        "RunActivity:slack",
    }
    for span in tree:
        assert edition.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano

    failed = [span for span in collector.named("RunActivity:jira.collect_project") if _has_failed(span)]
    assert len(failed) == 1
    assert [_has_failed(call) for call in collector.below(failed[0])] == [True]


async def test_no_secret_no_address_and_nobodys_words_are_in_it(stage: Stage, collector: Collector) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="jira", status=401))
    async with clean_worker(stage.directory, traced(stage, collector.endpoint), "worker", ROOT):
        await stage.run()
    sent = b"".join(collector.bodies).decode(errors="replace")
    assert {attribute.key for span in collector.spans for attribute in span.attributes} <= HARMLESS
    assert all(not span.events and not span.status.message for span in collector.spans)
    world = stage.sandbox.world
    secrets = [value for name, value in stage.environment.items() if re.search("TOKEN|SECRET|KEY|PASSWORD", name)]
    titles = [pull.title for repository in world.repositories.values() for pull in repository.pull_requests]
    assert secrets
    assert titles
    for text in (*secrets, *titles, *world.teams[0].repositories):
        assert text not in sent


async def test_a_run_that_another_worker_takes_over_and_replays_is_drawn_once(
    stage: Stage, collector: Collector
) -> None:
    stage.notice_lost_workers_soon()
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="jira", latency_ms=2_000))
    environment = traced(stage, collector.endpoint) | {"OTEL_BSP_SCHEDULE_DELAY": "100"}
    async with clean_worker(stage.directory, environment, "first", ROOT) as first:
        handle = await stage.start()
        await stage.until_phase(handle, Phase.COLLECTING)
        await asyncio.sleep(1)
        await first.kill()
    stage.sandbox.faults.clear()
    async with clean_worker(stage.directory, environment, "second", ROOT):
        result = await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
    assert result.status is EditionStatus.COMPLETE
    (edition,) = collector.named(RUN)
    counted = Counter(span.span_id for span in collector.spans)
    assert [number for number, count in counted.items() if count > 1] == []
    tree = {span.span_id for span in [edition, *collector.below(edition)]}
    assert len(collector.named(f"StartActivity:{PLAN_EDITION.name}")) == 1
    assert {span.span_id for span in collector.named("RunActivity:github.collect_repository")} <= tree


async def test_what_a_worker_does_on_its_own_account_begins_no_trace(stage: Stage, collector: Collector) -> None:
    async with clean_worker(stage.directory, traced(stage, collector.endpoint), "worker", ROOT):
        await stage.run()
        await asyncio.sleep(2)  # breakers report
    roots = {span.name for span in collector.spans if not span.parent_span_id}
    assert roots == {RUN}


@pytest.mark.parametrize("what", ["away", "silent", "nonsense"])
async def test_a_collector_that_does_not_answer_holds_up_neither_editions_nor_the_end(stage: Stage, what: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if what == "silent":
            silent.listen()
        endpoint = "nonsense" if what == "nonsense" else f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with clean_worker(stage.directory, traced(stage, endpoint), "worker", ROOT):
            assert (await stage.run()).status is EditionStatus.COMPLETE
            stopping = time.monotonic()
        assert time.monotonic() - stopping < 8


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"},
    ],
    ids=["not asked for", "disabled", "exporter none"],
)
def test_without_traces_nothing_of_opentelemetry_is_even_imported(variables: dict[str, str]) -> None:
    script = (
        "import asyncio, os, sys, worker\n"
        "from contextlib import AsyncExitStack\n"
        f"os.environ.update({variables!r})\n"
        "async def main():\n"
        "    async with AsyncExitStack() as stack:\n"
        "        assert await worker._tracing(stack) == []\n"
        "asyncio.run(main())\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
