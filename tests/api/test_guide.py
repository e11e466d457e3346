"""The program of docs/how-to/recover-in-a-program.md, run as it stands, with the output that the page shows."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from commands.stack import ROOT
from tests.docs.manual import blocks
from tests.e2e.stage import Stage

PAGE = ROOT / "docs" / "how-to" / "recover-in-a-program.md"


async def test_the_program_of_the_guide_says_what_the_guide_says(product: Stage, tmp_path: Path) -> None:
    shown = {block.language: block.text for block in blocks(PAGE)}
    (tmp_path / "nightly_report.py").write_text(shown["python"])
    environment = os.environ | {
        "TEMPORAL_ADDRESS": product.environment["TEMPORAL_ADDRESS"],
        "DATABASE_URL": product.environment["DATABASE_URL"],
        "DEVSYNC_PROGRAM": "nightly-report",
        "PYTHONPATH": str(ROOT),
    }
    (copy,) = (line for line in shown["bash"].splitlines() if line.startswith("echo"))
    await asyncio.to_thread(subprocess.run, copy, shell=True, cwd=tmp_path, check=True)
    command = [sys.executable, "nightly_report.py"]
    ended = await asyncio.to_thread(
        subprocess.run, command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (ended.stdout, ended.returncode) == (shown["text"], 0)
    assert "Traceback" not in ended.stderr
