"""Records the corpus again from real runs: `python -m tests.replay.record [STORY …]`.

Plays each story (all of them without an argument) on servers of its own, with workers as processes, and replaces the
story's histories in `histories/unreleased`. Run it after a change of a workflow that no release has seen yet; after
a release the change needs workflow.patched(), and the old histories stay (docs/how-to/change-a-workflow-safely.md).
"""

import argparse
import asyncio
import os
import socket
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowExecution

from tests.e2e.stage import Stage, eventually, stage_for
from tests.replay import corpus
from tests.replay.scrub import leaks, scrubbed
from tests.replay.stories import STORIES, Story
from tests.servers import SHORT_HISTORY, Servers, running_servers, running_temporal


class Leak(Exception):
    """A history holds what must not be published."""


async def record(stories: list[Story]) -> None:
    corpus.UNRELEASED.mkdir(parents=True, exist_ok=True)
    async with running_servers() as servers, running_temporal(SHORT_HISTORY) as hasty:
        for story in stories:
            own = replace(servers, temporal=hasty) if story.has_short_histories else servers
            with tempfile.TemporaryDirectory(prefix="devsync-record-") as folder:
                histories = await _play(story, own, Path(folder))
            for old in corpus.UNRELEASED.glob(f"{story.name}.*"):
                old.unlink()
            for name, history in histories.items():
                path = corpus.UNRELEASED / f"{story.name}.{name}.json.gz"
                corpus.write(path, history)
                print(f"{path.name}: {len(history['events'])} events, {path.stat().st_size / 1024:.1f} KB")


async def _play(story: Story, servers: Servers, directory: Path) -> dict[str, dict[str, Any]]:
    """By workflow type, numbered by start where there are several; raises Leak."""
    async with stage_for(story.world(), servers, directory) as stage:
        began = datetime.now(UTC)
        await story.play(stage)
        return await _histories(stage, sorted(await _runs(stage, story, began), key=lambda run: run.start_time))


async def _runs(stage: Stage, story: Story, began: datetime) -> list[WorkflowExecution]:
    """Once the server's list, which lags behind, says the same for a second, and of each run what the run says."""
    runs: list[WorkflowExecution] = []

    async def is_settled() -> bool:
        before = {(run.run_id, run.status) for run in runs}
        await asyncio.sleep(1)
        runs[:] = [
            run
            async for run in stage.client.list_workflows()
            if stage.team in run.id or (run.id == story.entity and run.start_time > began)
        ]
        handles = [stage.client.get_workflow_handle(run.id, run_id=run.run_id) for run in runs]
        there = {(handle.run_id, (await handle.describe()).status) for handle in handles}
        return bool(runs) and there == before == {(run.run_id, run.status) for run in runs}

    await eventually(is_settled)
    return runs


async def _histories(stage: Stage, runs: list[WorkflowExecution]) -> dict[str, dict[str, Any]]:
    total, seen = Counter(run.workflow_type for run in runs), Counter[str]()
    histories = {}
    for run in runs:
        seen[run.workflow_type] += 1
        is_alone = total[run.workflow_type] == 1
        name = run.workflow_type if is_alone else f"{run.workflow_type}-{seen[run.workflow_type]}"
        handle = stage.client.get_workflow_handle(run.id, run_id=run.run_id)
        histories[name] = scrubbed((await handle.fetch_history()).to_json_dict())
        found = leaks(histories[name], _secrets(stage))
        if found:
            raise Leak(f"{run.id} cannot be kept:\n" + "\n".join(found))
    return histories


def _secrets(stage: Stage) -> list[str]:
    """What the workers knew, and what this machine is called."""
    known = (*stage.environment.items(), *os.environ.items())
    told = [value for name, value in known if any(word in name for word in ("TOKEN", "SECRET", "KEY", "PASSWORD"))]
    return [*told, stage.environment["DATABASE_URL"], f"@{socket.gethostname()}", str(stage.directory), sys.prefix]


def main() -> int:
    names = [story.name for story in STORIES]
    parser = argparse.ArgumentParser(prog="python -m tests.replay.record", description=__doc__.splitlines()[0])
    parser.add_argument("stories", nargs="*", metavar="STORY", help=f"one of {', '.join(names)}; all by default")
    chosen = parser.parse_args().stories or names
    if unknown := sorted(set(chosen) - set(names)):
        parser.error(f"no such story: {', '.join(unknown)}; there are {', '.join(names)}")
    # An edition records who asked for it, by the name of the account.
    os.environ["LOGNAME"] = "recorder"
    try:
        asyncio.run(record([story for story in STORIES if story.name in chosen]))
    except Leak as leak:
        print(leak, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
