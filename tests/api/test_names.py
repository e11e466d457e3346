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
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module != "typing"]
    seen = [alias.asname or alias.name for node in imports for alias in node.names]
    assert sorted(set(seen) - {"import_module"}) == devsync.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'ChangelogErrorHandlr'"):
        _ = devsync.ChangelogErrorHandlr


def test_a_worker_loads_no_part_of_the_api() -> None:
    program = "import sys, worker; print([name for name in sys.modules if name.startswith('devsync.api')])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
