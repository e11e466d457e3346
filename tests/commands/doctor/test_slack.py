"""What `doctor` says of Slack: scopes, and channels that the app cannot use, each with its cure."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from commands.doctor.findings import Finding
from commands.doctor.slack import check_slack
from devsync.settings.configuration import Configuration, load_configuration
from devsync.settings.environment import read_environment
from sandbox.faults import Fault, FaultKind
from sandbox.running import Sandbox, run_sandbox
from sandbox.slack import WORKSPACE, Workspace
from sandbox.worlds.demo import demo_world
from tests.configuration import shipped_settings

PUBLIC = frozenset({"chat:write", "channels:read", "channels:history"})


@pytest.fixture
async def sandbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    async with run_sandbox(demo_world("2026-W47"), services=("slack",)) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def workspace(sandbox: Sandbox) -> Workspace:
    workspace: Workspace = sandbox.apps["slack"][WORKSPACE]
    return workspace


def configuration(directory: Path, channel: str) -> Configuration:
    shipped_settings(directory)
    (directory / "teams" / "payments.yaml").write_text(
        "team: payments\ntimezone: UTC\njira: {projects: [PAY]}\n"
        f'channels: [{{kind: slack, channel: "{channel}"}}]\n'
    )  # fmt: skip
    return load_configuration(directory)


async def findings(directory: Path, channel: str) -> dict[str, Finding]:
    found = check_slack(read_environment(), configuration(directory, channel))
    return {finding.check: finding async for finding in found}


async def test_three_scopes_are_enough_for_a_public_channel(workspace: Workspace, tmp_path: Path) -> None:
    workspace.scopes = PUBLIC
    found = await findings(tmp_path, "#payments")
    assert "slack #payments" in found
    assert all(finding.is_ok for finding in found.values())


async def test_a_channel_is_known_by_its_id(workspace: Workspace, tmp_path: Path) -> None:
    channel = workspace.channel_named("payments").id
    assert (await findings(tmp_path, channel))[f"slack {channel}"].is_ok


async def test_a_missing_scope_is_named_with_its_use(workspace: Workspace, tmp_path: Path) -> None:
    workspace.scopes = PUBLIC - {"channels:history"}
    finding = (await findings(tmp_path, "#payments"))["slack channels:history"]
    assert not finding.is_ok
    assert "add channels:history to the app's bot scopes" in finding.cure


@pytest.mark.parametrize(
    ("scopes", "detail", "cure"),
    [
        (PUBLIC, "not found", "with the scope groups:read only"),
        (PUBLIC | {"groups:read"}, "private, and its history is closed", "add groups:history"),
        (PUBLIC | {"groups:read", "groups:history"}, "member", ""),
    ],
)
async def test_a_private_channel_needs_two_scopes_more(
    workspace: Workspace, tmp_path: Path, scopes: frozenset[str], detail: str, cure: str
) -> None:
    workspace.add_channel("secret", is_private=True)
    workspace.scopes = scopes
    finding = (await findings(tmp_path, "#secret"))["slack #secret"]
    assert (finding.detail, finding.is_ok) == (detail, not cure)
    assert cure in finding.cure


async def test_an_archived_channel_takes_no_messages(workspace: Workspace, tmp_path: Path) -> None:
    workspace.channel_named("payments").is_archived = True
    finding = (await findings(tmp_path, "#payments"))["slack #payments"]
    assert (finding.detail, finding.cure) == ("archived", "unarchive #payments, or correct the team file")


async def test_an_app_that_was_not_invited_is_told_so(workspace: Workspace, tmp_path: Path) -> None:
    workspace.channel_named("payments").is_member = False
    finding = (await findings(tmp_path, "#payments"))["slack #payments"]
    assert (finding.detail, finding.cure) == ("not a member", "invite the app: /invite in the channel")


async def test_a_slack_that_is_away_is_no_fault_of_the_token(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.pause("slack")
    finding = (await findings(tmp_path, "#payments"))["slack token"]
    assert not finding.is_ok
    assert "SLACK_API_URL" in finding.cure
    assert "TOKEN" not in finding.cure


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Fault(kind=FaultKind.RATE_LIMIT, service="slack", route="conversations.list"), "ratelimited"),
        (Fault(kind=FaultKind.STATUS, service="slack", route="conversations.list", status=503), "service_unavailable"),
        (Fault(kind=FaultKind.HTML, service="slack", route="conversations.list", status=502), "answered 502"),
        (Fault(kind=FaultKind.RESET, service="slack", route="conversations.list"), "unreachable (ReadError)"),
    ],
)
async def test_a_list_of_channels_that_cannot_be_read_is_one_finding_and_no_channel_is_called_missing(
    sandbox: Sandbox, tmp_path: Path, fault: Fault, problem: str
) -> None:
    sandbox.faults.add(fault)
    found = await findings(tmp_path, "#payments")
    assert found["slack channels"].detail == f"the list could not be read: {problem}"
    assert "again in a minute" in found["slack channels"].cure
    assert "slack #payments" not in found


async def test_a_list_that_breaks_off_behind_its_first_page_is_not_believed(sandbox: Sandbox, tmp_path: Path) -> None:
    workspace: Workspace = sandbox.apps["slack"][WORKSPACE]
    for number in range(1200):
        workspace.add_channel(f"room-{number}")
    sandbox.faults.add(Fault(kind=FaultKind.RATE_LIMIT, service="slack", route="conversations.list", after=1))
    found = await findings(tmp_path, "#payments")
    assert not found["slack channels"].is_ok


async def test_channels_that_stand_in_review_or_are_asked_are_looked_at_too(
    workspace: Workspace, tmp_path: Path
) -> None:
    shipped_settings(tmp_path)
    (tmp_path / "teams" / "payments.yaml").write_text(
        "team: payments\ntimezone: UTC\njira: {projects: [PAY]}\n"
        'channels: [{kind: slack, channel: "#payments", alternatives: ["#backup"]}]\n'
        'approval: {required: true, reviewers: ["#leads"]}\n'
    )
    found = {one.check: one async for one in check_slack(read_environment(), load_configuration(tmp_path))}
    assert {"slack #payments", "slack #backup", "slack #leads", "slack #oncall", "slack #changelog-alerts"} <= set(
        found
    )
    assert found["slack #backup"].detail == "not found"
