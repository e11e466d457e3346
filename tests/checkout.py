"""Changes of this checkout: the copies on which guards must fail, and the other builds that are deployed beside it."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

PARTS = ("worker.py", "starter.py", "devsync", "workflows", "activities", "commands", "config", "templates")


class Edit(NamedTuple):
    """Replaces text in a file of the checkout; the text must be there."""

    file: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        path = root / self.file
        source = path.read_text()
        assert self.old in source, f"{self.file} has no {self.old!r} any more: the test must be written anew"
        path.write_text(source.replace(self.old, self.new))


def changed_checkout(directory: Path, edits: Iterable[Edit], *, parts: Iterable[str] = PARTS) -> Path:
    """A copy of the application with the edits made, in a new folder."""
    without = shutil.ignore_patterns("__pycache__", "histories")
    for part in parts:
        source, target = ROOT / part, directory / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=without)
        else:
            shutil.copy(source, target)
    for edit in edits:
        edit.apply(directory)
    return directory
