"""`demo`: the main job on one machine, with real servers and a sandbox instead of GitHub, JIRA and Slack."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import httpx
import typer
from rich.markdown import Markdown
from temporalio.client import Client

from commands.apply import apply_configuration
from commands.asked import Views
from commands.backdrop import make_weeks_before, set_the_scene
from commands.console import AsJson, Exit, Told, command, emit, output, progress, until_interrupted
from commands.demo_world import demo_world_options
from commands.documents import demo_document
from commands.editions import start_edition, watch_edition
from commands.live import LiveProgress
from commands.outages import Healed, Sabotage, healed, prepare
from commands.person import me
from commands.scenario import OUTAGES, TOLD, Happened, Scenario, differences, is_mid_collection
from commands.summary import healing_lines, print_summary
from devsync.contracts import names
from devsync.contracts.edition import EditionProgress, EditionResult
from devsync.domain.changelog.window import monday_of
from devsync.domain.dashboard_pages import edition_page, escalation_page
from devsync.runtime.connection import connect
from devsync.settings.configuration import load_configuration
from devsync.settings.problems import any_of, did_you_mean
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database

if TYPE_CHECKING:
    from commands.stack import Stack


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
        dashboard_process,
        local_stack,
        places,
        tell_addresses,
        tell_environment,
        worker_process,
        write_configuration,
        write_environment,
    )
    from sandbox.processes import ProcessFailed, free_port

    try:
        async with AsyncExitStack() as running:
            if options.scenario is not Scenario.CALM:
                progress.print(f"[bold]{options.scenario.value}:[/] {TOLD[options.scenario]}", soft_wrap=True)
            progress.print("starting PostgreSQL, Temporal, the sandbox, a worker and the dashboard …")
            port = free_port()
            stack = await running.enter_async_context(
                local_stack(options.directory, world=options.world, dashboard_port=port, durable=False)
            )
            sandbox = stack.sandbox or {}
            config = write_configuration(options.directory, sandbox)
            outage = OUTAGES.get(options.scenario)
            set_the_scene(config, datetime.now(UTC), has_outage=outage is not None)
            stage = stack.environment | places(config)
            os.environ.update(stage)
            if outage is not None:
                prepare(config, outage)
            client = await connect()
            worker, _, _ = await asyncio.gather(
                running.enter_async_context(worker_process(options.directory, stage)),
                running.enter_async_context(dashboard_process(options.directory, stage, port)),
                apply_configuration(client, load_configuration(config)),
            )
            tell_addresses(stack)
            await make_weeks_before(client, config, sandbox)

            async def replace_worker() -> None:
                progress.print("[bold]killing the worker (kill -9) and starting another one[/]")
                await worker.kill()
                await running.enter_async_context(worker_process(options.directory, stage, "worker-2"))

            happened = await _play(options.scenario, client, sandbox, config, replace_worker)
            await _tell(options, stack, happened)
            found = differences(options.scenario, happened)
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


async def _play(
    scenario: Scenario,
    client: Client,
    sandbox: Mapping[str, Any],
    config: Path,
    replace_worker: Callable[[], Awaitable[None]],
) -> Happened:
    """The story itself: the editions, what gets in their way, and how it heals."""
    control, crashes = sandbox["urls"]["control"], 0

    async def crash() -> None:
        nonlocal crashes
        await replace_worker()
        crashes += 1

    is_crash = scenario is Scenario.WORKER_CRASH
    if is_crash:
        await _slow_down(control)
    outage = OUTAGES.get(scenario)
    sabotage = Sabotage(control, config, outage) if outage is not None else None
    if sabotage is not None:
        await sabotage.begin(client, sandbox)
    week = sandbox["week"]
    results = [await _edition(client, spec["team"], week, crash if is_crash else None) for spec in sandbox["teams"]]
    mended: dict[str, Healed] = {}
    if sabotage is not None:
        await sabotage.end()
        mended = {result.team: await healed(client, result, me()) for result in results}
    return Happened(results, crashes, mended)


async def _edition(client: Client, team: str, week: str, crash: Callable[[], Awaitable[None]] | None) -> EditionResult:
    handle = await start_edition(client, team, week)
    crashing: asyncio.Task[None] | None = None
    with LiveProgress(f"{team} {week}") as live:

        def watch(now: EditionProgress, views: Views) -> None:
            nonlocal crashing
            live(now, views)
            if crash is not None and crashing is None and is_mid_collection(now):
                crashing = asyncio.ensure_future(crash())

        result = await watch_edition(client, handle, watch)
    if crashing is not None:
        await crashing
    return result


async def _slow_down(control_url: str) -> None:
    """Collecting a demo takes a tenth of a second: too short to be interrupted in the middle."""
    slow = {"kind": "latency", "service": "github", "latency_ms": 700}
    async with httpx.AsyncClient() as http:
        (await http.post(f"{control_url}/faults", json=slow)).raise_for_status()


async def _tell(options: _Options, stack: "Stack", happened: Happened) -> None:
    results = happened.results
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
            if result.team in happened.healed:
                for line in healing_lines(happened.healed[result.team]):
                    out.print(f"  afterwards: {line}", markup=False, soft_wrap=True)
    finally:
        await database.dispose()
    if options.is_kept:
        where = "\n".join(_places(stack, results[-1], links))
    else:
        where = "The servers end with the demo; with --keep they stay, to look at in a browser."
    out.print(f"\n{where}", soft_wrap=True)


def _links(stack: "Stack", results: Sequence[EditionResult]) -> dict[str, str | None]:
    ui, last = stack.temporal.ui_url, results[-1]
    run = f"{ui}/namespaces/default/workflows/{quote(last.workflow_id, safe='')}/{last.run_id}/timeline"
    urls = stack.sandbox["urls"] if stack.sandbox else {}
    sandbox = {"slack": urls.get("slack"), "mail": urls.get("smtp"), "control": urls.get("control")}
    return {"web_ui": ui, "run": run, **sandbox, "dashboard": stack.dashboard_url}


def _places(stack: "Stack", result: EditionResult, links: Mapping[str, str | None]) -> Iterator[str]:
    """Where to look at what the story was about."""
    yield f"The edition on the dashboard: {stack.dashboard_url}{edition_page(result.team, result.iso_week)}"
    for escalation in result.escalations:
        yield f"What people were asked: {stack.dashboard_url}{escalation_page(escalation)}"
    yield f"What the monitor sees: {stack.dashboard_url}/alerts"
    for channel in result.channels:
        if channel.kind == names.SLACK:
            yield f"The message in Slack: {links['slack']}/?channel={quote(channel.channel.removeprefix('#'))}"
    if any(channel.kind == names.EMAIL for channel in result.channels):
        yield f"The mail: {links['mail']}"
    yield f"The run in the Temporal Web UI: {links['run']}"


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
        # Imported here: the sandbox is an extra that an image does not have.
        from sandbox.worlds.history import history_teams

        known = history_teams(history)
        if not known:
            raise Told(f"--history {history}: no recorded history is there", Exit.USAGE)
        if team not in known:
            cure = did_you_mean(team, known, f"write {any_of(known)}")
            raise Told(f'--team: {history} has no history of "{team}"; {cure}', Exit.USAGE)
        options = ["--world", "history", "--history", str(history.resolve()), "--team", team]
    else:
        return demo_world_options(week or "")
    return [*options, "--week", week] if week else options


def _has_commits(path: Path) -> bool:
    asked = ["git", "-C", str(path), "rev-parse", "--quiet", "--verify", "HEAD"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0
