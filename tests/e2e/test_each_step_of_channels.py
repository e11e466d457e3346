"""Every step of the shipped plan of Slack that brings an edition to people: all above it fail, and it alone does."""

import asyncio
from collections import Counter
from typing import Any, NamedTuple

import pytest
import yaml

from commands.editions import start_edition
from devsync.contracts import names
from devsync.contracts.delivery import DeliveryOutcome, DeliveryState
from devsync.contracts.edition import EditionResult
from sandbox.faults import Fault, FaultKind
from sandbox.smtp import INBOX
from sandbox.world import TeamSpec
from sandbox.worlds.generator import generated_world
from tests.e2e.stage import PATIENCE_SECONDS, Stage, stage_for
from tests.servers import Servers

pytestmark = pytest.mark.timeout(300)

WEEK = "2026-W47"
STEPS = ("retry", "alternative", "email", "queue")
OTHER = {"alternative": "slack", "email": "email"}
"""What kind of channel stands in."""
MAIL = {"kind": "email", "to": ["leads@acme.test"], "only_as_fallback": True}


class Told(NamedTuple):
    result: EditionResult
    late: DeliveryOutcome
    """What became of the channel in the end."""
    keys: Counter[str]
    """In it, and where something stands in."""
    mails: int


def channels_of(step: str, spec: TeamSpec) -> list[dict[str, Any]]:
    channel: dict[str, Any] = {"kind": "slack", "channel": f"#{spec.slack_channels[0]}"}
    if step == "alternative":
        channel["alternatives"] = [f"#{spec.slack_channels[1]}"]
    return [channel, MAIL] if step == "email" else [channel]


def fault_of(step: str, spec: TeamSpec) -> Fault:
    return Fault(
        kind=FaultKind.STATUS,
        service="slack",
        status=503,
        route="chat.postMessage",
        about=rf"/slack-{spec.slack_channels[0]}/",
        count=1 if step == "retry" else None,
    )


@pytest.fixture(scope="module")
async def told(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """Every step's edition, all of them at once; then Slack takes everything."""
    world = generated_world(
        teams=len(STEPS), repositories=len(STEPS), projects=len(STEPS), pull_requests=20, issues=20, slack_channels=2
    )
    teams = dict(zip(STEPS, world.teams, strict=True))
    async with stage_for(world, servers, tmp_path_factory.mktemp("steps")) as stage:
        # Whether a post has arrived after all may be asked after twice the time that one may take.
        stage.change_service("slack", "timeouts", http_read="1s", start_to_close="2s")
        # The first try of a delivery's own schedule comes when its recovery is long over.
        stage.change_delivery(delivery_reserve="20s", slack={"retry_schedule": ["40s", "40s", "40s"]})
        stage.change_plan("slack-delivery", "retry", retry={"attempts": 1})
        for step, spec in teams.items():
            path = stage.directory / "config" / "teams" / f"{spec.team}.yaml"
            changes = {"channels": channels_of(step, spec), "deliver_by": "30s"}
            path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes, sort_keys=False))
            stage.sandbox.faults.add(fault_of(step, spec))
        async with stage.worker():
            handles = [await start_edition(stage.client, spec.team, WEEK) for spec in world.teams]
            results = await asyncio.wait_for(asyncio.gather(*(handle.result() for handle in handles)), PATIENCE_SECONDS)
            stage.sandbox.faults.clear()
            late = await asyncio.wait_for(asyncio.gather(*(delivery(stage, spec) for spec in world.teams)), 90)
        return {
            step: Told(result, outcome, keys_of(stage, spec), len(stage.sandbox.apps["smtp"][INBOX].mails))
            for (step, spec), result, outcome in zip(teams.items(), results, late, strict=True)
        }


async def delivery(stage: Stage, spec: TeamSpec) -> DeliveryOutcome:
    workflow_id = names.delivery_id(spec.team, WEEK, f"slack-{spec.slack_channels[0]}")
    handle = stage.client.get_workflow_handle(workflow_id, result_type=DeliveryOutcome)
    outcome: DeliveryOutcome = await handle.result()
    return outcome


def keys_of(stage: Stage, spec: TeamSpec) -> Counter[str]:
    return Counter(key for channel in spec.slack_channels for key in stage.keys_in(channel))


@pytest.mark.parametrize("step", STEPS)
def test_it_alone_brings_the_edition(told: dict[str, Told], step: str) -> None:
    result, late, keys, mails = told[step]
    (recovery,) = [one for one in result.recoveries if one.service == names.SLACK]
    assert [one.id for one in recovery.steps if one.healed] == [step]
    own, *others = result.channels
    assert own.state is (DeliveryState.DELIVERED if step == "retry" else DeliveryState.QUEUED)
    expected = [(OTHER[step], DeliveryState.DELIVERED, True)] if step in OTHER else []
    assert [(other.kind, other.state, other.stands_in) for other in others] == expected
    assert late.state is DeliveryState.DELIVERED, "when Slack takes it again"
    assert set(keys.values()) == {1}
    assert mails == 1
