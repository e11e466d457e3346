"""docs/python-api.md as it stands: its blocks run one after the other, as a program would have them, on real servers.

The page leaves some names to its reader (an API client, a cache, a framework); those stand in here.
"""

import ast
import inspect
import logging
import sys
import types
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import devsync
from commands.stack import ROOT
from devsync.domain.exceptions import DataCollectionError
from devsync.settings.monitoring import read_monitoring
from tests.docs.manual import Block, blocks
from tests.e2e.stage import Stage

PAGE = ROOT / "docs" / "python-api.md"
PYTHON = [block for block in blocks(PAGE) if block.language == "python"]


class Reader:
    """What the page's reader has."""

    def __init__(self) -> None:
        self.commits: Any = ["a1b2c3"]
        self.metrics: list[dict[str, Any]] = []
        self.alerts: list[dict[str, Any]] = []

    async def fetch_commits(self, *_: Any) -> Any:
        if isinstance(self.commits, Exception):
            raise self.commits
        return self.commits

    async def get_github_data(self) -> Any:
        return {"commits": ["cached"]}

    async def record_metrics(self, data: dict[str, Any]) -> None:
        self.metrics.append(data)

    async def send_alert(self, data: dict[str, Any]) -> None:
        self.alerts.append(data)

    def names(self) -> dict[str, Any]:
        async def generate_weekly_changelog(_: str) -> str:
            return "changelog"

        reader = self

        class GitHubService:
            async def fetch_commits(self, *_: Any) -> Any:
                return await reader.fetch_commits()

        return {
            "github_api": self,
            "cache": self,
            "monitoring_system": self,
            "notification_system": self,
            "get_cached_github_data": self.get_github_data,
            "generate_weekly_changelog": generate_weekly_changelog,
            "team_id": "engineering",
            "GitHubService": GitHubService,
            "logger": logging.getLogger("page"),
        }


@pytest.fixture(scope="module")
async def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="module")
async def program(product: Stage, reader: Reader) -> AsyncIterator[dict[str, Any]]:
    """The names that a program has which runs the page from its top to its end."""
    framework = types.ModuleType("agent_hooks")
    framework.AgentHook = type("AgentHook", (), {})  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TEMPORAL_ADDRESS", "DATABASE_URL", "CONFIG_DIR"):
            patch.setenv(name, product.environment[name])
        patch.setenv("DEVSYNC_PROGRAM", "the-page")
        patch.setitem(sys.modules, "agent_hooks", framework)
        yield reader.names()
        devsync.close()


async def run(block: Block, names: dict[str, Any]) -> None:
    """As `python -m asyncio` runs what is typed: await stands alone."""
    code = compile(block.text, f"{PAGE}:{block.line}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, names)
    if inspect.iscoroutine(result):
        await result


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: f"line_{block.line}")
async def test_a_block_runs_as_it_stands(block: Block, program: dict[str, Any]) -> None:
    await run(block, program)


async def test_what_the_blocks_left_is_what_the_page_says(program: dict[str, Any], reader: Reader) -> None:
    """After all of them, in their order."""
    assert (program["stats"]["total_errors"] >= 1, program["perf_stats"]["average_duration"] >= 0) == (True, True)
    assert program["health"]["status"] in {"healthy", "degraded", "unhealthy", "critical"}
    assert program["dashboard_data"]["is_monitoring"] is True
    assert program["execution"].status in {devsync.WorkflowStatus.SUCCESS, devsync.WorkflowStatus.ESCALATED}
    assert len(program["recent_executions"]) >= 1
    assert program["recommendations"] == []
    assert {one["type"] for one in reader.metrics} >= {"operation"}
    await program["monitoring"].stop_monitoring()


async def test_the_service_of_the_page_gives_what_stands_in(program: dict[str, Any], reader: Reader) -> None:
    service = program["EnhancedGitHubService"]()
    assert await service.fetch_commits_with_recovery("company/main-app", "last week") == ["a1b2c3"]
    reader.commits = DataCollectionError("GitHub is down")
    found = await service.fetch_commits_with_recovery("company/main-app", "last week")
    assert found == {"commits": ["cached"]}


async def test_the_hook_of_the_page_measures_and_logs(
    program: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    hook_type = program["ErrorHandlingAgentHook"]

    class Hook(hook_type):  # type: ignore[misc, valid-type]
        async def process_event(self, event: Any) -> Any:
            if event.event_type == "bad":
                raise ValueError("no such event")
            return "processed"

    hook = Hook()
    good = types.SimpleNamespace(event_type="good", team_id="engineering")
    assert await hook.execute(good) == "processed"
    with caplog.at_level(logging.ERROR, "page"):
        await hook.execute(types.SimpleNamespace(event_type="bad", team_id="engineering"))
    assert "Agent hook execution failed" in caplog.text
    assert (
        hook.error_handler.get_performance_statistics()["operations"]["agent_hook_execution"]["failed_operations"] == 1
    )


async def test_a_workflow_of_the_page_recovers_its_own_errors(program: dict[str, Any]) -> None:
    context = devsync.ErrorContext(error=ValueError("odd"), service="custom_service", operation="work")
    execution = await program["workflow_manager"].execute_recovery(context)
    assert execution.status is devsync.WorkflowStatus.SUCCESS
    assert execution.completed_steps == ("custom_step",)


def test_the_monitoring_file_of_the_page_is_one(tmp_path: Path) -> None:
    (text,) = [block.text for block in blocks(PAGE) if block.language == "yaml"]
    path = tmp_path / "monitoring.yaml"
    path.write_text(text)
    settings = read_monitoring(path).model.changelog_monitoring
    assert [channel.to for channel in settings.alert_channels] == ["#changelog-alerts", "#engineering-alerts"]


def test_the_page_names_every_export() -> None:
    text = PAGE.read_text()
    assert [name for name in devsync.__all__ if name not in text] == []
