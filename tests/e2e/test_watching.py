"""What `run` tells a person while nobody works, and when the person goes away."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from commands.stack import ROOT
from devsync.contracts import names
from sandbox.worlds.demo import demo_world
from tests.e2e.stage import PATIENCE_SECONDS, stage_for
from tests.servers import Servers


def heed_ctrl_c() -> None:
    """As in a terminal: a shell that runs the tests in its background has it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


async def test_without_a_worker_it_says_so_and_ctrl_c_leaves_the_edition_to_the_server(
    servers: Servers, tmp_path: Path
) -> None:
    async with stage_for(demo_world("2026-W47"), servers, tmp_path) as stage:
        process = await asyncio.create_subprocess_exec(
            sys.executable, ROOT / "starter.py", "run", stage.team, "--week", stage.week,
            env=os.environ | stage.environment, cwd=ROOT, stdout=PIPE, stderr=PIPE, preexec_fn=heed_ctrl_c,
        )  # fmt: skip
        assert process.stderr is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            while b"start one: python worker.py" not in await process.stderr.readline():
                pass
            process.send_signal(signal.SIGINT)
            _, last = await process.communicate()
        edition = names.edition_id(stage.team, stage.week)
        assert last.decode().startswith(f"{edition} goes on without you: ")
        assert process.returncode == 1
        running = await stage.client.get_workflow_handle(edition).describe()
    assert running.status is not None
    assert running.status.name == "RUNNING"
