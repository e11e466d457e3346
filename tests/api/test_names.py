"""What `devsync` exports: all of it can be had, and none of it is loaded by who does not ask."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import devsync


@pytest.mark.parametrize("name", devsync.__all__)
def test_every_name_can_be_had(name: str) -> None:
    assert getattr(devsync, name) is not None


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(devsync.__file__ or "").read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    imported = [alias.asname or "" for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assigned = [ast.unparse(node.targets[0]) for node in block.body if isinstance(node, ast.Assign)]
    assert sorted(name for name in (*imported, *assigned) if not name.startswith("_")) == devsync.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'ChangelogErrorHandlr'"):
        _ = devsync.ChangelogErrorHandlr


def test_a_worker_loads_no_part_of_the_api() -> None:
    program = "import sys, worker; print([name for name in sys.modules if name.startswith('devsync.api')])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
