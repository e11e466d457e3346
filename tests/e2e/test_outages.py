"""Outages from before the start until after the deadline, with real servers: what arrives in time, and what heals."""

import asyncio
import copy
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from commands.outages import Outage, prepare
from devsync.contracts import names
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.delivery import DeliveryOutcome, DeliveryState
from devsync.contracts.edition import EditionResult, EditionStatus
from devsync.contracts.escalation import EscalationView, SubscriberState
from devsync.domain.changelog.edition import ProvenanceKind
from sandbox.faults import Fault, FaultKind
from sandbox.postgres import PostgresServer
from sandbox.smtp import INBOX, Mail
from sandbox.world import World
from sandbox.worlds.demo import demo_world
from tests.configuration import SHIPPED
from tests.e2e.stage import Stage, eventually, stage_for, until_listed
from tests.servers import Servers, running_temporal

pytestmark = pytest.mark.timeout(300)

WEEK = "2026-W47"
ESCALATIONS = f"WorkflowType = '{names.ESCALATION}'"
MAIL = {"kind": "email", "to": ["payments@acme.test", "leads@acme.test"], "only_as_fallback": True}
TEAMS = 20


async def own_stage(world: World, postgres: PostgresServer, directory: Path) -> AsyncIterator[Stage]:
    """With a Temporal server of its own: escalations and breakers of a service are shared by all teams."""
    async with running_temporal() as temporal, stage_for(world, Servers(postgres, temporal), directory) as stage:
        (directory / "config" / "recovery.yaml").write_text((SHIPPED / "recovery.yaml").read_text())
        yield stage


@pytest.fixture
async def one_team(postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Stage]:
    async for stage in own_stage(demo_world(WEEK), postgres, tmp_path):
        yield stage


@pytest.fixture
async def many_teams(postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Stage]:
    world = demo_world(WEEK)
    first = world.teams[0]
    world.teams = [copy.deepcopy(first) for _ in range(TEAMS)]
    for number, team in enumerate(world.teams):
        team.team = f"team-{number:02}"
    async for stage in own_stage(world, postgres, tmp_path):
        yield stage


def give_mirrors(stage: Stage) -> None:
    github = yaml.safe_load((stage.directory / "config" / "teams" / f"{stage.team}.yaml").read_text())["github"]
    stage.change_team(github=github | {"mirrors": stage.sandbox.mirrors})


def go_down(stage: Stage, *services: str) -> None:
    for service in services:
        stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service=service, status=503))


def mails(stage: Stage) -> list[Mail]:
    found: list[Mail] = stage.sandbox.apps["smtp"][INBOX].mails
    return found


async def is_open(stage: Stage, workflow_id: str) -> bool:
    description = await stage.client.get_workflow_handle(workflow_id).describe()
    return description.status is WorkflowExecutionStatus.RUNNING


async def all_that_asked(stage: Stage, *known: str) -> set[str]:
    """Every escalation there has been, by the server's list, when it has heard of these."""
    await until_listed(stage.client, ESCALATIONS, *known)
    return {run.id async for run in stage.client.list_workflows(ESCALATIONS)}


async def fill_the_cache(stage: Stage, but_for: str) -> None:
    """As a refresh does it, while one repository is not shown to us."""
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", status=404, route=f"/repos/{but_for}(/|$)"))
    await (await stage.start(is_dry_run=True)).result()
    stage.sandbox.faults.clear()


