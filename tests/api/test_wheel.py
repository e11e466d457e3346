"""The wheel has `devsync` alone, installs into an empty environment, and works there without the repository."""

import asyncio
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from commands.stack import ROOT
from tests.e2e.stage import Stage, eventually

UV = Path(sys.executable).with_name("uv")


async def called(*command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
    """Standard output and error of a command that must succeed."""

    def run() -> subprocess.CompletedProcess[str]:
        words = [str(word) for word in command]
        return subprocess.run(
            words, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )

    ran = await asyncio.to_thread(run)
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


@pytest.fixture(scope="module")
async def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the checkout, offline, as the page says."""
    directory = tmp_path_factory.mktemp("dist")
    await called(UV, "build", "--wheel", "--offline", "--out-dir", directory, ROOT)
    (built,) = directory.glob("*.whl")
    return built


async def test_it_has_the_library_alone_and_all_of_it(wheel: Path) -> None:
    files = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
    inside = {name for name in files if ".dist-info/" not in name}
    there = {str(path.relative_to(ROOT)) for path in (ROOT / "devsync").rglob("*") if path.is_file()}
    assert inside == {name for name in there if "__pycache__" not in name}


@pytest.mark.timeout(400)
async def test_an_example_runs_in_an_empty_environment(wheel: Path, product: Stage, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    python = environment / "bin" / "python"
    await called(UV, "venv", "--quiet", "--python", sys.executable, environment)
    locked = ROOT / "requirements" / "worker.txt"
    await called(UV, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", locked)
    await called(UV, "pip", "install", "--quiet", "--python", python, "--no-deps", "--offline", wheel)
    shutil.copy(ROOT / "examples" / "agent_hook.py", tmp_path)
    variables = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "TEMPORAL_ADDRESS": product.environment["TEMPORAL_ADDRESS"],
        "DATABASE_URL": product.environment["DATABASE_URL"],
    }
    printed = await called(python, "-I", "agent_hook.py", cwd=tmp_path, env=variables)
    assert "open issues: 12, after 0.0" in printed
    assert "source healed it: the fallback source of agent_hook answered" in printed
    where = await called(python, "-I", "-c", "import devsync; print(devsync.__file__)", cwd=tmp_path, env=variables)
    assert where.strip().startswith(str(environment))

    async def is_on_record() -> bool:
        query = "SELECT plan, outcome FROM recoveries WHERE workflow_id LIKE 'recovery:program:agent_hook:%'"
        return product.rows(query) == [{"plan": "program", "outcome": "stand_in"}]

    await eventually(is_on_record)
