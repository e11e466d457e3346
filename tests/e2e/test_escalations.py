"""Escalations with the product's own processes: asked in Slack, answered at the command line, and what is killed."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio.service import RPCError

from devsync.contracts import names
from devsync.contracts.escalation import ToldState
from devsync.domain.errors import ErrorSeverity
from devsync.domain.recovery.decision import Decision
from devsync.runtime.escalations import OPEN
from sandbox.faults import Fault, FaultKind
from sandbox.postgres import PostgresServer
from sandbox.temporal_cli import temporal_cli
from sandbox.worlds.demo import demo_world
from tests.e2e.asking import Asked, ask, askers, escalation, notes, pages, until_told, view
from tests.e2e.stage import Stage, eventually, stage_for, until_listed
from tests.servers import Servers, running_temporal

PAGE = names.service_escalation_id(names.GITHUB)

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def own_stage(postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Stage]:
    """With a Temporal server of its own: an escalation of a service is shared by all teams."""
    async with (
        running_temporal() as temporal,
        stage_for(demo_world("2026-W47"), Servers(postgres, temporal), tmp_path) as stage,
        askers(stage),
    ):
        yield stage


def change_policy(stage: Stage, **changes: Any) -> None:
    path = stage.directory / "config" / "escalation.yaml"
    settings = yaml.safe_load(path.read_text())
    settings["policies"]["default"] |= changes
    path.write_text(yaml.safe_dump(settings, sort_keys=False))


def levels(delay: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "targets": [{"kind": "slack", "to": "#oncall"}], "delay": delay}
        for name in ("team_lead", "engineering_manager", "incident_response", "executive")
    ]


async def starter(stage: Stage, *arguments: str, code: int = 0) -> Any:
    actual, output, errors = await stage.starter(*arguments, "--json")
    assert actual == code, errors
    return json.loads(output)


async def test_asked_in_slack_and_answered_at_the_command_line(own_stage: Stage) -> None:
    stage = own_stage
    async with stage.worker():
        one, two = await ask(stage, 1), await ask(stage, 2)
        await until_told(stage)
        await until_listed(stage.client, OPEN, PAGE)
        (listed,) = (await starter(stage, "escalation", "list"))["escalations"]
        assert (listed["state"], listed["level"]) == ("firing", "team_lead")
        assert listed["choices"] == ["retry", "use_fallback", "skip", "abort"]
        assert [entry["team"] for entry in listed["subscribers"]] == [stage.team] * 2
        code, output, _ = await stage.starter("escalation", "list")
        assert code == 0
        assert "escalation:service:github firing at team_lead since " in output
        assert "  told     1 of 1 reached: #oncall (told)" in output
        assert (await starter(stage, "escalation", "ack", "github"))["state"] == "acknowledged"
        refused = await starter(stage, "escalation", "ack", stage.team, "--week", stage.week, code=1)
        assert "has acknowledged it already" in refused["error"]
        unknown = await starter(stage, "escalation", "ack", "nobody", code=2)
        assert unknown["error"] == "no open escalation is about nobody; open: escalation:service:github"
        nothing = await starter(stage, "escalation", "escalate", "github", "--level", "nothing", code=2)
        assert nothing["error"].startswith("there is no level 'nothing'; there are team_lead, ")
        told = await starter(stage, "escalation", "snooze", "github", "--minutes", "30")
        assert told["next"].startswith("team lead is asked again at ")
        told = await starter(stage, "escalation", "escalate", "github", "--level", "executive", "--reason", "urgent")
        assert told["level"] == "executive"
        told = await starter(stage, "escalation", "reassign", "github", "--to", "#engineering")
        assert told["state"] == "firing"
        wrong = await starter(stage, "escalation", "resolve", "github", code=1)
        assert "decision: is missing; those who wait offer retry, use_fallback, skip, abort" in wrong["error"]
        told = await starter(stage, "escalation", "resolve", "github", "use_fallback", "--note", "until Monday")
        assert told["state"] == "resolved"
        answers = await asyncio.gather(one.result(), two.result())
        ended = await escalation(stage).result()
        over = await starter(stage, "escalation", "ack", "escalation:service:github", code=2)
        assert over["error"].startswith("escalation:service:github is not open")
    assert {(answer.decided.decision, answer.decided.note) for answer in answers} == {
        (Decision.USE_FALLBACK, "until Monday")
    }
    (page,) = pages(stage)
    assert page.text.startswith("Resolved: GitHub answered 503")
    assert any("Now asked: executive: urgent" in note for note in notes(stage))
    assert stage.slack.channel_named("engineering").top_level()[-1].text.startswith("Resolved")
    rows = stage.rows("SELECT * FROM escalations")
    assert [(row["state"], row["decision"], row["level"]) for row in rows] == [
        ("resolved", "use_fallback", "executive")
    ]
    recorded = [row["kind"] for row in stage.rows("SELECT * FROM escalation_events ORDER BY number")]
    assert recorded == [event.kind.value for event in ended.events]
    await stage.until_closed_in_list(PAGE)
    assert (await starter(stage, "escalation", "list"))["escalations"] == []


async def test_what_recurs_within_the_window_begins_one_level_higher(own_stage: Stage) -> None:
    stage = own_stage
    async with stage.worker():
        one = await ask(stage, 1)
        await until_told(stage)
        await escalation(stage).signal("resolve", {"by": "anna", "decision": "retry"})
        assert (await one.result()).joined.level == "team_lead"
        await escalation(stage).result()
        two = await ask(stage, 2)
        await until_told(stage, 2)
        await escalation(stage).signal("resolve", {"by": "anna", "decision": "skip"})
        assert (await two.result()).joined.level == "engineering_manager"
        opened = (await escalation(stage).result()).events[0]
    assert "one level higher, since it was escalated before within the repeat window" in opened.message


async def test_low_severity_tells_nobody_unless_a_person_asks_for_people(own_stage: Stage) -> None:
    stage = own_stage
    async with stage.worker():
        quiet = await ask(stage, 1, severity=ErrorSeverity.LOW)
        await ask(stage, 2, severity=ErrorSeverity.LOW, requested_by="anna", reason="customers complain")
        await until_told(stage)
        assert (await view(stage)).subscribers[0].subscriber.workflow_id.startswith("asking:2:")
        await quiet.terminate()
    assert len(pages(stage)) == 1


async def test_a_broken_policy_file_and_an_unknown_policy_still_reach_somebody(own_stage: Stage) -> None:
    stage = own_stage
    async with stage.worker():
        (stage.directory / "config" / "escalation.yaml").write_text("policies: 5\n")
        await ask(stage, 1, policy="gone", level="pope")
        await until_told(stage)
        opened = (await view(stage)).events[0].message
    assert "by the policy that the worker began with, since config/ is wrong: " in opened
    assert "there is no level 'pope'" in opened


async def test_without_a_database_nobody_waits_for_it(own_stage: Stage) -> None:
    stage = own_stage
    async with stage.worker():
        await stage.servers.postgres.stop()
        try:
            one = await ask(stage)
            await until_told(stage)
            assert "whether it has happened before is not known" in (await view(stage)).events[0].message
            await escalation(stage).signal("resolve", {"by": "anna", "decision": "skip"})
            assert (await one.result()).decided.by == "anna"
        finally:
            await stage.servers.postgres.start()
        await escalation(stage).result()
    assert [row["kind"] for row in stage.rows("SELECT kind FROM escalation_events ORDER BY number")] == [
        "opened", "joined", "reached", "resolved",
    ]  # fmt: skip


async def test_worker_and_server_killed_in_the_middle_it_goes_on_and_nothing_is_said_twice(own_stage: Stage) -> None:
    stage = own_stage
    first_level, *others = levels("15s")
    # However long it takes to start everything again, nobody else is asked before the first post is settled: whom a
    # message is new to needs no note of what it says.
    change_policy(stage, levels=[first_level | {"delay": "1h"}, *others], default_decision="skip")
    stage.change_service("slack", "timeouts", start_to_close="3s", http_read="2s")
    # The post arrives, and its answer does not: the worker dies before it knows.
    stage.sandbox.faults.add(
        Fault(kind=FaultKind.COMMITTED_TIMEOUT, service="slack", route="/api/chat.postMessage", count=1, seconds=60)
    )
    async with stage.worker("first") as first:
        asking = [await ask(stage, number) for number in range(1, 4)]
        await until_told(stage)
        await first.kill()
        await restart_temporal(stage)
    async with stage.worker("second") as second:
        await until_settled(stage, len(asking))
        await escalation(stage).signal("escalate", {"by": "anna", "reason": "nobody answers"})
        await until_note(stage, "Now asked: engineering_manager")
        await second.kill()
        await restart_temporal(stage)
    async with stage.worker("third"):
        told: list[Asked] = await asyncio.gather(*(one.result() for one in asking))
        await escalation(stage).result()
    assert {(one.decided.decision, one.decided.by) for one in told} == {(Decision.SKIP, "policy")}
    assert len(pages(stage)) == 1
    assert len(notes(stage)) == len(set(notes(stage)))
    assert [note.split(":")[1].strip() for note in notes(stage)] == [
        "engineering_manager", "incident_response", "executive",
    ]  # fmt: skip
    assert pages(stage)[0].text.startswith("Resolved")


async def restart_temporal(stage: Stage) -> None:
    """Killed, and there again."""
    await stage.servers.temporal.kill()
    await stage.servers.temporal.start()

    async def answers() -> bool:
        try:
            await escalation(stage).describe()
        except RPCError:
            return False
        return True

    await eventually(answers)


async def until_settled(stage: Stage, subscribers: int) -> None:
    """Until it is known that the page has arrived, and all are on it. (A worker that was killed while one of them
    joined is missed after a minute.)"""

    async def is_settled() -> bool:
        try:
            state = await view(stage)
        except RPCError:  # nobody answers yet
            return False
        return [one.state for one in state.told] == [ToldState.TOLD] and len(state.subscribers) == subscribers

    await eventually(is_settled, 150)


async def until_note(stage: Stage, text: str) -> None:
    async def is_there() -> bool:
        return any(text in note for note in notes(stage))

    await eventually(is_there)


async def test_typed_by_hand_with_the_temporal_command_line(own_stage: Stage) -> None:
    """Every command of the runbook, and the nonsense that people type."""
    stage = own_stage

    async def type_in(*arguments: str, name: str) -> None:
        command = [
            str(await temporal_cli()), "workflow", "signal", "--address", stage.servers.temporal.address,
            "-w", "escalation:service:github", "--name", name, *arguments,
        ]  # fmt: skip
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    async with stage.worker():
        one = await ask(stage)
        await until_told(stage)
        await type_in("-i", '{"by": "anna"}', name="acknowledge")
        await type_in("-i", '{"by": "anna", "minutes": 30}', name="snooze")
        await type_in("-i", '{"by": "anna", "reason": "I have no rights there"}', name="escalate")
        await type_in("-i", '{"by": "anna", "to": "#engineering"}', name="reassign")
        await type_in(name="acknowledge")
        await type_in("-i", '{"by": "anna"}', "-i", '{"by": "bo"}', name="acknowledge")
        await type_in("-i", "retry please", "--input-meta", "encoding=binary/plain", name="resolve")
        await type_in("-i", '{"by": "anna", "decision": "retri"}', name="resolve")
        await type_in("-i", '"retry"', name="resolve")
        await type_in("-i", '{"by": "anna"}', name="ressolve")

        async def are_refused() -> bool:
            return (await view(stage)).refused_count == 6

        await eventually(are_refused)
        refused = [line.rpartition(" at ")[0] for line in (await view(stage)).refused]
        assert refused[2] == "resolve: not a Resolve"
        assert "decision: Input should be 'retry', 'use_fallback', 'skip' or 'abort'" in refused[3]
        await type_in("-i", '{"by": "anna", "decision": "retry", "note": "GitHub is back"}', name="resolve")
        assert (await one.result()).decided.note == "GitHub is back"
        ended = await escalation(stage).result()
    kinds = [event.kind.value for event in ended.events if event.kind.value not in ("refused", "reached")]
    assert kinds == ["opened", "joined", "acknowledged", "snoozed", "escalated", "reassigned", "resolved"]


async def test_every_decision_comes_back_to_who_waits(own_stage: Stage) -> None:
    stage = own_stage
    async with stage.worker():
        for number, decision in enumerate(Decision, 1):
            one = await ask(stage, number, service=names.JIRA)
            await until_told(stage, number)
            told = await starter(stage, "escalation", "resolve", "jira", decision.value)
            assert told["state"] == "resolved"
            assert (await one.result()).decided.decision is decision


async def test_what_is_of_one_workflow_has_its_own_escalation_and_is_found_by_its_team_and_week(
    own_stage: Stage,
) -> None:
    stage = own_stage
    async with stage.worker():
        one = await ask(stage, 1, service="")
        shared = await ask(stage, 2)
        await until_told(stage, 2)
        own_id = names.own_escalation_id(one.id)
        several = await starter(stage, "escalation", "ack", stage.team, code=2)
        assert several["error"].startswith(f"2 escalations are about {stage.team}: write one of ")
        query = (
            f"Team = '{stage.team}' AND EscalationState = 'firing' AND EscalationLevel = 'team_lead' "
            "AND ErrorCategory = 'external_service'"
        )

        await until_listed(stage.client, query, own_id, PAGE)
        await starter(stage, "escalation", "resolve", "github", "skip")
        await shared.result()
        told = await starter(stage, "escalation", "resolve", stage.team, "retry", "--week", stage.week)
        assert told["escalation_id"] == own_id
        assert (await one.result()).joined.escalation_id == own_id


async def test_without_a_worker_it_says_so(own_stage: Stage) -> None:
    stage = own_stage
    async with stage.worker():
        await ask(stage)
        await until_told(stage)
        await until_listed(stage.client, OPEN, PAGE)
    (listed,) = (await starter(stage, "escalation", "list"))["escalations"]
    assert (listed["escalation_id"], listed["state"]) == ("escalation:service:github", None)
    silent = await starter(stage, "escalation", "ack", "escalation:service:github", code=1)
    assert "the next one that comes may still take what was said" in silent["error"]
