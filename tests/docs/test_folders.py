"""A folder that says where to begin names files that are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(
    path.parent
    for room in ("workflows", "activities", "commands", "dashboard", "devsync")
    for path in (ROOT / room).rglob("__init__.py")
)
_FILE = re.compile(r"`([a-z_/]+(?:\.py|/))`")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_every_file_that_a_folder_names_is_there(folder: Path) -> None:
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    named = _FILE.findall(said)
    assert [name for name in named if not ((folder / name).exists() or (ROOT / name).exists())] == []


@pytest.mark.parametrize(
    "folder", [folder for folder in FOLDERS if folder.parent.name == "workflows"], ids=lambda folder: folder.name
)
def test_each_workflow_s_folder_says_in_which_file_it_is(folder: Path) -> None:
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    workflows = [path.name for path in folder.glob("*.py") if "@workflow.defn" in path.read_text()]
    assert [name for name in workflows if f"`{name}`" not in said] == []