async def test_everything_is_down_past_the_deadline_and_heals_by_itself(one_team: Stage) -> None:
    stage = one_team
    prepare(stage.directory / "config", Outage(channels=[MAIL]))
    give_mirrors(stage)
    stage.choose_road("rest")
    uncached = stage.sandbox.world.teams[0].repositories[0]
    async with stage.worker():
        await fill_the_cache(stage, uncached)
        go_down(stage, "github", "jira")
        stage.sandbox.pause("slack")
        handle = await stage.start()
        result: EditionResult = await asyncio.wait_for(handle.result(), 120)
        description = await handle.describe()
        assert description.close_time is not None
        assert len(mails(stage)) == 1, "one transaction for all recipients"
        arrived = mails(stage)[0].received_at
        stood_in = list(result.escalations)
        asked = [one for one in stood_in if await is_open(stage, one)]
        stage.sandbox.faults.clear()
        stage.sandbox.resume("slack")
        amendment = stage.client.get_workflow_handle(
            names.amendment_id(stage.team, WEEK), result_type=AmendmentProgress
        )
        await amendment.signal("try_now", {"by": "anna"})
        healed = await asyncio.wait_for(amendment.result(), 120)

        async def is_all_over() -> bool:
            return not any([await is_open(stage, one) for one in asked])

        await eventually(is_all_over, 120)
        slack: DeliveryOutcome = await asyncio.wait_for(stage.delivery(WEEK).result(), 60)
        all_asked = await all_that_asked(stage, *stood_in)

    # In time, by mail, with what is cached and mirrored.
    assert result.status is EditionStatus.PARTIAL
    assert arrived <= description.start_time + timedelta(seconds=45)
    stands_in = {gap.unit: gap.stand_in for gap in result.gaps}
    assert stands_in[names.repository_unit(uncached)] is ProvenanceKind.MIRROR
    others = [names.repository_unit(name) for name in stage.sandbox.world.teams[0].repositories[1:]]
    assert {stands_in[unit] for unit in others} == {ProvenanceKind.CACHED}
    assert [(channel.state, channel.stands_in) for channel in result.channels] == [
        (DeliveryState.QUEUED, False),
        (DeliveryState.DELIVERED, True),
    ]
    body = mails(stage)[0].body("plain")
    assert "#payments" in body, "it says for which channel it stands in"
    assert "WHAT IS MISSING" in body
    # People were told, and need not do anything any more.
    assert asked
    assert all_asked == set(stood_in), "nobody was asked beside those whom the edition names"
    # The next revision, in one message a part, whatever was queued before.
    assert (healed.ended, healed.revision) == ("everything is there", 2)
    assert (slack.state, slack.revision) == (DeliveryState.DELIVERED, 2)
    assert max(Counter(stage.keys).values()) == 1
    assert len(mails(stage)) == 1
    editions = stage.rows("SELECT revision, status FROM editions ORDER BY revision")
    assert [(row["revision"], row["status"]) for row in editions] == [(1, "partial"), (2, "complete")]


@pytest.mark.timeout(900)
async def test_twenty_teams_have_one_page_and_one_decision(many_teams: Stage) -> None:
    stage = many_teams
    prepare(stage.directory / "config", Outage())
    for path in (stage.directory / "config" / "teams").glob("*.yaml"):
        # Far away, however busy the machine is: nothing goes on but by the decision.
        team = yaml.safe_load(path.read_text()) | {"deliver_by": "2h"}
        path.write_text(yaml.safe_dump(team, sort_keys=False))
    go_down(stage, "github")
    stage.sandbox.pause("feed")  # nothing stands in
    escalation_id = names.service_escalation_id("github")
    escalation = stage.client.get_workflow_handle(escalation_id)
    async with stage.worker():
        handles = [
            await stage.client.start_workflow(
                names.WEEKLY_CHANGELOG,
                {"team": spec.team, "iso_week": WEEK},
                id=names.edition_id(spec.team, WEEK),
                task_queue=names.EDITIONS_QUEUE,
                result_type=EditionResult,
            )
            for spec in stage.sandbox.world.teams
        ]

        async def all_wait() -> bool:
            try:
                state: EscalationView = await escalation.query("state", result_type=EscalationView)
            except RPCError:  # not there yet
                return False
            waiting = [one for one in state.subscribers if one.state is SubscriberState.WAITING]
            return len(waiting) == TEAMS

        await eventually(all_wait, 400)
        code, printed, errors = await stage.starter(
            "escalation", "resolve", "github", "skip", "--note", "GitHub says it takes hours", "--json"
        )
        assert code == 0, errors
        results = await asyncio.wait_for(asyncio.gather(*(handle.result() for handle in handles)), 400)
        ended: EscalationView = await escalation.query("state", result_type=EscalationView)
        all_asked = await all_that_asked(stage, escalation_id)
    assert json.loads(printed)["state"] == "resolved"
    assert {result.status for result in results} == {EditionStatus.PARTIAL}
    assert {one.decision for result in results for one in result.recoveries if one.phase == "collect"} == {"skip"}
    assert all_asked == {escalation_id}
    pages = [message for message in stage.slack.channel_named("oncall").messages.values() if not message.thread_ts]
    assert len(pages) == 1, [event.model_dump(mode="json") for event in ended.events if event.kind != "joined"]
