"""Files of npm packages that the project is held to: fetched once by npm, kept in .cache, never part of it."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[1] / ".cache" / "npm"


def file_of_package(package: str, member: str) -> Path:
    """A file of a package such as `@octokit/openapi@23.0.2`. Skips the test where npm is missing or cannot fetch it."""
    file = _place_of(package) / Path(member).name
    if not file.exists():
        with tempfile.TemporaryDirectory(dir=_place_of(package)) as folder:
            with tarfile.open(_pack(package, Path(folder))) as opened:
                content = opened.extractfile(member)
                assert content is not None, f"{member} is no file of {package}"
                (Path(folder) / file.name).write_bytes(content.read())
            (Path(folder) / file.name).replace(file)
    return file


def folder_of_package(package: str, folder: str, ending: str) -> Path:
    """A folder of a package with its files of one ending, such as `.d.ts`. Skips as `file_of_package` does."""
    target = _place_of(package) / Path(folder).name
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=_place_of(package)) as unfinished:
            with tarfile.open(_pack(package, Path(unfinished))) as opened:
                for member in opened:
                    if member.isfile() and member.name.startswith(f"{folder}/") and member.name.endswith(ending):
                        member.name = Path(member.name).name
                        opened.extract(member, Path(unfinished) / target.name, filter="data")
            with suppress(OSError):  # another process was faster
                (Path(unfinished) / target.name).replace(target)
    return target


def _place_of(package: str) -> Path:
    place = CACHE / package.replace("/", "+")
    place.mkdir(parents=True, exist_ok=True)
    return place


def _pack(package: str, directory: Path) -> Path:
    if shutil.which("npm") is None:
        pytest.skip(f"npm is not installed to fetch {package}")
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
