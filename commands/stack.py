"""Real servers on one machine: PostgreSQL, Temporal with its Web UI, a worker, the dashboard, if wanted the sandbox.

Imported only by `demo` and `up`: the sandbox and its packages are the extra `local`, which an image does not have.
"""

import asyncio
import json
import os
import shlex
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from commands.console import progress
from devsync.contracts.names import SEARCH_ATTRIBUTES
from devsync.runtime.worker_process import GRACE, READY_LINE
from devsync.storage import migrate
from sandbox.postgres import PostgresServer, embedded_postgres
from sandbox.processes import GRACE_SECONDS, ChildProcess, accepts_connections, running_process
from sandbox.temporal_server import TemporalServer, dev_server

ROOT = Path(__file__).parents[1]

WORKER_GRACE_SECONDS = GRACE.total_seconds() + GRACE_SECONDS
"""A worker first lets its work finish, for its own grace."""
START_SECONDS = 120.0
"""Of a worker or the dashboard. Two or three are usual, on a machine that has nothing else to do. What cannot start
ends by itself."""


@dataclass(frozen=True)
class Stack:
    """What runs, and the environment that points a program at it."""

    directory: Path
    postgres: PostgresServer
    temporal: TemporalServer
    sandbox: dict[str, Any] | None
    """What `python -m sandbox.server` says of itself: urls, environment, week, teams."""
    dashboard_port: int | None = None
    """Where the dashboard is to listen; None: there is none."""

    @property
    def dashboard_url(self) -> str | None:
        return f"http://127.0.0.1:{self.dashboard_port}" if self.dashboard_port else None

    @property
    def environment(self) -> dict[str, str]:
        variables = {
            "DATABASE_URL": self.postgres.url(),
            "TEMPORAL_ADDRESS": self.temporal.address,
            "MIRRORS_DIR": str((self.directory / "mirrors").resolve()),
        }
        if self.dashboard_url is not None:
            variables |= {
                "DASHBOARD_ADDRESS": f"127.0.0.1:{self.dashboard_port}",
                "DASHBOARD_URL": self.dashboard_url,
                "TEMPORAL_WEB_UI": self.temporal.ui_url,
            }
        return variables | (self.sandbox["environment"] if self.sandbox else {})


@asynccontextmanager
async def local_stack(
    directory: Path,
    *,
    world: Sequence[str] | None,
    port: int | None = None,
    ui_port: int | None = None,
    dashboard_port: int | None = None,
    durable: bool = True,
) -> AsyncIterator[Stack]:
    """Starts the servers side by side, migrates the database, and stops everything at the end.

    `world` are options of `python -m sandbox.server`, None for no sandbox. With a `dashboard_port` the Web UI has
    sealed payloads opened there, and the sandbox's Slack tells it what is pressed; `dashboard_process` serves it.
    Raises ProcessFailed with the log's end.
    """
    async with AsyncExitStack() as stack:
        postgres, temporal, sandbox = await asyncio.gather(
            stack.enter_async_context(embedded_postgres(directory / "postgres", durable=durable)),
            stack.enter_async_context(
                dev_server(
                    directory / "temporal.db",
                    port=port,
                    ui_port=ui_port,
                    search_attributes={key.name: "Keyword" for key in SEARCH_ATTRIBUTES},
                    codec_endpoint=f"http://127.0.0.1:{dashboard_port}/codec" if dashboard_port else None,
                )
            ),
            _sandbox(stack, directory, world, dashboard_port),
        )
        await asyncio.to_thread(migrate.upgrade, postgres.url())
        yield Stack(directory, postgres, temporal, sandbox, dashboard_port)


@asynccontextmanager
async def worker_process(
    directory: Path, environment: Mapping[str, str], name: str = "worker", *, checkout: Path = ROOT
) -> AsyncIterator[ChildProcess]:
    """A worker of that checkout, with the environment added to ours, from when it asks for the work of every queue."""
    log = directory / f"{name}.log"
    log.unlink(missing_ok=True)

    async def is_ready() -> bool:
        return log.exists() and READY_LINE in log.read_text(errors="replace")

    command: list[str | Path] = [sys.executable, checkout / "worker.py"]
    variables = os.environ | dict(environment) | {"LOG_LEVEL": "INFO"}  # a quieter one would not say READY_LINE
    async with running_process(
        name,
        command,
        log,
        is_ready,
        environment=variables,
        start_timeout_seconds=START_SECONDS,
        grace_seconds=WORKER_GRACE_SECONDS,
    ) as process:
        yield process


@asynccontextmanager
async def dashboard_process(directory: Path, environment: Mapping[str, str], port: int) -> AsyncIterator[ChildProcess]:
    """The dashboard on that port, with the environment added to ours, from when it answers."""
    variables = os.environ | dict(environment) | {"PYTHONPATH": str(ROOT)}
    async with running_process(
        "dashboard",
        [sys.executable, "-m", "dashboard"],
        directory / "dashboard.log",
        partial(accepts_connections, port),
        environment=variables,
        start_timeout_seconds=START_SECONDS,
    ) as process:
        yield process


