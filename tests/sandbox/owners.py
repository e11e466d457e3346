"""Programs that own servers and are killed, to see what becomes of the servers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from sandbox.processes import has_ended

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def owner(script: str, *arguments: str | Path) -> AsyncIterator[tuple[subprocess.Popen[str], Any]]:
    """Runs a Python script and reads the one line of JSON that it prints when its servers run; kills it at the end."""
    process = await asyncio.to_thread(_start, script, arguments)
    assert process.stdout is not None
    try:
        line = await asyncio.to_thread(process.stdout.readline)
        yield process, json.loads(line)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _start(script: str, arguments: tuple[str | Path, ...]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


async def all_end(*pids: int) -> None:
    """Returns when none of the processes runs any more; the test's time limit is the limit."""
    while not all(map(_has_ended, pids)):
        await asyncio.sleep(0.02)


def _has_ended(pid: int) -> bool:
    try:
        return has_ended(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return True
