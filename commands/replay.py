"""`replay`: runs recorded histories through this build's workflows; a difference is told, with the cure."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from commands.console import AsJson, Exit, Told, command, emit
from devsync.runtime.plugin import DevSyncPlugin
from workflows.delivery import Delivery
from workflows.edition_trigger import EditionTrigger
from workflows.weekly_changelog import WeeklyChangelog

WORKFLOWS = (EditionTrigger, WeeklyChangelog, Delivery)

CURE = "put the change behind workflow.patched(), or keep the old build's workers for the old runs"


@command
async def replay(
    files: Annotated[list[Path], typer.Argument(help="Histories as JSON, from the Web UI or the temporal CLI.")],
    as_json: AsJson = False,
) -> Exit:
    """Replay histories with the production plugin; exit 1 when one of them would break."""
    replayer = Replayer(workflows=WORKFLOWS, plugins=[DevSyncPlugin()])
    outcomes: list[dict[str, Any]] = []
    for path in files:
        result = await replayer.replay_workflow(_history(path), raise_on_replay_failure=False)
        failure = result.replay_failure
        outcomes.append({"file": str(path), "ok": failure is None, "failure": str(failure or "")})
    if as_json:
        emit({"histories": outcomes})
    else:
        for outcome in outcomes:
            verdict = "ok" if outcome["ok"] else f"BREAKS: {outcome['failure']}\n  {CURE}"
            typer.echo(f"{outcome['file']}: {verdict}")
    return Exit.OK if all(outcome["ok"] for outcome in outcomes) else Exit.FAILED


def _history(path: Path) -> WorkflowHistory:
    try:
        text = path.read_text()
        json.loads(text)
    except OSError as error:
        raise Told(f"{path}: cannot be read ({error.strerror})", Exit.USAGE) from None
    except ValueError:
        raise Told(f"{path}: is no JSON; export it with `temporal workflow show --output json`", Exit.USAGE) from None
    try:
        return WorkflowHistory.from_json(path.stem, text)
    except Exception as error:  # noqa: BLE001 (protobuf's parser raises several kinds)
        raise Told(f"{path}: is no workflow history ({error})", Exit.USAGE) from None
