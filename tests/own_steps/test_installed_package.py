"""A step that another package brings, installed as a user installs it: found, named in a plan, served and run."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from commands.stack import ROOT
from devsync.contracts import names
from devsync.contracts.recovery import RecoveryReport, StepRequest, StepResult
from devsync.domain.changelog.collected import RepositoryData
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import RecoveryPlan, StepState
from devsync.recovery_steps import recovery_step
from devsync.runtime.own_steps import load_own_steps
from devsync.settings.problems import ConfigError
from devsync.settings.recovery import own_steps, read_recovery
from devsync.storage.content import unpack
from tests.workflows.conftest import server_that_skips_time
from tests.workflows.recovery_stage import API, WEB, Ground, plan_of, request, stage, step

PACKAGE = Path(__file__).parent / "acme-recovery"
GUIDE = ROOT / "docs" / "how-to" / "add-a-recovery-step.md"
MERGED = {"number": "7", "title": "feat: pay twice as fast", "by": "anna", "merged_at": "2026-11-18T10:00:00+00:00"}


def install(package: Path, target: Path) -> None:
    """By the same uv as `make setup`; its own build backend needs no network."""
    uv = Path(sys.executable).with_name("uv")
    command: list[str | Path] = [uv, "pip", "install", "--offline", "--no-deps", "--quiet", "--python", sys.executable]
    subprocess.run([*command, "--target", target, package], check=True)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    install(PACKAGE, tmp_path / "packages")
    monkeypatch.syspath_prepend(tmp_path / "packages")
    wiki = tmp_path / "wiki.json"
    wiki.write_text(json.dumps({"payments": {API: [MERGED]}}))
    monkeypatch.setenv("ACME_WIKI", str(wiki))
    yield tmp_path
    sys.modules.pop("acme_recovery", None)


def plan_file(directory: Path) -> Path:
    """The plan as the guide shows it."""
    text = GUIDE.read_text()
    path = directory / "recovery.yaml"
    path.write_text(text.split("```yaml\n")[1].split("```")[0])
    return path


def test_the_guide_shows_the_package_that_is_tested() -> None:
    guide = GUIDE.read_text()
    assert (PACKAGE / "pyproject.toml").read_text().strip() in guide
    module = (PACKAGE / "src" / "acme_recovery" / "__init__.py").read_text()
    assert module.partition("@recovery_step")[2].partition("\n\n\ndef")[0] in guide


def test_a_plan_may_name_the_step_where_its_package_is_installed(installed: Path, tmp_path: Path) -> None:
    assert own_steps() == ("acme.read_wiki",)
    (plan,) = read_recovery(plan_file(tmp_path)).model.plans
    assert [step.activity for step in plan.steps][-1] == "acme.read_wiki"


def test_where_it_is_not_installed_the_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'"acme.read_wiki" is not a step that anybody does'):
        read_recovery(plan_file(tmp_path))


async def test_the_step_heals_what_it_can(installed: Path, tmp_path: Path) -> None:
    steps = load_own_steps()
    (plan,) = read_recovery(plan_file(tmp_path)).model.plans
    async with server_that_skips_time() as environment:
        report = await recovered(environment, steps, plan)
    assert [(record.id, record.state) for record in report.steps] == [
        ("retry", StepState.FAILED),
        ("wiki", StepState.SUCCEEDED),
    ]
    (healed,) = report.healed
    content = unpack(healed.artifact.inline_content or b"", size=healed.artifact.size, digest=None)
    (merged,) = RepositoryData.model_validate_json(content).pull_requests
    assert (healed.unit, merged.title, healed.provenance.kind) == (API, MERGED["title"], ProvenanceKind.DERIVED)
    assert (report.outcome, [unit.unit for unit in report.missing]) == (RecoveryOutcome.PARTIAL, [WEB])


async def recovered(
    environment: WorkflowEnvironment, steps: Mapping[str, list[Callable[..., Any]]], plan: RecoveryPlan
) -> RecoveryReport:
    async with (
        Worker(environment.client, task_queue=names.service_queue("acme"), activities=steps["acme"]),
        stage(environment, Ground()) as on,
    ):
        return await on.recover(request(await on.now(), plan=plan))


def test_a_worker_in_a_process_of_its_own_finds_it(installed: Path) -> None:
    code = "from devsync.runtime.own_steps import load_own_steps; print(sorted(load_own_steps()))"
    environment = os.environ | {"PYTHONPATH": f"{installed / 'packages'}:{ROOT}"}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "['acme']"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (('@recovery_step("acme.read_wiki")', ""), 'is not marked; write @recovery_step("acme.read_wiki") above'),
        (('@recovery_step("acme', '@recovery_step("acme2'), 'is marked "acme2.read_wiki"; let its entry point have'),
        (('@recovery_step("acme', '@recovery_step("slack'), 'ValueError: "slack" has its queue already; name the'),
        (('@recovery_step("acme.', '@recovery_step("Acme-'), 'ValueError: "Acme-read_wiki" is no name of a step'),
        (("async def read_wiki", "def read_wiki"), "TypeError: the step acme.read_wiki is no async function"),
        (("import json", "import no_such_module"), "cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_what_cannot_be_served_is_told_with_its_package(installed: Path, change: tuple[str, str], problem: str) -> None:
    module = installed / "packages" / "acme_recovery" / "__init__.py"
    module.write_text(module.read_text().replace(*change))
    with pytest.raises(ConfigError) as refused:
        load_own_steps()
    (told,) = refused.value.problems
    assert told.startswith('the step "acme.read_wiki" of the package acme-recovery ')
    assert problem in told


async def test_a_step_that_gives_something_else_has_failed() -> None:
    @recovery_step("acme.forgets")
    async def forgets(message: StepRequest) -> StepResult:
        return {"healed": []}  # type: ignore[return-value]

    plan = plan_of(step("own", "acme.forgets"), ask="never", tell="never")
    async with server_that_skips_time() as environment:
        report = await recovered(environment, {"acme": [forgets]}, plan)
    assert report.steps[0].state is StepState.FAILED
    assert "gave a dict; return a StepResult" in report.steps[0].message
