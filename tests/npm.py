"""Files of npm packages that the project is held to: fetched once by npm, kept in .cache, never part of it."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[1] / ".cache" / "npm"


def file_of_package(package: str, member: str) -> Path:
    """A file of a package such as `@octokit/openapi@23.0.2`. Skips the test where npm is missing or cannot fetch it."""
    file = CACHE / package.replace("/", "+") / Path(member).name
    if not file.exists():
        archive = _pack(package, file.parent)
        with tarfile.open(archive) as opened, opened.extractfile(member) as content:  # type: ignore[union-attr]
            unfinished = file.with_suffix(".part")
            unfinished.write_bytes(content.read())
            unfinished.replace(file)
        archive.unlink()
    return file


def folder_of_package(package: str, folder: str, ending: str) -> Path:
    """A folder of a package with its files of one ending, such as `.d.ts`. Skips as `file_of_package` does."""
    target = CACHE / package.replace("/", "+") / Path(folder).name
    if not target.exists():
        archive = _pack(package, target.parent)
        unfinished = target.with_suffix(".part")
        with tarfile.open(archive) as opened:
            wanted = [m for m in opened if m.isfile() and m.name.startswith(f"{folder}/") and m.name.endswith(ending)]
            for member in wanted:
                member.name = Path(member.name).name
                opened.extract(member, unfinished, filter="data")
        unfinished.replace(target)
        archive.unlink()
    return target


def _pack(package: str, directory: Path) -> Path:
    if shutil.which("npm") is None:
        pytest.skip(f"npm is not installed to fetch {package}")
    directory.mkdir(parents=True, exist_ok=True)
    packed = subprocess.run(
        ["npm", "pack", "--silent", package],
        check=False,
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=150,
    )
    if packed.returncode != 0:
        pytest.skip(f"npm could not fetch {package}: {packed.stderr.strip()[-300:]}")
    return directory / packed.stdout.split()[-1]
