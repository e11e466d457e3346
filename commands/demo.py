"""`demo`: the main job on one machine, with real servers and a sandbox instead of GitHub, JIRA and Slack."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import httpx
import typer
from rich.markdown import Markdown
from temporalio.client import Client

from commands.console import AsJson, Exit, Told, command, emit, output, progress, until_interrupted
from commands.documents import demo_document
from commands.editions import start_edition, watch_edition
from commands.live import LiveProgress
from commands.outages import Healed, Sabotage, healed, prepare
from commands.person import me
from commands.scenario import OUTAGES, TOLD, Happened, Scenario, differences, is_mid_collection
from commands.summary import print_healing, print_summary
from devsync.contracts.edition import EditionProgress, EditionResult
from devsync.domain.changelog.window import last_week_ended_by, monday_of
from devsync.runtime.connection import connect
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database

if TYPE_CHECKING:
    from commands.stack import Stack

DEMO_TIMEZONE = "Europe/Berlin"


@command
async def demo(
    repo: Annotated[Path | None, typer.Option(help="Make the edition from this local git repository.")] = None,
    history: Annotated[Path | None, typer.Option(help="Make it from the recorded histories in this folder.")] = None,
    team: Annotated[str, typer.Option(help="With --history: which one, or all.")] = "all",
    week: Annotated[str | None, typer.Option(help="An ISO week such as 2026-W47.")] = None,
    scenario: Annotated[
        Scenario, typer.Option(help="What happens on the way: " + " ".join(f"{one.value}: {TOLD[one]}" for one in TOLD))
    ] = Scenario.CALM,
    keep: Annotated[
        bool | None,
        typer.Option("--keep/--no-keep", help="Stay until Ctrl-C so that the links live; the default in a terminal."),
    ] = None,
    as_json: AsJson = False,
) -> Exit:
    """Run a weekly edition end to end on this machine: nothing but Python is needed."""
    if week is not None:
        monday_of(week)
    world = _world(repo, history, team, week)
    is_kept = keep if keep is not None else sys.stdout.isatty() and not as_json
    directory = Path(tempfile.mkdtemp(prefix="devsync-demo-"))
    directory.chmod(0o755)  # PostgreSQL runs as another user when we are root
    try:
        found = await _run(_Options(world, scenario, is_kept, as_json, directory))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return Exit.FAILED if found else Exit.OK


@dataclass(frozen=True)
class _Options:
    world: Sequence[str]
    scenario: Scenario
    is_kept: bool
    as_json: bool
    directory: Path


async def _run(options: _Options) -> list[str]:
    """Returns what ended otherwise than the scenario says, and has told it."""
    # Imported here: the sandbox and the embedded servers are an extra that an image does not have.
    from commands.stack import (
        local_stack,
        places,
        tell_environment,
        worker_process,
        write_configuration,
        write_environment,
    )
    from sandbox.processes import ProcessFailed

    try:
        async with AsyncExitStack() as running:
            progress.print("starting PostgreSQL, Temporal, the sandbox and a worker …")
            stack = await running.enter_async_context(
                local_stack(options.directory, world=options.world, durable=False)
            )
            sandbox = stack.sandbox or {}
            config = write_configuration(options.directory, sandbox)
            stage = stack.environment | places(config)
            os.environ.update(stage)
            outage = OUTAGES.get(options.scenario)
            if outage is not None:
                prepare(config, outage)
            client = await connect()
            worker = await running.enter_async_context(worker_process(options.directory, stage))
            progress.print(f"Temporal Web UI: {stack.temporal.ui_url}   Slack: {sandbox['urls']['slack']}")

            crashes = 0

            async def replace_worker() -> None:
                nonlocal crashes
                progress.print("[bold]killing the worker (kill -9) and starting another one[/]")
                await worker.kill()
                crashes += 1
                await running.enter_async_context(worker_process(options.directory, stage, "worker-2"))

            crash = None
            if options.scenario is Scenario.WORKER_CRASH:
                await _slow_down(sandbox["urls"]["control"])
                crash = replace_worker
            sabotage = Sabotage(sandbox["urls"]["control"], outage) if outage is not None else None
            if sabotage is not None:
                await sabotage.begin(client, sandbox)
            results = [await _edition(client, spec["team"], sandbox["week"], crash) for spec in sandbox["teams"]]
            mended: dict[str, Healed] = {}
            if sabotage is not None:
                await sabotage.end()
                mended = {result.team: await healed(client, result, me()) for result in results}
            await _tell(options, stack, results, mended)
            found = differences(options.scenario, Happened(results, crashes, mended))
            for difference in found:
                progress.print(f"not as the scenario {options.scenario.value} says: {difference}", markup=False)
            if options.is_kept:
                progress.print()
                tell_environment(write_environment(options.directory, stage), "recovery recent")
                progress.print("Ctrl-C ends the demo and everything that it started.")
                await until_interrupted()
    except ProcessFailed as error:
        raise Told(str(error)) from error
    return found


async def _edition(client: Client, team: str, week: str, crash: Callable[[], Awaitable[None]] | None) -> EditionResult:
    handle = await start_edition(client, team, week)
    crashing: asyncio.Task[None] | None = None
    with LiveProgress(f"{team} {week}") as live:

        def watch(now: EditionProgress) -> None:
            nonlocal crashing
            live(now)
            if crash is not None and crashing is None and is_mid_collection(now):
                crashing = asyncio.ensure_future(crash())

        result = await watch_edition(handle, watch)
    if crashing is not None:
        await crashing
    return result


async def _slow_down(control_url: str) -> None:
    """Collecting a demo takes a tenth of a second: too short to be interrupted in the middle."""
    slow = {"kind": "latency", "service": "github", "latency_ms": 700}
    async with httpx.AsyncClient() as http:
        (await http.post(f"{control_url}/faults", json=slow)).raise_for_status()


async def _tell(options: _Options, stack: "Stack", results: list[EditionResult], mended: Mapping[str, Healed]) -> None:
    links = _links(stack, results)
    if options.as_json:
        emit(demo_document(results, links))
        return
    out = output()
    database = Database(stack.postgres.url(), pool_size=1)
    try:
        for result in results:
            if "markdown" in result.renderings:
                text = (await ArtifactStore(database).get(result.renderings["markdown"])).decode()
                out.print(Markdown(text)) if out.is_terminal else typer.echo(text)
            print_summary(result)
            if result.team in mended:
                print_healing(mended[result.team])
    finally:
        await database.dispose()
    if options.is_kept:
        where = f"The run in the Temporal Web UI: {links['run']}\nThe message in Slack: {links['slack']}"
    else:
        where = "The servers end with the demo; with --keep they stay, to look at in a browser."
    out.print(f"\n{where}", soft_wrap=True)


def _links(stack: "Stack", results: list[EditionResult]) -> dict[str, str | None]:
    ui, last = stack.temporal.ui_url, results[-1]
    run = f"{ui}/namespaces/default/workflows/{quote(last.workflow_id, safe='')}/{last.run_id}/timeline"
    slack = stack.sandbox["urls"]["slack"] if stack.sandbox else None
    return {"web_ui": ui, "run": run, "slack": slack, "dashboard": None}


def _world(repo: Path | None, history: Path | None, team: str, week: str | None) -> list[str]:
    """Options of the sandbox. Raises Told for folders that cannot be what was asked for."""
    if repo is not None and history is not None:
        raise Told("--repo and --history exclude each other", Exit.USAGE)
    if repo is not None:
        if not repo.is_dir():
            raise Told(f"--repo {repo}: no such folder", Exit.USAGE)
        if not _has_commits(repo):
            raise Told(f"--repo {repo}: git finds no commit there; name the folder of a repository", Exit.USAGE)
        options = ["--world", "git", "--repository", str(repo.resolve())]
    elif history is not None:
        if not history.is_dir():
            raise Told(f"--history {history}: no such folder", Exit.USAGE)
        options = ["--world", "history", "--history", str(history.resolve()), "--team", team]
    else:
        options = ["--world", "demo"]
        week = week or last_week_ended_by(datetime.now(UTC), DEMO_TIMEZONE)
    return [*options, "--week", week] if week else options


def _has_commits(path: Path) -> bool:
    asked = ["git", "-C", str(path), "rev-parse", "--quiet", "--verify", "HEAD"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0
