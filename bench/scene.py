"""A scene to measure on: real servers, a generated world whose every answer is late, and workers on demand."""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import yaml
from temporalio.client import Client, WorkflowHandle

from activities.jira import FIELDS
from commands.editions import start_edition
from commands.stack import ROOT, Stack, local_stack, worker_process, write_configuration
from devsync.contracts.edition import EditionResult
from devsync.domain.changelog.window import iso_week_of, monday_of, week_window
from devsync.runtime.plugin import DevSyncPlugin
from sandbox.processes import ChildProcess

PATIENCE_SECONDS = 300.0

ONCE_A_PROCESS = ("/serverInfo", "/myself")

Call = tuple[str, str, tuple[tuple[str, str], ...]]
"""Method, path and the query's pairs in order: two equal lists of these are the same calls."""


@dataclass(frozen=True)
class WorldSize:
    repositories: int
    projects: int
    pull_requests: int
    issues: int
    slack_channels: int = 1
    """Of each team; the others are in all."""
    teams: int = 1

    def scaled(self, scale: float) -> "WorldSize":
        """A smaller world; every part of it stays."""
        return WorldSize(
            max(1, round(self.repositories * scale)),
            max(1, round(self.projects * scale)),
            max(1, round(self.pull_requests * scale)),
            max(1, round(self.issues * scale)),
            self.slack_channels,
            max(1, round(self.teams * scale)),
        )

    @property
    def options(self) -> list[str]:
        options = [
            ("--repositories", self.repositories),
            ("--projects", self.projects),
            ("--pull-requests", self.pull_requests),
            ("--issues", self.issues),
            ("--slack-channels", self.slack_channels),
            ("--teams", self.teams),
        ]
        return ["--world", "large", *(str(part) for option in options for part in option)]


@dataclass(frozen=True)
class WorkerOnScene:
    process: ChildProcess
    spawned_at: float
    """Seconds since the epoch."""

    @property
    def peak_megabytes(self) -> float:
        """The peak of its resident memory so far. Linux only."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024


@dataclass(frozen=True)
class Scene:
    stack: Stack
    environment: dict[str, str]
    client: Client
    http: httpx.AsyncClient

    @property
    def sandbox(self) -> dict[str, Any]:
        assert self.stack.sandbox is not None
        return self.stack.sandbox

    @property
    def team(self) -> dict[str, Any]:
        team: dict[str, Any] = self.sandbox["teams"][0]
        return team

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[WorkerOnScene]:
        spawned_at = time.time()
        async with worker_process(self.stack.directory, self.environment) as process:
            yield WorkerOnScene(process, spawned_at)

    async def start(self) -> WorkflowHandle[Any, EditionResult]:
        return await start_edition(self.client, self.team["team"], self.sandbox["week"])

    async def slow_down(self, latency_ms: float) -> None:
        """Every answer of every service is late by that much, ± 30 %."""
        for seed, service in enumerate(("github", "jira", "slack")):
            fault = {"kind": "latency", "service": service, "latency_ms": latency_ms, "jitter": 0.3, "seed": seed}
            (await self.http.post("/faults", json=fault)).raise_for_status()

    async def warm_up(self) -> None:
        """An edition of the week before, which posts nothing: what a process does only once is done then."""
        monday = monday_of(self.sandbox["week"])
        handle = await start_edition(
            self.client, self.team["team"], iso_week_of(monday - timedelta(days=7)), is_dry_run=True
        )
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)

    async def take_calls(self) -> list[Call]:
        """What was asked of GitHub and JIRA since the last time, in a fixed order; the log is empty afterwards."""
        answer = await self.http.get("/requests")
        (await self.http.delete("/requests")).raise_for_status()
        return sorted(
            (entry["method"], entry["path"], tuple(sorted(_query(entry["query"]))))
            for entry in answer.json()["requests"]
            if entry["service"] != "slack" and not entry["path"].endswith(ONCE_A_PROCESS)
        )

    async def yardstick(self, module: str) -> dict[str, Any]:
        """Runs a script of this folder as a process of its own and gives what it says of itself."""
        variables = self.sandbox["environment"]
        window = week_window(self.sandbox["week"], self.team["timezone"])
        task = {
            "github_url": variables["GITHUB_API_URL"],
            "github_token": variables["GITHUB_TOKEN"],
            "jira_url": variables["JIRA_URL"],
            "jira_email": variables["JIRA_EMAIL"],
            "jira_token": variables["JIRA_API_TOKEN"],
            "jira_fields": FIELDS,
            "repositories": self.team["repositories"],
            "projects": self.team["projects"],
            "window_start": window.start.isoformat(),
            "window_end": window.end.isoformat(),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            out, _ = await asyncio.wait_for(process.communicate(json.dumps(task).encode()), PATIENCE_SECONDS)
        except TimeoutError:
            process.kill()
            raise
        if process.returncode:
            raise RuntimeError(f"{module} failed with {process.returncode}")
        said: dict[str, Any] = json.loads(out)
        return said


def _query(text: str) -> Iterator[tuple[str, str]]:
    """A page token is made anew for each answer: that there is one counts, not what it says."""
    for name, value in parse_qsl(text):
        yield name, "…" if name == "nextPageToken" else value


@asynccontextmanager
async def scene(size: WorldSize, api: str = "rest") -> AsyncIterator[Scene]:
    """Real servers for teams whose editions go to all their Slack channels, and which read GitHub by that API."""
    with tempfile.TemporaryDirectory(prefix="devsync-bench-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)  # PostgreSQL runs as another user when we are root
        async with local_stack(directory, world=size.options, durable=False) as stack:
            assert stack.sandbox is not None
            config = write_configuration(directory, stack.sandbox)
            _write_teams(config, stack.sandbox, api)
            environment = {**stack.environment, "CONFIG_DIR": str(config)}
            client = await Client.connect(stack.temporal.address, plugins=[DevSyncPlugin()])
            async with httpx.AsyncClient(base_url=stack.sandbox["urls"]["control"], timeout=30) as http:
                yield Scene(stack, environment, client, http)


def _write_teams(config: Path, sandbox: dict[str, Any], api: str) -> None:
    for spec in sandbox["teams"]:
        path = config / "teams" / f"{spec['team']}.yaml"
        team = yaml.safe_load(path.read_text())
        team["github"]["api"] = api
        team["channels"] = [{"kind": "slack", "channel": f"#{name}"} for name in spec["slack_channels"]]
        path.write_text(yaml.safe_dump(team, sort_keys=False))
