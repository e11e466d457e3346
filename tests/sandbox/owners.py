"""Programs that own servers and are killed, to see what becomes of the servers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
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


@contextmanager
def folder_for_all() -> Iterator[Path]:
    """An empty folder that every user may enter, as pytest's own are not: PostgreSQL does not run as root."""
    with tempfile.TemporaryDirectory(prefix="devsync-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