def write_configuration(directory: Path, sandbox: Mapping[str, Any]) -> Path:
    """A configuration directory for the sandbox's teams: the shipped services and delivery, and a file a team.

    Status pages and git mirrors are the sandbox's, too: nobody else is asked. Who may sign in is left out, since it is
    about other teams: nobody has to.
    """
    target = directory / "config"
    (target / "teams").mkdir(parents=True, exist_ok=True)
    for file in (ROOT / "config").glob("*.yaml"):
        if file.name != "dashboard.yaml":
            (target / file.name).write_text(file.read_text())
    _use_status_pages(target / "services.yaml", sandbox["status_pages"])
    for spec in sandbox["teams"]:
        path = target / "teams" / f"{spec['team']}.yaml"
        path.write_text(yaml.safe_dump(_team_file(spec, sandbox), sort_keys=False, allow_unicode=True))
    return target


def _use_status_pages(services_yaml: Path, pages: Mapping[str, str]) -> None:
    services: dict[str, dict[str, Any]] = yaml.safe_load(services_yaml.read_text())
    for name, settings in services.items():
        settings.pop("status_page", None)
        if name in pages:
            settings["status_page"] = pages[name]
    services_yaml.write_text(yaml.safe_dump(services, sort_keys=False))


def _team_file(spec: Mapping[str, Any], sandbox: Mapping[str, Any]) -> dict[str, Any]:
    team: dict[str, Any] = {"team": spec["team"], "timezone": spec["timezone"]}
    team["schedule"] = {"day": "monday", "time": "09:00", "jitter": "2m"}
    if spec["repositories"]:
        team["github"] = {"repositories": spec["repositories"], "exclude_labels": ["skip-changelog"]}
        team["github"] |= {"deployments": spec["deployments"]} if spec["deployments"] else {}
        mirrored = {name: at for name, at in sandbox["mirrors"].items() if name in spec["repositories"]}
        if mirrored:
            team["github"]["mirrors"] = mirrored
    if spec["projects"]:
        team["jira"] = {"projects": spec["projects"]} | ({"boards": spec["boards"]} if spec["boards"] else {})
    calendar = {"ics": f"{sandbox['urls']['calendar']}/calendars/{spec['calendar']}.ics"} if spec["calendar"] else {}
    calendar |= {"holidays": spec["holidays"]} if spec["holidays"] else {}
    if calendar:
        team["calendar"] = calendar
    team["channels"] = [{"kind": "slack", "channel": f"#{spec['slack_channels'][0]}"}]
    return team


async def _sandbox(
    stack: AsyncExitStack, directory: Path, world: Sequence[str] | None, dashboard_port: int | None
) -> dict[str, Any] | None:
    if world is None:
        return None
    ports = directory / "sandbox.json"
    ports.unlink(missing_ok=True)

    async def is_ready() -> bool:
        return ports.exists()

    command: list[str | Path] = [sys.executable, "-m", "sandbox.server", *world, "--ports-file", ports]
    if dashboard_port is not None:
        command += ["--slack-interactions", f"http://127.0.0.1:{dashboard_port}/slack/interactions"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    await stack.enter_async_context(
        running_process("sandbox", command, directory / "sandbox.log", is_ready, environment=environment)
    )
    document: dict[str, Any] = json.loads(ports.read_text())
    return document


def places(config: Path) -> dict[str, str]:
    """Where configuration and templates are: absolute, since in another folder the defaults lead nowhere."""
    templates = Path(os.environ.get("TEMPLATES_DIR") or ROOT / "templates")
    return {"CONFIG_DIR": str(config.resolve()), "TEMPLATES_DIR": str(templates.resolve())}


def write_environment(directory: Path, variables: Mapping[str, str]) -> Path:
    """A file that a shell sources; for its owner alone, since it holds credentials."""
    file = directory / "environment"
    file.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()))
    file.chmod(0o600)
    return file


def tell_addresses(stack: Stack) -> None:
    """What a browser can be pointed at."""
    urls = stack.sandbox["urls"] if stack.sandbox is not None else {}
    named = {
        "Temporal Web UI": stack.temporal.ui_url,
        "Dashboard": stack.dashboard_url,
        "Slack": urls.get("slack"),
        "Mail": urls.get("smtp"),
        "Requests and faults of the stand-ins": urls.get("control"),
    }
    for name, url in named.items():
        if url is not None:
            progress.print(f"{name}: {url}", soft_wrap=True)


def tell_environment(file: Path, example: str) -> None:
    progress.print(f"In another shell:  . {file}   then for example:  python starter.py {example}", soft_wrap=True)
