"""What the product says to the outside in a week and what it is told: everything that it can ask, asked for real."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from activities.clients.slack import SlackClient
from commands.doctor import SERVICE_CHECKS
from devsync.contracts.edition import EditionStatus
from devsync.settings.configuration import load_configuration
from devsync.settings.environment import Environment
from sandbox.faults import Fault, FaultKind
from sandbox.world import World
from sandbox.worlds.demo import demo_world
from tests.contracts.exchanges import Exchange, RecordingSandbox, recording_sandbox
from tests.e2e.stage import Stage, stage_for
from tests.servers import Servers

STRANGERS = {
    "team": "strangers",
    "timezone": "UTC",
    "github": {"repositories": ["acme/nothing"]},
    "jira": {"projects": ["GONE"]},
    "channels": [{"kind": "slack", "channel": "#nowhere"}],
}
"""A team whose sources are not there: what `doctor` is told about them are errors that a contract describes, too."""


async def exchanges_of_a_week(servers: Servers, directory: Path) -> list[Exchange]:
    """An edition, its next revision, a post without an answer, the rest that a delivery can ask, and `doctor`."""
    async with stage_for(_week_with_an_epic(), servers, directory, recording_sandbox) as stage:
        sandbox = stage.sandbox
        assert isinstance(sandbox, RecordingSandbox)
        stage.change_service("slack", "timeouts", http_read="1s", start_to_close="5s")
        repositories = sandbox.world.teams[0].repositories
        stage.change_team(github={"api": "rest", "repositories": repositories, "exclude_labels": ["skip-changelog"]})
        async with stage.worker():
            assert (await stage.run()).status is EditionStatus.COMPLETE
            # Other labels make the next revision; the sources are asked whether they changed.
            stage.change_team(github={"api": "auto", "repositories": repositories})
            assert (await stage.run()).revision == 2
            unanswered = Fault(
                kind=FaultKind.COMMITTED_TIMEOUT, service="slack", route="postMessage", seconds=3, count=1
            )
            sandbox.faults.add(unanswered)
            assert (await stage.run("2020-W10")).status is EditionStatus.COMPLETE
        await _rest_of_a_delivery(stage)
        await _doctor(stage)
        return sandbox.exchanges


def _week_with_an_epic() -> World:
    world = demo_world("2026-W47")
    for project in world.projects.values():
        epic, *issues = project.issues
        for issue in issues:
            issue.parent_key = epic.key
    return world


async def _rest_of_a_delivery(stage: Stage) -> None:
    """Parts of a thread: posted, looked for, taken back."""
    began = datetime.now(UTC)
    client = SlackClient(
        base_url=stage.environment["SLACK_API_URL"],
        token=stage.environment["SLACK_BOT_TOKEN"],
        concurrency=1,
        read_timeout=timedelta(seconds=5),
    )
    channel = stage.sandbox.world.teams[0].slack_channels[0]
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*part*", "verbatim": True}}]
    try:
        place, first = await client.post(f"#{channel}", "first", blocks, key="contracts/1")
        _, second = await client.post(place, "second", blocks, key="contracts/2", thread_ts=first)
        assert await client.find(f"#{channel}", "contracts/2", began, thread_ts=first) == (place, second)
        await client.delete(place, second)
        await client.delete(place, second)
    finally:
        await client.close()


async def _doctor(stage: Stage) -> None:
    (stage.directory / "config" / "teams" / "strangers.yaml").write_text(yaml.safe_dump(STRANGERS))
    configuration = load_configuration(stage.directory / "config")
    variables = {name.lower(): value for name, value in stage.environment.items()}
    environment = Environment(**{name: variables[name] for name in Environment.model_fields if name in variables})  # type: ignore[arg-type]
    for check in SERVICE_CHECKS:
        async for finding in check(environment, configuration):
            assert finding.is_ok or any(strange in finding.check for strange in ("nothing", "GONE", "nowhere"))
