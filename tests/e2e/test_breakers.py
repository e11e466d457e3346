"""Breakers with the product's own processes: `apply`, the command line, and what survives when everything is killed."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devsync.contracts.breaker import BreakerSnapshot, ReportBatch
from devsync.contracts.names import breaker_id
from devsync.domain.breaker import Event, Mode, Outcomes, Standing, State
from devsync.runtime.breaker.operations import BreakerOperations
from sandbox.postgres import PostgresServer
from sandbox.worlds.demo import demo_world
from tests.e2e.stage import Stage, eventually, stage_for, until_listed
from tests.servers import Servers, running_temporal

pytestmark = pytest.mark.timeout(300)

RULES = {"failure_threshold": 3, "recovery_timeout": "15s"}


@pytest.fixture
async def own_stage(postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Stage]:
    """With a Temporal server of its own: a breaker is shared by all teams, and here it opens."""
    async with (
        running_temporal() as temporal,
        stage_for(demo_world("2026-W47"), Servers(postgres, temporal), tmp_path) as stage,
    ):
        stage.change_service("github", "breaker", **RULES)
        yield stage


async def starter(stage: Stage, *arguments: str, code: int = 0) -> Any:
    """The document that the command prints."""
    actual, output, errors = await stage.starter(*arguments, "--json")
    assert actual == code, errors
    return json.loads(output)


async def standing(stage: Stage) -> Standing:
    """As everybody reads it; no worker is needed."""
    return (await BreakerOperations(stage.client).standings())["github"]


async def github_fails(stage: Stage, times: int = 3) -> None:
    """As a worker reports it."""
    batch = ReportBatch(
        service="github",
        reporter="worker",
        sequence=1,
        generation=(await standing(stage)).generation,
        outcomes=Outcomes(failures=times, last_failure="503 from GET /repos/acme/ledger/pulls"),
    )
    await stage.client.get_workflow_handle(breaker_id("github")).signal("report", batch)


async def until_state(stage: Stage, state: State) -> BreakerSnapshot:
    found: list[BreakerSnapshot] = []

    async def is_there() -> bool:
        snapshot = await BreakerOperations(stage.client).snapshot("github")
        found[:] = [snapshot] if snapshot else []
        return bool(found) and found[0].standing.state is state

    await eventually(is_there)
    return found[0]


async def test_an_open_breaker_is_open_after_everything_was_killed_with_the_same_deadline(own_stage: Stage) -> None:
    stage = own_stage
    await starter(stage, "apply")
    async with stage.worker("first") as first, stage.worker("second") as second:
        await until_state(stage, State.CLOSED)
        await github_fails(stage)
        opened = (await until_state(stage, State.OPEN)).standing
        await first.kill()
        await second.kill()
        await stage.servers.temporal.kill()
    await stage.servers.temporal.start()

    async def answers() -> bool:
        return "github" in await BreakerOperations(stage.client).standings()

    await eventually(answers)
    assert await standing(stage) == opened
    async with stage.worker("third"):
        half_open = await until_state(stage, State.HALF_OPEN)
    assert opened.retry_at is not None
    assert half_open.standing.changed_at >= opened.retry_at
    assert half_open.transitions[-2].event is Event.OPENED
    assert half_open.transitions[-2].until == opened.retry_at


async def test_apply_makes_the_breakers_and_sends_rules_only_where_they_differ(own_stage: Stage) -> None:
    stage = own_stage

    async def applied() -> dict[str, str]:
        return {one["service"]: one["rules"] for one in (await starter(stage, "apply"))["breakers"]}

    assert await applied() == dict.fromkeys(("github", "jira", "slack", "email"), "created")
    async with stage.worker():
        for service in ("github", "jira", "slack"):
            await until_configured(stage, service)
        assert await applied() == dict.fromkeys(("github", "jira", "slack", "email"), "unchanged")
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        await starter(stage, "breaker", "force-open", "github", "--reason", "maintenance", "--until", until)
        stage.change_service("github", "breaker", failure_threshold=7)
        assert await applied() == {"github": "changed", "jira": "unchanged", "slack": "unchanged", "email": "unchanged"}
        shown = await starter(stage, "breaker", "show", "github")
    assert shown["config"]["failure_threshold"] == 7
    assert shown["standing"]["mode"] == "forced_open"
    assert shown["transitions"][-1]["actor"].endswith(", by apply")


async def until_configured(stage: Stage, service: str = "github") -> None:
    async def is_there() -> bool:
        snapshot = await BreakerOperations(stage.client).snapshot(service)
        return snapshot is not None and snapshot.is_configured

    await eventually(is_there)


async def test_what_no_worker_could_take_is_not_sent_and_takes_no_effect_later(own_stage: Stage) -> None:
    stage = own_stage
    told = await starter(stage, "breaker", "force-open", "github", "--reason", "maintenance", code=1)
    assert told["error"] == "no worker runs that could answer for the breaker of github; start one"
    await starter(stage, "apply")
    told = await starter(stage, "breaker", "force-open", "github", "--reason", "maintenance", code=1)
    assert told["error"] == "no worker runs that could answer for the breaker of github; start one"
    assert not (await starter(stage, "breaker", "show", "github"))["is_live"]
    async with stage.worker():
        await until_configured(stage)
        snapshot = await BreakerOperations(stage.client).snapshot("github")
    assert snapshot is not None
    assert (snapshot.standing.mode, snapshot.transitions) == (Mode.NORMAL, ())


async def test_a_namespace_that_is_not_there_is_named_with_the_cure(own_stage: Stage) -> None:
    for arguments in (["list"], ["show", "github"], ["reset", "github", "--reason", "over"]):
        code, _, errors = await own_stage.starter("breaker", *arguments, TEMPORAL_NAMESPACE="nowhere")
        assert (code, "Temporal has no namespace 'nowhere'; set TEMPORAL_NAMESPACE" in errors) == (1, True), errors


async def test_an_operator_at_the_command_line(own_stage: Stage) -> None:
    stage = own_stage
    listed = (await starter(stage, "breaker", "list"))["breakers"]
    assert [(one["service"], one["standing"]) for one in listed] == [
        (service, None) for service in ("email", "github", "jira", "slack")
    ]
    async with stage.worker():
        await starter(stage, "apply")
        await until_configured(stage)
        reason = ["--reason", "maintenance"]
        for command, mode in (
            ("force-open", "forced_open"),
            ("force-close", "forced_closed"),
            ("disable", "disabled"),
            ("metrics-only", "metrics_only"),
        ):
            told = await starter(stage, "breaker", command, "github", *reason, "--until", "2h")
            standing = told["standing"]
            assert (told["service"], standing["mode"], standing["reason"]) == ("github", mode, "maintenance")
            assert standing["mode_until"] is not None
        told = await starter(stage, "breaker", "configure", "github", "--set", "failure_threshold=9", *reason)
        assert told["config"]["failure_threshold"] == 9
        assert (await starter(stage, "breaker", "reset", "github", *reason))["standing"]["mode"] == "normal"
        past = await starter(stage, "breaker", "force-open", "github", *reason, "--until", "2020-01-01T00:00Z", code=2)
        assert "is not in the future" in past["error"]
        await github_fails(stage, times=9)
        await until_state(stage, State.OPEN)
        shown = await starter(stage, "breaker", "show", "github")
        assert shown["is_live"]
        assert shown["config"]["recovery_timeout"] == "15s"
        await until_listed(stage.client, 'BreakerState = "open"', breaker_id("github"))
        code, output, _ = await stage.starter("breaker", "list")
        assert code == 0
        assert "github open since " in output
        assert "9 failures in 15 min, last: 503 from GET /repos/acme/ledger/pulls (breaker); next probe at " in output
        await until_recorded(stage)
    # Without a worker: what it last said, and what is on record. A decision needs one.
    shown = await starter(stage, "breaker", "show", "github")
    assert (shown["is_live"], shown["standing"]["state"]) == (False, "open")
    assert [one["event"] for one in shown["transitions"]][-3:] == ["configured", "reset", "opened"]
    silent = await starter(stage, "breaker", "reset", "github", *reason, code=1)
    assert "the next one that comes may still take what was sent" in silent["error"]


async def until_recorded(stage: Stage) -> None:
    async def is_there() -> bool:
        return bool(stage.rows("SELECT 1 FROM breaker_transitions WHERE service = 'github' AND event = 'opened'"))

    await eventually(is_there)
